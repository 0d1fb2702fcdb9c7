//! The moment that no bookmark of a scan may pass: a row that changes after it may have changed behind
//! the cursor, and only the next scan sees that. Two caps can be combined in one way, to the earlier,
//! and a bookmark is made of the highest value seen in one way, below the cap.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::time::Moment;

/// What no bookmark of a scan may pass. It can only become earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cap(Moment);

impl Cap {
    /// A cap at that moment.
    #[must_use]
    pub fn at(moment: DateTime<Utc>) -> Self {
        Self(Moment(moment))
    }

    /// The earlier of two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        if other.moment() < self.moment() { other } else { self }
    }

    /// The earliest of those that there are.
    #[must_use]
    pub fn earliest(caps: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        caps.into_iter().flatten().reduce(Self::earlier)
    }

    /// What a bookmark may be where `highest` is the highest value seen.
    #[must_use]
    pub fn limit(self, highest: DateTime<Utc>) -> DateTime<Utc> {
        highest.min(self.moment())
    }

    /// The moment itself, for whoever reads again from there on.
    #[must_use]
    pub fn moment(self) -> DateTime<Utc> {
        self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;

    #[test]
    fn caps_only_become_earlier_and_hold_bookmarks_back() {
        let time = |text| parse_time(text).unwrap();
        let (early, late) = (Cap::at(time("2026-01-01")), Cap::at(time("2026-02-01")));
        assert_eq!((early.earlier(late), late.earlier(early)), (early, early));
        assert_eq!(Cap::earliest([None, Some(late), Some(early)]), Some(early));
        assert_eq!(Cap::earliest([None, None]), None);
        assert_eq!(early.limit(time("2026-01-15")), time("2026-01-01"));
        assert_eq!(early.limit(time("2025-12-15")), time("2025-12-15"));
    }
}
