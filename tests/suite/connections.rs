//! What a connection does that is no answer: it ends while nobody uses it, its answers come packed or
//! under large headers, and what it takes to make one is not done for each request.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::front::Listening;
use crate::support::{Ran, Tap, count, serve, stand_in, stand_in_with};
use stand_in::{Action, DEFAULT_KEY, Fault, Options, StandIn, Workspace};

#[test]
fn a_connection_that_the_server_ended_while_idle_is_no_failure() {
    let children = "/v2/users/";
    for answers in [1, 3] {
        let options = Options { answers_per_connection: Some(answers), ..Options::default() };
        let (calm, closing) = (stand_in(), stand_in_with(options));
        let expected = Tap::of(&calm).only(&["user_notification_rules"]).run().ok();
        let tap = Tap::of(&closing).only(&["user_notification_rules"]).set("max_retries", "1");
        let ran = tap.run().ok();
        assert_eq!(ran.lines, expected.lines);
        assert!(count(&closing, children) > 2 * answers, "children enough");
        assert_eq!(count(&closing, children), count(&calm, children));
        assert_eq!(ran.waited, Duration::ZERO, "{}", ran.stderr);
        assert!(ran.stderr.contains("retries=0"), "{}", ran.stderr);
    }
}

#[test]
fn a_repeat_counts_as_a_request_and_is_told_to_who_looks_closely() {
    let options = Options { answers_per_connection: Some(1), ..Options::default() };
    let stand_in = stand_in_with(options);
    let tap = Tap::of(&stand_in).only(&["user_notification_rules"]).set("concurrency", "1");
    let ran = tap.set("log_level", "debug").run().ok();
    let repeats = ran.stderr.matches("again: other: the server had closed the connection").count();
    assert!(repeats > 2, "{}", ran.stderr);
    let requests = format!(" requests={} ", stand_in.requests().len() + repeats);
    assert!(ran.stderr.contains(&requests), "{requests} {}", ran.last_line());
}

#[test]
fn a_new_connection_that_ends_without_an_answer_is_a_failure() {
    let options = Options { answers_per_connection: Some(0), ..Options::default() };
    let stand_in = stand_in_with(options);
    let ran = Tap::of(&stand_in).only(&["severities"]).set("max_retries", "2").run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.last_line().contains("after 3 attempts"), "{}", ran.stderr);
    assert!(ran.waited >= Duration::from_millis(250 + 500), "{:?}", ran.waited);
}

#[test]
fn an_answer_that_broke_off_on_a_used_connection_is_a_failure() {
    let stand_in = stand_in();
    stand_in.fault(Fault {
        path: "/v1/severities".into(),
        skip: 0,
        times: 1,
        action: Action::CutBody,
    });
    let ran = Tap::of(&stand_in).only(&["severities"]).run().ok();
    assert!(!ran.waited.is_zero() && ran.stderr.contains("retries=1"), "{}", ran.stderr);
}

/// A run over a server that gives every request this answer.
fn answered(headers: &str, body: &[u8]) -> (Ran, usize) {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    answer.extend(body);
    let server = Listening::canned(answer);
    let tap = Tap::bare().set("api_key", DEFAULT_KEY).only(&["severities"]);
    let ran = tap.set("endpoint", &format!("http://127.0.0.1:{}", server.port)).run();
    (ran, server.connections())
}

const BODY: &[u8] = br#"{"severities": [], "identity": {"name": "n", "roles": ["global_access"]}}"#;

#[test]
fn a_packed_answer_is_inflated_however_that_is_written() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(BODY).unwrap();
    let packed = packed.finish().unwrap();
    for name in ["gzip", "GZIP", "GZip", "x-gzip", "X-GZIP"] {
        let (ran, _) = answered(&format!("Content-Encoding: {name}\r\n"), &packed);
        assert_eq!((ran.code, ran.waited), (0, Duration::ZERO), "{name}: {}", ran.stderr);
    }
}

