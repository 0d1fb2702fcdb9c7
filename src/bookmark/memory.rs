//! What is remembered of records from scan to scan, so that those around the bookmark are not written
//! again: of each key the version that was written last.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

/// What a scan goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The versions that were written last.
    pub known: HashSet<u64>,
    /// Records are remembered that are at most that much older than the bookmark,
    pub keep: TimeDelta,
    /// and the bookmark may be that much older than the newest record.
    pub held_back: TimeDelta,
    /// for a record that is not finished, and was created from then on.
    pub waits_since: Option<DateTime<Utc>>,
}

/// A record of an incremental stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its replication key.
    pub time: DateTime<Utc>,
    /// A hash of its key, and of whose record it is.
    pub key: u64,
    /// A hash of its text, of [`VERSION_BITS`]; none of what is too old for the next scan to come upon
    /// again.
    pub version: Option<u64>,
    /// Where it lies among the lines of its page; nowhere where the last scan had written it.
    pub line: Option<Range<usize>>,
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
    /// Notes a record that is to be written, or that was known, in the order of writing. Whether it is
    /// the latest version so far: an older one, from another list or from a slower request, is not to
    /// be written any more.
    pub fn note(&mut self, seen: &Seen) -> bool {
        let before = self.last.get(&seen.key).copied();
        if before.is_some_and(|(time, _)| seen.time < time) {
            return false;
        }
        let Some(version) = seen.version else { return true };
        // Another version was written before one that was left out: the target has that one now.
        if seen.line.is_none() && before.is_some_and(|(_, before)| before != version) {
            self.doubtful.insert(seen.key);
        }
        self.last.insert(seen.key, (seen.time, version));
        true
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
    use crate::base::time::parse_time;

    /// Whether a version of a key is to be written; `is_known` where the last scan has written it.
    fn note(recent: &mut Recent, time: &str, (key, version): (u64, u64), is_known: bool) -> bool {
        let line = (!is_known).then_some(0..1);
        recent.note(&Seen { time: parse_time(time).unwrap(), key, version: Some(version), line })
    }

    #[test]
    fn an_older_version_is_not_written_after_a_newer_one() {
        let mut recent = Recent::default();
        assert!(note(&mut recent, "2026-01-02", (1, 12), false));
        assert!(!note(&mut recent, "2026-01-01", (1, 11), false));
        assert!(note(&mut recent, "2026-01-01", (2, 21), true));
        let old = Seen { time: DateTime::UNIX_EPOCH, key: 2, version: None, line: Some(0..1) };
        assert!(!recent.note(&old));
        assert!(recent.note(&Seen { key: 3, ..old }));
        assert_eq!(recent.versions(), [12, 21]);
    }

    #[test]
    fn of_versions_of_one_moment_the_last_is_remembered() {
        let mut recent = Recent::default();
        assert!(note(&mut recent, "2026-01-01", (1, 12), false));
        assert!(note(&mut recent, "2026-01-01", (1, 11), false));
        assert_eq!(recent.versions(), [11]);
    }

    #[test]
    fn what_was_left_out_after_another_version_was_written_is_not_remembered() {
        let mut recent = Recent::default();
        note(&mut recent, "2026-01-01", (1, 11), false);
        note(&mut recent, "2026-01-02", (1, 12), true);
        assert_eq!(recent.versions(), [0; 0]);
    }

    #[test]
    fn what_lies_before_the_lookback_or_is_too_much_is_forgotten() {
        let mut recent = Recent::default();
        for key in 0..30_000 {
            let time = parse_time("2026-01-01").unwrap() + TimeDelta::seconds(key);
            let key = key.unsigned_abs();
            recent.note(&Seen { time, key, version: Some(key), line: Some(0..1) });
        }
        recent.settle(parse_time("2026-01-01T02:00:00Z"), TimeDelta::hours(1));
        assert_eq!((recent.versions().len(), recent.versions()[0]), (26_400 - 6_400, 10_000));
        assert!(recent.is_cut());
    }
}
