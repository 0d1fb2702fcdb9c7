//! Writing one list: its pages as they are handed over, and an account of what came, what it gives
//! to children, and what did not come.

mod outcome;

use std::io::Write;
use std::time::Duration;

use chrono::TimeDelta;

pub use self::outcome::{Losses, NO_PARENTS, Outcome};
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::{Log, Metric};
use crate::base::time::{Moment, moved};
use crate::bookmark::cap::Cap;
use crate::bookmark::position::Position;
use crate::plan::{Extent, Planned};
use crate::singer::message::Output;
use crate::singer::state::State;
use crate::source::taken::Taken;
use crate::sync::checkpoint::Checkpoint;
use crate::sync::failure_policy::{Circumstances, SoFar, Verdict, are_too_many_gone, verdict};
use crate::sync::fetch::Fetch;
use crate::sync::fetch::list::Place;
use crate::sync::fetch::queue::Delivery;
use crate::sync::pager::{Broken, Fetched};

/// One list being written.
pub struct Scan<'a, W: Write> {
    /// What fetches it.
    pub fetch: &'a Fetch,
    /// Its place in the plan.
    pub number: usize,
    /// The place of the list under which it is known what it gives to children.
    pub feeder: usize,
    /// Where events go.
    pub log: &'a Log,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Where records go.
    pub output: &'a mut Output<W>,
    /// The bookmarks, and how far this list has been written; nothing where the state is left alone.
    pub checkpoint: Option<(&'a mut State, Checkpoint)>,
    /// How far the clocks may be apart.
    pub tolerance: TimeDelta,
    /// Whether the API may count rows that it does not give to this key.
    pub is_limited: bool,
    /// How much is read.
    pub extent: Extent,
    /// What is read.
    pub planned: &'a Planned,
    /// What came of it so far.
    pub outcome: Outcome,
    /// The last 403 for a single parent.
    pub refusal: Option<Error>,
    /// The parent that something came of last, or that turned out to be gone.
    pub parent: Option<LastParent>,
    /// The parents that could not be read, and so are left for the next run.
    pub set_aside: SetAside,
}

/// Parents that could not be read.
#[derive(Debug, Default)]
pub struct SetAside {
    /// The first of them, and what went wrong.
    first: Option<(String, Error)>,
    count: usize,
    /// How many since something came of a parent.
    in_a_row: usize,
}

/// A parent: which of the list's kinds, and which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastParent {
    place: (usize, usize),
    is_lost: bool,
}

impl LastParent {
    fn is_at(self, place: &Place) -> bool {
        self.place == (place.parent, place.record)
    }
}

/// What came and what is counted of two parts of a list.
fn sum(one: Option<(u64, u64)>, other: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, other) {
        (Some((one, of_one)), Some((other, of_other))) => Some((one + other, of_one + of_other)),
        (one, other) => one.or(other),
    }
}

