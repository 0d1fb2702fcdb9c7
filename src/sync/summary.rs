//! What came of a run: counted list by list, said in its last line, and whether it succeeded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::base::cut;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::Metric;
use crate::bookmark::cap::Cap;
use crate::plan::{Extent, Planned};
use crate::source::stream::{Parent, Stream};
use crate::sync::fetch::Tools;
use crate::sync::scan::{Losses, Outcome};
use crate::sync::test_report::{Access, table};

/// What came of all of them.
#[derive(Debug, Default)]
pub struct Summary {
    /// Records written.
    pub records: u64,
    /// Streams read to their end.
    pub complete: Vec<&'static str>,
    /// Streams that the key may not read.
    pub not_permitted: Vec<&'static str>,
    /// Streams whose parent failed, or of which nothing can be read.
    pub left_out: Vec<&'static str>,
    /// What ended streams.
    pub failures: Vec<Error>,
    /// What was left out of them.
    pub losses: Losses,
    /// Of a sample.
    pub access: Vec<Access>,
    /// And what a run costs.
    pub costs: String,
    /// When the scans of lists began, by the lists' numbers in the plan.
    pub caps: BTreeMap<usize, Option<Cap>>,
    /// The numbers of lists of which every record came.
    pub whole: BTreeSet<usize>,
    /// What parents gave.
    pub feeds: Vec<(&'static Parent, Supply)>,
}

/// What a parent gave to its children.
#[derive(Debug)]
pub enum Supply {
    /// All that there is.
    All,
    /// Nothing: the key may not read it.
    Refused(String),
    /// Not all: it failed.
    Failed,
}

impl Summary {
    /// Counts what came of a list.
    pub fn add(&mut self, planned: &Planned, outcome: &Outcome, result: &Result<(), Error>) {
        self.records += outcome.emitted;
        self.losses += outcome.losses();
        if planned.emitted.is_some() {
            self.access.push(match result {
                Ok(()) => Access::read(planned.stream, outcome.emitted),
                Err(error) => Access::failed(planned.stream, error),
            });
        }
    }

    /// Why a list cannot be read, if one of its parents could not.
    #[must_use]
    pub fn obstacle(&self, planned: &Planned) -> Option<&Supply> {
        for parent in planned.asked.parents {
            let supply = self.feeds.iter().find(|(feed, _)| feed.is_same_feed(parent));
            match supply {
                Some((_, Supply::All)) => {}
                Some((_, obstacle)) => return Some(obstacle),
                None => return Some(&Supply::Failed),
            }
        }
        None
    }

    /// Whether all records of a parent have come.
    #[must_use]
    pub fn has_read(&self, parent: &Parent) -> bool {
        self.feeds
            .iter()
            .any(|(feed, supply)| feed.is_same_feed(parent) && matches!(supply, Supply::All))
    }

    /// Whether a stream was read to its end.
    #[must_use]
    pub fn is_complete(&self, stream: &Stream) -> bool {
        self.complete.contains(&stream.name)
    }

    /// When the earliest of these scans began.
    pub fn cap(&self, lists: impl Iterator<Item = usize>) -> Option<Cap> {
        Cap::earliest(lists.map(|list| self.caps.get(&list).copied().flatten()))
    }

    /// Keeps what a list gives to each kind of child.
    pub fn feed(&mut self, planned: &Planned, fed: impl Fn() -> Supply) {
        self.feeds.extend(planned.feeds.iter().map(|parent| (*parent, fed())));
    }

    /// The last line of a run that was read to its end.
    #[must_use]
    pub fn line(&self, selected: usize, tools: &Tools) -> String {
        let Losses { parents_skipped, fields_unknown, fields_nulled, values_nulled, streams_short } =
            self.losses;
        let names = &self.not_permitted;
        let skipped =
            if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        format!(
            "done streams={} of {selected} records={} requests={} retries={} \
             parents_skipped={parents_skipped} fields_unknown={fields_unknown} \
             fields_nulled={fields_nulled} values_nulled={values_nulled} \
             streams_short={streams_short} failed={} left_out={} not_permitted={}{skipped}",
            self.complete.len(),
            self.records,
            tools.client.requests(),
            tools.client.retries(),
            self.failures.len(),
            self.left_out.len(),
            names.len(),
        )
    }

    /// What is missing or is not as it was sent, in words; nothing where all is well.
    fn faults(&self, selected: usize) -> Vec<String> {
        let Losses { values_nulled, streams_short, .. } = self.losses;
        let mut faults = Vec::new();
        if !self.not_permitted.is_empty() {
            let names = cut::list(self.not_permitted.iter().copied());
            let count = self.not_permitted.len();
            faults.push(format!("the key may not read {count} of {selected} streams ({names})"));
        }
        if streams_short > 0 {
            faults.push(format!("{streams_short} streams may lack records"));
        }
        if values_nulled > 0 {
            faults.push(format!("{values_nulled} values did not fit their type and are null"));
        }
        faults
    }

    /// Whether all is well, and the words that say so.
    #[must_use]
    pub fn words(&self, selected: usize) -> (bool, String) {
        let faults = self.faults(selected);
        let mut words = if faults.is_empty() {
            "all is well".to_owned()
        } else {
            format!("not all could be read: {}", faults.join("; "))
        };
        let (complete, records) = (self.complete.len(), self.records);
        // Writing to a String does not fail.
        let _ = write!(words, "; streams read {complete} of {selected}, records {records}");
        let Losses { parents_skipped, fields_unknown, .. } = self.losses;
        let mut usual = Vec::new();
        for (what, count) in [
            ("without a filter over changes: streams", self.left_out.len() as u64),
            ("left out as newer than this release: fields", fields_unknown),
            ("deleted meanwhile, or not for this key: parents", parents_skipped),
        ] {
            if count > 0 {
                usual.push(format!("{what} {count}"));
            }
        }
        if !usual.is_empty() {
            let _ = write!(words, " ({})", usual.join("; "));
        }
        (faults.is_empty(), words)
    }

    /// Says the last lines, as numbers and in words, and what the run comes to.
    ///
    /// # Errors
    /// The one failure, or [`Error::StreamsFailed`], or [`Error::NothingPermitted`].
    pub fn conclude(
        self,
        selected: usize,
        line: &str,
        (tools, extent): (&Tools, Extent),
    ) -> Result<(), Error> {
        let Summary { not_permitted: names, mut failures, access, costs, .. } = self;
        let (log, succeeded) = (&tools.log, failures.is_empty());
        log.metric(Metric::Counter("http_request_count", tools.client.uncounted()), None);
        let seconds = tools.clock.elapsed().as_secs_f64();
        log.metric(Metric::Timer("job_duration", seconds, succeeded), None);
        if extent == Extent::Sample {
            // Of the lines before it there are only those that nobody expects.
            log.table(&table(&access));
            log.table(&costs);
            log.table(line);
        } else {
            log.tell(&event::done(line, names.is_empty()));
        }
        match (failures.len(), names.len()) {
            (0, refused) if refused == selected && selected > 0 => {
                Err(Error::NothingPermitted(names.into_iter().map(Into::into).collect()))
            }
            (0, _) => Ok(()),
            (failed, _) => {
                let first = Box::new(failures.swap_remove(0));
                Err(Error::StreamsFailed { failed, selected, first })
            }
        }
    }
}
