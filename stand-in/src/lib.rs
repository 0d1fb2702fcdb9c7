//! Built-in sample workspaces and strict stand-ins for the APIs that serve them on loopback. They know an
//! API from the API's document and from rules that were found by using it, never from the table of
//! streams, so that a wrong row of the table shows.

mod time;
mod month;
mod changes;
mod row;
mod places;
mod sequence;
mod workspace;
mod organisation;
mod document;
mod readings;
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
mod denial;
mod signalfx;
mod actian;
mod api;
mod shared;
mod prose;
mod reply;
mod server;

#[cfg(test)]
mod tests;

pub use actian::ACTIAN_TENANT;
pub use api::Api;
pub use faults::{Action, Fault, Rewrite, Weather};
pub use limits::Limits;
pub use options::{Clock, DEFAULT_KEY, NOW, OnAnswer, OnRequest, Options, standing_at};
pub use organisation::{Changed, Organisation};
pub use readings::Readings;
pub use server::StandIn;
pub use shared::Seen;
pub use signalfx::signalfx_unrest;
pub use workspace::{SAMPLE_MONTHS, Workspace};
