//! What is left behind of a list that has ended: bookmarks in the state, and its place in the summary.

use std::io::Write;

use super::Sync;
use super::one_list::Part;
use crate::base::error::Error;
use crate::base::event;
use crate::bookmark::moved::Moved;
use crate::bookmark::position::Position;
use crate::bookmark::validity::Validity;
use crate::plan::{Extent, Planned};
use crate::sync::scan::Outcome;
use crate::sync::summary::{Summary, Supply};
use crate::sync::test_report::Access;

impl<W: Write> Sync<'_, W> {
    /// Moves the bookmark of a stream that has been read to its end.
    pub(super) fn complete(&mut self, planned: &Planned, mut outcome: Outcome) {
        if !self.keeps_state() {
            return;
        }
        let sight = self.sight.clone();
        let (stream, state) = (planned.stream, &mut self.state);
        let Position { scan, at, .. } = planned.position.clone();
        let end =
            Position { scan, at, sight: sight.clone(), complete: true, ..Position::default() };
        state.set_position(stream, &end);
        let Some(emitted) = planned.emitted.as_ref().filter(|_| planned.is_incremental()) else {
            return;
        };
        if let (Some(newest), Some(cap)) = (outcome.newest, outcome.cap) {
            let cap = outcome.unfinished.map_or(cap, |oldest| cap.earlier(oldest));
            state.advance(stream, newest, cap);
        }
        let bookmark = state.bookmark(stream);
        if bookmark.is_none() {
            return;
        }
        if let (true, Some(cap)) = (emitted.is_full || outcome.is_whole, outcome.cap) {
            state.set_full_scan(stream, at.0, cap);
        }
        if outcome.is_whole {
            state.set_pages(stream, outcome.pages);
        }
        state.set_validity(stream, &Validity { sight, ..emitted.validity.clone() });
        if planned.goes_on() {
            // What this scan has written does not count, nor if the run is killed before the next one
            // ends: an answer for that may have come before one of these, and so an older version of
            // a record may be written last.
            state.set_recent(stream, &[]);
            return;
        }
        outcome.recent.settle(bookmark, emitted.memory.keep);
        state.set_recent(stream, &outcome.recent.versions());
        if outcome.recent.is_cut() {
            let text = "more records lie within the lookback than are remembered; the next run writes \
                        some of them again";
            self.tools.log.tell(&event::note_of(stream.name, text));
        }
    }

    /// Lets the target remove the rows that are gone from a full table, where nothing is missing from this
    /// reading of it; `lacking` says what is.
    ///
    /// # Errors
    /// Those of the output.
    pub(super) fn activate(
        &mut self,
        planned: &Planned,
        lacking: Option<&'static str>,
    ) -> Result<(), Error> {
        let version = planned.emitted.as_ref().and_then(|emitted| emitted.version.as_ref());
        let Some(version) = version else { return Ok(()) };
        let name = planned.stream.name;
        let resumed =
            planned.position.is_inside().then_some("an interrupted run read its beginning");
        let obstacle = version.obstacle.or(lacking).or(resumed);
        match obstacle {
            None => self.output.activate(name, version.number)?,
            Some(why) => {
                self.tools.log.tell(&event::not_activated(name, why));
            }
        }
        if version.is_comparable && lacking.or(resumed).is_none() {
            self.state.set_version_of(planned.stream, &version.of);
        }
        Ok(())
    }

    /// Keeps what the parents have now whose records may move.
    pub(super) fn note_parents(&mut self, part: &Part, mut moved: Moved) {
        for parent in part.fetch.given(part.number) {
            moved.note(&parent);
        }
        if let Some(cap) = part.cap.filter(|_| self.keeps_state()) {
            self.state.set_moved(part.planned.stream, &moved, cap);
        }
    }

    /// Notes that a list is not read, since its parent failed.
    pub(super) fn leave_out(&self, planned: &Planned, summary: &mut Summary) {
        let name = planned.stream.name;
        // Of a sample the table says so.
        if self.extent == Extent::Whole {
            self.tools.log.tell(&event::left_out(name));
        }
        if planned.emitted.is_some() {
            summary.left_out.push(name);
            summary.access.push(Access::left_out(planned.stream));
        }
        summary.feed(planned, || Supply::Failed);
    }

    /// Notes that the key may not read a list, and so not its children either.
    pub(super) fn refuse(&self, planned: &Planned, why: &str, summary: &mut Summary) {
        let name = planned.stream.name;
        if planned.emitted.is_some() {
            self.tools.log.tell(&event::skipped(name, why));
            summary.not_permitted.push(name);
        }
        summary.feed(planned, || Supply::Refused(format!("its parent `{name}`: {why}")));
    }
}
