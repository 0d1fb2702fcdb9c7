//! What the log says: each event with its name, its level, its words and its fields. The wording of all of
//! them stands here, and one test holds it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::cut;
use crate::base::level::Level;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// How much it matters.
    pub level: Level,
    /// What kind of event it is; it stays the same when the words get better.
    pub name: &'static str,
    /// Whose it is.
    pub stream: Option<String>,
    /// In words.
    pub text: String,
    /// What the words say, as values.
    pub fields: Map<String, Value>,
}

impl Event {
    fn new(level: Level, name: &'static str, text: String) -> Self {
        Self { level, name, stream: None, text, fields: Map::new() }
    }

    /// The same, of a stream: its name comes first in the words.
    fn of(mut self, stream: &str) -> Self {
        self.text = format!("stream={stream} {}", self.text);
        self.whose(stream)
    }

    /// The same, of a stream whose name the words have already.
    fn whose(mut self, stream: &str) -> Self {
        self.stream = Some(stream.to_owned());
        self
    }

    /// Whether it is for programs that follow a run: a person sees it drawn, and sums at the end.
    #[must_use]
    pub fn is_for_programs(&self) -> bool {
        let is_drawn = ["done", "ended", "fields_unknown", "progress", "retry", "waiting"];
        self.level == Level::Info && is_drawn.contains(&self.name)
    }

    fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }
}

// Before anything is read.

/// Something in the config, the catalog or the state is not as it should be.
#[must_use]
pub fn warning(text: &str) -> Event {
    Event::new(Level::Warning, "input", text.to_owned())
}

/// Something is good to know of the catalog or the plan.
#[must_use]
pub fn note(text: &str) -> Event {
    Event::new(Level::Info, "note", text.to_owned())
}

/// Something is good to know of how a stream is read.
#[must_use]
pub fn note_of(stream: &str, text: &str) -> Event {
    Event::new(Level::Info, "note", text.to_owned()).of(stream)
}

/// Whose key it is.
#[must_use]
pub fn key(name: &str, organisation: &str, roles: Option<&[String]>) -> Event {
    let listed = roles.map(|roles| cut::list(roles.iter().map(String::as_str)));
    let (name, organisation) = (cut::text(name), cut::text(organisation));
    let text = format!(
        "key name={name:?} organisation={organisation:?} roles={}",
        listed.as_deref().unwrap_or("unknown")
    );
    Event::new(Level::Info, "key", text)
        .with("key", name)
        .with("organisation", organisation)
        .with("roles", listed)
}

/// Nobody knows whose key it is.
#[must_use]
pub fn key_unknown(path: &str, problem: &str) -> Event {
    let text =
        format!("it is not known whose key this is and what it may not see: {path}: {problem}");
    Event::new(Level::Warning, "key_unknown", text).with("reason", problem)
}

/// The key lacks the role that sees everything.
#[must_use]
pub fn key_limited(role: &str, hidden: &str) -> Event {
    let text =
        format!("the key has no role `{role}`: {hidden}, are missing without any error of the API");
    Event::new(Level::Warning, "key_limited", text).with("role", role)
}

/// The key has the grants of some teams only.
#[must_use]
pub fn key_of_teams(teams: &[String]) -> Event {
    let names = cut::list(teams.iter().map(String::as_str));
    let count = teams.len();
    let text = format!(
        "the key has grants of {count} teams ({names}): rows that only other teams may see are missing \
         without any error of the API"
    );
    Event::new(Level::Warning, "key_of_teams", text).with("grants", count)
}

/// What a filter takes besides what is documented.
#[must_use]
pub fn offer_taken(stream: &str, what: &str) -> Event {
    let text = format!("rows of {what}, which is not documented, are read too");
    Event::new(Level::Warning, "offer_taken", text).of(stream).with("value", what)
}

/// What a filter does not take, though there are such rows.
#[must_use]
pub fn offer_refused(stream: &str, what: &str, error: &dyn Display) -> Event {
    let text = format!(
        "rows of {what}, which is not documented, are missing, since the API does not take it: {error}"
    );
    Event::new(Level::Warning, "offer_refused", text).of(stream).with("value", what)
}

/// What is not asked for, since nobody needs it.
#[must_use]
pub fn offer_skipped(stream: &str, text: &str) -> Event {
    Event::new(Level::Debug, "offer_skipped", text.to_owned()).of(stream)
}

/// What the streams of the run that ask for each of their parents will cost, as far as it is known now.
#[must_use]
pub fn forecast(streams: &[(&str, usize)], minutes: usize) -> Event {
    let requests = streams.iter().map(|(_, requests)| requests).sum::<usize>();
    let each = streams.iter().map(|(stream, requests)| format!("{stream} {requests}"));
    let each = each.collect::<Vec<_>>();
    let each = cut::list(each.iter().map(String::as_str));
    let text = format!(
        "{} streams ask once for each of their parents: at least {requests} requests, {minutes} minutes or \
         more at the API's rate ({each})",
        streams.len(),
    );
    Event::new(Level::Info, "forecast", text).with("requests", requests).with("minutes", minutes)
}

