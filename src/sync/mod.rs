//! The loop over streams, the state in between, the summary at the end.

pub mod failure_policy;
pub mod pager;
pub mod fetch;
pub mod checkpoint;
pub mod scan;
pub mod test_report;
pub mod summary;
pub mod report;
mod ending;
mod forecast;
mod one_list;

use std::io::Write;
use std::sync::Arc;

use self::forecast::Forecast;
use self::one_list::Part;
use crate::base::error::Error;
use crate::base::event;
use crate::bookmark::position::Position;
use crate::bookmark::validity::Sight;
use crate::config::{Config, Forbidden};
use crate::plan::{Extent, Plan, Planned};
use crate::singer::message::Output;
use crate::singer::state::State;
use crate::source::stream::Parent;
use crate::sync::failure_policy::ends_the_run;
use crate::sync::fetch::list::{Feed, List};
use crate::sync::fetch::{Fetch, Tools};
use crate::sync::report::Report;
use crate::sync::summary::Summary;

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
    /// The account of the run.
    pub report: &'a mut Report,
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
        self.report.begin(plan, &self.state);
        let result = self.read(plan);
        self.report.settle(plan, &self.state, &self.tools);
        // Programs have the end of each stream in the log.
        if self.tools.log.is_for_people() && self.extent == Extent::Whole {
            self.tools.log.table(&self.report.table());
        }
        result
    }

    fn read(&mut self, plan: &Plan) -> Result<(), Error> {
        let fetch = self.fetch(&plan.lists)?;
        for note in &plan.notes {
            self.tools.log.tell(&event::note(note));
        }
        let (input, mut summary) = (self.state.clone(), Summary::default());
        if self.extent == Extent::Whole {
            forecast::tell_plan(plan, self);
        }
        let mut forecast = Forecast::default();
        // A run that is killed in its first list leaves a state all the same.
        self.state_line()?;
        for (number, planned) in plan.lists.iter().enumerate() {
            // What failed is not followed up.
            if !planned.is_first() && !summary.is_complete(planned.stream) {
                fetch.close(number);
                continue;
            }
            forecast.tell((number, plan), (&fetch, &summary), self);
            let cap = summary.cap(feeds(planned, &plan.lists).map(|(_, feed)| feed.list));
            let counter = planned.stream.counted_by;
            let counter = counter.and_then(|counter| feed(counter, &plan.lists));
            let has_all_parents =
                feeds(planned, &plan.lists).all(|(_, feed)| summary.whole.contains(&feed.list));
            let (fetch, began) = (&fetch, plan.began);
            let feeder = feeder(number, &plan.lists);
            let part =
                Part { number, planned, fetch, began, cap, has_all_parents, counter, feeder };
            let result = self.list(&part, &mut summary);
            self.report.end(planned, &summary, &result);
            fetch.close(number);
            let Err(error) = result else { continue };
            if ends_the_run(&error) {
                // Best effort: where the output is gone, that is the error already.
                let _ = self.state_line();
                return Err(error);
            }
            self.tell_failure(planned, &error);
            summary.failures.push(error);
            if self.fail_fast {
                break;
            }
            // The others are read: what can be had today should not wait for what cannot.
        }
        self.conclude(plan, &fetch, (&input, summary))
    }

    /// Writes the last state, and says what came of the run.
    fn conclude(
        &mut self,
        plan: &Plan,
        fetch: &Fetch,
        (input, mut summary): (&State, Summary),
    ) -> Result<(), Error> {
        if self.keeps_state() {
            self.state.set_currently_syncing(None);
            self.state.forget_complete(input);
        }
        self.state_line()?;
        summary.complete.extend(&plan.complete);
        summary.left_out.extend(&plan.left_out);
        let mut selected = plan.complete.len() + plan.left_out.len();
        for planned in &plan.lists {
            // A stream that is read twice is one stream.
            selected += usize::from(planned.emitted.is_some() && planned.is_first());
        }
        match self.extent {
            Extent::Whole => forecast::tell_savings(plan, fetch, self),
            Extent::Sample => forecast::fill_table(plan, fetch, &mut summary, self),
        }
        let line = summary.line(selected, &self.tools);
        (self.report.is_well, self.report.message) = summary.words(selected);
        summary.conclude(selected, &line, (&self.tools, self.extent))
    }

    /// Says why a stream failed. Of a sample the table says what the key may not read.
    fn tell_failure(&self, planned: &Planned, error: &Error) {
        if self.extent == Extent::Whole || !error.is_forbidden() {
            let line = error.line(&self.config.source.hints);
            self.tools.log.tell(&event::stream_failed(planned.stream.name, &line));
        }
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
            whole: planned.asked.whole,
            most_parents: match self.extent {
                Extent::Whole => usize::MAX,
                Extent::Sample => SAMPLE_PARENTS,
            },
            start: Some(planned.position.clone()).filter(Position::is_inside),
            upto: planned.upto.clone(),
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
}

/// The list under which it is known what a list gives to children: itself, or the one that has read its
/// beginning.
fn feeder(number: usize, plan: &[Planned]) -> usize {
    let before = number.checked_sub(1).and_then(|before| plan.get(before));
    number - usize::from(before.is_some_and(|before| before.upto.is_some()))
}

/// The feeds of a list's parents.
fn feeds(planned: &Planned, plan: &[Planned]) -> impl Iterator<Item = (&'static Parent, Feed)> {
    planned.asked.parents.iter().filter_map(|parent| Some((parent, feed(parent, plan)?)))
}

/// Which list gives what is taken of a parent.
fn feed(parent: &Parent, plan: &[Planned]) -> Option<Feed> {
    for (list, feeder) in plan.iter().enumerate() {
        if let Some(number) = feeder.feeds.iter().position(|feed| feed.is_same_feed(parent)) {
            return Some(Feed { list, number });
        }
    }
    None
}
