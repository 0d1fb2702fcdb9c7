//! Streams whose own list cannot be asked for what changed: they are read for the parents that changed, or
//! from the oldest record that was not finished.

use crate::support::{Ran, Tap, count, serve, stand_in, stand_in_with, text};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use stand_in::{Action, Fault, NOW, Options, StandIn, Workspace};

/// Reads these streams by what changed, with the state of the last run, at so many days after the first.
fn go(stand_in: &StandIn, streams: &[&str], state: &Value, days: i64) -> Ran {
    Tap::of(stand_in)
        .documented()
        .set("incremental", "*")
        .only(streams)
        .state(state)
        .at(NOW + TimeDelta::days(days))
        .run()
        .ok()
}

fn time(moment: DateTime<Utc>) -> Value {
    moment.to_rfc3339().into()
}

/// Lets the row at `place` of a list change, so long after the first run.
fn change(stand_in: &StandIn, list: &str, place: usize, after: TimeDelta) -> String {
    let mut id = String::new();
    stand_in.edit(|workspace| {
        workspace.edit(list, |rows| {
            rows[place]["updated_at"] = time(NOW + after);
            id = text(&rows[place]["id"]);
        });
    });
    id
}

/// Adds a copy of the first row of a list with another id, changed by `edit`.
fn add(stand_in: &StandIn, list: &str, id: &str, edit: impl Fn(&mut Value)) {
    stand_in.edit(|workspace| {
        workspace.edit(list, |rows| {
            let mut row = rows[0].clone();
            row["id"] = id.into();
            edit(&mut row);
            rows.push(row);
        });
    });
}

/// Lists that come in several pages.
fn in_short_pages() -> StandIn {
    stand_in_with(Options { page_cap: Some(20), ..Options::default() })
}

/// How many requests of this kind there were since so many.
fn asked(stand_in: &StandIn, start: &str, before: usize) -> usize {
    count(stand_in, start) - before
}

const HOUR: TimeDelta = TimeDelta::hours(1);

#[test]
fn updates_are_asked_for_incidents_that_changed_and_for_no_others() {
    let (stand_in, list) = (in_short_pages(), "/v2/incident_updates");
    let first = go(&stand_in, &["incident_updates"], &json!({}), 0);
    let pages = count(&stand_in, list);
    assert!(
        first.records("incident_updates").iter().all(|row| row["incident_updated_at"].is_null())
    );
    assert!(!first.stderr.contains("do not say when they changed"), "{}", first.stderr);
    let bookmark = &first.state()["bookmarks"]["incident_updates"];
    assert_eq!((&bookmark["full_scan_pages"], pages), (&json!(5), 5));

    let idle = go(&stand_in, &["incident_updates"], &first.state(), 1);
    assert_eq!((asked(&stand_in, list, pages), idle.records("incident_updates").len()), (0, 0));

    let id = change(&stand_in, "/v2/incidents", 3, HOUR * 30);
    add(&stand_in, list, "01NEW", |row| row["incident_id"] = id.as_str().into());
    let second = go(&stand_in, &["incident_updates"], &idle.state(), 2);
    assert_eq!(asked(&stand_in, list, pages), 1);
    assert_eq!(count(&stand_in, &format!("{list}?page_size=250&incident_id={id}")), 1);
    let rows = second.records("incident_updates");
    assert!(rows.iter().any(|row| row["id"] == "01NEW"));
    assert!(rows.iter().all(|row| row["incident_id"] == id.as_str()));
    assert!(rows.iter().all(|row| row["incident_updated_at"] == time(NOW + HOUR * 30)));

    let third = go(&stand_in, &["incident_updates"], &second.state(), 3);
    assert_eq!(third.records("incident_updates").len(), 0, "they were written already");
}

#[test]
fn the_whole_list_is_read_where_more_parents_changed_than_it_has_pages() {
    let (stand_in, list) = (in_short_pages(), "/v2/incident_updates");
    let first = go(&stand_in, &["incident_updates"], &json!({}), 0);
    for (incidents, requests, said) in [
        (5, 5, "it is asked for 5 parents that changed, not read as a list of 5 pages"),
        (6, 5, "the whole list of 5 pages is read: 6 of its parents changed"),
    ] {
        let before = count(&stand_in, list);
        for place in 0..incidents {
            change(&stand_in, "/v2/incidents", place, HOUR);
        }
        let ran = go(&stand_in, &["incident_updates"], &first.state(), 1);
        assert_eq!(asked(&stand_in, list, before), requests);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        let all = first.records("incident_updates").len();
        assert_eq!(ran.records("incident_updates").len() == all, incidents == 6);
    }
}

