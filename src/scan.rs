//! Reading one stream: its series of pages one after the other, each page written as it comes, and
//! an account of what came and what did not.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::catalog::Method;
use crate::client::{Answer, Client};
use crate::clock::Clock;
use crate::error::Error;
use crate::log::{Level, Log};
use crate::message::{Output, frame};
use crate::page::{Page, Reader};
use crate::plan::Planned;
use crate::record::Projection;
use crate::request::{Request, fill};
use crate::stream::{Detail, Stream};

/// One stream being read.
pub struct Scan<'a, W: Write> {
    /// The API.
    pub client: &'a Client,
    /// Where events go.
    pub log: &'a Log,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Where records go.
    pub output: &'a mut Output<W>,
    /// What is read.
    pub planned: &'a Planned,
    /// What came of it so far.
    pub outcome: Outcome,
}

/// What came of a stream.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records written.
    pub emitted: u64,
    /// Answers read.
    pub pages: u64,
    /// Records that were listed and gone when their detail was asked for.
    pub vanished: u64,
    /// The latest `updated_at` written.
    pub newest: Option<DateTime<Utc>>,
    /// What the bookmark may not pass.
    pub cap: Option<DateTime<Utc>>,
    /// Records that came and records that the API counts, where it counts more.
    pub shortfall: Option<(u64, u64)>,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null.
    pub nulled: BTreeSet<String>,
}

/// A long stream says how far it is, this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

