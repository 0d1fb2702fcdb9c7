//! Every error in its own words, with its exit code and what to do about it: a message that changes shows here.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;
use stand_in::{Action, Fault};
use tap_incident::base::error::{ApiMessage, Error};
use tap_incident::sources::DEFAULT;

use crate::support::{Tap, stand_in};

fn api(status: u16, code: &str) -> ApiMessage {
    ApiMessage {
        status,
        text: "Something \"went\" wrong".into(),
        code: Some(code.into()),
        request_id: Some("req-1".into()),
    }
}

/// How many kinds of errors there are. No kind is left out here without the compiler saying so, and none of
/// them is missing below without the test saying so.
fn kind(error: &Error) -> usize {
    match error {
        Error::Arguments(_) => 0,
        Error::Config(_) => 1,
        Error::File { .. } => 2,
        Error::Selection(_) => 3,
        Error::Unauthorized(_) => 4,
        Error::Forbidden { .. } => 5,
        Error::NothingPermitted(_) => 6,
        Error::NotFound { .. } => 7,
        Error::Rejected { .. } => 8,
        Error::Contract(_) => 9,
        Error::Garbled(_) => 10,
        Error::Short { .. } => 11,
        Error::RepeatedCursor(_) => 12,
        Error::Unreachable { .. } => 13,
        Error::Unavailable { .. } => 14,
        Error::OutputClosed => 15,
        Error::Output(_) => 16,
        Error::Bug(_) => 17,
        Error::InStream { .. } => 18,
        Error::Parents { .. } => 19,
        Error::TooManyGone { .. } => 20,
        Error::StreamsFailed { .. } => 21,
        Error::Unsettled { .. } => 22,
        Error::Stopped { .. } => 23,
        Error::NoThread(_) => 24,
        Error::Untrusted { .. } => 25,
    }
}

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn all() -> Vec<Error> {
    let forbidden = |scope: Option<&str>| Error::Forbidden {
        scope: scope.map(Into::into),
        api: api(403, "missing_scope"),
    };
    let target = || "/v2/things?page_size=5".to_owned();
    let refused = |retry_after: Option<Duration>| Error::Unavailable {
        api: api(503, "unavailable"),
        attempts: 9,
        retry_after,
    };
    let unavailable = || refused(None);
    vec![
        Error::Arguments("unexpected argument '--no' found".into()),
        Error::Config(vec!["`a` is 1, but must be 2".into(), "`b` is missing".into()]),
        Error::File { what: "state", path: "s.json".into(), problem: "it is no JSON".into() },
        Error::Selection("the catalog selects no stream of this tap".into()),
        Error::Unauthorized(api(401, "invalid_authorization_material")),
        forbidden(Some("things.view")),
        forbidden(None),
        Error::NothingPermitted(vec!["things".into(), "others".into()]),
        Error::NotFound { is_gone: false, target: target(), api: api(404, "not_found") },
        Error::Rejected { target: target(), api: api(422, "validation_error") },
        Error::Contract("it has no `things`".into()),
        Error::Garbled("it is HTML".into()),
        Error::Short { received: 9, total: 10 },
        Error::Unsettled { requests: 40, received: 9 },
        Error::RepeatedCursor("abc".into()),
        Error::Unreachable {
            endpoint: "https://host.example".into(),
            problem: "connection refused".into(),
            attempts: 9,
        },
        Error::Untrusted {
            endpoint: "https://host.example".into(),
            problem: "nobody who is trusted has issued it".into(),
            hint: "set `ca_file`",
        },
        unavailable(),
        refused(Some(Duration::from_millis(7_199_500))),
        Error::NoThread("Resource temporarily unavailable (os error 11)".into()),
        Error::OutputClosed,
        Error::Stopped { signal: "SIGTERM", code: 143 },
        Error::Output("no space left on device".into()),
        Error::Bug("a worker thread has ended".into()),
        Error::Contract("it has no `things`".into()).in_stream("things", 0),
        Error::Contract("it has no `things`".into()).in_stream("things", 7),
        Error::Parents { first: "P1".into(), others: 0, error: Box::new(unavailable()) },
        Error::Parents { first: "P1".into(), others: 2, error: Box::new(unavailable()) },
        Error::TooManyGone { gone: 11, parents: 20 },
        Error::StreamsFailed {
            failed: 1,
            selected: 3,
            first: Box::new(unavailable().in_stream("things", 2)),
        },
    ]
}

#[test]
fn every_error_says_what_failed_and_what_to_do() {
    let mut kinds = all().iter().map(kind).collect::<Vec<_>>();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (0..=25).collect::<Vec<_>>(), "each kind has an example");
    let mut lines = String::new();
    for error in all() {
        let (code, line) = (error.exit_code(), error.line(&DEFAULT.hints));
        writeln!(lines, "{code} {line}").unwrap();
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn a_test_asks_for_pages_of_five() {
    let stand_in = stand_in();
    Tap::of(&stand_in).only(&["users"]).arg("--test").run().ok();
    let asked = stand_in.requests();
    let of_users = asked.iter().filter(|seen| seen.target.starts_with("/v2/users?"));
    assert!(of_users.clone().count() > 0);
    let has_size = |seen: &stand_in::Seen| seen.target.contains("?page_size=5&");
    assert!(of_users.clone().all(has_size), "{asked:?}");
}

#[test]
fn a_child_says_how_many_minutes_its_requests_take_at_least() {
    // 1,200 requests a minute are what the API takes of a key (API document), of which a fifth is left to others.
    for (users, minutes) in [(960, 1), (961, 2)] {
        let stand_in = stand_in();
        stand_in.edit(|workspace| {
            workspace.edit("/v2/users", |rows| {
                let user = |number| json!({"id": format!("U{number}"), "name": "Ada"});
                *rows = (0..users).map(user).collect();
            });
        });
        let ran = Tap::of(&stand_in).only(&["user_paging_providers"]).run().ok();
        let says =
            format!("at least {users} requests, {minutes} minutes or more at the API's rate");
        assert!(ran.stderr.contains(&says), "{}", ran.stderr);
    }
}

#[test]
fn the_last_line_counts_what_did_not_come_of_all_streams_together() {
    // The key of the sample has grants of a team, so that lists may be shorter than the API counts.
    let stand_in = stand_in();
    let paging = r#""pagination_meta": {"page_size": 250, "total_record_count": 3}"#;
    for (path, body) in [
        ("/v1/severities", r#"{"severities": [{"id": "1", "rank": "x", "name": 5, "novel": 1}]}"#),
        (
            "/v1/incident_types",
            r#"{"incident_types": [{"id": "1", "name": 5, "a": 1, "b": 2}, {"id": "2", "name": 6}]}"#,
        ),
        ("/v2/alert_tags", &format!(r#"{{"alert_tags": [{{"id": "1"}}], {paging}}}"#)),
        ("/v3/incident_forms", &format!(r#"{{"incident_forms": [{{"id": "1"}}], {paging}}}"#)),
    ] {
        stand_in.fault(Fault::always(path, Action::Body(body.to_owned())));
    }
    let streams = ["severities", "incident_types", "alert_tags", "incident_forms"];
    let ran = Tap::of(&stand_in).only(&streams).run().ok();
    let counts = "fields_unknown=3 fields_nulled=3 values_nulled=4 streams_short=2 ";
    assert!(ran.counts().contains(counts), "{}", ran.stderr);
    let words = "WARNING not all could be read: 2 streams may lack records; 4 values did not fit their \
                 type and are null; streams read 4 of 4, records 5 (left out as newer than this release: \
                 fields 3)";
    assert_eq!(ran.last_line(), words);
}