#[test]
fn the_whole_list_is_read_where_nobody_knows_how_long_it_is_or_its_parents_cannot_be_read() {
    let stand_in = in_short_pages();
    let first = go(&stand_in, &["incident_updates"], &json!({}), 0);
    let mut state = first.state();
    state["bookmarks"]["incident_updates"]["full_scan_pages"] = Value::Null;
    change(&stand_in, "/v2/incidents", 0, HOUR);
    let ran = go(&stand_in, &["incident_updates"], &state, 1);
    assert!(ran.stderr.contains("the whole list of unknown length is read"), "{}", ran.stderr);
    assert_eq!(ran.state()["bookmarks"]["incident_updates"]["full_scan_pages"], 5);

    stand_in.fault(Fault::always("/v2/incidents", Action::Status(403)));
    let ran = go(&stand_in, &["incident_updates"], &first.state(), 1);
    assert_eq!(ran.records("incident_updates").len(), first.records("incident_updates").len());
}

#[test]
fn which_alert_belongs_to_which_incident_is_asked_of_both() {
    let (stand_in, list) = (in_short_pages(), "/v2/incident_alerts");
    let first = go(&stand_in, &["incident_alerts"], &json!({}), 0);
    let before = count(&stand_in, list);
    let incident = change(&stand_in, "/v2/incidents", 1, HOUR);
    let alert = change(&stand_in, "/v2/alerts", 5, HOUR * 2);
    for (id, field, parent) in [("01NEWA", "alert", &alert), ("01NEWI", "incident", &incident)] {
        add(&stand_in, list, id, |row| row[field]["id"] = parent.as_str().into());
    }
    let ran = go(&stand_in, &["incident_alerts"], &first.state(), 1);
    let changed_at = |id: &str| {
        let rows = ran.records("incident_alerts");
        rows.into_iter().find(|row| row["id"] == id).unwrap()["changed_at"].take()
    };
    assert_eq!(changed_at("01NEWA"), time(NOW + HOUR * 2));
    assert_eq!(changed_at("01NEWI"), time(NOW + HOUR));
    assert_eq!(asked(&stand_in, list, before), 2);
    assert_eq!(count(&stand_in, &format!("{list}?page_size=50&incident_id={incident}")), 1);
    assert_eq!(count(&stand_in, &format!("{list}?page_size=50&alert_id={alert}")), 1);
}

#[test]
fn what_hangs_on_alerts_is_asked_for_those_that_changed_and_their_groups_once() {
    let stand_in = stand_in();
    let streams = ["alerts", "alert_attachments", "alert_notes"];
    let first = go(&stand_in, &streams, &json!({}), 0);
    let lists = ["/v2/alerts", "/v2/alert_attachments", "/v1/alert_notes"];
    // Two weeks later nothing is young enough to be read again.
    let before = lists.map(|list| count(&stand_in, list));
    let idle = go(&stand_in, &streams, &first.state(), 20);
    let asked_idle = [0, 1, 2].map(|list| asked(&stand_in, lists[list], before[list]));
    // Alerts, and those with notes; the alert that the bookmark is of, and its group.
    assert_eq!(asked_idle, [2, 2, 2]);

    let group = "01GROUP";
    for (place, after) in [(2, 21), (9, 22)] {
        change(&stand_in, "/v2/alerts", place, TimeDelta::days(after));
        stand_in.edit(|workspace| {
            workspace.edit("/v2/alerts", |rows| rows[place]["alert_group_ids"] = json!([group]));
        });
    }
    add(&stand_in, "/v2/alert_attachments", "01NEW", |row| {
        row.as_object_mut().unwrap().remove("alert_id");
        row["alert_group_id"] = group.into();
    });
    let before = count(&stand_in, lists[1]);
    let ran = go(&stand_in, &streams, &idle.state(), 23);
    assert_eq!(asked(&stand_in, lists[1], before), 5, "two more alerts, and their group once");
    let rows = ran.records("alert_attachments");
    let new = rows.iter().find(|row| row["id"] == "01NEW").unwrap();
    assert_eq!(
        new["alert_updated_at"],
        time(NOW + TimeDelta::days(22)),
        "the latest of its alerts"
    );
}

