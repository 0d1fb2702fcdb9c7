//! The pages of one series, or of a slice of one: which request is next, and what an answer comes
//! to. Pure; sending the request and waiting are left to [`crate::sync::fetch`].

mod count;
mod offsets;
mod step;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::count::Count;
use self::offsets::{Offsets, Turn};
pub use self::step::{Broken, Fetched, Step};
use crate::api::client::Answer;
use crate::base::error::Error;
use crate::base::retry::Attempts;
use crate::page::{Body, Page, Reader};
use crate::record::lines::Lines;
use crate::singer::message::frame;
use crate::source::Paging;
use crate::source::request::{Request, Series};
use crate::source::slice::{Cut, Found, Slice};
use crate::source::stream::Stream;
use crate::source::taken::Taken;
use crate::sync::failure_policy::{Circumstances, Verdict, verdict};

/// One page after the other, up to now.
#[derive(Debug)]
pub struct Pager {
    series: Series,
    slice: Slice,
    /// Whether and how it may be cut.
    cut: Option<Cut>,
    /// The cursor behind which others read on.
    upto: Option<String>,
    first: Request,
    next: Request,
    cursors: HashSet<u64>,
    /// How far it has come in a list that is paged by offset, and in which of its parts.
    offsets: Offsets,
    part: usize,
    seen: HashSet<u64>,
    count: Count,
    /// How many pages without records came last, each with a cursor.
    empty: u32,
    /// So many records it has at the least, whatever the API counts.
    least: u64,
    is_second_reading: bool,
    /// The attempts at the next request, where one has failed.
    pub attempts: Option<Attempts>,
    /// The moment before which it is not to be repeated.
    pub not_before: Duration,
}

impl Pager {
    /// Starts with the first page of a slice of `series`, which may be `cut`.
    #[must_use]
    pub fn new(series: Series, slice: Slice, cut: Option<Cut>) -> Self {
        let filter = cut.and_then(|cut| slice.filter(cut));
        let first = match filter {
            Some((name, value)) => series.first.clone().with(name, value),
            None => series.first.clone(),
        };
        let first = of_part(&first, series.parts, 0).unwrap_or(first);
        Self {
            series,
            slice,
            cut,
            upto: None,
            next: first.clone(),
            first,
            cursors: HashSet::new(),
            offsets: Offsets::default(),
            part: 0,
            seen: HashSet::new(),
            count: Count::default(),
            empty: 0,
            least: 0,
            is_second_reading: false,
            attempts: None,
            not_before: Duration::ZERO,
        }
    }

    /// The same, from a cursor on that was got for the same slice, before which so many records had come;
    /// where that is not known, it cannot be told whether the list comes short.
    #[must_use]
    pub fn after(mut self, cursor: &str, parameter: &str, received: Option<u64>) -> Self {
        self.cursors.insert(hash(cursor));
        self.next = self.first.after(parameter, cursor);
        self.count.received = received.unwrap_or_default();
        self.count.is_partial = received.is_none();
        self
    }

    /// The same, up to a cursor that was got for the same slice.
    #[must_use]
    pub fn upto(self, cursor: &str) -> Self {
        Self { upto: Some(cursor.to_owned()), cut: None, ..self }
    }

    /// The same series for another slice, which may be cut again.
    #[must_use]
    pub fn over(&self, slice: Slice) -> Self {
        Self::new(self.series.clone(), slice, self.cut)
    }

