//! The loop over streams, the state in between, the summary at the end.

use std::io::Write;
use std::sync::Arc;

use serde::Deserialize;

use crate::client::Client;
use crate::clock::Clock;
use crate::config::Forbidden;
use crate::error::Error;
use crate::log::{Level, Log, Metric};
use crate::message::Output;
use crate::plan::Planned;
use crate::request::Request;
use crate::scan::{Outcome, Scan};
use crate::state::State;

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
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Summary {
    records: u64,
    complete: usize,
    not_permitted: Vec<&'static str>,
    failures: Vec<Error>,
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

impl<W: Write> Sync<'_, W> {
    /// Reads every planned stream.
    ///
    /// # Errors
    /// The one failure, or [`Error::StreamsFailed`], or [`Error::NothingPermitted`]; whatever
    /// could be read has been, and the last line of the output is a true state.
    pub fn run(mut self, plan: &[Planned]) -> Result<(), Error> {
        let selected = plan.len();
        let mut summary = Summary::default();
        self.output.state(&self.state)?;
        for planned in plan {
            let stream = planned.selected.stream;
            let Err(error) = self.stream(planned, &mut summary) else { continue };
            if error.ends_the_run() {
                return Err(error);
            }
            self.log.say(Level::Error, Some(stream.name), &error.line());
            summary.failures.push(error);
            if self.fail_fast {
                break;
            }
        }
        self.state.set_currently_syncing(None);
        self.output.state(&self.state)?;
        self.conclude(summary, selected)
    }

    /// Reads one stream and moves its bookmark; a stream that may not be read is noted.
    fn stream(&mut self, planned: &Planned, summary: &mut Summary) -> Result<(), Error> {
        let stream = planned.selected.stream;
        for note in &planned.notes {
            self.log.say(Level::Info, Some(stream.name), &format!("stream={} {note}", stream.name));
        }
        self.state.set_currently_syncing(Some(stream.name));
        self.output.state(&self.state)?;
        self.output.schema(&planned.selected)?;
        let (outcome, result) = self.scan(planned);
        summary.records += outcome.emitted;
        match result {
            Ok(()) => {
                summary.complete += 1;
                if let (Some(newest), Some(cap)) = (outcome.newest, outcome.cap) {
                    self.state.advance(stream.name, newest.min(cap));
                }
                Ok(())
            }
            Err(Error::Forbidden { scope, api })
                if outcome.pages == 0 && self.forbidden == Forbidden::Warn =>
            {
                let needed = scope.as_deref().or(stream.scope).unwrap_or("unknown");
                let message =
                    format!("stream `{}` is skipped: it needs `{needed}` ({api})", stream.name);
                self.log.say(Level::Warning, Some(stream.name), &message);
                summary.not_permitted.push(stream.name);
                Ok(())
            }
            Err(error) => Err(error.in_stream(stream.name, outcome.pages)),
        }
    }

    /// Reads one stream and says how it went.
    fn scan(&mut self, planned: &Planned) -> (Outcome, Result<(), Error>) {
        let stream = planned.selected.stream;
        let started = self.clock.elapsed();
        let mut scan = Scan {
            client: self.client,
            log: self.log,
            clock: self.clock.as_ref(),
            output: &mut self.output,
            planned,
            outcome: Outcome::default(),
        };
        let result = scan.read();
        let outcome = scan.outcome;
        outcome.report(stream, self.log);
        let (name, records, pages) = (stream.name, outcome.emitted, outcome.pages);
        let seconds = self.clock.elapsed().saturating_sub(started).as_secs_f64();
        let end = if result.is_ok() { "end" } else { "broken off" };
        let message =
            format!("{end} stream={name} records={records} pages={pages} seconds={seconds:.1}");
        self.log.say(Level::Info, Some(name), &message);
        self.log.metric(Metric::Counter("record_count", records), Some(name));
        self.log.metric(Metric::Timer("sync_duration", seconds, result.is_ok()), Some(name));
        (outcome, result)
    }

    /// The summary, and what the run comes to.
    fn conclude(self, summary: Summary, selected: usize) -> Result<(), Error> {
        let Summary { records, complete, not_permitted, mut failures } = summary;
        let succeeded = failures.is_empty();
        self.log.metric(Metric::Counter("http_request_count", self.client.requests()), None);
        let seconds = self.clock.elapsed().as_secs_f64();
        self.log.metric(Metric::Timer("job_duration", seconds, succeeded), None);
        let names = not_permitted;
        let skipped =
            if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        let line = format!(
            "done streams={complete} of {selected} records={records} requests={} retries={} \
             failed={} not_permitted={}{skipped}",
            self.client.requests(),
            self.client.retries(),
            failures.len(),
            names.len(),
        );
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
