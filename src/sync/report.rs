//! The account of a run, for `--summary-file`: what came of each stream, what it cost, and why it failed.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::base::clock::Clock;
use crate::base::cut::{self, MOST_NAMES};
use crate::base::error::Error;
use crate::plan::{Plan, Planned};
use crate::singer::state::State;
use crate::source::stream::Stream;
use crate::sync::fetch::costs::Costs;
use crate::sync::fetch::{Tools, grouped};
use crate::sync::scan::Outcome;
use crate::sync::summary::Summary;

/// A run, as far as it came.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// This program's version.
    pub version: &'static str,
    /// What was read.
    pub source: &'static str,
    /// When it began and ended, by this computer's clock.
    pub started_at: String,
    /// The end.
    pub ended_at: String,
    /// How long it took.
    pub seconds: f64,
    /// What the process exits with.
    pub exit_code: u8,
    /// The last line of stderr.
    pub message: String,
    /// Whether nothing is missing, and all is as it was sent.
    #[serde(skip)]
    pub is_well: bool,
    /// Records written.
    pub records: u64,
    /// Requests sent, those before the first list included.
    pub requests: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// The selected streams, in the order in which they are read.
    pub streams: Vec<OfStream>,
}

/// What came of a stream.
#[derive(Debug, Default, Serialize)]
pub struct OfStream {
    stream: &'static str,
    /// `complete`, `failed`, `interrupted`, `not_permitted`, `left_out`, or `not_reached`.
    outcome: &'static str,
    /// Why it failed.
    error: Option<String>,
    records: u64,
    pages: u64,
    requests: u64,
    retries: u64,
    /// Bytes of the answers, inflated.
    bytes: u64,
    seconds: f64,
    waited_seconds: Waited,
    bookmark_before: Option<String>,
    bookmark_after: Option<String>,
    parents_skipped: u64,
    fields_unknown: Names,
    fields_nulled: Names,
    values_nulled: u64,
    /// Rows that came, and rows that the API counts, where it does.
    rows_seen: Option<u64>,
    rows_counted: Option<u64>,
}

/// What was waited for.
#[derive(Debug, Default, Serialize)]
struct Waited {
    rate_limit: f64,
    repeats: f64,
    target: f64,
}

/// How many names there are, and the first of them.
#[derive(Debug, Default, Serialize)]
struct Names {
    count: usize,
    first: Vec<String>,
}

impl Report {
    /// Notes what is going to be read.
    pub fn begin(&mut self, plan: &Plan, state: &State) {
        for planned in &plan.lists {
            if planned.emitted.is_some() && planned.is_first() {
                let bookmark = state.bookmark(planned.stream).map(text);
                let mut of_stream =
                    OfStream { bookmark_before: bookmark, ..of(planned.stream.name) };
                of_stream.outcome = "not_reached";
                self.streams.push(of_stream);
            }
        }
        for name in &plan.complete {
            self.streams.push(OfStream { outcome: "complete", ..of(name) });
        }
        for name in &plan.left_out {
            self.streams.push(OfStream { outcome: "left_out", ..of(name) });
        }
    }

    /// Adds what came of a list. Those that are read for others only have no entry.
    pub fn add(&mut self, planned: &Planned, outcome: &Outcome, costs: Costs) {
        let Some(of_stream) = self.of(planned.stream) else { return };
        of_stream.records += outcome.emitted;
        of_stream.pages += outcome.pages;
        of_stream.requests += costs.requests;
        of_stream.retries += costs.retries;
        of_stream.bytes += costs.bytes;
        of_stream.seconds += outcome.took.as_secs_f64();
        of_stream.waited_seconds.rate_limit += costs.waited_for_limit.as_secs_f64();
        of_stream.waited_seconds.repeats += costs.waited_for_repeat.as_secs_f64();
        of_stream.waited_seconds.target += outcome.written_for.as_secs_f64();
        of_stream.parents_skipped += outcome.losses().parents_skipped;
        of_stream.fields_unknown.add(outcome.unknown.iter());
        of_stream.fields_nulled.add(outcome.nulled.iter());
        of_stream.values_nulled += outcome.values_nulled;
        if let Some((seen, counted)) = outcome.counted {
            of_stream.rows_seen = Some(of_stream.rows_seen.unwrap_or_default() + seen);
            of_stream.rows_counted = Some(of_stream.rows_counted.unwrap_or_default() + counted);
        }
    }

