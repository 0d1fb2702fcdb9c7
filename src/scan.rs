//! Reading one list: its series of pages one after the other, each page written as it comes, and
//! an account of what came, what it gives to children, and what did not come.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::bindings::Bindings;
use crate::catalog::Method;
use crate::client::{Answer, Client};
use crate::clock::Clock;
use crate::error::Error;
use crate::log::{Level, Log};
use crate::message::{Output, frame};
use crate::page::{Page, Reader};
use crate::plan::{Extent, Planned};
use crate::record::Projection;
use crate::request::Series;

/// One list being read.
pub struct Scan<'a, W: Write> {
    /// The API.
    pub client: &'a Client,
    /// Where events go.
    pub log: &'a Log,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Where records go.
    pub output: &'a mut Output<W>,
    /// How much is read.
    pub extent: Extent,
    /// What is read.
    pub planned: &'a Planned,
    /// What came of it so far.
    pub outcome: Outcome,
    /// The last 403 for a single parent.
    pub refusal: Option<Error>,
    /// What the last body was read into.
    pub buffer: Vec<u8>,
}

/// What came of a list.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records written.
    pub emitted: u64,
    /// Answers read.
    pub pages: u64,
    /// Parents whose list was read.
    pub parents: u64,
    /// Parents that were listed and gone when something of theirs was asked for.
    pub vanished: u64,
    /// Parents of which the key may not read it.
    pub refused: u64,
    /// What the records give to children, for each feed of the plan.
    pub bound: Vec<Bindings>,
    /// The latest `updated_at` written.
    pub newest: Option<DateTime<Utc>>,
    /// What the bookmark may not pass.
    pub cap: Option<DateTime<Utc>>,
    /// Records that came and records that the API counts, in lists where it counts more.
    pub shortfall: Option<(u64, u64)>,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null.
    pub nulled: BTreeSet<String>,
}

/// A long list says how far it is, this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);
/// When so many parents in a row are gone from the start, it is the address that is wrong.
const MOST_VANISHED: u64 = 10;
/// Of a sample, so many parents are asked for a record.
const SAMPLE_PARENTS: usize = 5;

/// Why a series ended early.
struct Broken {
    error: Error,
    /// Whether it was its first request that failed.
    is_first: bool,
}

