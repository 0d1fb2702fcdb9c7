//! The loop over streams, the state in between, the summary at the end.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::client::Client;
use crate::clock::Clock;
use crate::config::{Config, Forbidden};
use crate::error::Error;
use crate::fetch::queue::List;
use crate::fetch::{Fetch, Means};
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
    pub client: Arc<Client>,
    /// Where events go.
    pub log: Arc<Log>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How many requests at a time, and how many bytes may wait to be written.
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
}

/// One list of the plan.
struct Part<'a> {
    number: usize,
    planned: &'a Planned,
    fetch: &'a Fetch,
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
    All,
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

    /// Why a list cannot be read, if one of its parents could not.
    fn obstacle(&self, planned: &Planned) -> Option<&Fed> {
        let of = |parent: &Parent| {
            let fed = self.feeds.iter().find(|(feed, _)| feed.is_same_feed(parent));
            fed.map_or(&Fed::Failed, |(_, fed)| fed)
        };
        planned.parents.iter().map(of).find(|fed| !matches!(fed, Fed::All))
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
    let (_, body) = client.get(&Request::new("/v1/identity"))?;
    let Greeting { identity } = serde_json::from_slice(&body).map_err(|error| {
        let start = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
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
/// Of a sample, so many parents are asked for a record.
const SAMPLE_PARENTS: usize = 5;
/// What the API allows a key (API document).
const REQUESTS_A_MINUTE: usize = 1_200;

impl<W: Write> Sync<'_, W> {
    /// Reads every planned stream. The key is asked for while the first answers are on their way.
    ///
    /// # Errors
    /// The one failure, or [`Error::StreamsFailed`], or [`Error::NothingPermitted`]; whatever
    /// could be read has been, and the last line of the output is a true state.
    pub fn run(mut self, plan: &[Planned], now: DateTime<Utc>) -> Result<(), Error> {
        let fetch = self.fetch(plan, now)?;
        greet(&self.client, &self.log)?;
        fetch.release();
        let mut summary = Summary::default();
        self.state_line()?;
        for (number, planned) in plan.iter().enumerate() {
            let result = self.list(&Part { number, planned, fetch: &fetch }, &mut summary);
            fetch.close(number);
            let Err(error) = result else { continue };
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

    /// Starts to fetch all lists of the plan.
    fn fetch(&self, plan: &[Planned], now: DateTime<Utc>) -> Result<Fetch, Error> {
        let lists = plan.iter().map(|planned| self.fetched(planned, plan));
        let lists = lists.collect::<Result<Vec<_>, Error>>()?;
        let Config { concurrency, buffer, .. } = *self.config;
        // One request at a time is for whoever wants little: nothing is fetched ahead. Of a sample
        // nothing may be, since a record is enough.
        let is_ahead = concurrency > 1 && self.extent == Extent::Whole;
        let (client, log) = (Arc::clone(&self.client), Arc::clone(&self.log));
        let means = Means { client, log, clock: Arc::clone(&self.clock), now };
        Fetch::start(means, lists, concurrency, if is_ahead { buffer } else { 0 })
    }

    fn fetched(&self, planned: &Planned, plan: &[Planned]) -> Result<List, Error> {
        let feed = |parent: &'static Parent| {
            let of =
                |planned: &Planned| planned.feeds.iter().position(|feed| feed.is_same_feed(parent));
            let mut feeds = plan
                .iter()
                .enumerate()
                .filter_map(|(list, feeder)| of(feeder).map(|feed| (parent, (list, feed))));
            feeds.next().ok_or_else(|| Error::Bug(format!("nobody reads `{}`", parent.stream)))
        };
        Ok(List {
            reader: Arc::new(planned.reader()?),
            series: planned.series.clone(),
            cut: planned.cut,
            parents: planned.parents.iter().map(feed).collect::<Result<_, Error>>()?,
            most_parents: match self.extent {
                Extent::Whole => usize::MAX,
                Extent::Sample => SAMPLE_PARENTS,
            },
        })
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
            Some(Fed::Refused(why)) => {
                let why = why.clone();
                self.refuse(planned, &why, summary);
                return Ok(());
            }
            Some(Fed::All | Fed::Failed) => {
                self.leave_out(planned, summary);
                return Ok(());
            }
        }
        self.announce(part)?;
        let (outcome, result) = self.scan(part);
        summary.add(planned, &outcome, &result);
        match result {
            Ok(()) => {
                (0..planned.feeds.len()).for_each(|feed| part.fetch.complete((part.number, feed)));
                feed(planned, summary, || Fed::All);
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
                feed(planned, summary, || Fed::Failed);
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
        feed(planned, summary, || Fed::Failed);
    }

    /// Notes that the key may not read a list, and so not its children either.
    fn refuse(&self, planned: &Planned, why: &str, summary: &mut Summary) {
        let name = planned.stream.name;
        if planned.selected.is_some() {
            let message = format!("stream `{name}` is skipped: {why}");
            self.log.say(Level::Warning, Some(name), &message);
            summary.not_permitted.push(name);
        }
        feed(planned, summary, || Fed::Refused(format!("its parent `{name}`: {why}")));
    }

    /// Says what will be read: to the target in a SCHEMA, to the operator in the log.
    fn announce(&mut self, part: &Part) -> Result<(), Error> {
        let Part { planned, number, fetch } = part;
        let name = planned.stream.name;
        for note in &planned.notes {
            self.log.say(Level::Info, Some(name), &format!("stream={name} {note}"));
        }
        if !planned.stream.is_default && self.extent == Extent::Whole {
            let parents = fetch.parents(*number);
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
    fn scan(&mut self, part: &Part) -> (Outcome, Result<(), Error>) {
        let (planned, name) = (part.planned, part.planned.stream.name);
        let started = self.clock.elapsed();
        let mut scan = Scan {
            fetch: part.fetch,
            number: part.number,
            log: &self.log,
            clock: self.clock.as_ref(),
            output: &mut self.output,
            extent: self.extent,
            planned,
            outcome: Outcome::default(),
            refusal: None,
            parent: None,
        };
        let result = scan.write();
        let outcome = scan.outcome;
        let end = match (&result, &planned.selected) {
            (Err(_), _) => "broken off",
            (Ok(()), Some(_)) => "end",
            (Ok(()), None) => "end, for its children only,",
        };
        outcome.report(name, &self.log);
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
fn feed(planned: &Planned, summary: &mut Summary, fed: impl Fn() -> Fed) {
    summary.feeds.extend(planned.feeds.iter().map(|parent| (*parent, fed())));
}
