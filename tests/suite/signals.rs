//! A run that is asked to end: the line under way is finished, the last state is true, the exit code says
//! why, and nothing that is waited for holds it up.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stand_in::{Action, DEFAULT_KEY, Fault, Options, StandIn};
use tap_incident::base::stop::{Cause, Stop};

use crate::support::{Ran, Tap, stand_in, stand_in_with};

const SIGNALS: [(Signal, i32); 3] = [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)];
/// Far more than a run may take to end, and far less than what it waits for.
const HANGING: Duration = Duration::from_secs(20);

/// The binary, reading a stand-in.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl Running {
    fn of(command: &mut Command, stand_in: &StandIn, streams: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command
            .args(["--select", streams])
            .env_clear()
            .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
            .env("TAP_INCIDENT_ENDPOINT", stand_in.url())
            // Six incidents at once, and then one every ten seconds.
            .env(
                "TAP_INCIDENT_RATE_LIMIT_RESERVE_PERCENT",
                if streams == "incidents" { "90" } else { "0" },
            )
            .env("TAP_INCIDENT_INCIDENT_MODES", "standard,retrospective,test,tutorial")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::with_capacity(1, child.stdout.take().unwrap());
        Self { child, stdout, folder }
    }

    fn tap(stand_in: &StandIn, streams: &str) -> Self {
        Self::of(&mut Command::new(env!("CARGO_BIN_EXE_tap-incident")), stand_in, streams)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until something is so.
    fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < HANGING, "{}", self.log());
            yield_now();
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The exit code, the lines of stdout that nobody has read, and how long it took to end.
    fn end(mut self) -> (i32, Vec<String>, Duration, String) {
        let begun = Instant::now();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let took = begun.elapsed();
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text:?}");
        (code, text.lines().map(str::to_owned).collect(), took, self.log())
    }
}

fn pages_of(count: usize) -> StandIn {
    stand_in_with(Options { page_cap: Some(count), ..Options::default() })
}

fn always(stand_in: StandIn, path: &str, action: Action) -> StandIn {
    stand_in.fault(Fault::always(path, action));
    stand_in
}

/// Whether the pipe is about as full as it gets.
fn is_full(stdout: impl AsFd) -> bool {
    let size = rustix::pipe::fcntl_getpipe_size(&stdout).unwrap();
    rustix::io::ioctl_fionread(stdout).unwrap() > size as u64 * 3 / 4
}

/// A run that waits, and whether it does already.
type Waiting = (&'static str, StandIn, &'static str, fn(&Running, &StandIn) -> bool);

/// Everywhere a run may be for long.
fn places() -> [Waiting; 5] {
    let hour = Action::Delay(Duration::from_secs(3_600));
    let refusing = Action::RetryAfter { seconds: 600 };
    [
        ("the limiter", pages_of(1), "incidents", |running, _| {
            running.log().contains("waiting seconds")
        }),
        (
            "a stalled server",
            always(stand_in(), "/v2/users", hour.clone()),
            "users",
            |_, server| server.requests().iter().any(|seen| seen.target.starts_with("/v2/users")),
        ),
        ("a stalled server at the start", always(stand_in(), "/v1/identity", hour), "users", {
            |_, server| !server.requests().is_empty()
        }),
        ("a blocked pipe", stand_in(), "*", |running, _| is_full(running.stdout.get_ref())),
        ("between repeats", always(stand_in(), "/v2/users", refusing), "users", |running, _| {
            running.log().contains("retry path=/v2/users")
        }),
    ]
}

#[test]
fn a_signal_ends_a_run_wherever_it_waits() {
    for (signal, expected) in SIGNALS {
        for (place, stand_in, streams, waits) in places() {
            let running = Running::tap(&stand_in, streams);
            running.until(|running| waits(running, &stand_in));
            kill_process(running.pid(), signal).unwrap();
            let (code, lines, took, log) = running.end();
            assert_eq!(code, expected, "{place}: {log}");
            assert!(took < Duration::from_secs(2), "{place}: {took:?}");
            let last = log.lines().last().unwrap_or_default();
            assert!(last.starts_with("ERROR ended by SIG"), "{place}: {log}");
            // A full pipe takes no state, and what was not begun has none.
            let takes_state = !["a blocked pipe", "a stalled server at the start"].contains(&place);
            let has_state = lines.last().is_some_and(|line| line.contains(r#""type":"STATE""#));
            assert!(has_state || !takes_state, "{place}: {:?}", lines.last());
        }
    }
}

#[test]
fn a_second_signal_ends_a_run_that_does_not_get_to_its_end() {
    let stand_in = always(stand_in(), "/v2/users", Action::Delay(Duration::from_secs(3_600)));
    // Whoever does not read stderr, either, keeps the run from saying its last word.
    let (_reader, stderr) = std::io::pipe().unwrap();
    let mut full = stderr.try_clone().unwrap();
    rustix::io::ioctl_fionbio(&full, true).unwrap();
    while std::io::Write::write(&mut full, b" ").is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    for signals in [&[Signal::TERM][..], &[Signal::TERM, Signal::INT][..]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tap-incident"))
            .env_clear()
            .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
            .env("TAP_INCIDENT_ENDPOINT", stand_in.url())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let before = stand_in.requests().len();
        while stand_in.requests().len() == before {
            yield_now();
        }
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let code = child.wait().unwrap().code().unwrap();
        let expected = if signals.len() == 1 { vec![143] } else { vec![130, 143] };
        assert!(expected.contains(&code), "{code}");
    }
}

#[test]
fn a_reader_that_goes_away_is_noticed_while_a_run_waits() {
    let stand_in = always(stand_in(), "/v2/users", Action::Delay(Duration::from_secs(3_600)));
    let mut running = Running::tap(&stand_in, "users");
    let mut first = String::new();
    running.stdout.read_line(&mut first).unwrap();
    assert!(first.contains("STATE"), "{first}");
    let Running { mut child, stdout, folder } = running;
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(6));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.starts_with("ERROR the reader of the output is gone"), "{log}");
}

