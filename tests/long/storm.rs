//! A storm: of all answers, three in ten are no answers, in ways that nobody chose. A run through it, with
//! every stream of the sample workspace, brings all rows or asks to be run again later; and what is missing
//! then comes with one run more, once the weather is calm.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::arrived::Arrived;
use crate::support::{serve, unlimited};
use serde_json::Value;
use stand_in::{Action, DEFAULT_KEY, Limits, Options, Rewrite, StandIn, Weather, Workspace};
use tap_incident::base::clock::{Clock, SystemClock};

/// So many seeds, unless the variable `STORM_SEEDS` says otherwise. They mostly wait, and so run side by side.
const SEEDS: u64 = 10;
const AT_A_TIME: u64 = 10;
/// How many of a hundred answers do not come as they are.
const FAULTS: u64 = 30;
/// From the repeat of a request on that may be its last one, what comes is no answer at all, so that the run
/// ends as one that is to be tried later.
const LAST: u64 = 2;

/// What becomes of each request: by its seed, by what is asked for, and by how often it was.
fn weather(seed: u64) -> Weather {
    let mut turns: BTreeMap<String, u64> = BTreeMap::new();
    Box::new(move |target| {
        let turn = turns.entry(target.to_owned()).or_default();
        let mut hasher = DefaultHasher::new();
        (seed, target, *turn).hash(&mut hasher);
        let chance = hasher.finish();
        let is_late = *turn >= LAST;
        *turn += 1;
        (chance % 100 < FAULTS).then(|| fault(target, chance / 100, is_late))
    })
}

fn fault(target: &str, chance: u64, is_late: bool) -> Action {
    let cut = |by| Action::Rewritten(Rewrite { by, closes: true });
    match chance % if is_late { 11 } else { 18 } {
        0 => Action::Status(500),
        1 => Action::Html(502),
        2 => Action::Status(503),
        3 => Action::Html(504),
        4 => Action::Status(408),
        5 => Action::RetryAfter { seconds: 0 },
        6 => Action::CloseBeforeAnswer,
        7 => Action::Reset,
        8 => Action::CutBody,
        9 => cut(|answer| answer.iter().copied().take(30).collect()),
        10 => Action::Raw(b"\x16\x03\x01\0\xa5".to_vec()),
        11 => Action::Html(200),
        12 => Action::Body(String::new()),
        13 => Action::Body(r#"{"severities":[{"id":"#.to_owned()),
        14 => Action::StatusBody(204, String::new()),
        15 if target.contains("page_size=") => Action::EmptyPage,
        15 | 16 => Action::NoDate,
        _ => cut(|answer| [b"HTTP/1.1 103 Early Hints\r\n\r\n", answer.as_slice()].concat()),
    }
}

/// What a run left behind.
struct Ran {
    code: i32,
    lines: Vec<String>,
    log: String,
}

/// A run of every stream; with few repeats of a request it is likely to fail.
fn run(stand_in: &StandIn, state: &Value, most: u64) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, state.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tap-incident"))
        .args(["--select", "*", "--state"])
        .arg(file)
        .env_clear()
        .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
        .env("TAP_INCIDENT_ENDPOINT", stand_in.url())
        .env("TAP_INCIDENT_CONCURRENCY", "32")
        .env("TAP_INCIDENT_MAX_RETRIES", most.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let Output { status, stdout, stderr } = output;
    let log = String::from_utf8(stderr).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    let lines = String::from_utf8(stdout).unwrap().lines().map(str::to_owned).collect();
    Ran { code: status.code().unwrap(), lines, log }
}

fn sample() -> StandIn {
    let options = Options {
        page_cap: Some(10),
        // The tap does not wait for its share of the limits.
        limits: Some(Limits { per_key: 1_000_000, incidents: 1_000_000 }),
        clock: Arc::new(|| SystemClock::default().now()),
        ..Options::default()
    };
    unlimited(serve(Workspace::with_months(1).unwrap(), options))
}

/// One storm and what follows; how many requests it took, and whether one run was enough.
fn weather_one(seed: u64, calm: &Arrived) -> (usize, bool) {
    let stand_in = sample();
    stand_in.storm(weather(seed));
    // One half of the storms are weathered, the other half are given up early.
    let ran = run(&stand_in, &serde_json::json!({}), if seed.is_multiple_of(2) { 8 } else { 2 });
    let requests = stand_in.requests().len();
    let mut arrived = Arrived::of(&ran.lines);
    assert!(
        ran.lines.last().unwrap().starts_with(r#"{"type":"STATE""#),
        "seed {seed}: {}",
        ran.log
    );
    if ran.code != 0 {
        assert_eq!(ran.code, 5, "seed {seed}: {}", ran.log);
        let _hits = stand_in.calm();
        let next = run(&stand_in, &arrived.state, 8);
        assert_eq!(next.code, 0, "seed {seed}, the second run: {}", next.log);
        arrived.load(&next.lines);
    }
    let missing = arrived.lacks(calm);
    assert!(missing.is_empty(), "seed {seed}, exit code {}: {missing:?}\n{}", ran.code, ran.log);
    let invented = calm.lacks(&arrived);
    assert!(invented.is_empty(), "seed {seed}: {invented:?}");
    (requests, ran.code == 0)
}

#[expect(clippy::print_stderr, reason = "what the storms were like")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn a_storm_loses_nothing() {
    let asked = std::env::var_os("STORM_SEEDS");
    let seeds = asked.map_or(SEEDS, |asked| asked.to_str().unwrap().parse().unwrap());
    let calm = sample();
    let all = run(&calm, &serde_json::json!({}), 8);
    assert_eq!(all.code, 0, "{}", all.log);
    let all = Arrived::of(&all.lines);
    let (started, next) = (Instant::now(), AtomicU64::new(0));
    let results = thread::scope(|scope| {
        let work = || {
            let mut results = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return results;
                }
                results.push(weather_one(seed, &all));
            }
        };
        let threads = (0..AT_A_TIME.min(seeds)).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let requests = results.iter().map(|(requests, _)| requests).sum::<usize>();
    let at_once = results.iter().filter(|(_, is_whole)| *is_whole).count();
    say(&format!(
        "{seeds} storms over {} rows ({} requests when calm): {requests} requests, {at_once} needed no \
         second run, {:.0} s",
        all.rows.len(),
        calm.requests().len(),
        started.elapsed().as_secs_f64(),
    ));
}
