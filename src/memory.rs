//! What is remembered of records from scan to scan, so that those around the bookmark are not written
//! again: of each key the version that was written last. An older one that comes later, from another
//! list or from a slower request, is in the target then, and the newer one is written again.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

/// What a scan goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The versions that were written last.
    pub known: HashSet<u64>,
    /// Records are remembered that are at most that much older than the bookmark.
    pub keep: TimeDelta,
}

/// A record that the next scan may come upon again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its replication key.
    pub time: DateTime<Utc>,
    /// A hash of its key, and of whose record it is.
    pub key: u64,
    /// A hash of its text, of [`VERSION_BITS`].
    pub version: u64,
    /// Whether it was not written, since the last scan had written it.
    pub is_known: bool,
}

/// Records of a scan that the next one may come upon again.
#[derive(Debug, Default)]
pub struct Recent {
    /// For each key its time and the version written last.
    last: HashMap<u64, (DateTime<Utc>, u64)>,
    /// Keys of which it is not known what was written last.
    doubtful: HashSet<u64>,
    is_cut: bool,
}

/// So many bits of a version are kept: of 10,000 records that change, one in thirty billion is taken for
/// one of 10,000 others.
pub const VERSION_BITS: u32 = 48;
/// Of a scan so many records are remembered.
const MOST: usize = 20_000;

impl Recent {
    /// Notes a record that was written, or that was known, in the order of writing.
    pub fn note(&mut self, seen: Seen) {
        let before = self.last.insert(seen.key, (seen.time, seen.version));
        // Another version was written before one that was left out: the target has that one now.
        if seen.is_known && before.is_some_and(|(_, version)| version != seen.version) {
            self.doubtful.insert(seen.key);
        }
    }

    /// Whether there are so many that some should be forgotten.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.last.len() > 2 * MOST
    }

    /// Forgets what is older than the bookmark by more than `keep`, and the oldest of too many.
    pub fn settle(&mut self, bookmark: Option<DateTime<Utc>>, keep: TimeDelta) {
        let from = bookmark.and_then(|bookmark| bookmark.checked_sub_signed(keep));
        self.last.retain(|_, (time, _)| from.is_none_or(|from| from <= *time));
        if self.last.len() > MOST {
            self.is_cut = true;
            let mut times = self.last.values().map(|(time, _)| *time).collect::<Vec<_>>();
            let place = times.len() - MOST;
            let (_, oldest, _) = times.select_nth_unstable(place);
            self.last.retain(|_, (time, _)| *oldest <= *time);
        }
    }

    /// Whether more lay within the lookback than are remembered.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The versions that the next scan need not write, in one order for the same records.
    #[must_use]
    pub fn versions(&self) -> Vec<u64> {
        let known = self.last.iter().filter(|(key, _)| !self.doubtful.contains(key));
        let mut versions = known.map(|(_, (_, version))| *version).collect::<Vec<_>>();
        versions.sort_unstable();
        versions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::parse_time;

    fn seen(time: &str, key: u64, version: u64, is_known: bool) -> Seen {
        Seen { time: parse_time(time).unwrap(), key, version, is_known }
    }

    #[test]
    fn of_each_key_the_version_written_last_is_remembered() {
        let mut recent = Recent::default();
        recent.note(seen("2026-01-02", 1, 12, false));
        recent.note(seen("2026-01-01", 1, 11, false));
        recent.note(seen("2026-01-01", 2, 21, true));
        assert_eq!(recent.versions(), [11, 21]);
    }

    #[test]
    fn what_was_left_out_after_another_version_was_written_is_not_remembered() {
        let mut recent = Recent::default();
        recent.note(seen("2026-01-01", 1, 11, false));
        recent.note(seen("2026-01-02", 1, 12, true));
        assert_eq!(recent.versions(), [0; 0]);
    }

    #[test]
    fn what_lies_before_the_lookback_or_is_too_much_is_forgotten() {
        let mut recent = Recent::default();
        for key in 0..30_000 {
            let time = parse_time("2026-01-01").unwrap() + TimeDelta::seconds(key);
            let key = key.unsigned_abs();
            recent.note(Seen { time, key, version: key, is_known: false });
        }
        recent.settle(parse_time("2026-01-01T02:00:00Z"), TimeDelta::hours(1));
        assert_eq!((recent.versions().len(), recent.versions()[0]), (26_400 - 6_400, 10_000));
        assert!(recent.is_cut());
    }
}
