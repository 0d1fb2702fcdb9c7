//! Where to read next in a list that is paged by offset, and changes while it is read. Pure.
//!
//! An offset counts records, so whatever comes or goes above it moves what it points to. Hence pages
//! overlap: each has to begin with records that have come before, in their order. Then nothing lies
//! between it and the page before. One that does not is dropped, and a page further up is read instead.
//! The list ends where a page brings nothing that the one before had not. A record may still have moved
//! to the head meanwhile, past the place that was read: so the head is read again, down to where all is
//! as it was. Where that takes more than a page, records may have moved in between, and it is read once
//! more until it brings nothing new. So a record that is there all the time is not lost, if it keeps its
//! place among the others or rises to the head: no API that is read documents anything else.

use std::collections::{HashMap, HashSet};

use crate::base::error::Error;

/// A list under way.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    /// How many records lie before the next page.
    offset: u64,
    /// When each record came last, by its key: numbers that only grow.
    times: HashMap<u64, u64>,
    now: u64,
    /// How many records the page had that was taken last, and the time before it.
    last: usize,
    before_last: u64,
    reading: Reading,
    /// The keys of the reading before.
    previous: Option<Vec<u64>>,
    /// Whether the last page was dropped.
    is_back: bool,
    /// Where to go on after a page that was asked for to see whether the offset counts.
    after_probe: Option<u64>,
    requests: u64,
    /// The largest page, and the furthest offset.
    largest: usize,
    furthest: u64,
    /// Whether the list goes on, maybe, where nobody may ask.
    pub(super) is_at_ceiling: bool,
    /// How many records the list has, as far as that is said: the least of it.
    pub(super) total: Option<u64>,
}

/// A way through the list, from its head on.
#[derive(Debug, Default)]
struct Reading {
    /// What came, in its order.
    keys: Vec<u64>,
    /// The time before it.
    began: u64,
    pages: u64,
    /// Whether something came that had not come before.
    has_news: bool,
    /// Whether its pages did not overlap, since they have a few records only.
    is_loose: bool,
}

/// What becomes of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It counts, and there is more to ask for.
    Taken,
    /// It does not follow what came before: it is as if it had not come.
    Dropped,
    /// The list is complete, with this page.
    End,
}

/// A list that is not read to its end with so many times the requests that its pages take will not be.
const MOST_READINGS: u64 = 8;
/// So many records of a page have to be known: a single one may have moved there.
const LINK: usize = 2;
/// So many records a page has to have to overlap with the next one by that many.
const LEAST: usize = 2 * LINK;
/// So many records at the end of a page say that it has come to where nothing has moved.
const STRETCH: usize = 3;

impl Offsets {
    /// How many records lie before the page to ask for, and how many it may have.
    pub(super) fn next(&self, size: u32, ceiling: u32) -> (u64, u32) {
        let room = u64::from(ceiling).saturating_sub(self.offset);
        (self.offset, u32::try_from(room).unwrap_or(u32::MAX).min(size))
    }

    /// How many different records have come.
    pub(super) fn received(&self) -> u64 {
        self.times.len() as u64
    }

    /// Takes the keys of the page that was asked for, of at most `asked` records.
    ///
    /// # Errors
    /// [`Error::Contract`] where the offset does not count, [`Error::Unsettled`] where there is no end of
    /// the list.
    pub(super) fn take(&mut self, keys: &[u64], asked: u32, ceiling: u32) -> Result<Turn, Error> {
        self.requests += 1;
        self.largest = self.largest.max(keys.len());
        if self.is_too_long() {
            let (requests, received) = (self.requests, self.received());
            return Err(Error::Unsettled { requests, received });
        }
        if let Some(offset) = self.after_probe.take() {
            return self.probed(keys, asked, offset);
        }
        if !self.follows(keys) {
            self.is_back = true;
            self.offset = self.offset.saturating_sub(step(self.last));
            return Ok(Turn::Dropped);
        }
        // Of a page that is read further up it is no wonder that it brings nothing.
        let is_back = std::mem::take(&mut self.is_back);
        let brings_nothing = keys.iter().all(|key| self.is_of_last(*key));
        let is_tail = keys.is_empty() || (brings_nothing && keys.len() < self.last);
        let is_same = brings_nothing && !is_tail && !is_back;
        // Pages of a few records cannot overlap. What was read the same way twice is complete.
        let is_first = self.offset == 0;
        self.reading.is_loose |=
            (1..LEAST).contains(&keys.len()) && (is_first || self.last < LEAST);
        let is_joined = self.previous.is_some() && !self.reading.is_loose && self.is_in_place(keys);
        let end = self.offset + keys.len() as u64;
        let is_at_ceiling = end >= u64::from(ceiling) && !is_tail;
        self.note(keys);
        self.is_at_ceiling |= is_at_ceiling;
        if is_tail || is_at_ceiling || is_joined {
            return Ok(self.end_of_reading());
        }
        if self.reading.is_loose && self.is_confirmed() {
            return Ok(Turn::End);
        }
        self.offset += step(keys.len());
        self.furthest = self.furthest.max(self.offset);
        if is_same {
            let far = u64::from(ceiling.saturating_sub(asked)).max(self.offset);
            self.after_probe = Some(std::mem::replace(&mut self.offset, far));
        }
        Ok(Turn::Taken)
    }

