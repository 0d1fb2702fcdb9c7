//! What has to hold whatever comes: one function for each target, which panics where it does not. It
//! shares the plain reader of bodies, and the makers of bodies and catalogs, with the property tests.

#![forbid(unsafe_code)]

#[path = "../../tests/support/body.rs"]
mod body;
#[expect(dead_code, reason = "the property tests choose at random")]
#[path = "../../tests/support/choices.rs"]
mod choices;
#[path = "../../tests/support/chosen.rs"]
mod chosen;
#[path = "../../tests/support/reading.rs"]
mod reading;
#[path = "../../tests/support/rfc_3339.rs"]
mod rfc_3339;
#[path = "../../tests/support/tree.rs"]
mod tree;
#[path = "../../tests/support/twist.rs"]
mod twist;

mod made;
pub mod targets;
