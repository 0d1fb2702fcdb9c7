//! `--summary-file`: what came of each stream, what it cost, and why it failed, whatever became of the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use stand_in::{Action, Fault, Options};
use tap_incident::base::stop::{Cause, Stop};

use crate::support::{Ran, Tap, stand_in, stand_in_with, unlimited};

/// A run with a summary file, and what is in there.
fn account(tap: Tap) -> (Ran, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.json");
    let ran = tap.arg("--summary-file").arg(path.to_str().unwrap()).run();
    let report = read(&path);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing else is left there");
    assert_eq!(report["exit_code"], ran.code);
    assert!(ran.last_line().ends_with(report["message"].as_str().unwrap()), "{}", ran.stderr);
    (ran, report)
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn of<'a>(report: &'a Value, stream: &str) -> &'a Value {
    let streams = report["streams"].as_array().unwrap();
    streams.iter().find(|of_stream| of_stream["stream"] == stream).unwrap()
}

#[test]
fn a_summary_file_says_what_came_and_what_it_cost() {
    let options = Options { page_cap: Some(10), gzip: false, ..Options::default() };
    let stand_in = unlimited(stand_in_with(options));
    let action = Action::RetryAfter { seconds: 17 };
    stand_in.fault(Fault { path: "/v2/users".into(), skip: 1, times: 1, action });
    let tap = Tap::of(&stand_in).documented().set("concurrency", "1");
    let (ran, report) = account(tap.only(&["users", "incidents", "incident_attachments"]));
    let ran = ran.ok();
    assert_eq!(
        report["records"].as_u64().unwrap(),
        ran.messages().iter().filter(|message| { message["type"] == "RECORD" }).count() as u64
    );
    assert_eq!(report["requests"].as_u64().unwrap(), stand_in.requests().len() as u64);
    let users = of(&report, "users");
    assert_eq!(users["records"].as_u64().unwrap(), ran.records("users").len() as u64);
    assert_eq!((&users["outcome"], &users["error"]), (&"complete".into(), &Value::Null));
    assert_eq!(
        (users["retries"].as_u64(), users["pages"].as_u64().map(|pages| pages + 1)),
        (Some(1), users["requests"].as_u64())
    );
    let waited = &users["waited_seconds"];
    let all = waited["repeats"].as_f64().unwrap() + waited["rate_limit"].as_f64().unwrap();
    assert!((17.0..25.0).contains(&all), "{waited}");
    assert!(users["bytes"].as_u64().unwrap() > 1_000, "{users}");
    let incidents = of(&report, "incidents");
    assert_eq!(incidents["rows_seen"], incidents["rows_counted"]);
    assert_eq!(incidents["rows_seen"], incidents["records"]);
    assert_eq!(incidents["bookmark_before"], Value::Null);
    let bookmark = ran.state()["bookmarks"]["incidents"]["updated_at"].clone();
    assert_eq!(incidents["bookmark_after"], bookmark);
    assert!(incidents["fields_unknown"]["count"].as_u64().unwrap() > 0, "{incidents}");
}

#[test]
fn a_summary_file_says_why_a_stream_failed_and_which_were_not_read() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incidents", Action::Body("{}".to_owned())));
    let tap = Tap::of(&stand_in).documented();
    let (ran, report) = account(tap.only(&["users", "incidents", "incident_attachments"]));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let outcome = |stream| of(&report, stream)["outcome"].as_str().unwrap();
    assert_eq!(outcome("users"), "complete");
    assert_eq!(outcome("incidents"), "failed");
    assert_eq!(outcome("incident_attachments"), "left_out");
    let error = of(&report, "incidents")["error"].as_str().unwrap();
    assert!(error.contains("it has no `incidents`"), "{error}");
}

#[test]
fn a_summary_file_is_written_after_a_signal_and_after_a_mistake_in_the_config() {
    let stop = Arc::new(Stop::default());
    let of_stand_in = Arc::clone(&stop);
    let options = Options {
        on_request: Some(Box::new(move |target, _| {
            if target.starts_with("/v2/incidents") {
                of_stand_in.set(Cause::Signal("SIGTERM", 143));
            }
        })),
        ..Options::default()
    };
    let stand_in = stand_in_with(options);
    let tap = Tap::of(&stand_in).documented().set("concurrency", "1").stopped_by(&stop);
    let (ran, report) = account(tap.only(&["users", "incidents", "alerts"]));
    assert_eq!(ran.code, 143, "{}", ran.stderr);
    let outcome = |stream| of(&report, stream)["outcome"].as_str().unwrap();
    assert_eq!(
        (outcome("users"), outcome("incidents"), outcome("alerts")),
        ("complete", "interrupted", "not_reached")
    );
    let (ran, report) = account(Tap::bare());
    assert_eq!((ran.code, report["streams"].as_array().unwrap().len()), (2, 0));
}

#[test]
fn a_summary_file_that_cannot_be_written_is_an_error() {
    let path = PathBuf::from("/nonexistent/summary.json");
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).only(&["users"]).arg("--summary-file").arg(path.to_str().unwrap());
    let ran = ran.run();
    assert_eq!(ran.code, 6);
    assert!(ran.last_line().contains("summary file `/nonexistent/summary.json`"), "{}", ran.stderr);
}
