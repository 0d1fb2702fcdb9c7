//! Which records of an incremental stream are written: those that changed in a window, unless the
//! last scan wrote them already.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

/// What is remembered of records from scan to scan, so that those around the bookmark are not
/// written again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The records that were written by the last scan.
    pub known: HashSet<u64>,
    /// Of the records of this scan, those are kept that are at most that much older than the newest.
    pub keep: TimeDelta,
}

/// Which records are emitted, by their replication key: from `start` on, before `end`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment that is in it.
    pub start: Option<DateTime<Utc>>,
    /// The first moment that is not.
    pub end: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time < end)
    }
}