impl<W: Write> Scan<'_, W> {
    /// Reads the stream to its end.
    ///
    /// # Errors
    /// Whatever ends the stream; what was written before is in the outcome.
    pub fn read(&mut self) -> Result<(), Error> {
        let Planned { selected, series, window, .. } = self.planned;
        let stream = selected.stream;
        let detail = stream.detail.filter(|detail| needs(detail, &selected.schema));
        let shape = detail.map_or(stream.shape, |detail| detail.shape);
        let projection = Projection::new(&selected.schema, &selected.known);
        let reader = Reader::new(stream, shape, projection)?;
        let reader = match selected.method {
            Method::FullTable => reader,
            Method::Incremental => reader.within(*window),
        };
        for first in series {
            match detail {
                None => self.pages(&reader, first)?,
                Some(detail) => self.details(&reader, first, detail)?,
            }
        }
        // No bookmark may pass what was not asked for.
        if let (Some(cap), Some(end)) = (self.outcome.cap, window.end) {
            self.outcome.cap = Some(cap.min(end));
        }
        Ok(())
    }

    /// Follows one series of pages to its end.
    fn pages(&mut self, reader: &Reader, first: &Request) -> Result<(), Error> {
        let mut cursors = Cursors::default();
        let mut reported = self.clock.elapsed();
        let mut next = Some(first.clone());
        let mut count = Count::default();
        while let Some(request) = next {
            let page = self.page(reader, &request)?;
            count.add(&page);
            next = cursors.next(first, &page)?;
            self.write(page)?;
            if self.clock.elapsed().saturating_sub(reported) >= PROGRESS_INTERVAL {
                reported = self.clock.elapsed();
                self.progress();
            }
        }
        self.outcome.shortfall = self.outcome.shortfall.or(count.shortfall());
        Ok(())
    }

    /// The same where the list has only ids: one request for each.
    fn details(&mut self, reader: &Reader, first: &Request, detail: Detail) -> Result<(), Error> {
        let stream = self.planned.selected.stream;
        let ids = Projection::new(&ids(), &self.planned.selected.known);
        let ids = Reader::new(stream, stream.shape, ids)?.collecting();
        let mut cursors = Cursors::default();
        let mut next = Some(first.clone());
        while let Some(request) = next {
            let list = self.page(&ids, &request)?;
            next = cursors.next(first, &list)?;
            for id in &list.ids {
                match self.page(reader, &Request::new(fill(detail.path, id))) {
                    Ok(page) => self.write(page)?,
                    // Deleted since it was listed.
                    Err(Error::NotFound { .. }) => self.outcome.vanished += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn page(&mut self, reader: &Reader, request: &Request) -> Result<Page, Error> {
        let answer = self.client.get(request)?;
        self.outcome.pages += 1;
        self.outcome.start(&answer, self.log);
        let (before, after) = frame(self.planned.selected.stream.name, answer.received_at);
        reader.read(&answer.body, &before, &after)
    }

    fn write(&mut self, mut page: Page) -> Result<(), Error> {
        self.output.records(&page.lines)?;
        let outcome = &mut self.outcome;
        outcome.emitted += page.emitted;
        outcome.newest = outcome.newest.max(page.newest);
        outcome.unknown.append(&mut page.unknown);
        outcome.nulled.append(&mut page.nulled);
        Ok(())
    }

    fn progress(&self) {
        let (name, outcome) = (self.planned.selected.stream.name, &self.outcome);
        let (records, pages) = (outcome.emitted, outcome.pages);
        let message = format!("reading stream={name} records={records} pages={pages}");
        self.log.say(Level::Info, Some(name), &message);
    }
}

/// The cursors of a series so far, hashed: one that comes again would page for ever. Kept as text
/// they would lie between the buffers of pages and keep the allocator from using those again.
#[derive(Debug, Default)]
struct Cursors(HashSet<u64>);

impl Cursors {
    /// The request after `page`, if there is one.
    fn next(&mut self, first: &Request, page: &Page) -> Result<Option<Request>, Error> {
        let Some(cursor) = &page.after else { return Ok(None) };
        let mut hasher = DefaultHasher::new();
        cursor.hash(&mut hasher);
        if !self.0.insert(hasher.finish()) {
            return Err(Error::RepeatedCursor(cursor.clone()));
        }
        Ok(Some(first.after(cursor)))
    }
}

/// What came of a series, beside what the API says it has.
#[derive(Debug, Default)]
struct Count {
    received: u64,
    total: Option<u64>,
}

impl Count {
    fn add(&mut self, page: &Page) {
        self.received += page.received;
        // The list may grow or shrink while it is read: the smaller of its sizes counts.
        self.total = match (self.total, page.total) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    fn shortfall(&self) -> Option<(u64, u64)> {
        self.total.filter(|total| *total > self.received).map(|total| (self.received, total))
    }
}

impl Outcome {
    /// Notes when a scan began: its bookmark may not pass that moment on either clock, since a
    /// record that changes behind the cursor is seen only by the next scan.
    fn start(&mut self, answer: &Answer, log: &Log) {
        if self.cap.is_some() {
            return;
        }
        if answer.date.is_none() {
            log.warn(
                "the API sent no usable Date; the bookmark is capped by this computer's clock",
            );
        }
        self.cap = Some(answer.date.map_or(answer.sent_at, |date| date.min(answer.sent_at)));
    }

    /// Says how the stream ended, and everything that was left out of it.
    pub fn report(&self, stream: &Stream, log: &Log) {
        let name = stream.name;
        let list = |paths: &BTreeSet<String>| {
            paths.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let say = |level, message: &str| {
            log.say(level, Some(name), &format!("stream={name} {message}"));
        };
        if !self.unknown.is_empty() {
            let unknown = list(&self.unknown);
            say(Level::Info, &format!("fields newer than the schema are left out: {unknown}"));
        }
        if !self.nulled.is_empty() {
            let nulled = list(&self.nulled);
            say(Level::Warning, &format!("numbers beyond 64 bits are now null: {nulled}"));
        }
        if self.vanished > 0 {
            let vanished = self.vanished;
            say(Level::Warning, &format!("records deleted while they were read: {vanished}"));
        }
        if let Some((received, total)) = self.shortfall {
            let message = format!(
                "{received} records came where the API counts {total}; \
                 it may count some that the key may not read"
            );
            say(Level::Warning, &message);
        }
    }
}

/// Whether a selected field is missing from the list.
fn needs(detail: &Detail, schema: &Value) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|properties| {
        properties.keys().any(|name| !detail.in_list.contains(&name.as_str()))
    })
}

/// The schema of a record of which only the id is wanted.
fn ids() -> Value {
    serde_json::json!({"properties": {"id": {"type": "string"}}})
}
