//! What bookmarks and positions are true for: whose rows a key saw and which fields were written; and
//! what feeds children beside what is emitted.

use crate::support::{Ran, Tap, count, stand_in, stand_in_with};
use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use stand_in::{Action, Fault, NOW, Options, StandIn, standing_at};

fn go(tap: Tap, streams: &[&str], state: &Value) -> Ran {
    let incremental = |entry: &mut Value| {
        entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
    };
    tap.catalog(streams, incremental).state(state).run()
}

fn ago(days: i64) -> String {
    (NOW - TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn said(ran: &Ran, what: &str) -> usize {
    ran.stderr.lines().filter(|line| line.contains(what)).count()
}

/// Changes what the key's own record says.
fn identity(stand_in: &StandIn, field: &str, value: &Value) {
    stand_in.edit(|workspace| {
        workspace.edit("/v1/identity", |rows| rows[0][field] = value.clone());
    });
}

fn team(id: &str) -> Value {
    json!({"id": id, "name": format!("Team {id}")})
}

#[test]
fn a_bookmark_of_another_organisation_is_not_used() {
    let stand_in = stand_in();
    let first = go(Tap::of(&stand_in), &["incidents"], &json!({})).ok();
    identity(&stand_in, "dashboard_url", &json!("https://app.incident.io/elsewhere"));
    let second = go(Tap::of(&stand_in), &["incidents"], &first.state()).ok();
    assert_eq!(second.column("incidents", "id"), first.column("incidents", "id"));
    assert_eq!(said(&second, "it is of another organisation, `https://app.incident.io/tide"), 1);
    let third = go(Tap::of(&stand_in), &["incidents"], &second.state()).ok();
    assert_eq!(third.records("incidents").len(), 0);
}

#[test]
fn everything_is_read_once_when_the_grants_of_teams_are_widened() {
    let stand_in = stand_in();
    identity(&stand_in, "teams", &json!([team("A")]));
    let first = go(Tap::of(&stand_in), &["incidents"], &json!({})).ok();
    assert_eq!(
        said(&first, "WARNING the key has grants of 1 teams (Team A)"),
        1,
        "{}",
        first.stderr
    );
    let mut state = first.state();
    for (teams, is_wider) in [
        (json!([team("A")]), false),
        (json!([team("B"), team("A")]), true),
        (json!([team("A"), team("B")]), false),
        (json!([team("B")]), false),
        (Value::Null, true),
        (json!([]), false),
        (json!([team("B")]), false),
    ] {
        identity(&stand_in, "teams", &teams);
        let ran = go(Tap::of(&stand_in), &["incidents"], &state).ok();
        assert_eq!(ran.records("incidents").is_empty(), !is_wider, "{teams}: {}", ran.stderr);
        state = ran.state();
    }
}

/// A run of incidents that fails inside of the list.
fn broken(stand_in: &StandIn) -> Ran {
    let action = Action::Status(500);
    stand_in.fault(Fault { path: "/v2/incidents".into(), skip: 2, times: 9, action });
    Tap::of(stand_in).only(&["incidents"]).set("concurrency", "1").run()
}

#[test]
fn a_position_is_dropped_where_the_key_sees_other_rows() {
    for (field, value) in [
        ("roles", json!(["viewer"])),
        ("teams", json!([team("A")])),
        ("dashboard_url", json!("https://app.incident.io/elsewhere")),
    ] {
        let stand_in = stand_in_with(Options { page_cap: Some(2), ..Options::default() });
        let failed = broken(&stand_in);
        identity(&stand_in, field, &value);
        let ran = Tap::of(&stand_in).only(&["incidents"]).state(&failed.state()).run().ok();
        assert_eq!(said(&ran, "it is of a key that sees other rows"), 1, "{}", ran.stderr);
        let whole = Tap::of(&stand_in).only(&["incidents"]).run().ok();
        assert_eq!(ran.column("incidents", "id"), whole.column("incidents", "id"));
    }
}

#[test]
fn fields_selected_since_the_bookmark_are_named_and_read_again_where_asked() {
    let stand_in = stand_in();
    let first = Tap::of(&stand_in).arg("--select").arg("incidents,!incidents.name").run().ok();
    let tap = || Tap::of(&stand_in).only(&["incidents"]).state(&first.state());
    let line = "stream=incidents 1 fields are selected since the bookmark: name;";
    let plain = tap().run().ok();
    // Those within the lookback have changed by that.
    assert!(plain.records("incidents").len() < 3, "{}", plain.stderr);
    assert_eq!(said(&plain, line), 1, "{}", plain.stderr);
    let again = tap().set("rescan_on_new_fields", "true").run().ok();
    assert_eq!(again.column("incidents", "id"), first.column("incidents", "id"));
    for ran in [plain, again] {
        let next = Tap::of(&stand_in).only(&["incidents"]).state(&ran.state()).run().ok();
        assert_eq!(said(&next, "are selected since"), 0, "{}", next.stderr);
    }
}

#[test]
fn an_identity_that_cannot_be_read_ends_no_run() {
    for action in [Action::Status(403), Action::Status(404), Action::Status(500), Action::Html(200)]
    {
        let stand_in = stand_in();
        stand_in.fault(Fault::always("/v1/identity", action));
        let ran = Tap::of(&stand_in).only(&["severities"]).run().ok();
        assert_eq!(said(&ran, "WARNING it is not known whose key this is"), 1, "{}", ran.stderr);
        assert_eq!(ran.messages()[0]["type"], "STATE");
    }
}

#[test]
fn odd_roles_and_teams_are_taken_for_none_or_for_unknown() {
    for (roles, is_warned) in [(Value::Null, 1), (json!([]), 1), (json!("all"), 0)] {
        let stand_in = stand_in();
        identity(&stand_in, "roles", &roles);
        let ran = Tap::of(&stand_in).only(&["severities"]).run().ok();
        assert_eq!(said(&ran, "the key has no role `global_access`"), is_warned, "{roles}");
    }
}

/// What feeds children is one question, what is emitted is another.
#[test]
fn a_full_table_below_an_incremental_parent_has_the_rows_of_all_parents() {
    let stand_in = stand_in();
    let whole = Tap::of(&stand_in).only(&["call_transcript_entries"]).run().ok();
    let expected = whole.column("call_transcript_entries", "id");
    let state = json!({"bookmarks": {"call_sessions":
        {"incident_updated_at": ago(0), "full_scan_at": ago(1)}}});
    let mixed = |entry: &mut Value| {
        if entry["stream"] == "call_sessions" {
            entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
        }
    };
    let tap = Tap::of(&stand_in).set("child_lookback_days", "1");
    let both = ["call_sessions", "call_transcript_entries"];
    let ran = tap.catalog(&both, mixed).state(&state).run().ok();
    assert_eq!(ran.column("call_transcript_entries", "id"), expected);
    let all = Tap::of(&stand_in).only(&["call_sessions"]).run().ok();
    let (emitted, all) = (ran.records("call_sessions"), all.records("call_sessions"));
    assert!(emitted.len() < all.len(), "only what changed is emitted");
    // Killed after the first of the two, in the first run.
    let first = Tap::of(&stand_in).catalog(&both, mixed).run().ok();
    let messages = first.messages().into_iter();
    let mut states = messages.filter(|message| message["type"] == "STATE");
    let killed = states.find(|state| state["value"]["currently_syncing"] == both[1]).unwrap();
    let ran = Tap::of(&stand_in).catalog(&both, mixed).state(&killed["value"]).run().ok();
    assert_eq!(ran.column("call_transcript_entries", "id"), expected);
}

#[test]
fn what_a_clock_a_year_ahead_has_left_in_the_state_is_not_believed() {
    let stand_in = stand_in_with(Options { page_cap: Some(2), ..Options::default() });
    let failed = broken(&stand_in);
    let mut state = failed.state();
    let future = "2027-11-20T12:00:00Z";
    state["bookmarks"]["incidents"]["scan"]["at"] = future.into();
    state["bookmarks"]["incident_attachments"] =
        json!({"incident_updated_at": ago(1), "full_scan_at": future});
    let ran = go(Tap::of(&stand_in), &["incidents", "incident_attachments"], &state).ok();
    assert_eq!(said(&ran, "the position of `incidents` is of 2027-11-20T12:00:00Z"), 1);
    let line =
        "the last full scan of `incident_attachments`, 2027-11-20T12:00:00Z, is in the future";
    assert_eq!(said(&ran, line), 1, "{}", ran.stderr);
    let whole = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert_eq!(ran.column("incidents", "id"), whole.column("incidents", "id"));
    assert_eq!(ran.state()["bookmarks"]["incident_attachments"]["full_scan_at"], ago(0));
}

const CHILD: &str = "/v1/incident_attachments";

/// The incidents that attachments are asked for, in order.
fn asked(stand_in: &StandIn) -> Vec<String> {
    let seen = stand_in.requests();
    let of = |target: &str| target.split_once("incident_id=").map(|(_, id)| id.to_owned());
    seen.iter()
        .filter(|seen| seen.target.starts_with(CHILD))
        .filter_map(|seen| of(&seen.target))
        .collect()
}

#[test]
fn a_parent_that_cannot_be_read_is_set_aside_and_asked_first_in_the_next_run() {
    let stand_in = stand_in();
    let streams = ["incident_attachments"];
    let whole = Tap::of(&stand_in).only(&streams).run().ok();
    let bad = asked(&stand_in)[5].clone();
    // Twice in each of two runs.
    let path = format!("{CHILD}*incident_id={bad}");
    stand_in.fault(Fault { path, skip: 0, times: 4, action: Action::Status(500) });
    let tap = || Tap::of(&stand_in).set("max_retries", "1").set("concurrency", "1");
    let failed = tap().only(&streams).run();
    assert_eq!(failed.code, 5, "{}", failed.stderr);
    assert!(failed.last_line().contains(&format!("parent `{bad}`: ")), "{}", failed.last_line());
    let is_of_others = |row: &&Value| row["incident_id"] != bad.as_str();
    let others = whole.records(streams[0]).iter().filter(is_of_others).count();
    assert_eq!(failed.records(streams[0]).len(), others, "the others are read");
    let state = failed.state();
    assert_eq!(state["bookmarks"][streams[0]]["scan"]["set_aside"], json!([bad]));
    // It still fails, then it does not.
    let before = asked(&stand_in).len();
    let again = tap().only(&streams).state(&state).run();
    assert_eq!((again.code, again.records(streams[0]).len()), (5, 0), "{}", again.stderr);
    // An incident that is gone by then is asked for again, too.
    assert_eq!(asked(&stand_in)[before..][..2], [bad.clone(), bad.clone()]);
    let before = asked(&stand_in).len();
    let mended = tap().only(&streams).state(&again.state()).run().ok();
    assert_eq!(asked(&stand_in)[before], bad);
    assert_eq!(mended.records(streams[0]).len() + others, whole.records(streams[0]).len());
}

#[test]
fn where_several_parents_in_a_row_cannot_be_read_the_stream_ends() {
    let stand_in = stand_in();
    stand_in.fault(Fault {
        path: CHILD.into(),
        skip: 3,
        times: usize::MAX,
        action: Action::Status(503),
    });
    let tap = Tap::of(&stand_in).set("max_retries", "1").set("concurrency", "1");
    let ran = tap.only(&["incident_attachments"]).run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    // One more may be under way by then, or be repeated already; nothing comes after that.
    assert!((9..=11).contains(&count(&stand_in, CHILD)), "{}", ran.stderr);
}

#[test]
fn a_stream_most_of_whose_parents_are_gone_has_failed() {
    let stand_in = stand_in();
    stand_in.fault(Fault {
        path: CHILD.into(),
        skip: 1,
        times: usize::MAX,
        action: Action::Status(404),
    });
    let ran = Tap::of(&stand_in).only(&["incident_attachments"]).run();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(
        ran.last_line().contains("parents were gone when they were asked for"),
        "{}",
        ran.last_line()
    );
}

#[test]
fn a_scan_that_is_interrupted_twice_keeps_the_cap_of_its_beginning() {
    // The API's clock is ahead, so that it is ours that counts, and ours goes on between the runs.
    let ahead = NOW + TimeDelta::days(1);
    let stand_in = stand_in_with(Options { clock: standing_at(ahead), ..Options::default() });
    let mut state = json!({});
    for (hours, skip) in [(0, 4), (1, 4), (2, 4)] {
        let action = Action::Status(401);
        stand_in.fault(Fault { path: CHILD.into(), skip, times: 1, action });
        let tap = Tap::of(&stand_in).at(NOW + TimeDelta::hours(hours)).set("concurrency", "1");
        let ran = go(tap, &["incident_attachments"], &state);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        state = ran.state();
        let scan = &state["bookmarks"]["incident_attachments"]["scan"];
        assert_eq!(scan["cap"], "2026-11-20T12:00:00Z", "{hours}: {scan}");
    }
    let tap = Tap::of(&stand_in).at(NOW + TimeDelta::hours(3));
    let ran = go(tap, &["incident_attachments"], &state).ok();
    let bookmark = &ran.state()["bookmarks"]["incident_attachments"];
    assert_eq!(bookmark["full_scan_at"], "2026-11-20T12:00:00Z");
}
