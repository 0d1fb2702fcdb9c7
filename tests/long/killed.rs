//! A run that is killed, or ended by a signal, a hundred times in a row, each time somewhere else, loses
//! nothing, goes on where it was, and asks for little twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arrived::Arrived;
use crate::large::{LARGE, UNCAPPED};
use crate::support::sample_of;
use proptest::prelude::Rng;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use stand_in::{ACTIAN_TENANT, DEFAULT_KEY, Limits, Options, StandIn};
use tap_incident::base::clock::{Clock, SystemClock};
use tap_incident::source::Source;
use tap_incident::source::openapi::Openapi;
use tap_incident::sources::SOURCES;
use tap_incident::sources::incident_io::INCIDENT_IO;

const KILLS: usize = 100;
/// The output of an undisturbed run is as long as so many runs that are killed: a little more, since
/// each of these also says again what the last one did not get to end.
const PARTS: usize = 120;

/// The tap as a process, what it reads, and its files.
struct Bench {
    source: &'static Source,
    stand_in: StandIn,
    folder: tempfile::TempDir,
}

/// What a run printed before it ended or was killed.
struct Printed {
    lines: Vec<String>,
    bytes: usize,
    is_killed: bool,
    /// How long it took to end after its signal.
    took: Duration,
    /// What it asked for.
    targets: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let options = Options {
            page_cap: Some(10),
            uncapped: UNCAPPED.map(str::to_owned).to_vec(),
            // The tap does not wait for its share of the limits.
            limits: Some(Limits { per_key: 1_000_000, incidents: 1_000_000 }),
            clock: Arc::new(|| SystemClock::default().now()),
            gzip: false,
            ..Options::default()
        };
        let document = Openapi::embedded(&INCIDENT_IO).unwrap();
        let stand_in =
            StandIn::start(document.as_value(), crate::large::workspace(), options).unwrap();
        Self::of(&INCIDENT_IO, stand_in, &catalog())
    }

    /// The sample of another source, all of its streams.
    fn small(source: &'static Source) -> Self {
        let options = Options { page_cap: Some(10), gzip: false, ..Options::default() };
        let mut catalog = tap_incident::singer::catalog::discover(source).unwrap();
        for entry in catalog["streams"].as_array_mut().unwrap() {
            entry["metadata"][0]["metadata"]["selected"] = true.into();
        }
        Self::of(source, sample_of(source, options), &catalog)
    }

    fn of(source: &'static Source, stand_in: StandIn, catalog: &Value) -> Self {
        let bench = Self { source, stand_in, folder: tempfile::tempdir().unwrap() };
        std::fs::write(bench.path("catalog.json"), catalog.to_string()).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, state: &Value) -> Child {
        std::fs::write(self.path("state.json"), state.to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_tap-incident"))
            .args([Path::new("--catalog"), &self.path("catalog.json")])
            .args([Path::new("--state"), &self.path("state.json")])
            .env_clear()
            .env("TAP_INCIDENT_SOURCE", self.source.name)
            .env("TAP_INCIDENT_TENANT", ACTIAN_TENANT)
            .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
            .env("TAP_INCIDENT_ENDPOINT", self.stand_in.url())
            // What is fetched ahead is lost with the process: with eight at a time, and an API without
            // latency, that is more than is written between two kills.
            .env("TAP_INCIDENT_CONCURRENCY", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(self.path("log")).unwrap())
            .spawn()
            .unwrap()
    }

    /// Runs the tap from a state on until it ends, or kills it when it has printed so much.
    fn run(&self, state: &Value, most: usize) -> Printed {
        self.run_until(state, most, Signal::KILL)
    }

    /// The same with another signal, after which it says its last words.
    fn run_until(&self, state: &Value, most: usize, signal: Signal) -> Printed {
        let before = self.stand_in.requests().len();
        let mut child = self.start(state);
        let mut output = Vec::new();
        let mut stdout = child.stdout.take().unwrap();
        stdout.by_ref().take(most as u64).read_to_end(&mut output).unwrap();
        let is_killed = output.len() == most;
        let begun = Instant::now();
        if is_killed {
            kill_process(Pid::from_child(&child), signal).unwrap();
        }
        if signal == Signal::KILL {
            // What was printed before it had been read too slowly is not there.
            drop(stdout);
        } else {
            stdout.read_to_end(&mut output).unwrap();
        }
        let status = child.wait().unwrap();
        let took = begun.elapsed();
        let log = std::fs::read_to_string(self.path("log")).unwrap();
        if is_killed && signal != Signal::KILL {
            // It may have come to its end meanwhile.
            let code = status.code().unwrap_or_default();
            assert!([0, exit_code(signal)].contains(&code), "{code}: {log}");
            assert!(output.ends_with(b"\n"), "half a line");
        }
        assert!(is_killed || status.success(), "{log}");
        let whole = output.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&output[..whole]).unwrap();
        let lines = text.lines().map(str::to_owned).collect();
        let asked = self.stand_in.requests().split_off(before);
        let targets = asked.into_iter().map(|seen| seen.target).collect();
        Printed { lines, bytes: output.len(), is_killed, took, targets }
    }
}

/// What a run that was ended by a signal exits with.
fn exit_code(signal: Signal) -> i32 {
    128 + signal.as_raw()
}

fn catalog() -> Value {
    let mut catalog = tap_incident::singer::catalog::discover(&INCIDENT_IO).unwrap();
    let is_large = |entry: &Value| LARGE.iter().any(|large| entry["stream"] == large.stream);
    let streams = catalog["streams"].as_array_mut().unwrap();
    streams.retain(is_large);
    for entry in streams {
        entry["metadata"][0]["metadata"]["selected"] = true.into();
    }
    catalog
}

