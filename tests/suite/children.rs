//! Streams that are read for the records of another: which are asked for, how often, what they
//! are given, and what happens when a parent is gone or may not be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Ran, Tap, count, serve, stand_in, stand_in_with, text};
use serde_json::{Value, json};
use stand_in::{Action, Fault, NOW, Options, StandIn, Workspace};

const INCIDENTS: usize = 29;

fn select(stand_in: &StandIn, patterns: &str) -> Ran {
    Tap::of(stand_in).arg("--select").arg(patterns).run()
}

/// Rows of the workspace under a child's path.
fn rows(path: &str) -> Vec<Value> {
    Workspace::with_months(1).unwrap().rows(path)
}

/// How often each value of a field comes.
fn tally(rows: &[Value], field: &str) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for row in rows {
        *tally.entry(text(&row[field])).or_default() += 1;
    }
    tally
}

#[test]
fn every_row_of_every_parent_arrives_with_its_parents_key() {
    let stand_in = stand_in();
    let ran = select(&stand_in, "*").ok();
    for (stream, path, parent, private) in [
        ("custom_field_options", "/v1/custom_field_options", "custom_field_id", "custom_field_id"),
        ("schedule_overrides", "/v2/schedule_overrides", "schedule_id", "schedule_id"),
        ("catalog_entries", "/v3/catalog_entries", "catalog_type_id", "catalog_type_id"),
        (
            "call_route_options",
            "/v2/call_routes/{call_route_id}/options",
            "call_route_id",
            "_call_route_id",
        ),
        (
            "user_notification_rules",
            "/v2/users/{user_id}/notification_rules",
            "user_id",
            "_user_id",
        ),
        ("secret_versions", "/v2/secrets/{id}", "secret_id", "_id"),
        ("incident_relationships", "/v1/incident_relationships", "incident_id", "_incident_id"),
        (
            "call_transcript_entries",
            "/v2/call_transcript_entries",
            "call_session_id",
            "_call_session_id",
        ),
    ] {
        let mut expected = rows(path);
        if stream == "secret_versions" {
            expected = expected.iter().flat_map(versions).collect();
        }
        // An incident that is gone, and one of mode `stream`, which is not listed, have no children.
        let unlisted = ["INCD0000000000000030", "CSES0000000000000010"];
        expected.retain(|row| !unlisted.iter().any(|end| text(&row[private]).ends_with(end)));
        assert!(!expected.is_empty(), "{stream}");
        assert_eq!(tally(&ran.records(stream), parent), tally(&expected, private), "{stream}");
    }
}

fn versions(secret: &Value) -> Vec<Value> {
    let versions = secret["versions"].as_array().unwrap().iter();
    versions.map(|version| json!({"_id": secret["_id"], "version": version["version"]})).collect()
}

#[test]
fn the_same_id_under_two_parents_is_two_records() {
    let records = select(&stand_in(), "schedule_overrides").ok().records("schedule_overrides");
    let ids = tally(&records, "id");
    let twice = ids.iter().find(|(_, count)| **count == 2).unwrap().0;
    let parents = records.iter().filter(|record| record["id"] == **twice);
    assert_eq!(
        parents
            .map(|record| text(&record["schedule_id"]))
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        2
    );
}

#[test]
fn a_rows_own_parent_wins_where_an_incident_lists_its_streams() {
    let records = select(&stand_in(), "incident_timeline_items").ok();
    let records = records.records("incident_timeline_items");
    let of_stream =
        |record: &&Value| text(&record["incident_id"]).ends_with("INCD0000000000000030");
    assert_eq!(records.iter().filter(of_stream).count(), 7);
}

#[test]
fn a_parent_is_read_once_for_all_its_children_and_itself() {
    let stand_in = stand_in();
    select(&stand_in, "incidents,incident_participants,incident_attachments,call_sessions,call_transcript_entries").ok();
    // Whether it takes mode `stream` is asked before.
    assert_eq!(count(&stand_in, "/v2/incidents?"), 1 + 1);
    assert_eq!(count(&stand_in, "/v2/incident_participants?"), INCIDENTS);
    assert_eq!(count(&stand_in, "/v1/incident_attachments?"), INCIDENTS);
    assert_eq!(count(&stand_in, "/v2/call_sessions?"), INCIDENTS);
    assert_eq!(count(&stand_in, "/v2/call_transcript_entries?"), 9);
}

