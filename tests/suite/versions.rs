//! Versions of full tables: with them a target can remove rows that are gone, and only those.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, StandIn};
use tap_incident::sources::SOURCES;

use crate::support::{Ran, Tap, sample_of, stand_in, unlimited};

const SETTING: &str = "emit_activate_version_messages";

fn tap(stand_in: &StandIn) -> Tap {
    Tap::of(stand_in).set(SETTING, "true")
}

/// The streams that the target may remove rows of, with the version.
fn activated(ran: &Ran) -> Vec<(String, i64)> {
    let mut activated = Vec::new();
    for message in ran.messages() {
        if message["type"] == "ACTIVATE_VERSION" {
            let stream = message["stream"].as_str().unwrap().to_owned();
            activated.push((stream, message["version"].as_i64().unwrap()));
        }
    }
    activated
}

fn names(ran: &Ran) -> Vec<String> {
    activated(ran).into_iter().map(|(stream, _)| stream).collect()
}

#[test]
fn without_the_setting_there_is_no_version() {
    let ran = Tap::of(&unlimited(stand_in())).run().ok();
    for message in ran.messages() {
        assert_ne!(message["type"], "ACTIVATE_VERSION");
        assert_eq!(message.get("version"), None);
    }
    assert!(!ran.state().to_string().contains("version"));
}

#[test]
fn every_record_of_a_full_table_has_the_version_that_comes_after_its_last_record() {
    let ran = tap(&unlimited(stand_in())).run().ok();
    let activated = activated(&ran);
    let (mut ended, mut with_rows) = (BTreeSet::new(), BTreeSet::new());
    for message in ran.messages() {
        let Some(stream) = message["stream"].as_str() else { continue };
        assert!(!ended.contains(stream), "{message} comes after the version of `{stream}`");
        match message["type"].as_str().unwrap() {
            "ACTIVATE_VERSION" => {
                assert_eq!(message["version"], 1_795_176_000_000_i64, "milliseconds since 1970");
                ended.insert(stream.to_owned());
            }
            "RECORD" if stream == "incidents" => assert_eq!(message.get("version"), None),
            "RECORD" => {
                assert_eq!(message["version"], 1_795_176_000_000_i64);
                with_rows.insert(stream.to_owned());
            }
            _ => {}
        }
    }
    let once = activated.iter().map(|(stream, _)| stream.clone()).collect::<BTreeSet<_>>();
    assert_eq!(once.len(), activated.len());
    assert!(!once.contains("incidents"), "what is incremental is never whole");
    assert!(!once.contains("schedule_entries"), "nor what is read over a window");
    assert!(once.contains("users") && once.contains("custom_field_options"), "{once:?}");
    assert!(with_rows.contains("schedule_entries"));
}

#[test]
fn a_table_that_is_empty_now_loses_all_its_rows() {
    let stand_in = unlimited(stand_in());
    stand_in.edit(|workspace| workspace.edit("/v1/severities", Vec::clear));
    let ran = tap(&stand_in).only(&["severities"]).run().ok();
    assert_eq!(names(&ran), ["severities"]);
}

/// Runs one stream, with a state of a run before.
fn again(stand_in: &StandIn, stream: &str, state: &Value) -> Ran {
    tap(stand_in).only(&[stream]).state(state).run()
}

#[test]
fn what_is_missing_for_another_reason_is_not_removed() {
    let users = |stand_in: &StandIn| tap(stand_in).only(&["users"]);
    // An error.
    let stand_in = unlimited(stand_in());
    let action = Action::Status(500);
    let (path, skip, times) = ("/v2/users".to_owned(), 1, usize::MAX);
    stand_in.fault(Fault { path, skip, times, action });
    let ran = users(&stand_in).set("max_retries", "0").set("page_size", "1").run();
    assert_eq!((ran.code, names(&ran)), (5, Vec::new()));
    // A sample, a window, modes that are left out.
    let options = unlimited(crate::support::stand_in());
    for tap in [
        users(&options).arg("--test"),
        tap(&options).only(&["schedule_entries"]),
        tap(&options).only(&["follow_ups"]).set("incident_modes", "standard"),
    ] {
        assert_eq!(names(&tap.run().ok()), [""; 0]);
    }
    let ran = tap(&options).only(&["follow_ups"]).run().ok();
    assert_eq!(names(&ran), ["follow_ups"]);
}

#[test]
fn a_parent_that_was_gone_keeps_the_rows_of_its_children_and_theirs() {
    let stand_in = unlimited(stand_in());
    let children = ["custom_field_options", "custom_fields"];
    let ran = tap(&stand_in).only(&children).run().ok();
    assert_eq!(names(&ran), ["custom_fields", "custom_field_options"]);
    stand_in.fault(Fault::once("/v1/custom_field_options", Action::Status(404)));
    let ran = tap(&stand_in).only(&children).run().ok();
    assert_eq!(names(&ran), ["custom_fields"]);
    assert!(ran.stderr.contains("stream=custom_field_options rows that are gone stay"));
}

#[test]
fn another_key_removes_nothing_until_it_is_known_what_it_sees() {
    let stand_in = unlimited(stand_in());
    let first = tap(&stand_in).only(&["users"]).run().ok();
    let second = again(&stand_in, "users", &first.state()).ok();
    assert_eq!((names(&first), names(&second)), (vec!["users".into()], vec!["users".into()]));
    // Other roles that see everything, too: once not.
    let roles = |roles: Value| {
        stand_in.edit(|workspace| {
            workspace.edit("/v1/identity", |rows| rows[0]["roles"] = roles.clone());
        });
    };
    roles(json!(["global_access", "schedules_reader"]));
    let other = again(&stand_in, "users", &second.state()).ok();
    assert_eq!(names(&other), [""; 0]);
    assert!(other.stderr.contains("a key with other roles"), "{}", other.stderr);
    assert_eq!(names(&again(&stand_in, "users", &other.state()).ok()), ["users"]);
    // One that does not see everything, however often.
    roles(json!(["viewer"]));
    let limited = again(&stand_in, "users", &second.state()).ok();
    let later = again(&stand_in, "users", &limited.state()).ok();
    assert_eq!((names(&limited), names(&later)), (Vec::new(), Vec::new()));
    // Where it always was that key, there is nothing to compare with, and then itself.
    let fresh = tap(&stand_in).only(&["users"]).run().ok();
    assert_eq!(names(&fresh), ["users"]);
    assert_eq!(names(&again(&stand_in, "users", &fresh.state()).ok()), ["users"]);
    // A table that was loaded before versions were wanted, by nobody knows whom.
    let unknown = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-01T00:00:00Z"}}});
    let unknown = again(&stand_in, "users", &unknown).ok();
    assert_eq!(names(&unknown), [""; 0]);
    assert_eq!(names(&again(&stand_in, "users", &unknown.state()).ok()), ["users"]);
}

#[test]
fn the_other_sources_have_versions_too() {
    for source in &SOURCES[1..] {
        let stand_in = sample_of(source, Options::default());
        let every = source.streams.iter().map(|stream| stream.name).collect::<Vec<_>>();
        let ran = Tap::over(source, &stand_in).set(SETTING, "true").only(&every).run().ok();
        assert!(!names(&ran).is_empty(), "{}: {}", source.name, ran.stderr);
    }
}
