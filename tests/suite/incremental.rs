//! What incremental streams read: what changed, what may have changed without a trace, and once
//! everything where a bookmark is no longer true.

use crate::support::{Ran, Tap, count, serve, stand_in, text};
use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use stand_in::{NOW, Options, StandIn, Workspace};

/// The streams that bookmark their own changes.
const OWN: [&str; 5] = ["incidents", "actions", "follow_ups", "escalations", "alerts"];
/// Two that follow the changes of their incidents.
const CHILDREN: [&str; 2] = ["incident_attachments", "incident_participants"];

/// Runs these streams, incremental ones all of them, with the state of the last run.
fn go(tap: Tap, streams: &[&str], state: &Value) -> Ran {
    by(tap, streams, "INCREMENTAL").state(state).run().ok()
}

fn by(tap: Tap, streams: &[&str], method: &str) -> Tap {
    tap.catalog(streams, |entry| {
        entry["metadata"][0]["metadata"]["replication-method"] = method.into();
    })
}

/// How many records a run wrote.
fn written(ran: &Ran) -> usize {
    ran.messages().iter().filter(|message| message["type"] == "RECORD").count()
}

fn bookmark(ran: &Ran, stream: &str) -> Value {
    ran.state()["bookmarks"][stream].clone()
}

/// How often the log says this.
fn said(ran: &Ran, what: &str) -> usize {
    ran.stderr.lines().filter(|line| line.contains(what)).count()
}

/// A time of the state, so long before the clock.
fn ago(days: i64) -> String {
    (NOW - TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Lets each incident be last changed at the moment that `time` names for it.
fn change(stand_in: &StandIn, time: impl Fn(&Value) -> String) {
    stand_in.edit(|workspace| {
        workspace.edit("/v2/incidents", |rows| {
            for row in rows.iter_mut() {
                row["updated_at"] = time(row).into();
            }
        });
    });
}

/// An incident that has attachments.
fn attached(stand_in: &StandIn) -> String {
    let ran = Tap::of(stand_in).only(&["incident_attachments"]).run().ok();
    ran.column("incident_attachments", "incident_id").swap_remove(0)
}

/// Gives the key these roles, and none else.
fn grant(stand_in: &StandIn, roles: &Value) {
    stand_in.edit(|workspace| {
        workspace.edit("/v1/identity", |rows| rows[0]["roles"] = roles.clone());
    });
}

#[test]
fn an_idle_run_writes_no_record_and_the_same_state_in_few_requests() {
    let (stand_in, streams) = (stand_in(), [&OWN[..], &CHILDREN].concat());
    let first = go(Tap::of(&stand_in), &streams, &json!({}));
    let second = go(Tap::of(&stand_in), &streams, &first.state());
    let before = stand_in.requests().len();
    let third = go(Tap::of(&stand_in), &streams, &second.state());
    assert!(written(&first) > 200);
    assert_eq!((written(&second), written(&third)), (0, 0));
    assert_eq!(third.lines.last(), second.lines.last());
    // Identity, incidents, escalations and alerts once each, whether there are statuses or modes of
    // incidents that the document lacks, actions and follow-ups for two modes together and each of three
    // others, and each child for the incidents that changed in the 14 days of child_lookback.
    let recent = first.records("incidents");
    let recent = recent.iter().filter(|row| text(&row["updated_at"]) >= ago(14)).count();
    assert_eq!(stand_in.requests().len() - before, 4 + 2 + 2 * 4 + 2 * recent);
}

/// Ten thousand incidents with little in them, of which every hundredth changed lately.
fn many_incidents() -> StandIn {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v2/incidents", |rows| {
        let template = rows[0].take();
        let fields = ["name", "mode", "visibility", "incident_status", "created_at"];
        let row = |number: usize| {
            let day = if number.is_multiple_of(100) { 5 } else { 300 };
            let mut row = json!({"id": format!("01{number:024}"), "updated_at": ago(day)});
            for field in fields {
                row[field] = template[field].clone();
            }
            row
        };
        *rows = (0..10_000).map(row).collect();
    });
    serve(workspace, Options::default())
}

#[test]
fn of_ten_thousand_incidents_a_child_is_asked_for_the_hundred_that_changed() {
    let stand_in = many_incidents();
    let state = json!({"bookmarks": {"incident_attachments":
        {"incident_updated_at": ago(10), "full_scan_at": ago(12)}}});
    let ran = go(Tap::of(&stand_in).documented(), &CHILDREN[..1], &state);
    assert_eq!(count(&stand_in, "/v1/incident_attachments"), 100);
    // The hundred fit a page.
    assert_eq!(count(&stand_in, "/v2/incidents"), 1);
    assert_eq!(bookmark(&ran, "incident_attachments")["incident_updated_at"], ago(5));
}

