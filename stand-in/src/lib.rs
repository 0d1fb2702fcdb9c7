//! A built-in sample workspace and a strict stand-in for the API that serves it on loopback. It knows the
//! API from the API's document and from rules that were found by using it, never from the table of
//! streams, so that a wrong row of the table shows.

mod time;
mod month;
mod row;
mod sequence;
mod workspace;
mod document;
mod refusal;
mod query;
mod cursor;
mod parent;
mod window;
mod filters;
mod hidden;
mod page;
mod answer;
mod faults;
mod limits;
mod http;
mod options;
mod shared;
mod reply;
mod server;

#[cfg(test)]
mod tests;

pub use faults::{Action, Fault};
pub use limits::Limits;
pub use options::{Clock, DEFAULT_KEY, NOW, OnAnswer, OnRequest, Options, standing_at};
pub use server::StandIn;
pub use shared::Seen;
pub use workspace::{SAMPLE_MONTHS, Workspace};
