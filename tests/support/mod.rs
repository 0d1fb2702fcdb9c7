//! What every test needs: a running stand-in, a tap that reads it, and its messages as values.

use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestError, TestRunner};
use serde_json::Value;
use stand_in::{ACTIAN_TENANT, Api, DEFAULT_KEY, NOW, Options, StandIn, Workspace};
use tap_incident::base::clock::{Clock, StandingClock};
use tap_incident::base::screen::Audience;
use tap_incident::base::stop::Stop;
use tap_incident::source::Source;
use tap_incident::source::openapi::Openapi;
use tap_incident::sources::SOURCES;
use tap_incident::sources::incident_io::INCIDENT_IO;
use tap_incident::{Process, run};

/// The sample workspace with one month of history, served strictly.
pub fn stand_in() -> StandIn {
    stand_in_with(Options::default())
}

/// The same with other options.
pub fn stand_in_with(options: Options) -> StandIn {
    serve(Workspace::with_months(1).unwrap(), options)
}

/// Makes the key one that may see everything: the sample's has grants of a team.
pub fn unlimited(stand_in: StandIn) -> StandIn {
    stand_in.edit(|workspace| {
        workspace.edit("/v1/identity", |rows| rows[0]["teams"] = Value::Array(Vec::new()));
    });
    stand_in
}

/// A workspace, served.
pub fn serve(workspace: Workspace, options: Options) -> StandIn {
    StandIn::start(Openapi::embedded(&INCIDENT_IO).unwrap().as_value(), workspace, options).unwrap()
}

/// The sample workspace of any source, served strictly, with these options.
pub fn sample_of(source: &Source, options: Options) -> StandIn {
    let (api, workspace) = match source.name {
        "signalfx" => (Api::SignalFx, Workspace::signalfx()),
        "actian" => (Api::Actian, Workspace::actian()),
        _ => {
            let document = Openapi::embedded(source).unwrap().as_value().clone();
            (Api::OpenApi(document), Workspace::with_months(1))
        }
    };
    StandIn::serving(api, workspace.unwrap(), options).unwrap()
}

/// A tap about to run.
pub struct Tap {
    args: Vec<String>,
    environment: Vec<(String, String)>,
    folder: tempfile::TempDir,
    clock: Arc<dyn Clock>,
    stop: Arc<Stop>,
    sources: Vec<&'static Source>,
    /// Whose catalog is edited.
    source: &'static Source,
}

/// What a run left behind.
pub struct Ran {
    pub code: u8,
    pub lines: Vec<String>,
    pub stderr: String,
    pub waited: Duration,
}

impl Tap {
    /// A tap that reads `stand_in` with its key.
    pub fn of(stand_in: &StandIn) -> Self {
        Self::bare().set("api_key", DEFAULT_KEY).set("endpoint", &stand_in.url())
    }

    /// A tap that nobody configured.
    pub fn bare() -> Self {
        let tap = Self {
            args: vec!["tap-incident".into()],
            environment: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(StandingClock::at(NOW)),
            stop: Arc::default(),
            sources: SOURCES.to_vec(),
            source: &INCIDENT_IO,
        };
        tap.set("concurrency", &concurrency().to_string())
    }

    /// A tap that reads the stand-in of any source with its key.
    pub fn over(source: &'static Source, stand_in: &StandIn) -> Self {
        let mut tap = Self::of(stand_in).set("source", source.name);
        tap.source = source;
        if source.address.settings().any(|name| name == "tenant") {
            tap = tap.set("tenant", ACTIAN_TENANT);
        }
        tap
    }

    /// Only the modes of incidents that are documented, so that nothing is asked for besides.
    pub fn documented(self) -> Self {
        self.set("incident_modes", "standard,retrospective,test,tutorial")
    }

    /// Sets a setting through the environment.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let name = format!("TAP_INCIDENT_{}", name.to_uppercase());
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Sets a variable of the environment that has not our prefix.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Reads a source that is none of the program's own.
    pub fn reads(mut self, source: &'static Source) -> Self {
        self.sources = vec![source];
        self.source = source;
        self
    }

    /// Sets the clock, which stands at [`NOW`] otherwise.
    pub fn at(self, time: DateTime<Utc>) -> Self {
        self.clock(Arc::new(StandingClock::at(time)))
    }

    /// The same with a clock that others may move.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, ended by whoever else holds this.
    pub fn stopped_by(mut self, stop: &Arc<Stop>) -> Self {
        self.stop = Arc::clone(stop);
        self
    }

    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Gives a flag a file with this content.
    pub fn file(mut self, flag: &str, content: &str) -> Self {
        let path: PathBuf = self.folder.path().join(flag.trim_start_matches('-'));
        std::fs::write(&path, content).unwrap();
        self.args.extend([flag.into(), path.display().to_string()]);
        self
    }

