//! What came of a list: what the bookmark and the next scan go by, and what did not come.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::base::cut;
use crate::base::event;
use crate::base::log::Log;
use crate::bookmark::cap::Cap;
use crate::bookmark::memory::{Recent, Seen};
use crate::record::lines::Large;
use crate::source::stream::Stream;

/// What a list lacks that has parents which could not be read.
pub const NO_PARENTS: &str = "not all of its parents could be read";

/// What came of a list.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records written.
    pub emitted: u64,
    /// Those of them that the log has counted.
    pub counted_by_log: u64,
    /// Answers read.
    pub pages: u64,
    /// Parents whose list was read.
    pub parents: u64,
    /// Parents that were listed and gone when something of theirs was asked for.
    pub gone: u64,
    /// Parents of which the key may not read it.
    pub refused: u64,
    /// Which of the plan's feeds the records gave something to.
    pub fed: BTreeSet<usize>,
    /// The latest `updated_at` written.
    pub newest: Option<DateTime<Utc>>,
    /// What the bookmark may not pass.
    pub cap: Option<Cap>,
    /// Nor this: when the oldest record was created that is not finished.
    pub unfinished: Option<Cap>,
    /// Whether the whole list was read of a stream that can be read for what changed instead.
    pub is_whole: bool,
    /// Records that the next scan may come upon again.
    pub recent: Recent,
    /// Records that came and records that the API counts, in lists where it counts more.
    pub shortfall: Option<(u64, u64)>,
    /// Rows that came and rows that the API counts, in lists where it does.
    pub counted: Option<(u64, u64)>,
    /// How long the list took, and how much of it writing to the target.
    pub took: Duration,
    /// That part of it.
    pub written_for: Duration,
    /// So many records of a list are given at most, where there may be more.
    pub ceiling: Option<u32>,
    /// Records without a replication key, which are written whenever they come.
    pub timeless: u64,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null, or in part.
    pub nulled: BTreeSet<String>,
    /// How many values those were.
    pub values_nulled: u64,
    /// Records that have a key in common with another one that differs.
    pub sharing_keys: u64,
    /// Records that may be too large for a target.
    pub large: Large,
}

/// How much did not come, or not as it was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Losses {
    /// Parents that were gone, or of which the key may not read it.
    pub parents_skipped: u64,
    /// Fields that the schema does not know.
    pub fields_unknown: u64,
    /// Fields with values that became null, or of which part was replaced.
    pub fields_nulled: u64,
    /// Those values.
    pub values_nulled: u64,
    /// Streams of which fewer records came than the API counts.
    pub streams_short: u64,
}

impl std::ops::AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        let Self { parents_skipped, fields_unknown, fields_nulled, values_nulled, streams_short } =
            other;
        self.parents_skipped += parents_skipped;
        self.fields_unknown += fields_unknown;
        self.fields_nulled += fields_nulled;
        self.values_nulled += values_nulled;
        self.streams_short += streams_short;
    }
}

impl Outcome {
    /// Keeps records for the next scan; a bookmark does not pass the cap, so what is later does not
    /// count. Those that turn out to be older than what was written of their keys, by where they lie.
    pub(super) fn sift(&mut self, seen: Vec<Seen>, keep: TimeDelta) -> Vec<Range<usize>> {
        let mut stale = Vec::new();
        for seen in seen {
            if !self.recent.note(&seen) {
                stale.extend(seen.line);
            }
        }
        if self.recent.is_full() {
            let cap = Cap::earliest([self.cap, self.unfinished]);
            let bookmark = self.newest.map(|newest| cap.map_or(newest, |cap| cap.limit(newest)));
            self.recent.settle(bookmark, keep);
        }
        stale
    }

    /// Why records are missing from a list that was read to its end, where that is so.
    pub(in crate::sync) fn lacking(&self) -> Option<&'static str> {
        if self.gone + self.refused > 0 {
            Some(NO_PARENTS)
        } else if self.shortfall.is_some() || self.ceiling.is_some() {
            Some("fewer records came than the API has")
        } else {
            None
        }
    }

    /// Records that the log has not counted yet, and counts now.
    pub(in crate::sync) fn uncounted(&mut self) -> u64 {
        self.emitted - std::mem::replace(&mut self.counted_by_log, self.emitted)
    }

    /// What was left out.
    #[must_use]
    pub fn losses(&self) -> Losses {
        Losses {
            parents_skipped: self.gone + self.refused,
            fields_unknown: self.unknown.len() as u64,
            fields_nulled: self.nulled.len() as u64,
            values_nulled: self.values_nulled,
            streams_short: u64::from(self.shortfall.is_some() || self.ceiling.is_some()),
        }
    }

    /// Says everything that was left out of a stream.
    pub fn report(&self, stream: &'static Stream, log: &Log) {
        let name = stream.name;
        let list = |paths: &BTreeSet<String>| cut::list(paths.iter().map(String::as_str));
        let say = |text: &str| log.tell(&event::shortcoming(name, text));
        if !self.unknown.is_empty() {
            let document = stream.source.document.as_ref();
            let is_live = document.is_some_and(|document| document.path.is_some());
            log.tell(&event::fields_unknown(name, &list(&self.unknown), is_live));
        }
        if !self.nulled.is_empty() {
            let (values, nulled) = (self.values_nulled, list(&self.nulled));
            say(&format!(
                "{values} values that do not fit their type are now null, halves of characters \
                 U+FFFD: {nulled}"
            ));
        }
        if self.timeless > 0 {
            let text = "records that do not say when they changed, and so count as changed";
            say(&format!("{text}: {}", self.timeless));
        }
        if self.sharing_keys > 0 {
            say(&format!("records that share a key: {}", self.sharing_keys));
        }
        if self.gone > 0 {
            say(&format!("parents deleted while they were read: {}", self.gone));
        }
        if self.refused > 0 {
            say(&format!("parents of which the key may not read it: {}", self.refused));
        }
        if let Some(text) = self.large.told() {
            say(&text);
        }
        for text in self.short() {
            say(&text);
        }
    }

    /// What is known to be missing from its list.
    fn short(&self) -> Vec<String> {
        let mut messages = Vec::new();
        if let Some(ceiling) = self.ceiling {
            messages.push(format!(
                "the API gives no more than {ceiling} records of a list, and this one may have more: \
                 what lies beyond is missing"
            ));
        }
        if let Some((received, total)) = self.shortfall {
            messages.push(format!(
                "{received} records came where the API counts {total}; \
                 it may count some that the key may not read"
            ));
        }
        messages
    }
}