#[test]
fn rows_of_an_incremental_child_say_when_their_incident_changed() {
    let stand_in = stand_in();
    let streams = ["incidents", "incident_attachments"];
    let ran = go(Tap::of(&stand_in), &streams, &json!({}));
    let incidents = ran.records("incidents");
    for row in ran.records("incident_attachments") {
        let own = incidents.iter().find(|incident| incident["id"] == row["incident_id"]).unwrap();
        assert_eq!(row["incident_updated_at"], own["updated_at"]);
    }
    let schema = ran.of_type("SCHEMA", "incident_attachments").next().unwrap();
    assert_eq!(schema["bookmark_properties"], json!(["incident_updated_at"]));
    let newest = ran.column("incidents", "updated_at").pop().unwrap();
    assert_eq!(bookmark(&ran, "incident_attachments")["incident_updated_at"], newest);
}

#[test]
fn children_of_an_incident_are_read_again_for_child_lookback_days() {
    let stand_in = stand_in();
    let incident = attached(&stand_in);
    change(&stand_in, |row| ago(if row["id"] == incident.as_str() { 10 } else { 60 }));
    let state = json!({"bookmarks": {"incident_attachments":
        {"incident_updated_at": ago(2), "full_scan_at": ago(5)}}});
    for (days, incidents) in [("14", vec![incident.clone()]), ("9", Vec::new())] {
        let tap = Tap::of(&stand_in).set("child_lookback_days", days);
        let ran = go(tap, &CHILDREN[..1], &state);
        let mut read = ran.column("incident_attachments", "incident_id");
        read.dedup();
        assert_eq!(read, incidents);
        assert_eq!(bookmark(&ran, "incident_attachments")["incident_updated_at"], ago(2));
    }
}

#[test]
fn children_of_incidents_are_read_in_full_every_thirty_days() {
    let stand_in = stand_in();
    let whole = go(Tap::of(&stand_in), &CHILDREN[..1], &json!({}));
    let line = "stream=incident_attachments it is read in full, as full_scan_days asks";
    for (last, is_due) in [(json!(ago(29)), false), (json!(ago(31)), true), (Value::Null, true)] {
        let state = json!({"bookmarks": {"incident_attachments":
            {"incident_updated_at": ago(1), "full_scan_at": last}}});
        let ran = go(Tap::of(&stand_in), &CHILDREN[..1], &state);
        assert_eq!(written(&ran) == written(&whole), is_due, "{last}");
        assert_eq!(said(&ran, line), usize::from(is_due), "{}", ran.stderr);
        let expected = if is_due { json!(ago(0)) } else { last };
        assert_eq!(bookmark(&ran, "incident_attachments")["full_scan_at"], expected);
        let next = go(Tap::of(&stand_in), &CHILDREN[..1], &ran.state());
        assert_eq!(said(&next, line), 0, "{}", next.stderr);
    }
}

#[test]
fn full_scan_days_reads_incidents_in_full_once_and_remembers_when() {
    let stand_in = stand_in();
    let state = json!({"bookmarks": {"incidents":
        {"updated_at": ago(1), "full_scan_at": ago(8)}}});
    let tap = || Tap::of(&stand_in).set("full_scan_days", "7");
    let whole = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    let full = go(tap(), &["incidents"], &state);
    assert_eq!(full.records("incidents"), whole.records("incidents"));
    assert_eq!(bookmark(&full, "incidents")["full_scan_at"], ago(0));
    assert_eq!(said(&full, "the last time was 2026-11-12T12:00:00Z"), 1, "{}", full.stderr);
    assert_eq!(written(&go(tap(), &["incidents"], &full.state())), 0);
}

#[test]
fn incidents_are_not_read_in_full_unless_full_scan_days_asks() {
    let stand_in = stand_in();
    let state = json!({"bookmarks": {"incidents":
        {"updated_at": ago(1), "full_scan_at": ago(3_000)}}});
    let ran = go(Tap::of(&stand_in), &["incidents"], &state);
    assert!(ran.column("incidents", "updated_at")[0] >= ago(2));
    assert_eq!(bookmark(&ran, "incidents")["full_scan_at"], ago(3_000));
    assert_eq!(said(&ran, "full_scan_days"), 0, "{}", ran.stderr);
}

