//! The loop over streams, the state in between, the summary at the end.

pub mod failure_policy;
pub mod pager;
pub mod fetch;
pub mod checkpoint;
pub mod scan;
pub mod test_report;
pub mod summary;

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::base::error::Error;
use crate::base::log::{Level, Metric};
use crate::bookmark::cap::Cap;
use crate::bookmark::moved::Moved;
use crate::bookmark::position::Position;
use crate::bookmark::validity::{Sight, Validity};
use crate::config::{Config, Forbidden};
use crate::plan::{Extent, Plan, Planned};
use crate::singer::message::Output;
use crate::singer::state::State;
use crate::source::Quota;
use crate::source::stream::Parent;
use crate::sync::checkpoint::Checkpoint;
use crate::sync::failure_policy::{Circumstances, Verdict, verdict};
use crate::sync::fetch::queue::{Feed, List};
use crate::sync::fetch::{Fetch, Tools};
use crate::sync::scan::{Outcome, Scan, SetAside};
use crate::sync::summary::{Summary, Supply};
use crate::sync::test_report::Access;

/// What a run works with.
pub struct Sync<'a, W: Write> {
    /// The API, the log, the clocks.
    pub tools: Tools,
    /// The settings.
    pub config: &'a Config,
    /// Where messages go.
    pub output: Output<W>,
    /// The bookmarks, moved as streams are complete.
    pub state: State,
    /// Whether a stream the key may not read is an error.
    pub forbidden: Forbidden,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// How much is read.
    pub extent: Extent,
    /// What the key sees.
    pub sight: Sight,
}

/// One list of the plan.
struct Part<'a> {
    number: usize,
    planned: &'a Planned,
    fetch: &'a Fetch,
    /// When the run began, or the one that it goes on with.
    began: DateTime<Utc>,
    /// When the scan of its parents began.
    cap: Option<Cap>,
}

/// Of a sample, so many parents are asked for a record.
const SAMPLE_PARENTS: usize = 5;

