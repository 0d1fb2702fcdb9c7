//! How far a list has been written, and when that is worth a STATE. Pure: it is told what was written
//! and what time it is.

use std::time::Duration;

use crate::base::time::Moment;
use crate::bookmark::position::Position;
use crate::plan::Planned;
use crate::sync::fetch::list::Place;
use crate::sync::pager::Fetched;

/// A list being written.
#[derive(Debug)]
pub struct Checkpoint {
    position: Position,
    /// What was written since the last STATE, and when that was.
    bytes: usize,
    records: u64,
    since: Duration,
    /// Whether the position has moved since then, and whether past a slice or a partition.
    is_moved: bool,
    is_past_part: bool,
}

/// Small steps are worth a STATE after so many records, or that long.
const RECORDS: u64 = 1_000;
const INTERVAL: Duration = Duration::from_secs(1);
/// Or where it is small beside what was written since the last one.
const STATE_SHARE: usize = 16;

impl Checkpoint {
    /// Starts where a scan starts.
    #[must_use]
    pub fn new(position: Position, now: Duration) -> Self {
        let (is_moved, is_past_part) = (false, false);
        Self { position, bytes: 0, records: 0, since: now, is_moved, is_past_part }
    }

    /// Moves past a page that has been written.
    pub fn pass(&mut self, planned: &Planned, place: &Place, fetched: &Fetched) {
        self.bytes += fetched.page.lines.len();
        self.records += fetched.page.emitted;
        let is_last_series = place.series + 1 >= planned.asked.series.len();
        let position = &mut self.position;
        if let Some(parent) = planned.asked.parents.first() {
            let is_ordered =
                planned.stream.source.named(parent.stream).is_some_and(|parent| parent.is_ordered);
            if is_ordered && fetched.is_last && is_last_series {
                let known = position.set_aside.len();
                let done = fetched.parent.id();
                position.set_aside.retain(|id| Some(id.as_str()) != done);
                // One that was set aside stands before the position, which stays where it is.
                if position.set_aside.len() == known {
                    position.parent.clone_from(&fetched.parent);
                }
                self.is_moved = true;
            }
            return;
        }
        let until = fetched.slice.until.map(Moment);
        if !fetched.is_last {
            position.series = place.series;
            position.from = fetched.slice.from.map(Moment);
            position.until = until.filter(|_| planned.stream.is_ordered);
            position.after = fetched.page.after.clone().filter(|_| planned.stream.is_ordered);
            position.received = position.after.as_ref().map(|_| fetched.received);
            self.is_moved |= planned.stream.is_ordered;
        } else if until.is_some() || !is_last_series {
            position.series = place.series + usize::from(until.is_none());
            (position.from, position.until) = (until, None);
            (position.after, position.received) = (None, None);
            (self.is_moved, self.is_past_part) = (true, true);
        }
    }

    /// Leaves a parent for the next run.
    pub fn set_aside(&mut self, parent: &str) {
        if !self.position.set_aside.iter().any(|known| known == parent) {
            self.position.set_aside.push(parent.to_owned());
            self.is_moved = true;
        }
    }

    /// Whether a STATE of about `size` bytes is due.
    #[must_use]
    pub fn is_due(&self, size: usize, now: Duration) -> bool {
        let is_much = self.records >= RECORDS || self.bytes >= size.saturating_mul(STATE_SHARE);
        let is_long_ago = now.saturating_sub(self.since) >= INTERVAL;
        self.is_past_part || (self.is_moved && (is_much || is_long_ago))
    }

    /// Whether the position has moved since the last STATE.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        self.is_moved || self.is_past_part
    }

    /// Notes that a STATE is written now; the position that goes into it.
    pub fn saved(&mut self, now: Duration) -> &mut Position {
        (self.bytes, self.records, self.since) = (0, 0, now);
        (self.is_moved, self.is_past_part) = (false, false);
        &mut self.position
    }
}