/// A workspace in which a run was made so many days ago for each of these, finished or not.
fn with_runs(runs: &[(&str, i64, bool)]) -> StandIn {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v2/workflow_runs", |rows| {
        let template = rows[0].clone();
        rows.clear();
        for (id, days, is_finished) in runs {
            let mut row = template.clone();
            row["id"] = (*id).into();
            row["created_at"] = time(NOW - TimeDelta::days(*days));
            row.as_object_mut().unwrap().remove("error");
            row.as_object_mut().unwrap().remove("cancelled_at");
            let status = if *is_finished { "complete" } else { "pending" };
            row["progress"] =
                json!([{"step": "a", "status": "skipped"}, {"step": "b", "status": status}]);
            rows.push(row);
        }
    });
    serve(workspace, Options::default())
}

fn finish(stand_in: &StandIn, id: &str) {
    stand_in.edit(|workspace| {
        workspace.edit("/v2/workflow_runs", |rows| {
            let run = rows.iter_mut().find(|row| row["id"] == id).unwrap();
            run["progress"][1]["status"] = "complete".into();
        });
    });
}

const RUNS: &[&str] = &["workflow_runs"];

fn bookmark(ran: &Ran) -> String {
    text(&ran.state()["bookmarks"]["workflow_runs"]["created_at"])
}

#[test]
fn a_run_that_is_not_finished_is_read_again_until_it_is() {
    let stand_in = with_runs(&[("C", 1, true), ("B", 9, false), ("A", 10, true)]);
    let first = go(&stand_in, RUNS, &json!({}), 0);
    assert_eq!(bookmark(&first), "2026-11-11T12:00:00Z", "of B");
    let idle = go(&stand_in, RUNS, &first.state(), 1);
    assert_eq!((idle.records("workflow_runs").len(), bookmark(&idle)), (0, bookmark(&first)));
    finish(&stand_in, "B");
    let last = go(&stand_in, RUNS, &idle.state(), 2);
    assert_eq!(last.column("workflow_runs", "id"), ["B"]);
    assert_eq!(bookmark(&last), "2026-11-19T12:00:00Z", "of C");
}

#[test]
fn a_run_is_waited_for_so_many_days_and_shows_in_a_full_scan_after_that() {
    let stand_in = with_runs(&[("C", 1, true), ("B", 9, false)]);
    let first = go(&stand_in, RUNS, &json!({}), 0);
    let late = go(&stand_in, RUNS, &first.state(), 22);
    assert_eq!(bookmark(&late), "2026-11-19T12:00:00Z", "of C, since B is 31 days old");
    finish(&stand_in, "B");
    let missed = go(&stand_in, RUNS, &late.state(), 23);
    assert_eq!(missed.records("workflow_runs").len(), 0);
    let full = go(&stand_in, RUNS, &missed.state(), 31);
    assert_eq!(
        full.column("workflow_runs", "id"),
        ["B", "C"],
        "the last full scan was a month ago"
    );
}

#[test]
fn a_run_that_failed_has_ended_whatever_its_steps_say() {
    let stand_in = with_runs(&[("C", 1, true), ("B", 9, false)]);
    for (error, upto) in [("", "2026-11-11T12:00:00Z"), ("no such channel", "2026-11-19T12:00:00Z")]
    {
        stand_in.edit(|workspace| {
            workspace.edit("/v2/workflow_runs", |rows| rows[1]["error"] = error.into());
        });
        assert_eq!(bookmark(&go(&stand_in, RUNS, &json!({}), 0)), upto);
    }
}

#[test]
fn a_state_of_a_step_that_nobody_knows_is_not_taken_for_the_end() {
    let stand_in = with_runs(&[("C", 1, true), ("B", 9, true)]);
    stand_in.edit(|workspace| {
        workspace
            .edit("/v2/workflow_runs", |rows| rows[1]["progress"][0]["status"] = "napping".into());
    });
    assert_eq!(bookmark(&go(&stand_in, RUNS, &json!({}), 0)), "2026-11-11T12:00:00Z");
}

