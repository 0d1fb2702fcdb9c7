//! How many records of a series came, and how many of them came twice.

use std::collections::HashSet;

use crate::page::Page;

/// What came of a series, beside what the API says it has.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) received: u64,
    total: Option<u64>,
    /// The keys of the page before, in order, and those that pages before it began and ended with. A row that
    /// is given again in place of the next one shows there; all keys would take memory that grows with the
    /// list.
    previous: Vec<u64>,
    edges: HashSet<u64>,
    /// How many of these came again.
    repeated: u64,
    /// Whether it begins inside of the list, after nobody knows how many records.
    pub(super) is_partial: bool,
}

impl Count {
    pub(super) fn add(&mut self, page: &Page) {
        self.received += page.received;
        self.compare(&page.keys);
        // The list may grow or shrink while it is read: the smaller of its sizes counts.
        self.total = match (self.total, page.total) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Counts the keys that have come before.
    fn compare(&mut self, keys: &[u64]) {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        let within = sorted.windows(2).filter(|pair| pair.first() == pair.last()).count();
        sorted.dedup();
        let has_come =
            |key: &&u64| self.previous.binary_search(key).is_ok() || self.edges.contains(*key);
        let before = sorted.iter().filter(has_come).count();
        self.repeated += (within + before) as u64;
        self.edges.extend(keys.first().into_iter().chain(keys.last()));
        self.previous = sorted;
    }

    /// How many records came and how many the API counts, where both are known.
    pub(super) fn of_all(&self) -> Option<(u64, u64)> {
        self.total.filter(|_| !self.is_partial).map(|total| (self.distinct(), total))
    }

    pub(super) fn distinct(&self) -> u64 {
        self.received.saturating_sub(self.repeated)
    }

    /// How many records came and how many should have, where those are more: as many as the API
    /// counts, and `least` at any rate.
    pub(super) fn shortfall(&self, least: u64) -> Option<(u64, u64)> {
        let distinct = self.distinct();
        let due = self.total.unwrap_or_default().max(least);
        (due > distinct && !self.is_partial).then_some((distinct, due))
    }
}