#[test]
fn the_number_of_requests_is_what_the_table_implies() {
    let stand_in = stand_in();
    select(&stand_in, "schedule*,status_page*,secret_versions").ok();
    for (start, expected) in [
        ("/v1/identity", 1),
        ("/v2/schedules?", 1),
        // 30 days in pages of 14, and a schedule that is gone.
        ("/v2/schedule_entries?", 3 * 3 + 1),
        ("/v2/schedule_overrides?", 4),
        ("/v2/schedules/", 2 * 4),
        ("/v2/schedule_sync_targets?", 1),
        ("/v2/status_pages?", 1),
        ("/v2/status_page_components", 1),
        ("/v2/status_page_structures/", 2),
        ("/v2/status_page_incidents?", 2),
        ("/v2/status_page_maintenances?", 2),
        ("/v1/status-pages/", 4),
        ("/v2/secrets?", 1),
        ("/v2/secrets/", 3),
    ] {
        assert_eq!(count(&stand_in, start), expected, "{start}");
    }
    // Two calendar months for each component of each page.
    let availability = stand_in.requests();
    let availability = availability.iter().filter(|seen| seen.target.contains("/availability?"));
    assert_eq!(availability.count(), 2 * 7);
}

#[test]
fn a_parent_that_is_not_selected_is_read_and_not_emitted() {
    let stand_in = stand_in();
    let ran = select(&stand_in, "call_route_options").ok();
    assert_eq!(ran.records("call_routes").len(), 0);
    assert_eq!(ran.of_type("SCHEMA", "call_routes").count(), 0);
    assert_eq!(ran.records("call_route_options").len(), 4);
    assert!(ran.counts().starts_with("INFO done streams=1 of 1"), "{}", ran.counts());
}

#[test]
fn what_children_need_of_a_parent_is_read_even_when_it_is_deselected() {
    let stand_in = stand_in();
    let all = select(&stand_in, "alert_notes").ok().column("alert_notes", "id");
    let ran = select(&stand_in, "alerts.title,alert_notes").ok();
    assert_eq!(ran.column("alert_notes", "id"), all);
    // Beside the title, what is automatic: the key and the replication key.
    assert!(ran.records("alerts").iter().all(|alert| alert.as_object().unwrap().len() == 3));
}

#[test]
fn notes_of_alerts_and_of_groups_are_read_each_once() {
    let stand_in = stand_in();
    let ran = select(&stand_in, "alert_notes").ok();
    let ids = |rows: &[Value]| tally(rows, "id").into_keys().collect::<Vec<_>>();
    assert_eq!(ids(&ran.records("alert_notes")), ids(&rows("/v1/alert_notes")));
    assert_eq!(ran.records("alert_notes").len(), rows("/v1/alert_notes").len());
    assert_eq!(count(&stand_in, "/v1/alert_notes?page_size=250&alert_group_id="), 12);
    assert_eq!(count(&stand_in, "/v1/alert_notes?page_size=250&alert_id="), 10);
    assert!(!ran.lines.join("").contains("DO_NOT_EMIT"), "signed addresses are not emitted");
}

#[test]
fn an_incremental_parent_does_not_starve_a_full_table_child() {
    let stand_in = stand_in();
    let patterns = "incidents,incident_participants";
    let first = select(&stand_in, patterns).ok();
    let tap = Tap::of(&stand_in).arg("--select").arg(patterns).state(&first.state());
    let second = tap.run().ok();
    assert!(second.records("incidents").len() < 3);
    let all = first.column("incident_participants", "user_id");
    assert_eq!(second.column("incident_participants", "user_id"), all);
}

