//! The Singer tap for incident.io, as a library: [`run()`] is the whole program, given its
//! arguments, environment and outputs. The rooms stand in the order in which data flows through
//! them, and so do the modules of a room; each uses only what stands above it.

pub mod base;
pub mod json;
pub mod source;
pub mod sources;
pub mod bookmark;
pub mod config;
pub mod record;
pub mod page;
pub mod api;
pub mod singer;
pub mod plan;
pub mod sync;
pub mod run;
pub mod os;

pub use run::{Process, run};
