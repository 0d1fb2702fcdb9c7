//! The targets. Each takes any bytes at all, and most of them take the first few for choices.

pub mod body;
pub mod catalog;
pub mod config;
pub mod headers;
pub mod select;
pub mod state;