/// What an undisturbed run asks for first of each stream.
fn beginnings(undisturbed: &Printed) -> BTreeMap<&'static str, &str> {
    let first = |large: &crate::large::Large| {
        let mut targets = undisturbed.targets.iter().filter(|target| large.has(target));
        // Several parents are asked for at once: the first of them has the least id.
        let first = if large.is_child() { targets.min() } else { targets.next() };
        (large.stream, first.unwrap().as_str())
    };
    LARGE.iter().map(first).collect()
}

/// Whether a resumed run asked for something of a stream, but not for its beginning.
fn goes_on(targets: &[String], stream: &str, beginning: &str) -> bool {
    let Some(large) = LARGE.iter().find(|large| large.stream == stream) else { return false };
    let mut own = targets.iter().filter(|target| large.has(target)).peekable();
    own.peek().is_some() && own.all(|target| target != beginning)
}

fn any_seed() -> u64 {
    match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(KILLS),
    }
}

#[expect(clippy::print_stderr, reason = "a failure is repeated by its seed")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// What came of a hundred kills.
#[derive(Debug, Default)]
struct Account {
    kills: usize,
    /// Resumed runs that went on inside the stream that was being read.
    inside: usize,
    /// Runs that ended before they could be killed.
    forgotten: usize,
    requests: usize,
    bytes: usize,
}

/// Kills run after run. One that made no headway is followed by one that may live longer, and one
/// that lived to its end is forgotten.
fn kill_many(bench: &Bench, undisturbed: &Printed, arrived: &mut Arrived, seed: u64) -> Account {
    let beginnings = beginnings(undisturbed);
    let bytes = [seed.to_le_bytes(); 4].concat();
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut account = Account::default();
    let mut patience = 1;
    while account.kills < KILLS {
        let most = patience * 2 * undisturbed.bytes / PARTS;
        let most = 1 + usize::try_from(random.next_u64() % most as u64).unwrap();
        let (state, stream) = (arrived.state.clone(), arrived.stream.clone());
        let printed = bench.run(&state, most);
        if !printed.is_killed {
            account.forgotten += 1;
            assert!(account.forgotten < KILLS, "{account:?}");
            patience = 1;
            continue;
        }
        arrived.load(&printed.lines);
        patience = if arrived.state == state { patience * 2 } else { 1 };
        let beginning = beginnings.get(stream.as_str()).copied().unwrap_or_default();
        account.inside += usize::from(goes_on(&printed.targets, &stream, beginning));
        account.kills += 1;
        account.requests += printed.targets.len();
        account.bytes += printed.bytes;
    }
    account
}

#[test]
fn a_run_that_is_killed_a_hundred_times_goes_on_and_loses_nothing() {
    let (bench, seed) = (Bench::new(), any_seed());
    say(&format!("PROPTEST_RNG_SEED={seed}"));
    let undisturbed = bench.run(&json!({}), usize::MAX);
    let all = Arrived::of(&undisturbed.lines);
    let mut arrived = Arrived::default();
    let mut account = kill_many(&bench, &undisturbed, &mut arrived, seed);
    let last = bench.run(&arrived.state, usize::MAX);
    arrived.load(&last.lines);
    account.requests += last.targets.len();
    let (rows, bytes, requests) = (all.rows.len(), undisturbed.bytes, undisturbed.targets.len());
    say(&format!("undisturbed: {rows} rows, {bytes} bytes, {requests} requests; {account:?}"));
    let missing = arrived.lacks(&all);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(account.inside >= 60, "only {} runs went on inside a stream", account.inside);
    assert!(account.requests < 2 * requests, "{} requests", account.requests);
}

#[test]
fn runs_over_any_other_source_that_are_killed_lose_nothing() {
    let seed = any_seed();
    say(&format!("PROPTEST_RNG_SEED={seed}"));
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
    for source in &SOURCES[1..] {
        let bench = Bench::small(source);
        let undisturbed = bench.run(&json!({}), usize::MAX);
        let all = Arrived::of(&undisturbed.lines);
        let mut arrived = Arrived::default();
        for _ in 0..20 {
            let most = 1 + random.next_u64() % undisturbed.bytes as u64;
            let state = arrived.state.clone();
            arrived.load(&bench.run(&state, usize::try_from(most).unwrap()).lines);
        }
        let state = arrived.state.clone();
        arrived.load(&bench.run(&state, usize::MAX).lines);
        let missing = arrived.lacks(&all);
        assert!(missing.is_empty(), "{}: {missing:?}", source.name);
    }
}

#[test]
fn a_run_that_a_hundred_signals_end_leaves_whole_lines_and_loses_nothing() {
    let (bench, seed) = (Bench::new(), any_seed());
    say(&format!("PROPTEST_RNG_SEED={seed}"));
    let undisturbed = bench.run(&json!({}), usize::MAX);
    let mut all = Arrived::default();
    all.load(&undisturbed.lines);
    let mut arrived = Arrived::default();
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
    let (mut ended, mut slowest) = (0, Duration::ZERO);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP].into_iter().cycle().take(KILLS) {
        let most = 1 + random.next_u64() % (undisturbed.bytes / 30) as u64;
        let state = arrived.state.clone();
        let printed = bench.run_until(&state, usize::try_from(most).unwrap(), signal);
        arrived.load(&printed.lines);
        if printed.is_killed {
            ended += 1;
            slowest = slowest.max(printed.took);
        } else {
            // It has come to its end: the next one begins again.
            arrived.state = json!({});
        }
    }
    let state = arrived.state.clone();
    arrived.load(&bench.run(&state, usize::MAX).lines);
    say(&format!("{ended} runs ended by a signal, the slowest in {slowest:?}"));
    let missing = arrived.lacks(&all);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(ended >= KILLS / 2, "{ended}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}