/// What a run is about to read: streams in full and by what changed, the requests that this takes at least,
/// and streams that ask once or more for each of their parents besides.
#[must_use]
pub fn planned(streams: (usize, usize), requests: usize, of_parents: usize) -> Event {
    let (full, by_change) = streams;
    let besides = match of_parents {
        0 => String::new(),
        _ => format!(", and one or more for each parent of {of_parents} streams"),
    };
    let text = format!(
        "reads {full} streams in full and {by_change} by what changed: {requests} requests or \
         more{besides}"
    );
    let event = Event::new(Level::Info, "planned", text);
    event.with("full", full).with("by_change", by_change).with("requests", requests)
}

/// What streams have cost that were read in full and could be read by what changed.
#[must_use]
pub fn could_be_incremental(streams: &[(&str, u64)]) -> Event {
    let requests = streams.iter().map(|(_, requests)| requests).sum::<u64>();
    let each = streams.iter().map(|(stream, requests)| format!("{stream} {requests}"));
    let each = each.collect::<Vec<_>>();
    let each = cut::list(each.iter().map(String::as_str));
    let text = format!(
        "{requests} requests were for streams read in full of which an idle run need not read anything \
         ({each}): `incremental: \"*\"` reads what changed"
    );
    Event::new(Level::Info, "could_be_incremental", text).with("requests", requests)
}

/// How a stream is read of which the whole list can be had, too: `parents` of its parents changed, and the
/// list had so many `pages` when it was read last, where that is known.
#[must_use]
pub fn choice(stream: &str, parents: u64, pages: Option<u64>, is_whole: bool) -> Event {
    let known = pages.map_or("of unknown length".to_owned(), |pages| format!("of {pages} pages"));
    let text = if is_whole {
        format!("the whole list {known} is read: {parents} of its parents changed")
    } else {
        format!("it is asked for {parents} parents that changed, not read as a list {known}")
    };
    let event = Event::new(Level::Info, "choice", text).of(stream).with("parents", parents);
    event.with("pages", pages).with("is_whole", is_whole)
}

/// Fewer threads than wanted.
#[must_use]
pub fn fewer_threads(kept: usize, wanted: usize, error: &dyn Display) -> Event {
    let text = format!(
        "requests at a time are {kept} instead of {wanted}: the operating system gives no more threads \
         ({error})"
    );
    Event::new(Level::Warning, "fewer_threads", text).with("threads", kept)
}

// Requests.

/// A request is sent.
#[must_use]
pub fn request(path: &dyn Display) -> Event {
    let path = path.to_string();
    Event::new(Level::Debug, "request", format!("request path={path}")).with("path", path)
}

/// The addresses of a host were looked up, and are known for a while.
#[must_use]
pub fn host_found(host: &str, addresses: &[SocketAddr]) -> Event {
    let listed = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>();
    let text = format!("host={host} addresses={}", listed.join(","));
    Event::new(Level::Debug, "host_found", text).with("host", host).with("addresses", listed)
}

/// It is sent once more at once, since its connection was closed.
#[must_use]
pub fn request_again(path: &dyn Display, error: &dyn Display) -> Event {
    let path = path.to_string();
    let text = format!("request path={path} again: {error}");
    Event::new(Level::Debug, "request_again", text).with("path", path)
}

/// It failed and is repeated.
#[must_use]
pub fn retry(path: &dyn Display, attempt: u32, wait: Duration, reason: &str) -> Event {
    let (path, seconds) = (path.to_string(), wait.as_secs_f64());
    let text =
        format!("retry path={path} attempt={attempt} wait_seconds={seconds:.1} reason={reason:?}");
    Event::new(Level::Info, "retry", text)
        .with("path", path)
        .with("attempt", attempt)
        .with("wait_seconds", tenths(wait))
        .with("reason", reason)
}

/// Requests wait.
#[must_use]
pub fn waiting(wait: Duration, reason: &str) -> Event {
    let text = format!("waiting seconds={:.1} {reason}", wait.as_secs_f64());
    Event::new(Level::Info, "waiting", text)
        .with("wait_seconds", tenths(wait))
        .with("reason", reason)
}

/// The API tells a quota that cannot be.
#[must_use]
pub fn odd_quota(path: &dyn Display, header: &str) -> Event {
    let text = format!(
        "path={path} the API tells a quota that cannot be true, and it is ignored; nothing more is said \
         of such ones: {header:?}"
    );
    Event::new(Level::Warning, "odd_quota", text).with("header", header)
}