    /// The same page came at one offset and the next. Either as many records have come before it, or the API
    /// takes no offset: then it comes at the far end, too.
    fn probed(&mut self, keys: &[u64], asked: u32, offset: u64) -> Result<Turn, Error> {
        let is_ignored = !keys.is_empty() && keys.iter().all(|key| self.is_of_last(*key));
        if is_ignored && keys.len() < asked as usize {
            return Ok(Turn::End);
        }
        if is_ignored {
            return Err(Error::Contract(format!(
                "the page at offset {} has the {} records of the first one",
                self.offset,
                keys.len()
            )));
        }
        self.offset = offset;
        Ok(Turn::Dropped)
    }

    /// Whether a page goes on where the ones before it ended.
    fn follows(&self, keys: &[u64]) -> bool {
        let overlap = overlap(self.last);
        if self.offset == 0 || overlap == 0 {
            return true;
        }
        let link = keys.get(..LINK.min(overlap).min(keys.len())).unwrap_or_default();
        let times = self.times_of(link).unwrap_or_default();
        // Records that came in an earlier reading may stand anywhere.
        times.first().is_some_and(|first| *first > self.reading.began) && is_ascending(&times)
    }

    /// Whether the end of a page is as an earlier reading had it: what moves to the head comes in another
    /// order.
    fn is_in_place(&self, keys: &[u64]) -> bool {
        let length = STRETCH.max(overlap(keys.len())).min(keys.len());
        let stretch = keys.get(keys.len() - length..).unwrap_or_default();
        let times = self.times_of(stretch).unwrap_or_default();
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
        is_ascending(&times)
            && *last <= self.reading.began
            && last - first <= 2 * self.largest as u64
    }

    /// When these came, if all of them have.
    fn times_of(&self, keys: &[u64]) -> Option<Vec<u64>> {
        keys.iter().map(|key| self.times.get(key).copied()).collect()
    }

    fn is_of_last(&self, key: u64) -> bool {
        self.times.get(&key).is_some_and(|time| *time > self.before_last)
    }

    /// Notes the order of what came.
    fn note(&mut self, keys: &[u64]) {
        self.reading.pages += 1;
        self.before_last = self.now;
        for key in keys {
            self.now += 1;
            self.reading.has_news |= self.times.insert(*key, self.now).is_none();
        }
        self.reading.keys.extend(keys);
        self.last = keys.len();
    }

    /// Begins at the head again, where that may bring something new.
    fn end_of_reading(&mut self) -> Turn {
        let is_again = self.previous.is_some();
        let is_settled = self.reading.pages == 1 || !self.reading.has_news;
        let is_complete =
            if self.reading.is_loose { self.is_confirmed() } else { is_again && is_settled };
        if is_complete || self.times.is_empty() {
            return Turn::End;
        }
        let next = Reading { began: self.now, ..Reading::default() };
        self.previous = Some(std::mem::replace(&mut self.reading, next).keys);
        (self.offset, self.last, self.before_last) = (0, 0, self.now);
        Turn::Taken
    }

    /// Whether this reading is the same as the one before it, and no record came twice, which it would
    /// have where one had moved.
    fn is_confirmed(&self) -> bool {
        let keys = &self.reading.keys;
        let is_same = self.previous.as_ref() == Some(keys);
        is_same && keys.iter().collect::<HashSet<_>>().len() == keys.len()
    }

    fn is_too_long(&self) -> bool {
        let pages = self.furthest.div_ceil(self.largest.max(1) as u64) + 2;
        self.requests > MOST_READINGS * pages
    }
}

/// How many records of a page come again in the next one: a tenth, and a few at least.
fn overlap(records: usize) -> usize {
    if records < LEAST { 0 } else { (records / 10).max(STRETCH.min(records / 2)) }
}

/// How far one page is from the next.
fn step(records: usize) -> u64 {
    (records - overlap(records)).max(1) as u64
}

fn is_ascending(times: &[u64]) -> bool {
    times.windows(2).all(|pair| pair.first() < pair.last())
}