    pub fn state(self, state: &Value) -> Self {
        self.file("--state", &state.to_string())
    }

    /// Selects these streams whole.
    pub fn only(self, streams: &[&str]) -> Self {
        self.catalog(streams, |_| {})
    }

    /// Selects these streams, then lets `change` edit each entry of the catalog.
    pub fn catalog(self, streams: &[&str], change: impl Fn(&mut Value)) -> Self {
        let mut catalog = tap_incident::singer::catalog::discover(self.source).unwrap();
        for entry in catalog["streams"].as_array_mut().unwrap() {
            let is_selected = streams.contains(&entry["stream"].as_str().unwrap());
            entry["metadata"][0]["metadata"]["selected"] = is_selected.into();
            if is_selected {
                change(entry);
            }
        }
        self.file("--catalog", &catalog.to_string())
    }

    pub fn run(self) -> Ran {
        let (stderr, mut stdout) = (Shared::default(), Vec::new());
        let code = run(Process {
            args: self.args.iter().map(Into::into).collect(),
            environment: self.environment.into_iter().collect(),
            stdout: &mut stdout,
            stderr: Box::new(stderr.clone()),
            audience: Audience::Program,
            clock: self.clock.clone(),
            stop: self.stop,
            sources: self.sources,
        });
        let text = String::from_utf8(stdout).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text:?}");
        Ran {
            code,
            lines: text.lines().map(Into::into).collect(),
            stderr: stderr.text(),
            waited: self.clock.elapsed(),
        }
    }
}

impl Ran {
    /// Fails unless the run succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    pub fn messages(&self) -> Vec<Value> {
        self.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records of a stream, in order.
    pub fn records(&self, stream: &str) -> Vec<Value> {
        self.of_type("RECORD", stream).map(|mut message| message["record"].take()).collect()
    }

    /// One field of each record of a stream, sorted.
    pub fn column(&self, stream: &str, field: &str) -> Vec<String> {
        let records = self.records(stream);
        let mut column = records.iter().map(|record| text(&record[field])).collect::<Vec<_>>();
        column.sort();
        column
    }

    pub fn schema(&self, stream: &str) -> Value {
        let schemas = self.of_type("SCHEMA", stream).collect::<Vec<_>>();
        assert_eq!(schemas.len(), 1, "SCHEMA of {stream} comes once");
        schemas[0]["schema"].clone()
    }

    pub fn of_type(&self, kind: &str, stream: &str) -> impl Iterator<Item = Value> {
        self.messages()
            .into_iter()
            .filter(move |message| message["type"] == kind && message["stream"] == stream)
    }

    /// The value of the last STATE.
    pub fn state(&self) -> Value {
        let last: Value = serde_json::from_str(self.lines.last().unwrap()).unwrap();
        assert_eq!(last["type"], "STATE", "the last line is a state");
        last["value"].clone()
    }

    /// The line that says as numbers what came of the run.
    pub fn counts(&self) -> &str {
        let is_it = |line: &&str| line.contains("done streams=");
        self.stderr.lines().rfind(is_it).unwrap_or_default()
    }

    pub fn last_line(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }
}

/// How many requests a tap sends at a time: what the variable `TEST_CONCURRENCY` says, or 8.
pub fn concurrency() -> usize {
    let asked = std::env::var_os("TEST_CONCURRENCY");
    asked.map_or(8, |asked| asked.to_str().unwrap().parse().unwrap())
}

/// A JSON string without its quotes, or the JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

/// Requests that the stand-in saw whose target starts like that.
pub fn count(stand_in: &StandIn, start: &str) -> usize {
    stand_in.requests().iter().filter(|seen| seen.target.starts_with(start)).count()
}

/// Tries so many cases of what may happen, and makes one that fails smaller so many times. A failure names the seed, to be repeated with, and the
/// smallest case that fails.
pub fn try_many<S: Strategy>(
    (cases, max_shrink_iters): (u32, u32),
    name: &str,
    all: &S,
    check: impl Fn(S::Value) -> TestCaseResult,
) where
    S::Value: Clone + Debug,
{
    let mut config = ProptestConfig { cases, max_shrink_iters, ..ProptestConfig::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(name),
    };
    say(&format!("{cases} {name}, PROPTEST_RNG_SEED={seed}"));
    config.rng_seed = RngSeed::Fixed(seed);
    config.failure_persistence = None;
    match TestRunner::new(config).run(all, check) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\nPROPTEST_RNG_SEED={seed}: {case:?}"),
        Err(error) => panic!("PROPTEST_RNG_SEED={seed}: {error}"),
    }
}

#[expect(clippy::print_stderr, reason = "a failure is repeated by its seed")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// What was written, for whoever wants to read it.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
