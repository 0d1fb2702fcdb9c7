//! The Singer tap for incident.io, as a library: [`run()`] is the whole program, given its
//! arguments, environment and outputs. The modules stand in the order in which data flows through
//! them; each uses only those above it.

pub mod error;
pub mod clock;
pub mod log;
pub mod text;
pub mod lines;
pub mod json;
pub mod stream;
pub mod streams;
pub mod schema;
pub mod openapi;
pub mod args;
pub mod moment;
pub mod cap;
pub mod window;
pub mod memory;
pub mod moved;
pub mod slice;
pub mod scope;
pub mod position;
pub mod state;
pub mod request;
pub mod retry;
pub mod limit;
pub mod settings;
pub mod config;
pub mod catalog;
pub mod select;
pub mod record;
pub mod columns;
pub mod bindings;
pub mod page;
pub mod client;
pub mod offer;
pub mod plan;
pub mod message;
pub mod chain;
pub mod fetch;
pub mod progress;
pub mod scan;
pub mod verdict;
pub mod summary;
pub mod identity;
pub mod sync;
pub mod demo;
pub mod run;

pub use run::{Process, run};
