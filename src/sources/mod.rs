//! The systems that the tap reads: a module for each, with its table of streams.

pub mod incident_io;
