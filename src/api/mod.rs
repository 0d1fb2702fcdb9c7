//! Requests and answers: the client with its limits and retries, and what is asked once a run before
//! anything is read.

pub mod limit;
pub mod client;
pub mod identity;
pub mod offer;
