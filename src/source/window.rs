//! Which records of an incremental stream are written: those that changed in a window. Leaving out what
//! the last scan wrote is left to [`crate::bookmark::memory`].

use chrono::{DateTime, Utc};

/// Which records are emitted, by their replication key: from `start` on, before `end`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment that is in it.
    pub start: Option<DateTime<Utc>>,
    /// The first moment that is not.
    pub end: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether a moment lies before it.
    #[must_use]
    pub fn is_before(&self, time: DateTime<Utc>) -> bool {
        self.start.is_some_and(|start| time < start)
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        !self.is_before(time) && self.end.is_none_or(|end| time < end)
    }
}
