//! A run that was interrupted is gone on with: what it had read to its end is not read again, what it
//! was reading comes first and goes on where it was, unless something has changed that matters.

use crate::support::{Ran, Tap, stand_in_with, text, unlimited};
use chrono::TimeDelta;
use serde_json::Value;
use stand_in::{Action, Fault, NOW, Options, StandIn, standing_at};

/// Streams of which the third is interrupted, and one after it.
const FOUR: [&str; 4] = ["users", "incidents", "actions", "alerts"];
/// Lists with a documented order, and one of a child; and a number of requests that leave something
/// to read.
const LISTS: [(&str, &str, usize); 4] = [
    ("incidents", "/v2/incidents", 2),
    ("actions", "/v3/actions", 4),
    ("postmortem_documents", "/v1/postmortem_documents", 2),
    ("incident_attachments", "/v1/incident_attachments", 2),
];
const GOES_ON: &str = "it goes on where the last run was interrupted";
const DROPPED: &str = "the position of the last run is dropped";
const OTHER: &str = "it belongs to other filters, fields or bookmarks";

/// The sample workspace in pages so small that there is something to interrupt.
fn small_pages() -> StandIn {
    stand_in_with(Options { page_cap: Some(2), ..Options::default() })
}

/// A run of these streams in which, after so many requests that match, one gets this status until
/// the tap gives up.
fn broken(stand_in: &StandIn, streams: &[&str], (path, skip, status): (&str, usize, u16)) -> Ran {
    let action = Action::Status(status);
    // A 401 is not tried again, and a 500 eight times.
    let times = if status == 401 { 1 } else { 9 };
    stand_in.fault(Fault { path: path.into(), skip, times, action });
    Tap::of(stand_in).only(streams).set("concurrency", "1").run()
}

/// A run of incidents that goes on with one that failed, after the tap has been changed.
fn changed(stand_in: &StandIn, change: impl Fn(Tap) -> Tap) -> Ran {
    let failed = broken(stand_in, &["incidents"], ("/v2/incidents", 2, 500));
    change(Tap::of(stand_in)).state(&failed.state()).run().ok()
}

/// The first state of a run of which that is true: what is left of it if it is killed there.
fn cut(ran: &Ran, is_there: impl Fn(&Value) -> bool) -> Value {
    let mut states = ran.messages().into_iter().filter(|message| message["type"] == "STATE");
    states.find(|message| is_there(&message["value"])).unwrap()["value"].take()
}

/// How often the log says this.
fn said(ran: &Ran, what: &str) -> usize {
    ran.stderr.lines().filter(|line| line.contains(what)).count()
}

/// The ids of a stream that came in any of these runs.
fn ids(runs: &[&Ran], stream: &str) -> Vec<String> {
    let mut ids = runs.iter().flat_map(|ran| ran.column(stream, "id")).collect::<Vec<_>>();
    ids.sort();
    ids.dedup();
    ids
}

/// The streams in the order in which they were announced.
fn announced(ran: &Ran) -> Vec<String> {
    let messages = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    messages.map(|message| text(&message["stream"])).collect()
}

#[test]
fn a_stream_that_failed_goes_on_where_it_was() {
    for (stream, path, skip) in LISTS {
        let stand_in = small_pages();
        let whole = Tap::of(&stand_in).only(&[stream]).run().ok();
        let failed = broken(&stand_in, &[stream], (path, skip, 500));
        assert_eq!(failed.code, 5, "{}", failed.stderr);
        let ran = Tap::of(&stand_in).only(&[stream]).state(&failed.state()).run().ok();
        assert_eq!(said(&ran, &format!("stream={stream} {GOES_ON}")), 1, "{}", ran.stderr);
        assert_eq!(ids(&[&failed, &ran], stream), ids(&[&whole], stream));
        let written = |ran: &Ran| ran.records(stream).len();
        assert!(written(&failed) > 0, "{stream}");
        assert_eq!(written(&failed) + written(&ran), written(&whole), "{stream}");
    }
}