#[test]
fn runs_are_asked_for_until_a_page_is_all_older() {
    let days = (0..400).map(|place| (format!("R{place:03}"), place / 100)).collect::<Vec<_>>();
    let runs = days.iter().map(|(id, days)| (id.as_str(), *days, true)).collect::<Vec<_>>();
    let stand_in = with_runs(&runs);
    let first = go(&stand_in, RUNS, &json!({}), 0);
    assert_eq!(first.records("workflow_runs").len(), 400);
    let before = count(&stand_in, "/v2/workflow_runs");
    let idle = go(&stand_in, RUNS, &first.state(), 0);
    assert_eq!(idle.records("workflow_runs").len(), 0);
    // A hundred are of the bookmark's moment; the days that the filter asks for besides are not read.
    assert_eq!(asked(&stand_in, "/v2/workflow_runs", before), 3);
}

#[test]
fn the_text_of_a_post_mortem_is_asked_for_where_that_changed() {
    let (stand_in, list) = (stand_in(), "/v1/postmortem_documents");
    let streams = ["postmortem_documents", "postmortem_document_contents"];
    let contents = |stand_in: &StandIn| {
        stand_in.requests().iter().filter(|seen| seen.target.contains("/content")).count()
    };
    let first = go(&stand_in, &streams, &json!({}), 0);
    let before = contents(&stand_in);
    assert!(before > 2);
    let id = change(&stand_in, list, 1, TimeDelta::days(25));
    let ran = go(&stand_in, &streams, &first.state(), 26);
    assert_eq!(contents(&stand_in) - before, 2, "and the one that the bookmark is of");
    assert_eq!(ran.column("postmortem_document_contents", "postmortem_document_id"), [id]);
}

#[test]
fn workloads_are_asked_for_incidents_that_changed_or_are_young() {
    let (stand_in, list) = (stand_in(), "/v2/incident_participant_workloads");
    let streams = ["incident_participant_workloads"];
    let first = go(&stand_in, &streams, &json!({}), 0);
    let before = count(&stand_in, list);
    let young = go(&stand_in, &streams, &first.state(), 1);
    let again = asked(&stand_in, list, before);
    assert!(again > 0, "those that changed in the last two weeks");
    let idle = go(&stand_in, &streams, &young.state(), 20);
    assert_eq!(asked(&stand_in, list, before), again + 1, "the one that the bookmark is of");
    let id = change(&stand_in, "/v2/incidents", 2, TimeDelta::days(21));
    go(&stand_in, &streams, &idle.state(), 22);
    assert_eq!(asked(&stand_in, &format!("{list}?incident_id={id}"), 0), 1 + 1, "once in full");
}

#[test]
fn modes_that_come_where_none_is_named_cost_one_request() {
    let stand_in = stand_in();
    let first = Tap::of(&stand_in).only(&["actions"]).run().ok();
    let asked = |what: &str| {
        let is_it = |target: &str| target.starts_with("/v3/actions") && target.contains(what);
        stand_in.requests().iter().filter(|seen| is_it(&seen.target)).count()
    };
    assert_eq!((asked("incident_mode=standard"), asked("incident_mode=retrospective")), (0, 0));
    assert_eq!((asked("incident_mode=test"), asked("incident_mode=stream")), (1, 1));
    let one = Tap::of(&stand_in).set("incident_modes", "standard").only(&["actions"]).run().ok();
    assert!(asked("incident_mode=standard") > 0, "not those that nobody wants");
    assert!(one.records("actions").len() < first.records("actions").len());
}

#[test]
fn what_was_asked_for_before_the_run_is_not_asked_for_again() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).only(&["identity", "incident_statuses", "incidents"]).run().ok();
    assert_eq!(ran.records("identity").len(), 1);
    assert!(!ran.records("incident_statuses").is_empty());
    assert_eq!(
        (count(&stand_in, "/v1/identity"), count(&stand_in, "/v1/incident_statuses")),
        (1, 1)
    );
}

