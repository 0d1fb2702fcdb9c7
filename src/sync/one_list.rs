//! One list of the plan: whether it can be read, what is said before and after, and what its end means.

use std::io::Write;

use chrono::{DateTime, Utc};

use super::Sync;
use crate::base::error::Error;
use crate::base::event::{self, End};
use crate::base::log::Metric;
use crate::bookmark::cap::Cap;
use crate::bookmark::position::Position;
use crate::plan::Planned;
use crate::sync::checkpoint::Checkpoint;
use crate::sync::failure_policy::{Circumstances, Verdict, verdict};
use crate::sync::fetch::Fetch;
use crate::sync::fetch::list::{Choice, Feed};
use crate::sync::scan::{NO_PARENTS, Outcome, Scan, SetAside};
use crate::sync::summary::{Summary, Supply};

/// One list of the plan.
pub(super) struct Part<'a> {
    pub(super) number: usize,
    pub(super) planned: &'a Planned,
    pub(super) fetch: &'a Fetch,
    /// When the run began, or the one that it goes on with.
    pub(super) began: DateTime<Utc>,
    /// When the scan of its parents began.
    pub(super) cap: Option<Cap>,
    /// Whether every record of its parents came.
    pub(super) has_all_parents: bool,
    /// What has the number of its records.
    pub(super) counter: Option<Feed>,
    /// The list under which it is known what it gives to children.
    pub(super) feeder: usize,
}