#[test]
fn what_changed_behind_the_position_is_read_after_it() {
    let stand_in = small_pages();
    let failed = broken(&stand_in, &["incidents"], ("/v2/incidents", 2, 500));
    let passed = failed.column("incidents", "id").swap_remove(0);
    stand_in.edit(|workspace| {
        workspace.edit("/v2/incidents", |rows| {
            let row = rows.iter_mut().find(|row| row["id"] == passed.as_str()).unwrap();
            row["updated_at"] = "2026-11-20T12:00:10Z".into();
        });
    });
    let ran = Tap::of(&stand_in).only(&["incidents"]).state(&failed.state()).run().ok();
    assert_eq!(ran.records("incidents").last().unwrap()["id"], passed.as_str());
    assert_eq!(announced(&ran), ["incidents"], "once, though it is read twice");
    assert_eq!(ran.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T12:00:00Z");
}

/// An answer for the follow-up may be older than one that was written before it.
#[test]
fn a_run_that_is_killed_in_its_follow_up_has_written_nothing_for_good() {
    let stand_in = small_pages();
    let failed = broken(&stand_in, &["incidents"], ("/v2/incidents", 2, 500));
    let ran = Tap::of(&stand_in).only(&["incidents"]).state(&failed.state()).run().ok();
    let killed = cut(&ran, |state| state["bookmarks"]["incidents"]["scan"]["complete"] == true);
    let again = Tap::of(&stand_in).only(&["incidents"]).state(&killed).run().ok();
    assert!(!again.records("incidents").is_empty(), "{killed}");
}

#[test]
fn clocks_that_differ_are_told_of_once() {
    let ahead = NOW + TimeDelta::minutes(20);
    let stand_in = stand_in_with(Options {
        page_cap: Some(2),
        clock: standing_at(ahead),
        ..Options::default()
    });
    let failed = broken(&stand_in, &["incidents"], ("/v2/incidents", 2, 500));
    let ran = Tap::of(&stand_in).only(&["incidents"]).state(&failed.state()).run().ok();
    assert_eq!(said(&ran, "1200 seconds apart"), 1, "{}", ran.stderr);
}

#[test]
fn the_stream_that_was_interrupted_is_read_first() {
    let stand_in = small_pages();
    let revoked = broken(&stand_in, &FOUR, ("/v3/actions", 4, 401));
    let state = revoked.state();
    assert_eq!(state["currently_syncing"], "actions");
    let ran = Tap::of(&stand_in).only(&FOUR).state(&state).run().ok();
    assert_eq!(ran.messages()[0]["value"]["currently_syncing"], "actions");
    assert_eq!(announced(&ran), ["actions", "incidents", "alerts"]);
    assert_eq!(said(&ran, &format!("stream=actions {GOES_ON}")), 1, "{}", ran.stderr);
    let whole = Tap::of(&stand_in).only(&["actions"]).run().ok();
    assert_eq!(ids(&[&revoked, &ran], "actions"), ids(&[&whole], "actions"));
    assert_eq!(ran.state()["currently_syncing"], Value::Null);
}

#[test]
fn streams_that_were_read_to_their_end_are_not_read_again() {
    let stand_in = small_pages();
    let streams = ["severities", "users", "incident_updates", "alerts"];
    let whole = Tap::of(&stand_in).only(&streams).run().ok();
    let state = cut(&whole, |state| state["currently_syncing"] == "alerts");
    let before = stand_in.requests().len();
    let ran = Tap::of(&stand_in).only(&streams).state(&state).run().ok();
    assert_eq!(announced(&ran), ["alerts"]);
    let asked = stand_in.requests().split_off(before);
    let mut asked = asked.iter().map(|seen| seen.target.as_str());
    assert!(asked.all(|target| target.starts_with("/v2/alerts") || target == "/v1/identity"));
    let line = "that began at 2026-11-20T12:00:00Z; streams that it had read to their end: 3";
    assert_eq!(said(&ran, line), 1, "{}", ran.stderr);
    assert!(ran.counts().contains("done streams=4 of 4"), "{}", ran.counts());
}

#[test]
fn streams_that_were_read_long_ago_are_read_again() {
    let stand_in = small_pages();
    let whole = Tap::of(&stand_in).only(&FOUR).run().ok();
    let state = cut(&whole, |state| state["currently_syncing"] == "alerts");
    for hours in [72, 73] {
        let tap = Tap::of(&stand_in).at(NOW + TimeDelta::hours(hours));
        let ran = tap.only(&FOUR).state(&state).run().ok();
        assert_eq!(announced(&ran)[0], "alerts", "what was interrupted comes first");
        assert_eq!(announced(&ran).contains(&"users".to_owned()), hours == 73);
        let kept = if hours == 72 { 2 } else { 0 };
        let line = format!("streams that it had read to their end: {kept}");
        assert_eq!(said(&ran, &line), 1, "{}", ran.stderr);
    }
}

#[test]
fn a_run_that_ended_is_not_gone_on_with() {
    let stand_in = small_pages();
    let first = Tap::of(&stand_in).only(&FOUR).run().ok();
    let second = Tap::of(&stand_in).only(&FOUR).state(&first.state()).run().ok();
    assert_eq!(announced(&second), FOUR);
    assert_eq!(second.column("users", "id"), first.column("users", "id"));
    assert_eq!(said(&second, "going on with"), 0, "{}", second.stderr);
}

#[test]
fn wherever_a_run_is_cut_the_rest_comes() {
    let stand_in = small_pages();
    let whole = Tap::of(&stand_in).only(&FOUR).run().ok();
    let is_state = |end: &usize| whole.lines[*end].contains(r#""type":"STATE""#);
    let ends = (0..whole.lines.len()).filter(is_state).collect::<Vec<_>>();
    // Eight of them are enough, the first and others all over the run.
    for end in ends.iter().copied().step_by(ends.len().div_ceil(8)) {
        let lines = whole.lines[..=end].to_vec();
        let part = Ran { lines, stderr: String::new(), ..whole };
        let ran = Tap::of(&stand_in).only(&FOUR).state(&part.state()).run().ok();
        for stream in FOUR {
            assert_eq!(ids(&[&part, &ran], stream), ids(&[&whole], stream), "{end}");
        }
    }
}

#[test]
fn a_position_is_dropped_with_other_fields() {
    let stand_in = small_pages();
    let without_name = |entry: &mut Value| {
        let mut fields = entry["metadata"].as_array_mut().unwrap().iter_mut();
        let name = fields.find(|field| field["breadcrumb"][1] == "name").unwrap();
        name["metadata"]["selected"] = false.into();
    };
    let ran = changed(&stand_in, |tap| tap.catalog(&["incidents"], without_name));
    assert_eq!(said(&ran, &format!("stream=incidents {DROPPED}: {OTHER}")), 1, "{}", ran.stderr);
    let whole = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert_eq!(ids(&[&ran], "incidents"), ids(&[&whole], "incidents"));
}

#[test]
fn a_position_is_dropped_with_other_modes() {
    let stand_in = small_pages();
    let modes = |tap: Tap| tap.set("incident_modes", "standard,test").only(&["incidents"]);
    let ran = changed(&stand_in, modes);
    assert_eq!(said(&ran, &format!("stream=incidents {DROPPED}: {OTHER}")), 1, "{}", ran.stderr);
    let whole = modes(Tap::of(&stand_in)).run().ok();
    assert_eq!(ids(&[&ran], "incidents"), ids(&[&whole], "incidents"));
}

#[test]
fn a_position_is_dropped_after_resume_max_hours() {
    for (hours, most, is_old) in [(23, "24", false), (25, "24", true), (25, "26", false)] {
        let stand_in = small_pages();
        let late = |tap: Tap| tap.at(NOW + TimeDelta::hours(hours)).set("resume_max_hours", most);
        let ran = changed(&stand_in, |tap| late(tap).only(&["incidents"]));
        let whole = Tap::of(&stand_in).only(&["incidents"]).run().ok();
        let line = format!("{DROPPED}: it is of 2026-11-20T12:00:00Z, longer ago than");
        assert_eq!(said(&ran, &line), usize::from(is_old), "{}", ran.stderr);
        assert_eq!(said(&ran, GOES_ON), usize::from(!is_old), "{}", ran.stderr);
        let is_whole = ids(&[&ran], "incidents") == ids(&[&whole], "incidents");
        assert_eq!(is_whole, is_old, "{hours}");
    }
}

#[test]
fn a_list_that_is_gone_on_with_is_counted_from_its_start() {
    let stand_in = unlimited(small_pages());
    let failed = broken(&stand_in, &["incidents"], ("/v2/incidents", 2, 500));
    let state = failed.state();
    assert!(state["bookmarks"]["incidents"]["scan"]["received"].as_u64() > Some(0), "{state}");
    // The page that is gone on with lacks a row.
    stand_in.fault(Fault::once("/v2/incidents*after=", Action::ThinPage));
    let second = Tap::of(&stand_in).only(&["incidents"]).state(&state).run().ok();
    assert_eq!(said(&second, "its list is read again: "), 1, "{}", second.stderr);
    let whole = Tap::of(&small_pages()).only(&["incidents"]).run().ok();
    assert_eq!(ids(&[&failed, &second], "incidents"), ids(&[&whole], "incidents"));
}

/// What belongs to an incident may change after the incident has, and behind the position, too.
#[test]
fn children_of_young_incidents_that_changed_behind_the_position_are_read_again() {
    let stand_in = stand_in_with(Options::default());
    let children = "/v1/incident_attachments";
    let yesterday = (NOW - TimeDelta::days(1)).to_rfc3339();
    stand_in.edit(|workspace| {
        workspace.edit("/v2/incidents", |rows| rows[0]["updated_at"] = yesterday.into());
    });
    let incremental = |entry: &mut Value| {
        entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
    };
    let tap = || Tap::of(&stand_in).set("concurrency", "1");
    let tap = || tap().catalog(&["incident_attachments"], incremental);
    let action = Action::Status(401);
    stand_in.fault(Fault { path: children.into(), skip: 4, times: 1, action });
    let failed = tap().run();
    assert_eq!(failed.code, 3, "{}", failed.stderr);
    stand_in.edit(|workspace| {
        workspace.edit(children, |rows| rows[0]["resource"]["title"] = "renamed".into());
    });
    let ran = tap().state(&failed.state()).run().ok();
    assert_eq!(said(&ran, GOES_ON), 1, "{}", ran.stderr);
    let records = ran.records("incident_attachments");
    assert!(records.iter().any(|record| record["resource"]["title"] == "renamed"));
}

#[test]
fn parents_are_read_once_where_a_run_goes_on_in_the_middle_of_them() {
    let streams = ["incidents", "incident_attachments"];
    for page_cap in [2, 5] {
        let options = || Options { page_cap: Some(page_cap), ..Options::default() };
        let whole = Tap::of(&stand_in_with(options())).documented().only(&streams).run().ok();
        let stand_in = stand_in_with(options());
        let pages = |stand_in: &StandIn| {
            let requests = stand_in.requests();
            let is_page =
                |target: &str| target.starts_with("/v2/incidents") && target.contains("sort_by");
            requests.iter().filter(|seen| is_page(&seen.target)).count()
        };
        stand_in.fault(Fault {
            path: "/v2/incidents".into(),
            skip: 3,
            times: 1,
            action: Action::Status(401),
        });
        let tap = || Tap::of(&stand_in).documented().only(&streams).set("concurrency", "1");
        let failed = tap().run();
        assert_eq!(failed.code, 3, "{}", failed.stderr);
        let before = pages(&stand_in);
        let ran = tap().state(&failed.state()).run().ok();
        assert_eq!(said(&ran, GOES_ON), 1, "{}", ran.stderr);
        let all = whole.records("incidents").len();
        // The follow-up of what changed since has a page or two.
        let again = pages(&stand_in) - before - all.div_ceil(page_cap);
        assert!((1..=2).contains(&again), "{again}");
        assert_eq!(ids(&[&failed, &ran], "incidents"), ids(&[&whole], "incidents"));
        assert!(ran.records("incidents").len() < all);
        let order = |ran: &Ran| {
            let records = ran.records("incident_attachments");
            records.iter().map(|record| text(&record["id"])).collect::<Vec<_>>()
        };
        assert_eq!(order(&ran), order(&whole));
    }
}

#[test]
fn children_of_children_are_all_read_where_a_run_goes_on_in_the_middle_of_their_parents() {
    let streams = ["call_sessions", "call_transcript_entries"];
    let whole = Tap::of(&stand_in_with(Options::default())).only(&streams).run().ok();
    let stand_in = stand_in_with(Options::default());
    let failed = broken(&stand_in, &streams, ("/v2/call_sessions", 12, 401));
    assert_eq!(failed.code, 3, "{}", failed.stderr);
    assert!(!failed.records("call_sessions").is_empty());
    let ran = Tap::of(&stand_in).only(&streams).state(&failed.state()).run().ok();
    assert_eq!(said(&ran, GOES_ON), 1, "{}", ran.stderr);
    assert!(ran.records("call_sessions").len() < whole.records("call_sessions").len());
    let entries = "call_transcript_entries";
    assert_eq!(ran.column(entries, "id"), whole.column(entries, "id"));
}

#[test]
fn what_follows_parents_is_read_whole_where_the_beginning_of_these_fails() {
    let options = Options { page_cap: Some(2), ..Options::default() };
    let stand_in = stand_in_with(options);
    let streams = ["incidents", "incident_updates"];
    let tap = || Tap::of(&stand_in).documented().set("incremental", "*").only(&streams);
    let mut state = tap().run().ok().state();
    // Incidents are read in full once more, and that is cut behind their third page.
    state["bookmarks"]["incidents"] = Value::Null;
    let before = stand_in.requests().len();
    let action = Action::Status(401);
    stand_in.fault(Fault { path: "/v2/incidents".into(), skip: 3, times: 1, action });
    let cut = tap().set("concurrency", "1").state(&state).run();
    assert_eq!(cut.code, 3, "{}", cut.stderr);
    let second = stand_in.requests().into_iter().skip(before).find_map(|seen| {
        let (_, cursor) = seen.target.split_once("&after=")?;
        seen.target.starts_with("/v2/incidents").then(|| cursor.to_owned())
    });
    stand_in.edit(|workspace| {
        let mut id = Value::Null;
        workspace.edit("/v2/incidents", |rows| {
            rows[3]["updated_at"] = (NOW + TimeDelta::hours(2)).to_rfc3339().into();
            rows[20]["updated_at"] = (NOW + TimeDelta::hours(20)).to_rfc3339().into();
            id = rows[3]["id"].clone();
        });
        workspace.edit("/v2/incident_updates", |rows| {
            let mut row = rows[0].clone();
            (row["id"], row["incident_id"]) = ("01NEW".into(), id);
            rows.push(row);
        });
    });
    let path = format!("/v2/incidents*after={}", second.unwrap());
    stand_in.fault(Fault::always(&path, Action::Status(500)));
    let later = NOW + TimeDelta::days(1);
    let ran = tap().set("max_retries", "1").at(later).state(&cut.state()).run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.column("incident_updates", "id").contains(&"01NEW".to_owned()), "{}", ran.stderr);
}