#[test]
fn headers_may_be_as_large_as_those_of_gateways() {
    let large = format!("X-Large: {}\r\n", "x".repeat(60 << 10));
    let many = (0..100).map(|number| format!("X-{number}: {}\r\n", "x".repeat(600)));
    for headers in [large, many.collect()] {
        let (ran, _) = answered(&headers, BODY);
        assert_eq!((ran.code, ran.waited), (0, Duration::ZERO), "{}", ran.stderr);
    }
}

#[test]
fn headers_that_no_api_sends_are_an_error_at_once() {
    let large = format!("X-Large: {}\r\n", "x".repeat(70 << 10));
    let many = (0..600).map(|number| format!("X-{number}: x\r\n"));
    for headers in [large, many.collect()] {
        let (ran, connections) = answered(&headers, BODY);
        // The greeting, and the list.
        assert_eq!((ran.code, ran.waited), (4, Duration::ZERO), "{}", ran.stderr);
        assert_eq!(connections, 2, "{}", ran.stderr);
        assert!(ran.last_line().contains("headers"), "{}", ran.stderr);
    }
}

/// Requests for the children of hundreds of incidents.
const CHILDREN: &str = "/v1/incident_attachments";

fn with_hundreds_of_parents(options: Options) -> StandIn {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.resize("/v2/incidents", 400);
    serve(workspace, options)
}

/// The address of a stand-in, with the name of its host.
fn named(stand_in: &StandIn) -> String {
    stand_in.url().replace("127.0.0.1", "localhost")
}

#[test]
fn a_host_is_looked_up_once_for_hundreds_of_requests() {
    let stand_in = with_hundreds_of_parents(Options::default());
    let tap = Tap::of(&stand_in).only(&["incident_attachments"]).set("log_level", "debug");
    let ran = tap.set("endpoint", &named(&stand_in)).run().ok();
    assert!(count(&stand_in, CHILDREN) > 300, "{}", ran.last_line());
    assert_eq!(ran.stderr.matches("DEBUG host=localhost:").count(), 1);
}

#[test]
fn a_host_where_nobody_listens_is_looked_up_for_each_attempt() {
    let tap = Tap::bare().set("api_key", DEFAULT_KEY).set("log_level", "debug");
    let ran = tap.set("endpoint", "http://localhost:1").only(&["severities"]).run();
    let attempts = ran.stderr.matches("DEBUG request path=").count();
    assert!(attempts > 2, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("DEBUG host=localhost:1 ").count(), attempts, "{}", ran.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn requests_take_no_threads_besides_those_of_the_workers() {
    use std::collections::BTreeSet;
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex, OnceLock};

    let (process, seen) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(BTreeSet::new())));
    let (pid, threads) = (Arc::clone(&process), Arc::clone(&seen));
    // Whoever asks has just done what it takes to ask: here all threads are seen that last a moment.
    let look = move |_: &str, _: &mut Workspace| {
        let folder = format!("/proc/{}/task", pid.get().unwrap_or(&0));
        let running = std::fs::read_dir(folder).into_iter().flatten().flatten();
        threads.lock().unwrap().extend(running.map(|thread| thread.file_name()));
    };
    let stand_in = with_hundreds_of_parents(Options {
        on_request: Some(Box::new(look)),
        ..Options::default()
    });
    let tap = Command::new(env!("CARGO_BIN_EXE_tap-incident"))
        .args(["--select", "incident_attachments"])
        .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
        .env("TAP_INCIDENT_ENDPOINT", named(&stand_in))
        .env("TAP_INCIDENT_CONCURRENCY", "8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut tap = tap.unwrap();
    process.set(tap.id()).unwrap();
    assert!(tap.wait().unwrap().success());
    assert!(count(&stand_in, CHILDREN) > 300);
    let threads = seen.lock().unwrap().len();
    // Workers and connections, as many each, and three besides.
    assert!((9..=8 + 8 + 3).contains(&threads), "{threads} threads");
}
