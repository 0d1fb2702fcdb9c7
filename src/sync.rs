//! The loop over streams, the state in between, the summary at the end.

use std::io::Write;
use std::sync::Arc;

use serde::Deserialize;

use crate::bindings::Bindings;
use crate::client::Client;
use crate::clock::Clock;
use crate::config::Forbidden;
use crate::error::Error;
use crate::log::{Level, Log, Metric};
use crate::message::Output;
use crate::plan::{Extent, Planned};
use crate::request::Request;
use crate::scan::{Outcome, Scan};
use crate::state::State;
use crate::stream::Parent;
use crate::verdict::{Verdict, table};

/// What a run works with.
pub struct Sync<'a, W: Write> {
    /// The API.
    pub client: &'a Client,
    /// Where events go.
    pub log: &'a Log,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
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
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Summary {
    records: u64,
    complete: usize,
    not_permitted: Vec<&'static str>,
    left_out: Vec<&'static str>,
    failures: Vec<Error>,
    /// Parents skipped, fields unknown, fields nulled, streams short of what the API counts.
    losses: [u64; 4],
    verdicts: Vec<Verdict>,
    feeds: Vec<(&'static Parent, Fed)>,
}

/// What a parent gave to its children.
#[derive(Debug)]
enum Fed {
    /// All that there is.
    All(Bindings),
    /// Nothing: the key may not read it.
    Refused(String),
    /// Not all: it failed.
    Failed,
}

impl Summary {
    /// Counts what came of a list.
    fn add(&mut self, planned: &Planned, outcome: &Outcome, result: &Result<(), Error>) {
        self.records += outcome.emitted;
        for (total, loss) in self.losses.iter_mut().zip(outcome.losses()) {
            *total += loss;
        }
        if planned.selected.is_some() {
            self.verdicts.push(match result {
                Ok(()) => Verdict::read(planned.stream, outcome.emitted),
                Err(error) => Verdict::failed(planned.stream, error),
            });
        }
    }

    /// What the parents of a list gave, or why it cannot be read.
    fn bound(&self, planned: &Planned) -> Result<Vec<&Bindings>, &Fed> {
        let of = |parent: &Parent| {
            let fed = self.feeds.iter().find(|(feed, _)| feed.is_same_feed(parent));
            match fed {
                Some((_, Fed::All(bindings))) => Ok(bindings),
                Some((_, fed)) => Err(fed),
                None => Err(&Fed::Failed),
            }
        };
        planned.parents.iter().map(of).collect()
    }
}

/// Asks the API whose key this is: an early 401, and who and what for the log.
///
/// # Errors
/// Those of [`Client::get`], and [`Error::Contract`] where the answer has no identity.
pub fn greet(client: &Client, log: &Log) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Greeting {
        identity: Identity,
    }
    #[derive(Deserialize)]
    struct Identity {
        name: String,
        #[serde(default)]
        roles: Vec<String>,
        dashboard_url: Option<String>,
    }
    let answer = client.get(&Request::new("/v1/identity"))?;
    let Greeting { identity } = serde_json::from_slice(&answer.body).map_err(|error| {
        let start = String::from_utf8_lossy(&answer.body).chars().take(60).collect::<String>();
        Error::Contract(format!("/v1/identity: {error}: {start:?}"))
    })?;
    log.info(&format!(
        "key name={:?} organisation={:?} roles={}",
        identity.name,
        identity.dashboard_url.unwrap_or_default(),
        identity.roles.join(",")
    ));
    if !identity.roles.iter().any(|role| role == GLOBAL_ACCESS) {
        log.warn(&format!(
            "the key has no role `{GLOBAL_ACCESS}`: private incidents, and what belongs to them, \
             are missing without any error of the API"
        ));
    }
    Ok(())
}

/// The role without which the API leaves private incidents out (API document).
const GLOBAL_ACCESS: &str = "global_access";
/// What the API allows a key (API document).
const REQUESTS_A_MINUTE: usize = 1_200;