/// A long list says how far it is, this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);
impl<W: Write> Scan<'_, W> {
    /// Writes the list to its end.
    ///
    /// # Errors
    /// Whatever ends the stream; what was written before is in the outcome.
    pub fn write(&mut self) -> Result<(), Error> {
        let mut reported = self.clock.elapsed();
        while !self.is_enough() {
            match self.fetch.take(self.number)? {
                Delivery::End => break,
                Delivery::Page(place, fetched) => self.page(&place, *fetched)?,
                Delivery::Broken(place, broken) => self.broken(&place, broken)?,
            }
            if self.clock.elapsed().saturating_sub(reported) >= PROGRESS_INTERVAL {
                reported = self.clock.elapsed();
                self.progress();
            }
        }
        // Where no parent could be read, and not for being gone, the stream has not been read.
        if self.outcome.parents == 0
            && let Some(error) = self.refusal.take()
        {
            return Err(error);
        }
        if let Some((first, error)) = self.set_aside.first.take() {
            let others = self.set_aside.count - 1;
            return Err(Error::Parents { first, others, error: Box::new(error) });
        }
        let Outcome { parents, gone, refused, .. } = self.outcome;
        let all = parents + gone + refused;
        if are_too_many_gone(gone, all) {
            return Err(Error::TooManyGone { gone, parents: all });
        }
        if let (Some((received, total)), false) = (self.outcome.shortfall, self.is_limited) {
            return Err(Error::Short { received, total });
        }
        let is_by_change = !self.planned.stream.changed_of.is_empty();
        if self.planned.is_incremental() && is_by_change && self.is_read_whole() {
            // Its records do not say when their parents changed: all that had when it began is among them. As
            // far as clocks may be apart, that moment may lie in the future of the next run.
            let began = self.outcome.cap.map(Cap::moment);
            self.outcome.newest = began.map(|began| moved(began, -self.tolerance));
            self.outcome.is_whole = true;
        }
        // No bookmark may pass what was not asked for.
        let window = self.planned.emitted.as_ref().map(|emitted| emitted.window);
        let end = window.and_then(|window| window.end).map(Cap::at);
        self.outcome.cap = self.outcome.cap.map(|cap| end.map_or(cap, |end| cap.earlier(end)));
        Ok(())
    }

    /// Whether it is not read for each of its parents.
    fn is_read_whole(&self) -> bool {
        let choice = self.fetch.choice(self.number);
        self.planned.asked.parents.is_empty() || choice.is_some_and(|choice| choice.is_whole)
    }

    fn page(&mut self, place: &Place, mut fetched: Fetched) -> Result<(), Error> {
        self.outcome.pages += 1;
        self.set_aside.in_a_row = 0;
        self.enter(place, false);
        self.note_start(&fetched);
        let page = &mut fetched.page;
        let keep = self.planned.emitted.as_ref().map(|emitted| emitted.memory.keep);
        let keep = keep.unwrap_or_default();
        let stale = self.outcome.sift(std::mem::take(&mut page.seen), keep);
        if !stale.is_empty() {
            page.emitted -= stale.len() as u64;
            page.lines.remove(&stale);
        }
        if self.extent == Extent::Sample && page.emitted > 0 {
            page.lines.keep_first();
            page.emitted = 1;
        }
        let began = self.clock.elapsed();
        self.output.records(&page.lines)?;
        self.outcome.written_for += self.clock.elapsed().saturating_sub(began);
        self.fetch.feed(self.feeder, &page.bound);
        if let Some((_, checkpoint)) = &mut self.checkpoint {
            checkpoint.pass(self.planned, place, &fetched);
        }
        let page = &mut fetched.page;
        if self.planned.asked.parents_changed.is_some() {
            // A parent without records of this kind has been read, too.
            page.newest = fetched.parent.changed_at();
        }
        let outcome = &mut self.outcome;
        for (feed, _) in &page.bound {
            outcome.fed.insert(*feed);
        }
        outcome.emitted += page.emitted;
        outcome.timeless += page.timeless;
        outcome.newest = outcome.newest.max(page.newest);
        outcome.unfinished = Cap::earliest([outcome.unfinished, page.unfinished.map(Cap::at)]);
        outcome.unknown.append(&mut page.unknown);
        outcome.nulled.append(&mut page.nulled);
        outcome.values_nulled += page.values_nulled;
        outcome.sharing_keys += page.sharing_keys;
        outcome.large += page.large;
        outcome.ceiling = outcome.ceiling.or(fetched.ceiling);
        outcome.counted = sum(outcome.counted, fetched.counted);
        if fetched.shortfall.is_some() {
            outcome.shortfall = sum(outcome.shortfall, fetched.shortfall);
            if !self.is_limited {
                return self.forget_position();
            }
        }
        self.save()
    }

    /// A list that lacks rows leaves no position, however the run ends: whoever begins inside
    /// of it cannot tell that it is short, and its bookmark would pass them.
    fn forget_position(&mut self) -> Result<(), Error> {
        let Some((state, _)) = self.checkpoint.take() else { return Ok(()) };
        let Position { scan, at, .. } = self.planned.position.clone();
        state.set_position(self.planned.stream, &Position { scan, at, ..Position::default() });
        self.output.state(state)
    }

    /// Writes a STATE where the list has come far enough.
    fn save(&mut self) -> Result<(), Error> {
        let (size, now) = (self.output.state_size(), self.clock.elapsed());
        if !self.checkpoint.as_ref().is_some_and(|(_, checkpoint)| checkpoint.is_due(size, now)) {
            return Ok(());
        }
        self.keep_position();
        self.checkpoint.as_ref().map_or(Ok(()), |(state, _)| self.output.state(state))
    }

    /// Notes in the state how far the list has come.
    pub fn keep_position(&mut self) {
        let now = self.clock.elapsed();
        let Some((state, checkpoint)) = &mut self.checkpoint else { return };
        if !checkpoint.is_moved() {
            return;
        }
        let position = checkpoint.saved(now);
        if self.planned.is_incremental() {
            position.newest = self.outcome.newest.map(Moment);
            position.cap = self.outcome.cap;
        }
        // A cursor or an id that echoes the key is not kept: the next run goes on at an earlier place.
        let text = serde_json::to_string(position).unwrap_or_default();
        if self.log.without_key(&text) == text {
            state.set_position(self.planned.stream, position);
        }
    }

    /// A parent that is gone, or that the key may not read, is counted; all else ends the stream.
    fn broken(&mut self, place: &Place, broken: Broken) -> Result<(), Error> {
        let Broken { error, is_first, is_answered, parent } = broken;
        self.outcome.pages += u64::from(is_answered);
        if !place.slice.is_empty() && matches!(error, Error::Contract(_)) {
            self.forget_position()?;
        }
        if self.is_read_whole() {
            return Err(error);
        }
        let so_far = self.so_far(place);
        match verdict(&error, Circumstances::Parent { is_first, so_far }) {
            Verdict::ParentSetAside => self.set_aside(&parent, error),
            Verdict::ParentGone => {
                self.outcome.gone += u64::from(self.enter(place, true));
            }
            Verdict::ParentRefused => {
                self.outcome.refused += u64::from(self.enter(place, true));
                self.refusal = Some(error);
            }
            _ => return Err(error),
        }
        Ok(())
    }

    /// What has come of the stream, of other parents than the one at `place`.
    fn so_far(&self, place: &Place) -> SoFar {
        let Outcome { parents, gone, refused, pages, .. } = self.outcome;
        let is_counted = self.parent.is_some_and(|known| known.is_lost && known.is_at(place));
        SoFar {
            answers: pages,
            parents,
            gone: gone.saturating_sub(u64::from(is_counted)),
            refused,
            set_aside: self.set_aside.count,
            set_aside_in_a_row: self.set_aside.in_a_row,
        }
    }

    /// Leaves a parent that cannot be read for the next run.
    fn set_aside(&mut self, parent: &Taken, error: Error) {
        self.set_aside.count += 1;
        self.set_aside.in_a_row += 1;
        let name = self.planned.stream.name;
        let parent = parent.id().unwrap_or_default().to_owned();
        self.log.tell(&event::parent_set_aside(name, &parent, &error));
        if let Some((_, checkpoint)) = &mut self.checkpoint {
            checkpoint.set_aside(&parent);
        }
        self.set_aside.first.get_or_insert((parent, error));
    }

    /// Notes whose records these are; whether it is news that this parent is lost. Each parent is
    /// counted once, however many series it has.
    fn enter(&mut self, place: &Place, is_lost: bool) -> bool {
        let known = self.parent.filter(|known| known.is_at(place));
        let place = (place.parent, place.record);
        if known.is_none() && !is_lost {
            self.outcome.parents += 1;
        }
        let is_lost_already = known.is_some_and(|known| known.is_lost);
        self.parent = Some(LastParent { place, is_lost: is_lost || is_lost_already });
        is_lost && !is_lost_already
    }

    /// Notes when a scan began: its bookmark may not pass that moment on either clock, since a
    /// record that changes behind the cursor is seen only by the next scan.
    fn note_start(&mut self, fetched: &Fetched) {
        let is_news = self.outcome.pages == 1 && self.planned.is_first();
        if is_news && self.planned.is_incremental() {
            self.compare_clocks(fetched);
        }
        // Parts of a list are read side by side, so the first page written is not the first sent.
        let start = fetched.date.map_or(fetched.sent_at, |date| date.min(fetched.sent_at));
        self.outcome.cap = Cap::earliest([self.outcome.cap, Some(Cap::at(start))]);
    }

    fn compare_clocks(&self, fetched: &Fetched) {
        let name = self.planned.stream.name;
        let text = match fetched.date.map(|date| (fetched.sent_at - date).abs()) {
            None => "the API sent no usable Date; its bookmark is capped by this computer's clock"
                .to_owned(),
            Some(apart) if apart > self.tolerance => format!(
                "this computer's clock and the API's are {} seconds apart; more than half of \
                 lookback_seconds may lose changes",
                apart.num_seconds()
            ),
            Some(_) => return,
        };
        self.log.tell(&event::shortcoming(name, &text));
    }

    /// Of a sample: whether a record has come, or what children need.
    fn is_enough(&self) -> bool {
        let has_fed = self.outcome.fed.len() == self.planned.feeds.len();
        let has_emitted = self.outcome.emitted > 0 || self.planned.emitted.is_none();
        self.extent == Extent::Sample && has_emitted && has_fed
    }

    fn progress(&mut self) {
        let name = self.planned.stream.name;
        self.log.tell(&event::progress(name, self.outcome.emitted, self.outcome.pages));
        self.log.metric(Metric::Counter("record_count", self.outcome.uncounted()), Some(name));
        self.log.metric(Metric::Counter("http_request_count", self.fetch.uncounted()), None);
    }
}