#[test]
fn a_child_that_failed_gets_the_parents_it_missed() {
    let (stand_in, faulty) = (stand_in(), stand_in());
    let path = "/v2/incident_participants".to_owned();
    faulty.fault(Fault { path, skip: 11, times: usize::MAX, action: Action::Status(500) });
    let patterns = "incidents,incident_participants";
    let first = select(&faulty, patterns);
    assert_eq!(first.code, 5);
    let tap = Tap::of(&stand_in).arg("--select").arg(patterns).state(&first.state());
    let second = tap.run().ok();
    let keys = |ran: &Ran| {
        let records = ran.records("incident_participants");
        let key = |record: &Value| text(&record["incident_id"]) + &text(&record["user_id"]);
        records.iter().map(key).collect::<BTreeSet<_>>()
    };
    let (whole, first, second) =
        (keys(&select(&stand_in, patterns).ok()), keys(&first), keys(&second));
    assert_eq!(first.union(&second).cloned().collect::<BTreeSet<_>>(), whole);
    assert!(first.len() < whole.len() && second.len() < whole.len(), "it goes on");
}

#[test]
fn a_parent_that_is_gone_is_skipped_and_counted() {
    let ran = select(&stand_in(), "schedule_overrides,incident_attachments").ok();
    for stream in ["schedule_overrides", "incident_attachments"] {
        let said = format!("WARNING stream={stream} parents deleted while they were read: 1");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
}

#[test]
fn ten_parents_that_are_all_gone_mean_a_wrong_address() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incident_participants", Action::Status(404)));
    let ran = select(&stand_in, "incident_participants");
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert_eq!(count(&stand_in, "/v2/incident_participants"), 10);
}

#[test]
fn a_forgotten_cursor_is_worth_one_more_reading() {
    for status in [404, 422] {
        let stand_in = stand_in_with(Options { page_cap: Some(20), ..Options::default() });
        let path = "/v3/catalog_entries*after".to_owned();
        let (skip, times, action) = (0, 1, Action::Status(status));
        stand_in.fault(Fault { path: path.clone(), skip, times, action });
        let ran = select(&stand_in, "catalog_entries").ok();
        assert!(ran.stderr.contains("its list is read again"), "{}", ran.stderr);
        let ids = tally(&ran.records("catalog_entries"), "id").into_keys();
        assert_eq!(ids.count(), rows("/v3/catalog_entries").len());
        stand_in.fault(Fault::always(&path, Action::Status(status)));
        assert_eq!(select(&stand_in, "catalog_entries").code, 4);
    }
}

#[test]
fn a_403_on_the_first_parent_skips_the_stream() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incident_participants", Action::Status(403)));
    let ran = select(&stand_in, "incident_participants,severities").ok();
    assert!(ran.counts().ends_with("not_permitted=1 (incident_participants)"));
    assert_eq!(count(&stand_in, "/v2/incident_participants"), 1);
}

#[test]
fn a_403_on_a_later_parent_skips_that_parent_and_on_a_later_page_fails() {
    let stand_in = stand_in_with(Options { page_cap: Some(20), ..Options::default() });
    let path = "/v2/incident_participants".to_owned();
    stand_in.fault(Fault { path, skip: 4, times: 2, action: Action::Status(403) });
    let ran = select(&stand_in, "incident_participants").ok();
    assert!(ran.stderr.contains("parents of which the key may not read it: 2"), "{}", ran.stderr);
    stand_in.fault(Fault::once("/v3/catalog_entries*after", Action::Status(403)));
    assert_eq!(select(&stand_in, "catalog_entries").code, 3);
}

#[test]
fn a_403_for_every_parent_after_one_that_is_gone_fails_the_stream() {
    let stand_in = stand_in();
    let path = "/v2/schedule_overrides".to_owned();
    stand_in.fault(Fault { path: path.clone(), skip: 0, times: 1, action: Action::Status(404) });
    stand_in.fault(Fault { path, skip: 1, times: 9, action: Action::Status(403) });
    assert_eq!(select(&stand_in, "schedule_overrides").code, 3);
}

