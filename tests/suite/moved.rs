//! Actions and follow-ups of incidents that are converted from one mode to another, whose own `updated_at`
//! stays.

use std::collections::BTreeSet;

use crate::support::{Ran, Tap, count, stand_in, stand_in_with};
use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, StandIn, Workspace};

fn go(tap: Tap, modes: &str, state: &Value) -> Ran {
    tap.set("incident_modes", modes)
        .catalog(&["actions", "follow_ups"], |entry| {
            entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
        })
        .state(state)
        .run()
}

/// The first incident of a mode that has actions.
fn incident_of(workspace: &Workspace, mode: &str) -> Option<Value> {
    let rows = workspace.rows("/v3/actions");
    Some(rows.iter().find(|row| row["_incident_mode"] == mode)?["incident_id"].clone())
}

/// Converts an incident; its actions and follow-ups go with it.
fn convert(workspace: &mut Workspace, incident: &Value, to: &str) {
    workspace.edit("/v2/incidents", |rows| {
        for row in rows.iter_mut().filter(|row| row["id"] == *incident) {
            row["mode"] = to.into();
            row["updated_at"] = "2026-11-20T11:59:00Z".into();
        }
    });
    for path in ["/v3/actions", "/v3/follow_ups"] {
        workspace.edit(path, |rows| {
            for row in rows.iter_mut().filter(|row| row["incident_id"] == *incident) {
                row["_incident_mode"] = to.into();
            }
        });
    }
}

/// Converts the first incident of a mode that has actions.
fn convert_one(stand_in: &StandIn, from: &str, to: &str) -> Value {
    let mut incident = Value::Null;
    stand_in.edit(|workspace| {
        incident = incident_of(workspace, from).unwrap();
        convert(workspace, &incident, to);
    });
    incident
}

/// How many actions that came are of an incident.
fn of(ran: &Ran, incident: &Value) -> usize {
    ran.records("actions").iter().filter(|row| row["incident_id"] == *incident).count()
}

#[test]
fn actions_of_a_converted_incident_are_read_once() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), "standard", &json!({})).ok();
    let incident = convert_one(&stand_in, "test", "standard");
    assert_eq!(of(&first, &incident), 0);
    let second = go(Tap::of(&stand_in), "standard", &first.state()).ok();
    assert!(of(&second, &incident) > 0, "{}", second.stderr);
    assert_eq!(of(&second, &incident), second.records("actions").len());
    let before = (count(&stand_in, "/v3/actions"), count(&stand_in, "/v2/incidents"));
    let third = go(Tap::of(&stand_in), "standard", &second.state()).ok();
    assert!(third.records("actions").is_empty());
    let after = (count(&stand_in, "/v3/actions"), count(&stand_in, "/v2/incidents"));
    assert_eq!(after, (before.0 + 1, before.1 + 1), "both streams look at one list of incidents");
}

#[test]
fn actions_of_a_mode_that_nobody_wants_stay_out() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), "standard", &json!({})).ok();
    let incident = convert_one(&stand_in, "standard", "test");
    let second = go(Tap::of(&stand_in), "standard", &first.state()).ok();
    assert_eq!(of(&second, &incident), 0);
}

#[test]
fn a_conversion_is_seen_by_the_run_after_one_that_failed() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), "standard", &json!({})).ok();
    let incident = convert_one(&stand_in, "test", "standard");
    let id = incident.as_str().unwrap();
    stand_in.fault(Fault {
        path: format!("/v3/actions*incident_id={id}"),
        skip: 0,
        times: 9,
        action: Action::Status(500),
    });
    let second = go(Tap::of(&stand_in), "standard", &first.state());
    assert_eq!(second.code, 5, "{}", second.stderr);
    let third = go(Tap::of(&stand_in), "standard", &second.state()).ok();
    assert!(of(&third, &incident) > 0, "{}", third.stderr);
}

#[test]
fn of_a_bookmark_without_modes_of_incidents_nothing_is_taken_for_converted() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), "standard,test", &json!({})).ok();
    let mut state = first.state();
    for stream in ["actions", "follow_ups"] {
        let bookmark = state["bookmarks"][stream].as_object_mut().unwrap();
        bookmark.remove("parents").unwrap();
        bookmark.remove("parents_at").unwrap();
    }
    let second = go(Tap::of(&stand_in), "standard,test", &state).ok();
    assert!(second.records("actions").is_empty());
    assert_eq!(second.state(), first.state());
}

#[test]
fn where_incidents_may_not_be_read_the_log_says_what_is_not_known() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incidents", Action::Status(403)));
    let ran = go(Tap::of(&stand_in), "standard", &json!({})).ok();
    assert!(!ran.records("actions").is_empty());
    let said =
        "WARNING stream=actions it is not known which parents have changed to another series";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

/// While the lists of both modes are read, incidents go from the one that has not been read to the one that
/// has.
#[test]
fn actions_that_were_in_neither_list_are_read_by_the_next_run() {
    let mut standard_is_read = false;
    let stand_in = stand_in_with(Options {
        on_request: Some(Box::new(move |target, workspace| {
            standard_is_read |= target.starts_with("/v3/actions") && target.contains("=standard");
            if standard_is_read && target.contains("=test") {
                let incident = incident_of(workspace, "test");
                if let Some(incident) = incident {
                    convert(workspace, &incident, "standard");
                }
            }
        })),
        ..Options::default()
    });
    let mut ids = BTreeSet::new();
    let mut state = json!({});
    for _ in 0..2 {
        let tap = Tap::of(&stand_in).set("concurrency", "1");
        let ran = go(tap, "standard,test", &state).ok();
        ids.extend(ran.column("actions", "id"));
        state = ran.state();
    }
    stand_in.edit(|workspace| {
        for row in workspace.rows("/v3/actions") {
            if row["_incident_mode"] == "standard" {
                assert!(ids.contains(row["id"].as_str().unwrap()), "{row}");
            }
        }
    });
}

/// An odd mode of one incident keeps no other from being looked at.
#[test]
fn an_incident_without_a_mode_is_not_looked_at() {
    let stand_in = stand_in_with(Options {
        on_answer: Some(Box::new(|target, body| {
            let incidents = body["incidents"].as_array_mut().into_iter().flatten();
            for incident in incidents.filter(|_| target.starts_with("/v2/incidents")) {
                if incident["mode"] != "standard" {
                    incident["mode"] = Value::Null;
                }
            }
        })),
        ..Options::default()
    });
    let first = go(Tap::of(&stand_in), "standard", &json!({})).ok();
    assert!(!first.records("actions").is_empty());
    let incident = convert_one(&stand_in, "standard", "test");
    convert_one(&stand_in, "test", "standard");
    let second = go(Tap::of(&stand_in), "standard", &first.state()).ok();
    assert!(of(&second, &incident) == 0, "{}", second.stderr);
}