    /// The request for the next page.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.next
    }

    /// Asks for pages of at most so many records from now on.
    pub fn limit(&mut self, most: u32) {
        if self.next.page_size().is_none_or(|page_size| page_size <= most) {
            return;
        }
        self.first = self.first.resized(most);
        self.next = self.next.resized(most);
        // Its cursor may be of no use for these: then it is read from its start.
        self.is_second_reading = false;
        if let Some(attempts) = &mut self.attempts {
            attempts.renew();
        }
    }

    /// The page size to go on with where a page keeps failing, if there is a smaller one.
    #[must_use]
    pub fn smaller_pages(&self) -> Option<u32> {
        let is_enough = self.attempts.as_ref().is_some_and(Attempts::is_worth_another);
        let page_size = self.next.page_size().filter(|size| is_enough && *size > LEAST_PAGE)?;
        Some((page_size / 2).max(LEAST_PAGE))
    }

    /// Takes the answer to [`Pager::request`], whose records are added to `lines`; `now` is where
    /// open slices are taken to end.
    pub fn step(
        &mut self,
        answer: Result<(Answer, &[u8]), Error>,
        reader: &Reader,
        lines: Lines,
        now: DateTime<Utc>,
    ) -> Step {
        // A list that was cut has answered already.
        let is_first = self.is_at_start() && self.slice == Slice::default();
        match answer {
            Err(error) => {
                let is_second_reading = self.is_second_reading;
                let circumstances = Circumstances::Page { is_first, is_second_reading };
                if verdict(&error, circumstances) == Verdict::ReadAgain {
                    self.begin_again();
                    return Step::Again(error);
                }
                let parent = self.parent();
                Step::Broken(Broken { error, is_first, is_answered: false, parent })
            }
            // From here on a failure is the stream's, not the parent's.
            Ok((answer, body)) => {
                self.page((&answer, body), reader, lines, now).unwrap_or_else(|error| {
                    let parent = self.parent();
                    Step::Broken(Broken { error, is_first: false, is_answered: true, parent })
                })
            }
        }
    }

    fn page(
        &mut self,
        (answer, body): (&Answer, &[u8]),
        reader: &Reader,
        lines: Lines,
        now: DateTime<Utc>,
    ) -> Result<Step, Error> {
        let lines = lines.framed(frame(reader.stream().name, answer.received_at, reader.version()));
        let body = Body { text: body, read_at: answer.received_at };
        let mut page = reader.read(body, &self.series, &mut self.seen, lines)?;
        self.attempts = None;
        if let (Paging::Offset { offset, ceiling, .. }, Some(size)) =
            (reader.stream().source.paging, self.next.page_size())
        {
            return self.stretch((answer, page), size, (offset, ceiling));
        }
        self.end_early(&mut page, reader);
        self.empty = if page.received > 0 { 0 } else { self.empty + 1 };
        if let Some(cursor) = &page.after {
            if self.empty >= MOST_EMPTY {
                return Err(Error::Contract(format!(
                    "{MOST_EMPTY} pages in a row have no records, and each has a cursor that leads on"
                )));
            }
            let parts = self.parts(&page, now);
            if !parts.is_empty() {
                return Ok(Step::Cut(parts));
            }
            self.follow(cursor, reader.stream())?;
        }
        self.count.add(&page);
        page.created = Vec::new();
        let is_last = page.after.is_none();
        let shortfall = if is_last { self.count.shortfall(self.least) } else { None };
        match shortfall {
            Some((received, total)) if !self.is_second_reading => {
                self.begin_again();
                return Ok(Step::Again(Error::Short { received, total }));
            }
            // The key has seen these: it is not for want of rights that they do not come.
            Some((received, _)) if received < self.least => {
                return Err(Error::Contract(format!(
                    "it gave {received} records for `{}`, of which it had shown at least {} without \
                     a filter over `{}`",
                    self.first,
                    self.least,
                    self.cut.map(Cut::field).unwrap_or_default(),
                )));
            }
            _ => {}
        }
        let fetched = self.fetched(answer, page, is_last);
        let received = self.count.distinct();
        let counted = if is_last { self.count.of_all() } else { None };
        Ok(Step::Page(Box::new(Fetched { received, counted, shortfall, ..fetched })))
    }

    /// Ends the list where nothing that is wanted comes after a page.
    fn end_early(&mut self, page: &mut Page, reader: &Reader) {
        let is_at_end = self.upto.is_some() && page.after == self.upto;
        if is_at_end || reader.is_past(page) {
            page.after = None;
            // Nobody knows how many of those that the API counts were not asked for.
            self.count.is_partial = true;
        }
    }

    /// A page of a list that is paged by offset: whether it counts, and where to go on.
    fn stretch(
        &mut self,
        (answer, mut page): (&Answer, Page),
        size: u32,
        (parameter, ceiling): (&str, u32),
    ) -> Result<Step, Error> {
        let offsets = &mut self.offsets;
        offsets.total = match (offsets.total, page.total) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let turn = offsets.take(&page.keys, size, ceiling)?;
        let (mut is_last, mut shortfall, mut at_most) = (false, None, None);
        let mut counted = None;
        match turn {
            Turn::Taken => {}
            Turn::Dropped => {
                for key in &page.news {
                    self.seen.remove(key);
                }
                page = Page::default();
            }
            Turn::End => {
                counted = self.offsets.total.map(|total| (self.offsets.received(), total));
                (shortfall, at_most) = self.end_of_part(ceiling);
                let next = of_part(&self.first, self.series.parts, self.part);
                is_last = next.is_none();
                self.first = next.unwrap_or_else(|| self.first.clone());
            }
        }
        let (offset, size) = self.offsets.next(self.first.page_size().unwrap_or(size), ceiling);
        self.next = if offset == 0 {
            self.first.clone()
        } else {
            self.first.resized(size).replacing(parameter, &offset.to_string())
        };
        let fetched = self.fetched(answer, page, is_last);
        Ok(Step::Page(Box::new(Fetched { counted, shortfall, ceiling: at_most, ..fetched })))
    }

    /// Ends a part of a list that is paged by offset: how many records are known to be missing, and the
    /// ceiling where there may be more behind it.
    fn end_of_part(&mut self, ceiling: u32) -> (Option<(u64, u64)>, Option<u32>) {
        let offsets = std::mem::take(&mut self.offsets);
        self.part += 1;
        let received = offsets.received();
        let shortfall = offsets.total.filter(|total| received < *total);
        let is_all = offsets.total.is_some() && shortfall.is_none();
        let may_have_more = offsets.is_at_ceiling && !is_all;
        (shortfall.map(|total| (received, total)), may_have_more.then_some(ceiling))
    }

    fn fetched(&self, answer: &Answer, page: Page, is_last: bool) -> Fetched {
        let Answer { sent_at, date, .. } = *answer;
        Fetched {
            page,
            sent_at,
            date,
            is_last,
            received: 0,
            slice: self.slice,
            parent: self.parent(),
            counted: None,
            shortfall: None,
            ceiling: None,
        }
    }

    /// Whether nothing but its first page was asked for.
    fn is_at_start(&self) -> bool {
        self.cursors.is_empty() && self.part == 0 && self.offsets.received() == 0
    }

    /// The slices of a list whose first page says that it is long; none where it is read as it is. One
    /// that is read again has handed over pages already, and stays in its place.
    fn parts(&self, page: &Page, now: DateTime<Utc>) -> Vec<Self> {
        let may_be_cut = self.cursors.is_empty() && !self.is_second_reading;
        let Some(cut) = self.cut.filter(|_| may_be_cut) else { return Vec::new() };
        let found = Found { created: &page.created, total: page.total };
        let mut parts = Vec::new();
        for slice in self.slice.cut(found, cut, now) {
            let seen = slice.holds(&page.created, cut);
            // Some may be deleted meanwhile; not half of them, unless those were only a few.
            let least = if seen < FEW { 0 } else { seen.div_ceil(2) };
            parts.push(Self { least, ..self.over(slice) });
        }
        parts
    }

    /// Reads the list from its start once more. What its last page had has not been handed over.
    fn begin_again(&mut self) {
        self.is_second_reading = true;
        self.attempts = None;
        self.cursors.clear();
        // Of a list that is paged by offset all pages but the failed one were handed over.
        if self.part == 0 && self.offsets.received() == 0 {
            self.seen.clear();
        }
        self.offsets = Offsets::default();
        self.count = Count::default();
        self.empty = 0;
        self.next = self.first.clone();
    }

    /// Whose records these are.
    fn parent(&self) -> Taken {
        Taken(self.series.bound.iter().map(|(_, value)| value.clone()).collect())
    }

    fn follow(&mut self, cursor: &str, stream: &Stream) -> Result<(), Error> {
        if !self.cursors.insert(hash(cursor)) {
            return Err(Error::RepeatedCursor(cursor.to_owned()));
        }
        self.next = self.first.after(stream.cursor, cursor);
        Ok(())
    }
}

/// The request for one of the parts of a list.
fn of_part(
    request: &Request,
    parts: Option<(&'static str, &'static [&'static str])>,
    number: usize,
) -> Option<Request> {
    let (parameter, values) = parts?;
    Some(request.replacing(parameter, values.get(number)?))
}

/// A list that has records goes on with some before that.
const MOST_EMPTY: u32 = 50;
/// Where so few records a page keep failing, it is not for their number.
const LEAST_PAGE: u32 = 10;
/// So many records of a slice, seen before it was asked for, do not vanish while it is read.
const FEW: u64 = 10;

/// A cursor is remembered by its hash: texts would lie between the buffers of pages and keep the
/// allocator from using those again.
fn hash(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}