impl<W: Write> Sync<'_, W> {
    /// Reads every planned stream.
    ///
    /// # Errors
    /// The one failure, or [`Error::StreamsFailed`], or [`Error::NothingPermitted`]; whatever
    /// could be read has been, and the last line of the output is a true state.
    pub fn run(mut self, plan: &Plan) -> Result<(), Error> {
        let fetch = self.fetch(&plan.lists)?;
        for note in &plan.notes {
            self.tools.log.info(note);
        }
        let (input, mut summary) = (self.state.clone(), Summary::default());
        // A run that is killed in its first list leaves a state all the same.
        self.state_line()?;
        for (number, planned) in plan.lists.iter().enumerate() {
            // What failed is not followed up.
            if !planned.is_first() && !summary.is_complete(planned.stream) {
                fetch.close(number);
                continue;
            }
            let cap = summary.cap(feeds(planned, &plan.lists).map(|(_, feed)| feed.list));
            let part = Part { number, planned, fetch: &fetch, began: plan.began, cap };
            let result = self.list(&part, &mut summary);
            fetch.close(number);
            let Err(error) = result else { continue };
            let (has_answered, forbidden) = (true, self.forbidden);
            let circumstances = Circumstances::Stream { has_answered, forbidden };
            if verdict(&error, circumstances) == Verdict::RunEnded {
                // Best effort: where the output is gone, that is the error already.
                let _ = self.state_line();
                return Err(error);
            }
            self.tools.log.say(
                Level::Error,
                Some(planned.stream.name),
                &error.line(&self.config.source.hints),
            );
            summary.failures.push(error);
            if self.fail_fast {
                break;
            }
            // The others are read: what can be had today should not wait for what cannot.
        }
        if self.keeps_state() {
            self.state.set_currently_syncing(None);
            self.state.forget_complete(&input);
        }
        self.state_line()?;
        summary.complete.extend(&plan.complete);
        summary.left_out.extend(&plan.left_out);
        let mut selected = plan.complete.len() + plan.left_out.len();
        for planned in &plan.lists {
            // A stream that is read twice is one stream.
            selected += usize::from(planned.emitted.is_some() && planned.is_first());
        }
        summary.conclude(selected, &self.tools, self.extent)
    }

    /// Starts to fetch all lists of the plan.
    fn fetch(&self, plan: &[Planned]) -> Result<Fetch, Error> {
        let lists = plan.iter().map(|planned| self.fetched(planned, plan));
        let lists = lists.collect::<Result<Vec<_>, Error>>()?;
        let Config { concurrency, buffer, .. } = *self.config;
        // One request at a time is for whoever wants little: nothing is fetched ahead. Of a sample
        // nothing may be, since a record is enough.
        let is_ahead = concurrency > 1 && self.extent == Extent::Whole;
        let budget = if is_ahead { buffer } else { 0 };
        Fetch::start(self.tools.clone(), lists, concurrency, budget)
    }

    fn fetched(&self, planned: &Planned, plan: &[Planned]) -> Result<List, Error> {
        let parents = feeds(planned, plan).collect::<Vec<_>>();
        if parents.len() != planned.asked.parents.len() {
            return Err(Error::Bug(format!("nobody reads a parent of `{}`", planned.stream.name)));
        }
        Ok(List {
            reader: Arc::new(planned.reader()?),
            series: planned.asked.series.clone(),
            cut: planned.asked.cut,
            parents,
            parents_changed: planned.asked.parents_changed,
            moved: planned.moved().cloned(),
            most_parents: match self.extent {
                Extent::Whole => usize::MAX,
                Extent::Sample => SAMPLE_PARENTS,
            },
            start: Some(planned.position.clone()).filter(Position::is_inside),
        })
    }

    /// Whether bookmarks and positions follow what is written.
    fn keeps_state(&self) -> bool {
        self.extent == Extent::Whole && !self.config.is_backfill
    }

    /// A sample has no state: it is not a sync.
    fn state_line(&mut self) -> Result<(), Error> {
        match self.extent {
            Extent::Whole => self.output.state(&self.state),
            Extent::Sample => self.output.finish(),
        }
    }

    /// Reads one list, if its parents could be read, and keeps what it gives to its children.
    fn list(&mut self, part: &Part, summary: &mut Summary) -> Result<(), Error> {
        let (planned, name) = (part.planned, part.planned.stream.name);
        match summary.obstacle(planned) {
            None => {}
            Some(_) if planned.moved().is_some() => {
                self.tools.log.say(Level::Warning, Some(name), &unknown_moves(name));
                return Ok(());
            }
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
        match result {
            Ok(()) => {
                for number in 0..planned.feeds.len() {
                    part.fetch.complete(Feed { list: part.number, number });
                }
                summary.feed(planned, || Supply::All);
                summary.caps.insert(part.number, outcome.cap);
                if planned.emitted.is_some() {
                    if planned.is_first() {
                        summary.complete.push(name);
                    }
                    match planned.moved() {
                        None => self.complete(planned, outcome),
                        Some(moved) => self.note_parents(part, moved.clone()),
                    }
                }
                Ok(())
            }
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

    /// Moves the bookmark of a stream that has been read to its end.
    fn complete(&mut self, planned: &Planned, mut outcome: Outcome) {
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
            state.advance(stream, newest, cap);
        }
        let bookmark = state.bookmark(stream);
        if bookmark.is_none() {
            return;
        }
        if let (true, Some(cap)) = (emitted.is_full, outcome.cap) {
            state.set_full_scan(stream, at.0, cap);
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
            let message = format!(
                "stream={} more records lie within the lookback than are remembered; the next run \
                 writes some of them again",
                stream.name
            );
            self.tools.log.say(Level::Info, Some(stream.name), &message);
        }
    }

    /// Keeps what the parents have now whose records may move.
    fn note_parents(&mut self, part: &Part, mut moved: Moved) {
        for parent in part.fetch.given(part.number) {
            moved.note(&parent);
        }
        if let Some(cap) = part.cap.filter(|_| self.keeps_state()) {
            self.state.set_moved(part.planned.stream, &moved, cap);
        }
    }

    /// Notes that a list is not read, since its parent failed.
    fn leave_out(&self, planned: &Planned, summary: &mut Summary) {
        let name = planned.stream.name;
        let message = format!("stream `{name}` is left out: its parent could not be read");
        self.tools.log.say(Level::Warning, Some(name), &message);
        if planned.emitted.is_some() {
            summary.left_out.push(name);
            summary.access.push(Access::left_out(planned.stream));
        }
        summary.feed(planned, || Supply::Failed);
    }

    /// Notes that the key may not read a list, and so not its children either.
    fn refuse(&self, planned: &Planned, why: &str, summary: &mut Summary) {
        let name = planned.stream.name;
        if planned.emitted.is_some() {
            let message = format!("stream `{name}` is skipped: {why}");
            self.tools.log.say(Level::Warning, Some(name), &message);
            summary.not_permitted.push(name);
        }
        summary.feed(planned, || Supply::Refused(format!("its parent `{name}`: {why}")));
    }

    /// Says what will be read: to the target in a SCHEMA, to the operator in the log.
    fn announce(&mut self, part: &Part) -> Result<(), Error> {
        let Part { planned, number, fetch, .. } = part;
        let name = planned.stream.name;
        for note in &planned.notes {
            self.tools.log.say(Level::Info, Some(name), &format!("stream={name} {note}"));
        }
        let is_from_start =
            planned.asked.parents_changed.is_none() && !planned.position.is_inside();
        if !planned.stream.is_default && self.extent == Extent::Whole && is_from_start {
            let parents = fetch.parents(*number);
            let requests = parents * planned.asked.series.len();
            let Quota(a_minute) = self.config.source.quotas.key;
            let a_minute = usize::try_from(a_minute).unwrap_or(usize::MAX);
            let minutes = requests.div_ceil(a_minute.max(1));
            let message = format!(
                "stream={name} needs at least {requests} requests, one for each of {parents} \
                 parents: {minutes} minutes or more at the API's rate"
            );
            self.tools.log.say(Level::Info, Some(name), &message);
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
        let outcome = scan.outcome;
        let end = match (&result, &planned.emitted) {
            (Err(_), _) => "broken off",
            (Ok(()), Some(_)) => "end",
            (Ok(()), None) => "end, for its children only,",
        };
        outcome.report(name, &self.tools.log);
        let (records, pages) = (outcome.emitted, outcome.pages);
        let seconds = self.tools.clock.elapsed().saturating_sub(started).as_secs_f64();
        let message =
            format!("{end} stream={name} records={records} pages={pages} seconds={seconds:.1}");
        self.tools.log.say(Level::Info, Some(name), &message);
        self.tools.log.metric(Metric::Counter("record_count", records), Some(name));
        self.tools.log.metric(Metric::Timer("sync_duration", seconds, result.is_ok()), Some(name));
        (outcome, result)
    }
}

/// What is to be said where parents cannot be read whose records may come into another series.
fn unknown_moves(name: &str) -> String {
    format!(
        "stream={name} it is not known which parents have changed to another series: they could not be read"
    )
}

/// The feeds of a list's parents.
fn feeds(planned: &Planned, plan: &[Planned]) -> impl Iterator<Item = (&'static Parent, Feed)> {
    planned.asked.parents.iter().filter_map(|parent| {
        let mut feeds = plan.iter().enumerate().filter_map(|(list, feeder)| {
            let number = feeder.feeds.iter().position(|feed| feed.is_same_feed(parent))?;
            Some((parent, Feed { list, number }))
        });
        feeds.next()
    })
}