#[test]
fn children_of_a_parent_that_failed_are_left_out_and_counted() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/schedules", Action::Status(500)));
    let ran = select(&stand_in, "schedule_overrides,schedule_entries,severities");
    assert_eq!(ran.code, 5);
    assert!(ran.stderr.contains("stream `schedule_entries` is left out"), "{}", ran.stderr);
    assert!(ran.stderr.contains("left_out=2"), "{}", ran.stderr);
    assert_eq!(ran.records("severities").len(), 4);
}

#[test]
fn rows_carry_the_window_they_were_asked_for() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in)
        .set("schedule_window_days_back", "7")
        .set("schedule_window_days_ahead", "3")
        .arg("--select")
        .arg("schedule_entries,status_page_component_availability")
        .run()
        .ok();
    for entry in ran.records("schedule_entries") {
        assert_eq!(entry["window_start"], "2026-11-13T00:00:00Z");
        assert_eq!(entry["window_end"], "2026-11-23T00:00:00Z");
        assert!(text(&entry["end_at"]).as_str() > "2026-11-13", "{entry}");
    }
    for month in ran.records("status_page_component_availability") {
        assert_eq!(month["window_start"], "2026-11-01T00:00:00Z");
        assert_eq!(month["start_at"], month["window_start"]);
        assert_eq!(month["end_at"], "2026-11-23T00:00:00Z");
    }
}

#[test]
fn entries_that_come_on_two_pages_are_emitted_once() {
    let ran = select(&stand_in(), "schedule_entries").ok();
    let records = ran.records("schedule_entries");
    let sets = tally(&records, "entry_set");
    assert_eq!(sets.keys().collect::<Vec<_>>(), ["final", "overrides", "scheduled"]);
    let window = (NOW - chrono::TimeDelta::days(30)).to_rfc3339();
    let bodies = rows("/v2/schedule_entries");
    let lists =
        bodies.iter().flat_map(|body| body["schedule_entries"].as_object().unwrap().values());
    let entries = lists.flat_map(|list| list.as_array().unwrap());
    let inside = |entry: &&Value| {
        text(&entry["end_at"])[..10] > window[..10]
            && &text(&entry["start_at"])[..10] < "2026-11-20"
    };
    assert_eq!(records.len(), entries.filter(inside).count());
}

#[test]
fn the_cost_of_what_grows_with_incidents_is_said_beforehand() {
    let ran = select(&stand_in(), "incident_participants").ok();
    let said = "1 streams ask once for each of their parents: at least 29 requests, 1 minutes or more at \
                the API's rate (incident_participants 29)";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn the_order_of_weekly_rules_is_kept_as_a_position() {
    let records = select(&stand_in(), "pay_config_weekly_rules").ok();
    let records = records.records("pay_config_weekly_rules");
    let file = rows("/v2/pay_configs/{pay_config_id}/weekly_rules");
    let of = |config: &str, rows: &[Value], field: &str| {
        let rows = rows.iter().filter(|row| row[field] == config);
        rows.map(|row| text(&row["id"])).collect::<Vec<_>>()
    };
    let config = text(&file[0]["_pay_config_id"]);
    assert_eq!(of(&config, &records, "pay_config_id"), of(&config, &file, "_pay_config_id"));
    let positions = records.iter().filter(|rule| rule["pay_config_id"] == config.as_str());
    assert!(positions.enumerate().all(|(place, rule)| rule["position"] == place));
}

#[test]
fn a_workload_says_up_to_when_it_was_calculated() {
    let ran = select(&stand_in(), "incident_participant_workloads").ok();
    let records = ran.records("incident_participant_workloads");
    assert!(records.iter().any(|record| record["data_synced_at"].is_string()));
    assert!(records.iter().all(|record| record["user_id"] == record["user"]["id"]));
}

#[test]
fn a_parent_that_comes_twice_is_asked_for_once() {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v2/secrets", |rows| rows.push(rows[0].clone()));
    let stand_in = serve(workspace, Options::default());
    select(&stand_in, "secret_versions").ok();
    assert_eq!(count(&stand_in, "/v2/secrets/"), 3);
}
