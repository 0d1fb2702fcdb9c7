//! What the tap does, from the outside and module by module: everything that takes seconds.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/arrived.rs"]
mod arrived;
#[path = "../support/body.rs"]
mod body;
#[path = "../support/choices.rs"]
mod choices;
#[path = "../support/chosen.rs"]
mod chosen;
#[path = "../support/conforming.rs"]
mod conforming;
#[path = "../support/front.rs"]
mod front;
#[path = "../support/mistyped.rs"]
mod mistyped;
#[path = "../support/reading.rs"]
mod reading;
#[path = "../support/rfc_3339.rs"]
mod rfc_3339;
#[path = "../support/tree.rs"]
mod tree;
#[path = "../support/twist.rs"]
mod twist;

mod about;
mod actian;
mod armor;
mod backfill;
mod bookmarks;
mod bounds;
mod catalogs;
mod changes;
mod certificates;
mod children;
mod choose;
mod cli;
mod concurrency;
mod conformance;
mod connections;
mod errors;
mod faults;
mod foreign;
mod incremental;
mod key;
mod layers;
mod manual;
mod messages;
mod moved;
mod notes;
mod offer;
mod offsets;
mod properties;
mod proxies;
mod queue;
mod records;
mod report;
mod resume;
mod scope;
mod selection;
mod settings;
mod signalfx;
#[cfg(target_os = "linux")]
mod signals;
mod sources;
mod sync;
mod terminal;
mod toy;
mod wire;
mod versions;
mod zones;