#[test]
fn a_mode_added_later_brings_its_old_rows_and_those_of_its_children() {
    let stand_in = stand_in();
    let tap = |modes| Tap::of(&stand_in).set("incident_modes", modes);
    for stream in ["incidents", "actions", "incident_attachments"] {
        let narrow = go(tap("standard"), &[stream], &json!({}));
        let wide = go(tap("standard,retrospective"), &[stream], &narrow.state());
        let whole = go(tap("standard,retrospective"), &[stream], &json!({}));
        assert!(written(&whole) > written(&narrow), "{stream}");
        assert_eq!(wide.column(stream, "id"), whole.column(stream, "id"));
        let modes = json!(["standard", "retrospective"]);
        assert_eq!(bookmark(&wide, stream)["incident_modes"], modes);
        let next = go(tap("standard,retrospective"), &[stream], &wide.state());
        assert_eq!(written(&next), 0, "{stream}");
    }
}

#[test]
fn everything_is_read_once_when_global_access_is_granted_later() {
    let stand_in = stand_in();
    let whole = go(Tap::of(&stand_in), &["incidents"], &json!({}));
    grant(&stand_in, &json!(["viewer"]));
    let blind = go(Tap::of(&stand_in), &["incidents"], &json!({}));
    let still = go(Tap::of(&stand_in), &["incidents"], &blind.state());
    assert_eq!(bookmark(&blind, "incidents")["global_access"], false);
    assert_eq!(written(&still), 0);
    grant(&stand_in, &json!(["viewer", "global_access"]));
    let granted = go(Tap::of(&stand_in), &["incidents"], &still.state());
    assert_eq!(granted.column("incidents", "id"), whole.column("incidents", "id"));
    assert_eq!(said(&granted, "it is read once from its start"), 1, "{}", granted.stderr);
    assert_eq!(bookmark(&granted, "incidents")["global_access"], true);
    assert_eq!(written(&go(Tap::of(&stand_in), &["incidents"], &granted.state())), 0);
}

/// Lets this incident change at that moment.
fn touch(stand_in: &StandIn, reference: &str, time: &str) {
    change(stand_in, |row| {
        if row["reference"] == reference { time.into() } else { text(&row["updated_at"]) }
    });
}

#[test]
fn a_full_table_in_between_leaves_the_bookmark_and_no_change_is_lost() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), &["incidents"], &json!({}));
    touch(&stand_in, "INC-3", "2026-11-20T10:00:00Z");
    let full = by(Tap::of(&stand_in), &["incidents"], "FULL_TABLE").state(&first.state());
    let full = full.run().ok();
    touch(&stand_in, "INC-4", "2026-11-20T09:00:00Z");
    let last = go(Tap::of(&stand_in), &["incidents"], &full.state());
    assert_eq!(full.column("incidents", "id"), first.column("incidents", "id"));
    let time = |ran| bookmark(ran, "incidents")["updated_at"].clone();
    assert_eq!(time(&full), time(&first));
    assert_eq!(last.column("incidents", "reference"), ["INC-3", "INC-4"]);
    assert_eq!(time(&last), "2026-11-20T10:00:00Z");
}

#[test]
fn a_bookmark_in_the_future_is_moved_back_to_now_with_a_warning() {
    let stand_in = stand_in();
    for (stream, key) in [("incidents", "updated_at"), (CHILDREN[0], "incident_updated_at")] {
        let state =
            json!({"bookmarks": {stream: {key: "2026-11-21T12:00:00Z", "full_scan_at": ago(1)}}});
        let ran = go(Tap::of(&stand_in), &[stream], &state);
        let warning =
            format!("WARNING state: the bookmark of `{stream}`, 2026-11-21T12:00:00Z, is");
        assert_eq!(said(&ran, &warning), 1, "{}", ran.stderr);
        assert_eq!(bookmark(&ran, stream)[key], "2026-11-20T12:00:00Z");
    }
}

#[test]
fn a_bookmark_ahead_by_less_than_half_the_lookback_is_left_alone() {
    let stand_in = stand_in();
    for (time, warnings) in [("2026-11-20T12:04:00Z", 0), ("2026-11-20T12:06:00Z", 1)] {
        let state = json!({"bookmarks": {"incidents": {"updated_at": time}}});
        let ran = go(Tap::of(&stand_in), &["incidents"], &state);
        assert_eq!(said(&ran, "is in the future"), warnings, "{}", ran.stderr);
        assert_eq!(bookmark(&ran, "incidents")["updated_at"] == time, warnings == 0);
    }
}