    /// Notes how a list ended.
    pub fn end(&mut self, planned: &Planned, summary: &Summary, result: &Result<(), Error>) {
        let name = planned.stream.name;
        let Some(of_stream) = self.of(planned.stream) else { return };
        of_stream.outcome = match result {
            Err(Error::Stopped { .. } | Error::OutputClosed) => "interrupted",
            Err(_) => "failed",
            Ok(()) if summary.not_permitted.contains(&name) => "not_permitted",
            Ok(()) if summary.left_out.contains(&name) => "left_out",
            Ok(()) => "complete",
        };
        of_stream.error = result.as_ref().err().map(|error| cut::plain(&error.to_string()));
    }

    /// Sums up, when nothing more is read.
    pub fn settle(&mut self, plan: &Plan, state: &State, tools: &Tools) {
        for planned in &plan.lists {
            if let Some(of_stream) = self.of(planned.stream) {
                of_stream.bookmark_after = state.bookmark(planned.stream).map(text);
            }
        }
        self.records = self.streams.iter().map(|of_stream| of_stream.records).sum();
        self.requests = tools.client.requests();
        self.retries = tools.client.retries();
    }

    /// Says what the run came to.
    pub fn close(
        &mut self,
        exit_code: u8,
        (began, took): (DateTime<Utc>, Duration),
        clock: &dyn Clock,
    ) {
        self.version = env!("CARGO_PKG_VERSION");
        self.exit_code = exit_code;
        self.started_at = text(began);
        self.ended_at = text(clock.now());
        self.seconds = took.as_secs_f64();
    }

    /// What came of each stream, as the lines of a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = row(["stream", "rows", "pages", "seconds", ""]);
        for of_stream in &self.streams {
            let seconds = format!("{:.1}", of_stream.seconds);
            let (rows, pages) = (grouped(of_stream.records), grouped(of_stream.pages));
            table += &row([of_stream.stream, &rows, &pages, &seconds, &of_stream.remarks()]);
        }
        table
    }

    fn of(&mut self, stream: &Stream) -> Option<&mut OfStream> {
        self.streams.iter_mut().find(|of_stream| of_stream.stream == stream.name)
    }
}

impl OfStream {
    /// What was left out of it, and why.
    fn remarks(&self) -> String {
        let mut remarks = Vec::new();
        if self.outcome != "complete" {
            remarks.push(self.outcome.replace('_', " "));
        }
        remarks.extend(self.error.clone());
        for (what, count) in [
            ("deleted meanwhile, or not for this key: parents", self.parents_skipped),
            ("left out as newer than this release: fields", self.fields_unknown.count as u64),
            ("null, since they did not fit their type: values", self.values_nulled),
        ] {
            if count > 0 {
                remarks.push(format!("{what} {}", grouped(count)));
            }
        }
        remarks.join("; ")
    }
}

/// A line of the table.
fn row([stream, rows, pages, seconds, remarks]: [&str; 5]) -> String {
    let line = format!("{stream:<34} {rows:>12} {pages:>9} {seconds:>9}  {remarks}");
    line.trim_end().to_owned() + "\n"
}

fn of(stream: &'static str) -> OfStream {
    OfStream { stream, ..OfStream::default() }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Names {
    fn add<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        for name in names {
            self.count += 1;
            if self.first.len() < MOST_NAMES {
                self.first.push(cut::plain(&cut::text(name)));
            }
        }
    }
}

/// Writes a file whole or not at all: beside it first, and then in its place.
///
/// # Errors
/// Where the operating system refuses it.
pub fn write(path: &Path, contents: &str) -> io::Result<()> {
    // What is no file, such as a terminal or a pipe, cannot be replaced.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return std::fs::write(path, contents);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    if written.is_err() {
        // It may never have been there.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
