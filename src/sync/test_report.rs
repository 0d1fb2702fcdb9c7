//! What `--test` found out about each stream, and the table that says so.

use std::fmt::Write;

use crate::base::error::Error;
use crate::source::stream::Stream;

/// Whether a stream may be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    stream: &'static str,
    may_read: &'static str,
    scope: String,
    rows: u64,
    costs: Least,
    request: String,
}

/// What reading a stream costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Least {
    /// Requests at the least.
    pub requests: u64,
    /// Whether nobody knows if that is all.
    pub may_be_more: bool,
}

impl Access {
    /// It was read, and so many records came.
    #[must_use]
    pub fn read(stream: &Stream, rows: u64) -> Self {
        Self { rows, ..Self::new(stream, "yes") }
    }

    /// It was not asked for, since its parent could not be read.
    #[must_use]
    pub fn left_out(stream: &Stream) -> Self {
        Self::new(stream, "parent")
    }

    /// It was not read: not permitted, or something else is wrong.
    #[must_use]
    pub fn failed(stream: &Stream, error: &Error) -> Self {
        let (may_read, scope) = match error {
            Error::Forbidden { scope, .. } => {
                ("no", scope.clone().or_else(|| stream.scope.map(Into::into)))
            }
            _ => ("error", None),
        };
        let request = error.api().and_then(|api| api.request_id.clone()).unwrap_or_default();
        Self { scope: scope.unwrap_or_default(), request, ..Self::new(stream, may_read) }
    }

    /// Adds what one of its lists costs, if it is of that stream and may be read.
    pub fn charge(&mut self, stream: &Stream, least: Least) {
        if self.stream == stream.name && self.may_read == "yes" {
            self.costs.requests += least.requests;
            self.costs.may_be_more |= least.may_be_more;
        }
    }

    fn new(stream: &Stream, may_read: &'static str) -> Self {
        let (scope, request) = (String::new(), String::new());
        Self { stream: stream.name, may_read, scope, rows: 0, costs: Least::default(), request }
    }
}

/// All of it as lines of a table.
#[must_use]
pub fn table(found: &[Access]) -> String {
    let mut table = String::new();
    let mut line = |cells: [&str; 6]| {
        let [stream, may_read, scope, rows, costs, request] = cells;
        let row = format!("{stream:<34} {may_read:<9} {scope:<36} {rows:>4} {costs:>9} {request}");
        // Writing to a String does not fail.
        let _ = writeln!(table, "{}", row.trim_end());
    };
    line(["stream", "may read", "missing scope", "rows", "requests", "request id"]);
    for access in found {
        let rows = access.rows.to_string();
        let Least { requests, may_be_more } = access.costs;
        let costs = format!("{requests}{}", if may_be_more { "+" } else { "" });
        line([access.stream, access.may_read, &access.scope, &rows, &costs, &access.request]);
    }
    table
}