#[test]
fn a_test_says_what_a_run_costs_as_far_as_lists_tell_how_long_they_are() {
    let stand_in = stand_in();
    let selected = "severities,users,incidents,incident_attachments,workflow_runs";
    let ran = Tap::of(&stand_in).arg("--test").arg("--select").arg(selected).run().ok();
    let costs = |stream: &str| {
        let line = ran.stderr.lines().find(|line| line.starts_with(&format!("{stream} "))).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let whole = Tap::of(&stand_in).only(&["incidents", "workflow_runs"]).run().ok();
    let (incidents, runs) =
        (whole.records("incidents").len(), whole.records("workflow_runs").len());
    assert_eq!((costs("severities"), costs("users")), ("1".to_owned(), "1+".to_owned()));
    assert_eq!(costs("incidents"), incidents.div_ceil(250).to_string());
    assert_eq!(costs("incident_attachments"), format!("{incidents}+"));
    assert_eq!(costs("workflow_runs"), runs.div_ceil(50).to_string());
    assert!(ran.stderr.contains("requests or more, 1 minutes at 960 a minute"), "{}", ran.stderr);
}

#[test]
fn a_run_says_what_it_takes_and_what_it_need_not_have_taken() {
    let stand_in = stand_in_with(Options { page_cap: Some(2), ..Options::default() });
    let streams = "severities,incidents,incident_updates,alerts,incident_attachments";
    let run = |incremental: &str| {
        let tap = Tap::of(&stand_in).set("incremental", incremental);
        tap.arg("--select").arg(streams).run().ok()
    };
    let plain = run("");
    let first = "reads 5 streams in full and 0 by what changed: 4 requests or more, and one or more for each \
                 parent of 1 streams";
    assert!(plain.stderr.contains(first), "{}", plain.stderr);
    let said = plain.stderr.lines().filter(|line| line.contains("`incremental: \"*\"`"));
    let said = said.collect::<Vec<_>>();
    assert_eq!(said.len(), 1, "{}", plain.stderr);
    for stream in ["alerts", "incident_updates", "incident_attachments"] {
        assert!(said[0].contains(&format!("{stream} ")), "{}", said[0]);
    }
    assert!(!said[0].contains("incidents ") && !said[0].contains("severities"), "{}", said[0]);
    assert!(!run("*").stderr.contains("`incremental: \"*\"`"));
}

#[test]
fn what_was_said_in_calls_is_asked_for_incidents_that_changed() {
    let stand_in = stand_in();
    let lists = ["/v2/call_sessions", "/v2/call_transcript_entries"];
    for streams in [&["call_transcript_entries"][..], &["call_sessions", "call_transcript_entries"]]
    {
        let first = go(&stand_in, streams, &json!({}), 0);
        let rows = first.records("call_transcript_entries");
        assert!(!rows.is_empty() && rows.iter().all(|row| row["incident_updated_at"].is_string()));
        let before = lists.map(|list| count(&stand_in, list));
        let idle = go(&stand_in, streams, &first.state(), 20);
        let again = [0, 1].map(|list| asked(&stand_in, lists[list], before[list]));
        assert!(again[0] <= 2 && again[1] <= 2, "the incident that the bookmark is of: {again:?}");
        assert_eq!(idle.records("call_transcript_entries").len(), 0);

        let incident = change(&stand_in, "/v2/incidents", 3, TimeDelta::days(21));
        let session = format!("01CALL{}", streams.len());
        add(&stand_in, lists[0], &session, |row| row["incident_id"] = incident.as_str().into());
        let entry = format!("01SAID{}", streams.len());
        add(&stand_in, lists[1], &entry, |row| row["_call_session_id"] = session.as_str().into());
        let ran = go(&stand_in, streams, &idle.state(), 22);
        assert!(ran.column("call_transcript_entries", "id").contains(&entry));
        // What had been said before comes along, since its incident has changed.
        let rows = ran.records("call_transcript_entries");
        let changed_at = time(NOW + TimeDelta::days(21));
        assert!(rows.iter().all(|row| row["incident_updated_at"] == changed_at));
    }
}

#[test]
fn incidents_are_listed_once_for_the_modes_of_their_actions_unless_some_are_left_out() {
    for (modes, lists) in [("standard,retrospective,test,tutorial", 1), ("standard", 2)] {
        let stand_in = stand_in();
        let streams = ["incidents", "actions"];
        let tap = || Tap::of(&stand_in).set("incident_modes", modes).set("incremental", "*");
        let first = tap().only(&streams).run().ok();
        let before = count(&stand_in, "/v2/incidents");
        tap().only(&streams).state(&first.state()).run().ok();
        assert_eq!(asked(&stand_in, "/v2/incidents", before), lists, "{modes}");
    }
}