#[test]
fn a_run_without_stdout_does_not_succeed() {
    for (redirection, code) in [(">&-", 6), (">/dev/null", 0)] {
        let script = format!(r#""$0" --demo --select severities {redirection}"#);
        let tap = env!("CARGO_BIN_EXE_tap-incident");
        let output = Command::new("sh").args(["-c", &script, tap]).env_clear().output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{log}");
    }
    let mut dry = Command::new(env!("CARGO_BIN_EXE_tap-incident"));
    dry.args(["--demo", "--select", "severities"]).env_clear().stderr(Stdio::null());
    assert_eq!(dry.stdout(Stdio::null()).status().unwrap().code(), Some(0));
}

/// The process with a number in a namespace of its own, of which it is the first.
fn first_process(parent: &Child) -> Option<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", parent.id());
    let children = std::fs::read_to_string(path).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

#[test]
#[expect(clippy::print_stderr, reason = "what is not tried is said")]
fn a_signal_ends_the_first_process_of_a_container() {
    let may = Command::new("unshare").args(["--pid", "--fork", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("unshare is not permitted here: the first process of a container is not tried");
        return;
    }
    for (signal, expected) in SIGNALS {
        let hour = Action::Delay(Duration::from_secs(3_600));
        let stand_in = always(stand_in(), "/v2/users", hour);
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", env!("CARGO_BIN_EXE_tap-incident")]);
        let running = Running::of(&mut command, &stand_in, "users");
        let is_asked = |_: &Running| {
            stand_in.requests().iter().any(|seen| seen.target.starts_with("/v2/users"))
        };
        running.until(is_asked);
        kill_process(first_process(&running.child).unwrap(), signal).unwrap();
        let (code, lines, took, log) = running.end();
        assert_eq!(code, expected, "{log}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert!(lines.last().is_some_and(|line| line.contains(r#""type":"STATE""#)), "{lines:?}");
    }
}

/// The rows of a run, by stream and id.
fn rows(ran: &Ran) -> BTreeSet<(String, String)> {
    let mut rows = BTreeSet::new();
    for message in ran.messages() {
        if message["type"] == "RECORD" {
            rows.insert((message["stream"].to_string(), message["record"]["id"].to_string()));
        }
    }
    rows
}

/// A run that is asked to end at its so-many-th request.
fn stopped_at(number: usize, state: Option<&Value>) -> Ran {
    let stop = Arc::new(Stop::default());
    let (mut seen, of_stand_in) = (0, Arc::clone(&stop));
    let options = Options {
        page_cap: Some(10),
        on_request: Some(Box::new(move |_, _| {
            seen += 1;
            if seen == number {
                of_stand_in.set(Cause::Signal("SIGTERM", 143));
            }
        })),
        ..Options::default()
    };
    let stand_in = stand_in_with(options);
    let tap = Tap::of(&stand_in).only(&["users", "incidents", "incident_updates"]);
    let tap = tap.stopped_by(&stop);
    match state {
        Some(state) => tap.state(state).run(),
        None => tap.run(),
    }
}

#[test]
fn a_run_that_is_asked_to_end_at_any_request_leaves_a_state_to_go_on_from() {
    let whole = stopped_at(usize::MAX, None).ok();
    let mut ended = 0;
    for number in 1.. {
        let ran = stopped_at(number, None);
        if ran.code == 0 {
            break;
        }
        ended += 1;
        assert_eq!(ran.code, 143, "{}", ran.stderr);
        assert!(ran.last_line().starts_with("ERROR ended by SIGTERM"), "{}", ran.stderr);
        // Before the first list there is nothing to go on from.
        let state = if ran.lines.is_empty() { serde_json::json!({}) } else { ran.state() };
        let next = stopped_at(usize::MAX, Some(&state)).ok();
        let mut joined = rows(&ran);
        joined.extend(rows(&next));
        assert_eq!(joined, rows(&whole), "ended at request {number}");
    }
    assert!(ended > 15, "{ended}");
}
