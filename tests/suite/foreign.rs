//! States and catalogs that another tap or another release has left: what is of use is used, and the rest is
//! told of.

use serde_json::{Value, json};

use crate::support::{Ran, Tap, stand_in};

fn with_state(state: &Value) -> Ran {
    Tap::of(&stand_in())
        .set("select", "severities,users,incident_attachments")
        .state(state)
        .run()
        .ok()
}

/// The streams in the order in which they are announced.
fn order(ran: &Ran) -> Vec<String> {
    let schemas = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    schemas.map(|message| message["stream"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_stream_that_another_tap_was_reading_goes_first() {
    assert_eq!(order(&with_state(&json!({}))), ["severities", "users", "incident_attachments"]);
    let ran = with_state(&json!({"currently_syncing": "users"}));
    assert_eq!(order(&ran), ["users", "severities", "incident_attachments"]);
    assert!(!ran.stderr.contains("WARNING state"), "{}", ran.stderr);
}

#[test]
fn a_state_without_bookmarks_is_told_of() {
    let ran = with_state(&json!({"users": {"updated_at": "2026-11-01T00:00:00Z"}, "version": 2}));
    let says = "has no `bookmarks`, but users, version: this tap did not write it";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    assert_eq!(ran.state()["version"], 2, "it is carried along");
}

#[test]
fn a_bookmark_that_means_nothing_here_is_told_of() {
    let ran = with_state(&json!({"bookmarks": {
        "incident_attachments": {"updated_at": "2026-11-01T00:00:00Z"},
        "users": {"version": 3},
        "severities": {"offset": null},
    }}));
    for says in [
        "WARNING state: what it has of `incident_attachments` (updated_at) is not used, and the stream is \
         read from its start: this tap's bookmark of it is `incident_updated_at`",
        "WARNING state: what it has of `users` (version) is not used, and the stream is read from its \
         start: it can only be read in full",
    ] {
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("`severities`"), "{}", ran.stderr);
    let time = &ran.state()["bookmarks"]["incident_attachments"]["updated_at"];
    assert_eq!(time, "2026-11-01T00:00:00Z", "it is carried along");
}

#[test]
fn a_bookmark_of_a_stream_that_is_read_in_full_is_told_of() {
    let state = json!({"bookmarks": {
        "incident_attachments": {"incident_updated_at": "2026-11-01T00:00:00Z"},
    }});
    let ran = with_state(&state);
    let says = "stream=incident_attachments it is read in full, and its bookmark stays as it is";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
}

#[test]
fn what_this_tap_has_left_is_nothing_foreign() {
    let stand_in = stand_in();
    let tap = || Tap::of(&stand_in).set("incremental", "*").set("select", "incident*,alerts,users");
    let tap = || tap().set("emit_activate_version_messages", "true");
    let first = tap().run().ok();
    let second = tap().state(&first.state()).run().ok();
    assert!(!second.stderr.contains("WARNING state"), "{}", second.stderr);
}

#[test]
fn streams_that_an_old_catalog_lacks_are_named_like_fields() {
    let mut catalog =
        tap_incident::singer::catalog::discover(&tap_incident::sources::incident_io::INCIDENT_IO)
            .unwrap();
    let entries = catalog["streams"].as_array_mut().unwrap();
    entries.retain(|entry| entry["stream"] != "secrets" && entry["stream"] != "teams");
    let is_users = |entry: &&mut Value| entry["stream"] == "users";
    let users = entries.iter_mut().find(is_users).unwrap();
    users["metadata"][0]["metadata"]["selected"] = true.into();
    users["schema"]["properties"].as_object_mut().unwrap().remove("email");
    let ran = Tap::of(&stand_in()).file("--catalog", &catalog.to_string()).run().ok();
    let says = "INFO the catalog lacks 2 streams that this release has (teams, secrets), and 1 fields of \
                selected streams that this release has (users.email); `tap-incident --discover`";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    let ran = Tap::of(&stand_in()).set("select", "users").run().ok();
    assert!(!ran.stderr.contains("the catalog lacks"), "{}", ran.stderr);
}