/// A list whose pages keep failing gets smaller ones.
#[must_use]
pub fn smaller_pages(stream: &str, path: &dyn Display, reason: &str, size: u32) -> Event {
    let text = format!(
        "path={path} keeps failing: {reason}; the rest of its list is read in pages of {size}"
    );
    Event::new(Level::Warning, "smaller_pages", text)
        .of(stream)
        .with("page_size", size)
        .with("reason", reason)
}

/// A list is read once more from its start.
#[must_use]
pub fn read_again(stream: &str, error: &dyn Display) -> Event {
    let text = format!("its list is read again: {error}");
    Event::new(Level::Warning, "read_again", text).of(stream)
}

/// The schema of this release is used in place of a newer one.
#[must_use]
pub fn schema_kept(stream: &str, error: &dyn Display) -> Event {
    let text = format!("stream `{stream}` keeps this release's schema: {error}");
    Event::new(Level::Warning, "schema_kept", text).whose(stream)
}

// Streams.

/// A long list says how far it is.
#[must_use]
pub fn progress(stream: &str, records: u64, pages: u64) -> Event {
    let text = format!("reading stream={stream} records={records} pages={pages}");
    Event::new(Level::Info, "progress", text)
        .whose(stream)
        .with("records", records)
        .with("pages", pages)
}

/// How the reading of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything came.
    Whole,
    /// Everything came, and is for the children only.
    ForChildren,
    /// It failed.
    BrokenOff,
}

/// A list has ended.
#[must_use]
pub fn ended(stream: &str, end: End, (records, pages): (u64, u64), took: Duration) -> Event {
    let word = match end {
        End::Whole => "end",
        End::ForChildren => "end, for its children only,",
        End::BrokenOff => "broken off",
    };
    let seconds = took.as_secs_f64();
    let text =
        format!("{word} stream={stream} records={records} pages={pages} seconds={seconds:.1}");
    Event::new(Level::Info, "ended", text)
        .whose(stream)
        .with("records", records)
        .with("pages", pages)
        .with("seconds", tenths(took))
}

/// Something of a stream is missing, or not as it was sent.
#[must_use]
pub fn shortcoming(stream: &str, text: &str) -> Event {
    Event::new(Level::Warning, "shortcoming", text.to_owned()).of(stream)
}

/// Fields that the schema does not know are left out.
#[must_use]
pub fn fields_unknown(stream: &str, names: &str, is_documented_live: bool) -> Event {
    let mut text = format!("fields that the schema does not know are left out: {names}");
    if is_documented_live {
        text +=
            "; a catalog from `tap-incident --discover --live` has those that the API documents";
    }
    Event::new(Level::Info, "fields_unknown", text).of(stream).with("fields", names)
}

/// A parent is left for the next run.
#[must_use]
pub fn parent_set_aside(stream: &str, parent: &str, error: &dyn Display) -> Event {
    let parent = cut::text(parent);
    let text = format!("parent `{parent}` is left for the next run: {error}");
    Event::new(Level::Warning, "parent_set_aside", text).of(stream).with("parent", parent)
}

/// Rows that are gone are not removed this time.
#[must_use]
pub fn not_activated(stream: &str, why: &str) -> Event {
    let text = format!("rows that are gone stay in the target this time: {why}");
    Event::new(Level::Info, "not_activated", text).of(stream).with("reason", why)
}

/// A stream is not read, since its parent could not be.
#[must_use]
pub fn left_out(stream: &str) -> Event {
    let text = format!("stream `{stream}` is left out: its parent could not be read");
    Event::new(Level::Warning, "left_out", text).whose(stream)
}

/// A stream is not read, since the key may not.
#[must_use]
pub fn skipped(stream: &str, why: &str) -> Event {
    let text = format!("stream `{stream}` is skipped: {why}");
    Event::new(Level::Warning, "skipped", text).whose(stream).with("reason", why)
}

/// A stream failed.
#[must_use]
pub fn stream_failed(stream: &str, error: &str) -> Event {
    Event::new(Level::Error, "stream_failed", error.to_owned()).whose(stream)
}

// The run.

/// What came of a run, as numbers.
#[must_use]
pub fn done(text: &str, is_well: bool) -> Event {
    let level = if is_well { Level::Info } else { Level::Warning };
    Event::new(level, "done", text.to_owned())
}

/// Whether all is well, in words.
#[must_use]
pub fn closing(text: &str, is_well: bool) -> Event {
    let level = if is_well { Level::Info } else { Level::Warning };
    Event::new(level, "closing", text.to_owned())
}

/// The run failed.
#[must_use]
pub fn failed(error: &str) -> Event {
    Event::new(Level::Error, "failed", error.to_owned())
}

fn tenths(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