impl<W: Write> Sync<'_, W> {
    /// Reads one list, if its parents could be read, and keeps what it gives to its children.
    pub(super) fn list(&mut self, part: &Part, summary: &mut Summary) -> Result<(), Error> {
        let (planned, name) = (part.planned, part.planned.stream.name);
        match summary.obstacle(planned) {
            None => {}
            Some(_) if planned.moved().is_some() => {
                self.tools.log.tell(&event::shortcoming(name, UNKNOWN_MOVES));
                return Ok(());
            }
            // It can be had without them.
            Some(_) if planned.asked.whole.is_some() => part.fetch.read_whole(part.number),
            Some(Supply::Refused(why)) => {
                let why = why.clone();
                self.refuse(planned, &why, summary);
                return Ok(());
            }
            Some(Supply::All | Supply::Failed) => {
                self.leave_out(planned, summary);
                return Ok(());
            }
        }
        self.announce(part)?;
        let (outcome, result) = self.scan(part);
        summary.add(planned, &outcome, &result);
        self.report.add(planned, &outcome, part.fetch.costs(part.number));
        match result {
            Ok(()) => self.settle(part, outcome, summary),
            Err(error) => {
                let (has_answered, forbidden) = (outcome.pages > 0, self.forbidden);
                let circumstances = Circumstances::Stream { has_answered, forbidden };
                if verdict(&error, circumstances) == Verdict::StreamRefused {
                    self.refuse(planned, &error.refusal(planned.stream.scope), summary);
                    return Ok(());
                }
                summary.feed(planned, || Supply::Failed);
                Err(error.in_stream(name, outcome.pages))
            }
        }
    }

    /// Keeps what came of a list that was read to its end.
    fn settle(
        &mut self,
        part: &Part,
        outcome: Outcome,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let planned = part.planned;
        let feeder = part.feeder;
        let lacking = outcome.lacking().or((!part.has_all_parents).then_some(NO_PARENTS));
        // Where its beginning could not be read, nobody may take what it gives for all that there is.
        let is_fed = feeder == part.number || summary.caps.contains_key(&feeder);
        // Of two lists that give to the same children, both have to be whole.
        if lacking.is_none() && (feeder == part.number || summary.whole.contains(&feeder)) {
            summary.whole.insert(part.number);
        } else {
            summary.whole.remove(&feeder);
        }
        let known = summary.caps.get(&feeder).copied().flatten();
        summary.caps.insert(feeder, Cap::earliest([known, outcome.cap]));
        if planned.upto.is_none() && is_fed {
            for number in 0..planned.feeds.len() {
                part.fetch.complete(Feed { list: feeder, number });
            }
            summary.feed(planned, || Supply::All);
        }
        if planned.emitted.is_none() {
            return Ok(());
        }
        if planned.is_first() {
            summary.complete.push(planned.stream.name);
        }
        match planned.moved() {
            None => {
                self.activate(planned, lacking)?;
                self.complete(planned, outcome);
            }
            Some(moved) => self.note_parents(part, moved.clone()),
        }
        Ok(())
    }

    /// Says what will be read: to the target in a SCHEMA, to the operator in the log.
    fn announce(&mut self, part: &Part) -> Result<(), Error> {
        let (planned, name) = (part.planned, part.planned.stream.name);
        for note in &planned.notes {
            self.tools.log.tell(&event::note_of(name, note));
        }
        let Some(emitted) = &planned.emitted else { return Ok(()) };
        if self.keeps_state() {
            self.state.set_currently_syncing(Some((name, part.began)));
        }
        self.state_line()?;
        // A stream is announced once.
        if planned.is_first() { self.output.schema(&emitted.selected) } else { Ok(()) }
    }

    /// Reads one list and says how it went.
    fn scan(&mut self, part: &Part) -> (Outcome, Result<(), Error>) {
        let (planned, name) = (part.planned, part.planned.stream.name);
        let started = self.tools.clock.elapsed();
        let position = &planned.position;
        // A position that is gone on with was read with the same sight, or that is not known.
        let sight = self.sight.clone();
        let checkpoint = Checkpoint::new(Position { sight, ..position.clone() }, started);
        let has_position = planned.emitted.is_some() && planned.moved().is_none();
        let keeps_state = self.keeps_state() && has_position;
        let mut scan = Scan {
            fetch: part.fetch,
            number: part.number,
            feeder: part.feeder,
            log: &self.tools.log,
            clock: self.tools.clock.as_ref(),
            output: &mut self.output,
            checkpoint: keeps_state.then_some((&mut self.state, checkpoint)),
            tolerance: self.config.lookback / 2,
            is_limited: self.sight.is_limited(),
            extent: self.extent,
            planned,
            outcome: Outcome {
                newest: position.newest.map(|newest| newest.0),
                cap: Cap::earliest([part.cap, position.cap]),
                ..Outcome::default()
            },
            refusal: None,
            parent: None,
            set_aside: SetAside::default(),
        };
        let result = scan.write();
        if result.is_err() {
            // What was written of a stream that failed need not be read again.
            scan.keep_position();
        }
        let mut outcome = scan.outcome;
        if result.is_ok() {
            self.compare_count(part, &mut outcome);
        }
        self.tell_choice(part);
        let end = match (&result, &planned.emitted) {
            (Err(_), _) => End::BrokenOff,
            (Ok(()), Some(_)) => End::Whole,
            (Ok(()), None) => End::ForChildren,
        };
        outcome.report(planned.stream, &self.tools.log);
        outcome.took = self.tools.clock.elapsed().saturating_sub(started);
        let (log, took) = (&self.tools.log, outcome.took);
        log.tell(&event::ended(name, end, (outcome.emitted, outcome.pages), took));
        log.metric(Metric::Counter("record_count", outcome.uncounted()), Some(name));
        let seconds = took.as_secs_f64();
        log.metric(Metric::Timer("sync_duration", seconds, result.is_ok()), Some(name));
        (outcome, result)
    }
}

impl<W: Write> Sync<'_, W> {
    /// Says how a list was read that can be read in two ways.
    fn tell_choice(&self, part: &Part) {
        let Some(Choice { parents, pages, is_whole }) = part.fetch.choice(part.number) else {
            return;
        };
        let pages = Some(pages).filter(|pages| *pages > 0);
        let name = part.planned.stream.name;
        self.tools.log.tell(&event::choice(name, parents, pages, is_whole));
    }

    /// Compares what came with the number that another stream has of it, and says a difference.
    fn compare_count(&self, part: &Part, outcome: &mut Outcome) {
        let taken = part.counter.and_then(|counter| part.fetch.first(counter));
        let total = taken.and_then(|taken| taken.id().and_then(|total| total.parse().ok()));
        let (Some(total), Some(by)) = (total, part.planned.stream.counted_by) else { return };
        let (name, received) = (part.planned.stream.name, outcome.emitted);
        outcome.counted = Some((received, total));
        if received < total {
            outcome.shortfall = outcome.shortfall.or(Some((received, total)));
        } else if received > total {
            let text =
                format!("{received} records came where {} counted {total} before", by.stream);
            self.tools.log.tell(&event::note_of(name, &text));
        }
    }
}

/// What is to be said where parents cannot be read whose records may come into another series.
const UNKNOWN_MOVES: &str =
    "it is not known which parents have changed to another series: they could not be read";