impl<W: Write> Scan<'_, W> {
    /// Reads the list to its end; a child's, for each of its parents: for each entry of the plan's
    /// parents there is one of `bound`.
    ///
    /// # Errors
    /// Whatever ends the stream; what was written before is in the outcome.
    pub fn read(&mut self, bound: &[&Bindings]) -> Result<(), Error> {
        let reader = self.reader()?;
        self.outcome.bound.resize_with(self.planned.feeds.len(), Bindings::default);
        if self.planned.parents.is_empty() {
            for series in &self.planned.series {
                self.series(&reader, series).map_err(|broken| broken.error)?;
                if self.is_enough() {
                    break;
                }
            }
        }
        for (parent, bound) in self.planned.parents.iter().zip(bound) {
            for values in bound.iter().take(self.most_parents()) {
                if self.is_enough() {
                    break;
                }
                let of = |values: &[&str]| {
                    let names = parent.bindings.iter().map(|binding| binding.parameter);
                    names.zip(values.iter().map(|value| (*value).to_owned())).collect::<Vec<_>>()
                };
                self.parent(&reader, &of(&values))?;
            }
        }
        // Where no parent could be read, and not for being gone, the stream has not been read.
        if self.outcome.parents == 0
            && let Some(error) = self.refusal.take()
        {
            return Err(error);
        }
        // No bookmark may pass what was not asked for.
        if let (Some(cap), Some(end)) = (self.outcome.cap, self.planned.window.end) {
            self.outcome.cap = Some(cap.min(end));
        }
        Ok(())
    }

    fn reader(&self) -> Result<Reader, Error> {
        let Planned { stream, selected, known, shape, window, feeds, .. } = self.planned;
        let feeds = feeds.iter().map(|feed| feed.bindings).collect();
        let schema = selected.as_ref().map_or(&Value::Null, |selected| &selected.schema);
        let reader = Reader::new(stream, *shape, Projection::new(schema, known), feeds);
        match selected.as_ref().map(|selected| selected.method) {
            None => Ok(reader),
            Some(Method::FullTable) => reader.emitting(),
            Some(Method::Incremental) => Ok(reader.emitting()?.within(*window)),
        }
    }

    /// Reads everything of one parent. One that is gone, or that the key may not read, is counted.
    fn parent(&mut self, reader: &Reader, bound: &[(&'static str, String)]) -> Result<(), Error> {
        for template in &self.planned.series {
            if self.is_enough() {
                break;
            }
            let first = bound
                .iter()
                .fold(template.first.clone(), |request, (name, value)| request.bound(name, value));
            let series = Series { first, bound: bound.to_vec(), window: template.window };
            let Err(Broken { error, is_first }) = self.series(reader, &series) else { continue };
            let is_fresh = self.outcome.parents == 0 && self.outcome.pages == 0;
            match &error {
                Error::NotFound { api, .. } if is_first && api.is_gone() => {
                    self.outcome.vanished += 1;
                    let is_all = self.outcome.parents == 0 && self.outcome.refused == 0;
                    if is_all && self.outcome.vanished >= MOST_VANISHED {
                        return Err(error);
                    }
                    return Ok(());
                }
                Error::Forbidden { .. } if is_first && !(is_fresh && self.is_untried()) => {
                    self.outcome.refused += 1;
                    self.refusal = Some(error);
                    return Ok(());
                }
                _ => return Err(error),
            }
        }
        self.outcome.parents += 1;
        Ok(())
    }

    /// Whether no parent has been asked for anything yet.
    fn is_untried(&self) -> bool {
        self.outcome.vanished == 0 && self.outcome.refused == 0
    }

    /// Follows one series of pages to its end. A cursor that the API has forgotten is worth one
    /// more reading from the start.
    fn series(&mut self, reader: &Reader, series: &Series) -> Result<(), Broken> {
        let mut is_second = false;
        loop {
            match self.pages(reader, series) {
                Err(Broken { error, is_first: false }) if !is_second && error.is_lost_cursor() => {
                    let name = self.planned.stream.name;
                    let message = format!("stream={name} its list is read again: {error}");
                    self.log.say(Level::Warning, Some(name), &message);
                    is_second = true;
                }
                result => return result,
            }
        }
    }

    fn pages(&mut self, reader: &Reader, series: &Series) -> Result<(), Broken> {
        let mut cursors = HashSet::new();
        let mut seen = HashSet::new();
        let mut count = Count::default();
        let mut reported = self.clock.elapsed();
        let mut request = series.first.clone();
        loop {
            let is_first = cursors.is_empty();
            let broken = |error| Broken { error, is_first };
            let buffer = std::mem::take(&mut self.buffer);
            let answer = self.client.get_into(&request, buffer).map_err(broken)?;
            self.outcome.pages += 1;
            self.start(&answer);
            // From here on a failure is the stream's, not the parent's.
            let broken = |error| Broken { error, is_first: false };
            let (before, after) = frame(self.planned.stream.name, answer.received_at);
            let page = reader.read(&answer.body, series, (&before, &after), &mut seen);
            self.buffer = answer.body;
            let mut page = page.map_err(broken)?;
            count.add(&page);
            self.write(&mut page).map_err(broken)?;
            let Some(cursor) = page.after.filter(|_| !self.is_enough()) else { break };
            // Hashed: as text they would lie between the buffers of pages and keep the allocator
            // from using those again.
            let mut hasher = DefaultHasher::new();
            cursor.hash(&mut hasher);
            if !cursors.insert(hasher.finish()) {
                return Err(broken(Error::RepeatedCursor(cursor)));
            }
            request = series.first.after(self.planned.stream.cursor, &cursor);
            if self.clock.elapsed().saturating_sub(reported) >= PROGRESS_INTERVAL {
                reported = self.clock.elapsed();
                self.progress();
            }
        }
        if !self.is_enough() {
            self.outcome.add_shortfall(&count);
        }
        Ok(())
    }

    /// Notes when a scan began: its bookmark may not pass that moment on either clock, since a
    /// record that changes behind the cursor is seen only by the next scan.
    fn start(&mut self, answer: &Answer) {
        if self.outcome.cap.is_some() {
            return;
        }
        if answer.date.is_none() && self.planned.is_incremental() {
            let name = self.planned.stream.name;
            let message = format!(
                "stream={name} the API sent no usable Date; its bookmark is capped by this \
                 computer's clock"
            );
            self.log.say(Level::Warning, Some(name), &message);
        }
        let sent_at = answer.sent_at;
        self.outcome.cap = Some(answer.date.map_or(sent_at, |date| date.min(sent_at)));
    }

    fn write(&mut self, page: &mut Page) -> Result<(), Error> {
        if self.extent == Extent::Sample && page.emitted > 0 {
            let line = page.lines.iter().position(|byte| *byte == b'\n');
            page.lines.truncate(line.map_or(0, |end| end + 1));
            page.emitted = 1;
        }
        self.output.records(&page.lines)?;
        let outcome = &mut self.outcome;
        outcome.emitted += page.emitted;
        outcome.newest = outcome.newest.max(page.newest);
        outcome.unknown.append(&mut page.unknown);
        outcome.nulled.append(&mut page.nulled);
        for (feed, values) in &page.bound {
            if let Some(bindings) = outcome.bound.get_mut(*feed) {
                bindings.add(values);
            }
        }
        Ok(())
    }

    /// Of a sample: whether a record has come, or what children need.
    fn is_enough(&self) -> bool {
        let has_fed = self.outcome.bound.iter().all(|bound| !bound.is_empty());
        let has_emitted = self.outcome.emitted > 0 || self.planned.selected.is_none();
        self.extent == Extent::Sample && has_emitted && has_fed
    }

    fn most_parents(&self) -> usize {
        match self.extent {
            Extent::Whole => usize::MAX,
            Extent::Sample => SAMPLE_PARENTS,
        }
    }

    fn progress(&self) {
        let (name, outcome) = (self.planned.stream.name, &self.outcome);
        let (records, pages) = (outcome.emitted, outcome.pages);
        let message = format!("reading stream={name} records={records} pages={pages}");
        self.log.say(Level::Info, Some(name), &message);
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
}

impl Outcome {
    fn add_shortfall(&mut self, count: &Count) {
        if let Some(total) = count.total.filter(|total| *total > count.received) {
            let (received, known) = self.shortfall.unwrap_or_default();
            self.shortfall = Some((received + count.received, known + total));
        }
    }

    /// What was left out: parents skipped, fields unknown, fields nulled, whether rows are short.
    #[must_use]
    pub fn losses(&self) -> [u64; 4] {
        let (unknown, nulled) = (self.unknown.len() as u64, self.nulled.len() as u64);
        [self.vanished + self.refused, unknown, nulled, u64::from(self.shortfall.is_some())]
    }

    /// Says everything that was left out of a stream.
    pub fn report(&self, name: &'static str, log: &Log) {
        let list = |paths: &BTreeSet<String>| {
            paths.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let say = |level, message: &str| {
            log.say(level, Some(name), &format!("stream={name} {message}"));
        };
        if !self.unknown.is_empty() {
            let unknown = list(&self.unknown);
            let message = format!(
                "fields that the schema does not know are left out: {unknown}; a catalog from \
                 `tap-incident --discover --live` has those that the API documents"
            );
            say(Level::Info, &message);
        }
        if !self.nulled.is_empty() {
            let nulled = list(&self.nulled);
            say(Level::Warning, &format!("numbers beyond 64 bits are now null: {nulled}"));
        }
        if self.vanished > 0 {
            let message = format!("parents deleted while they were read: {}", self.vanished);
            say(Level::Warning, &message);
        }
        if self.refused > 0 {
            let message = format!("parents of which the key may not read it: {}", self.refused);
            say(Level::Warning, &message);
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
