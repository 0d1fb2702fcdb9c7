//! What takes minutes: histories of thousands of runs, and processes that are killed.

#![cfg(test)]

#[expect(dead_code, reason = "most of it is for the suite")]
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/arrived.rs"]
mod arrived;
#[path = "../support/clocks.rs"]
mod clocks;
#[path = "../support/large.rs"]
mod large;
#[path = "../support/plot.rs"]
mod plot;
#[path = "../support/rows.rs"]
mod rows;
#[path = "../support/target.rs"]
mod target;
#[path = "../support/ties.rs"]
mod ties;
#[path = "../support/world.rs"]
mod world;

mod histories;
mod killed;
mod storm;
