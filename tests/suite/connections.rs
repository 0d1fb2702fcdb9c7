//! What a connection does that is no answer: it ends while nobody uses it, and its answers come packed, or
//! under large headers.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::front::Listening;
use crate::support::{Ran, Tap, count, stand_in, stand_in_with};
use stand_in::{Action, DEFAULT_KEY, Fault, Options};

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