impl<W: Write> Sync<'_, W> {
    /// Reads every planned stream.
    ///
    /// # Errors
    /// The one failure, or [`Error::StreamsFailed`], or [`Error::NothingPermitted`]; whatever
    /// could be read has been, and the last line of the output is a true state.
    pub fn run(mut self, plan: &[Planned]) -> Result<(), Error> {
        let mut summary = Summary::default();
        self.state_line()?;
        for planned in plan {
            let Err(error) = self.list(planned, &mut summary) else { continue };
            if error.ends_the_run() {
                // Best effort: where the output is gone, that is the error already.
                let _ = self.state_line();
                return Err(error);
            }
            self.log.say(Level::Error, Some(planned.stream.name), &error.line());
            summary.failures.push(error);
            if self.fail_fast {
                break;
            }
        }
        self.state.set_currently_syncing(None);
        self.state_line()?;
        let selected = plan.iter().filter(|planned| planned.selected.is_some()).count();
        self.conclude(summary, selected)
    }

    /// A sample has no state: it is not a sync.
    fn state_line(&mut self) -> Result<(), Error> {
        match self.extent {
            Extent::Whole => self.output.state(&self.state),
            Extent::Sample => self.output.finish(),
        }
    }

    /// Reads one list, if its parents could be read, and keeps what it gives to its children.
    fn list(&mut self, planned: &Planned, summary: &mut Summary) -> Result<(), Error> {
        let name = planned.stream.name;
        let bound = match summary.bound(planned) {
            Ok(bound) => bound,
            Err(Fed::Refused(why)) => {
                let why = why.clone();
                self.refuse(planned, &why, summary);
                return Ok(());
            }
            Err(Fed::All(_) | Fed::Failed) => {
                self.leave_out(planned, summary);
                return Ok(());
            }
        };
        self.announce(planned, &bound)?;
        let (mut outcome, result) = self.scan(planned, &bound);
        summary.add(planned, &outcome, &result);
        match result {
            Ok(()) => {
                let mut fed = std::mem::take(&mut outcome.bound).into_iter();
                feed(planned, summary, |_| fed.next().map_or(Fed::Failed, Fed::All));
                if planned.selected.is_some() {
                    summary.complete += 1;
                }
                if let (Some(newest), Some(cap)) = (outcome.newest, outcome.cap) {
                    self.state.advance(name, newest.min(cap));
                }
                if planned.is_incremental() {
                    self.state.set_modes(name, &planned.modes);
                }
                Ok(())
            }
            Err(Error::Forbidden { scope, api })
                if outcome.pages == 0 && self.forbidden == Forbidden::Warn =>
            {
                let scope = scope.as_deref().or(planned.stream.scope).unwrap_or("unknown");
                self.refuse(planned, &format!("it needs `{scope}` ({api})"), summary);
                Ok(())
            }
            Err(error) => {
                feed(planned, summary, |_| Fed::Failed);
                Err(error.in_stream(name, outcome.pages))
            }
        }
    }

    /// Notes that a list is not read, since its parent failed.
    fn leave_out(&self, planned: &Planned, summary: &mut Summary) {
        let name = planned.stream.name;
        let message = format!("stream `{name}` is left out: its parent could not be read");
        self.log.say(Level::Warning, Some(name), &message);
        if planned.selected.is_some() {
            summary.left_out.push(name);
            summary.verdicts.push(Verdict::left_out(planned.stream));
        }
        feed(planned, summary, |_| Fed::Failed);
    }

    /// Notes that the key may not read a list, and so not its children either.
    fn refuse(&self, planned: &Planned, why: &str, summary: &mut Summary) {
        let name = planned.stream.name;
        if planned.selected.is_some() {
            let message = format!("stream `{name}` is skipped: {why}");
            self.log.say(Level::Warning, Some(name), &message);
            summary.not_permitted.push(name);
        }
        feed(planned, summary, |_| Fed::Refused(format!("its parent `{name}`: {why}")));
    }

    /// Says what will be read: to the target in a SCHEMA, to the operator in the log.
    fn announce(&mut self, planned: &Planned, bound: &[&Bindings]) -> Result<(), Error> {
        let name = planned.stream.name;
        for note in &planned.notes {
            self.log.say(Level::Info, Some(name), &format!("stream={name} {note}"));
        }
        let parents = bound.iter().map(|bound| bound.len()).sum::<usize>();
        if !planned.stream.is_default && self.extent == Extent::Whole {
            let requests = parents * planned.series.len();
            let minutes = requests.div_ceil(REQUESTS_A_MINUTE);
            let message = format!(
                "stream={name} needs at least {requests} requests, one for each of {parents} \
                 parents: {minutes} minutes or more at the API's rate"
            );
            self.log.say(Level::Info, Some(name), &message);
        }
        let Some(selected) = &planned.selected else { return Ok(()) };
        self.state.set_currently_syncing(Some(name));
        self.state_line()?;
        self.output.schema(selected)
    }

    /// Reads one list and says how it went.
    fn scan(&mut self, planned: &Planned, bound: &[&Bindings]) -> (Outcome, Result<(), Error>) {
        let name = planned.stream.name;
        let started = self.clock.elapsed();
        let mut scan = Scan {
            client: self.client,
            log: self.log,
            clock: self.clock.as_ref(),
            output: &mut self.output,
            extent: self.extent,
            planned,
            outcome: Outcome::default(),
            refusal: None,
            buffer: Vec::new(),
        };
        let result = scan.read(bound);
        let outcome = scan.outcome;
        let end = match (&result, &planned.selected) {
            (Err(_), _) => "broken off",
            (Ok(()), Some(_)) => "end",
            (Ok(()), None) => "end, for its children only,",
        };
        outcome.report(name, self.log);
        let (records, pages) = (outcome.emitted, outcome.pages);
        let seconds = self.clock.elapsed().saturating_sub(started).as_secs_f64();
        let message =
            format!("{end} stream={name} records={records} pages={pages} seconds={seconds:.1}");
        self.log.say(Level::Info, Some(name), &message);
        self.log.metric(Metric::Counter("record_count", records), Some(name));
        self.log.metric(Metric::Timer("sync_duration", seconds, result.is_ok()), Some(name));
        (outcome, result)
    }

    /// The summary, and what the run comes to.
    fn conclude(self, summary: Summary, selected: usize) -> Result<(), Error> {
        let Summary { records, complete, not_permitted, left_out, mut failures, verdicts, .. } =
            summary;
        let [parents, unknown, nulled, short] = summary.losses;
        let succeeded = failures.is_empty();
        self.log.metric(Metric::Counter("http_request_count", self.client.requests()), None);
        let seconds = self.clock.elapsed().as_secs_f64();
        self.log.metric(Metric::Timer("job_duration", seconds, succeeded), None);
        let names = not_permitted;
        let skipped =
            if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        let line = format!(
            "done streams={complete} of {selected} records={records} requests={} retries={} \
             parents_skipped={parents} fields_unknown={unknown} fields_nulled={nulled} \
             streams_short={short} failed={} left_out={} not_permitted={}{skipped}",
            self.client.requests(),
            self.client.retries(),
            failures.len(),
            left_out.len(),
            names.len(),
        );
        if self.extent == Extent::Sample {
            self.log.table(&table(&verdicts));
        }
        let level = if names.is_empty() { Level::Info } else { Level::Warning };
        self.log.say(level, None, &line);
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

/// Keeps what a list gives to each kind of child.
fn feed(planned: &Planned, summary: &mut Summary, mut fed: impl FnMut(&Parent) -> Fed) {
    summary.feeds.extend(planned.feeds.iter().map(|parent| (*parent, fed(parent))));
}
