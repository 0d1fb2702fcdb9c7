//! A backfill reads the changes of a window, whatever the bookmarks say, and leaves the state alone;
//! and what `start_date` and `end_date` mean without it.

use crate::support::{Ran, Tap, count, stand_in};
use serde_json::{Value, json};

/// The streams of which the API can filter the changes.
const FILTERED: [&str; 5] = ["incidents", "actions", "follow_ups", "escalations", "alerts"];
const START: &str = "2026-11-01T00:00:00Z";
const END: &str = "2026-11-10T00:00:00Z";

/// A state with bookmarks, a position of an interrupted run, and what somebody else left in it.
fn state() -> Value {
    let mut state = json!({
        "bookmarks": {"users": {"scan": {"of": "0f", "at": "2026-11-20T11:00:00Z", "series": 1}}},
        "currently_syncing": "users",
        "run_began_at": "2026-11-20T11:00:00Z",
        "theirs": [1, 2],
    });
    for stream in FILTERED {
        state["bookmarks"][stream] = json!({"updated_at": "2026-11-19T00:00:00Z"});
    }
    state
}

/// How often the log says this.
fn said(ran: &Ran, what: &str) -> usize {
    ran.stderr.lines().filter(|line| line.contains(what)).count()
}

fn incremental(tap: Tap, streams: &[&str]) -> Ran {
    let ran = tap.catalog(streams, |entry| {
        entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
    });
    ran.run().ok()
}

#[test]
fn a_backfill_reads_its_window_whatever_the_bookmarks_say() {
    let stand_in = stand_in();
    let all = Tap::of(&stand_in).only(&FILTERED).run().ok();
    let tap = Tap::of(&stand_in).arg("--backfill").set("start_date", START).set("end_date", END);
    let ran = tap.only(&FILTERED).state(&state()).run().ok();
    for stream in FILTERED {
        let times = all.column(stream, "updated_at");
        let inside = times.into_iter().filter(|time| (START..END).contains(&time.as_str()));
        let inside = inside.collect::<Vec<_>>();
        assert!(!inside.is_empty(), "{stream}");
        assert_eq!(ran.column(stream, "updated_at"), inside, "{stream}");
    }
}

#[test]
fn a_backfill_needs_one_bound_only() {
    let stand_in = stand_in();
    let all = Tap::of(&stand_in).only(&["incidents"]).run().ok().column("incidents", "updated_at");
    for (bound, is_start) in [("start_date", true), ("end_date", false)] {
        let tap = Tap::of(&stand_in).arg("--backfill").set(bound, START);
        let ran = tap.only(&["incidents"]).state(&state()).run().ok();
        let inside = all.iter().filter(|time| (time.as_str() >= START) == is_start);
        assert_eq!(ran.column("incidents", "updated_at"), inside.cloned().collect::<Vec<_>>());
    }
}

#[test]
fn every_state_of_a_backfill_is_the_one_that_it_was_given() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).arg("--backfill").set("start_date", START).set("end_date", END);
    let ran = tap.only(&[&FILTERED[..], &["users"]].concat()).state(&state()).run().ok();
    let messages = ran.messages();
    let states = messages.iter().filter(|message| message["type"] == "STATE").collect::<Vec<_>>();
    assert!(states.len() >= 2);
    assert!(states.iter().all(|message| message["value"] == state()), "{states:?}");
    assert_eq!(messages.first(), messages.last());
}

#[test]
fn a_backfill_leaves_out_what_cannot_be_filtered_and_says_so_once() {
    let stand_in = stand_in();
    let streams = ["severities", "users", "incidents", "incident_attachments"];
    let tap = Tap::of(&stand_in).arg("--backfill").set("start_date", START);
    let ran = tap.documented().only(&streams).run().ok();
    let line = "a backfill leaves them out: severities, users, incident_attachments";
    assert_eq!(said(&ran, line), 1, "{}", ran.stderr);
    assert_eq!(said(&ran, "leaves them out"), 1, "{}", ran.stderr);
    let asked = count(&stand_in, "/v1/identity") + count(&stand_in, "/v2/incidents?");
    let asked = asked + count(&stand_in, "/v1/incident_statuses");
    assert_eq!(stand_in.requests().len(), asked);
    let messages = ran.messages();
    let streams = messages.iter().filter_map(|message| message["stream"].as_str());
    assert!(streams.eq(std::iter::repeat_n("incidents", 1 + ran.records("incidents").len())));
}

#[test]
fn a_backfill_without_bounds_is_a_mistake() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).arg("--backfill").run();
    assert_eq!((ran.code, ran.lines.len()), (2, 0));
    assert_eq!(said(&ran, "`--backfill` needs `start_date` or `end_date`, or both"), 1);
    assert!(stand_in.requests().is_empty());
}

#[test]
fn a_start_before_the_bookmark_is_answered_with_one_line() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).set("start_date", START).only(&["incidents"]);
    let ran = tap.state(&state()).run().ok();
    let line = "stream=incidents the bookmark 2026-11-19T00:00:00Z counts, not start_date";
    assert_eq!(said(&ran, line), 1, "{}", ran.stderr);
    assert_eq!(said(&ran, "start_date"), 1, "{}", ran.stderr);
}

#[test]
fn a_full_table_ignores_start_date_and_says_so_once() {
    let stand_in = stand_in();
    let streams = ["severities", "alerts", "incident_attachments"];
    let whole = Tap::of(&stand_in).only(&streams).run().ok();
    let bounded = Tap::of(&stand_in).set("start_date", START).only(&streams).run().ok();
    for stream in streams {
        assert_eq!(bounded.column(stream, "id"), whole.column(stream, "id"));
        let line = format!("stream={stream} start_date and end_date do not bound");
        assert_eq!(said(&bounded, &line), 1, "{}", bounded.stderr);
    }
    assert_eq!(said(&whole, "start_date"), 0, "{}", whole.stderr);
}

#[test]
fn no_bookmark_passes_end_date_and_the_next_run_reads_the_rest() {
    let stand_in = stand_in();
    let streams = [&FILTERED[..], &["incident_attachments"]].concat();
    let whole = incremental(Tap::of(&stand_in), &streams);
    let bounded = incremental(Tap::of(&stand_in).set("end_date", END), &streams);
    let rest = incremental(Tap::of(&stand_in).state(&bounded.state()), &streams);
    for stream in streams {
        let bookmark = bounded.state()["bookmarks"][stream].clone();
        let own = bookmark["updated_at"].as_str();
        assert!(own.or(bookmark["incident_updated_at"].as_str()).unwrap() <= END, "{bookmark}");
        let mut ids = [bounded.column(stream, "id"), rest.column(stream, "id")].concat();
        ids.sort();
        ids.dedup();
        let mut all = whole.column(stream, "id");
        all.dedup();
        assert_eq!(ids, all, "{stream}");
    }
}

#[test]
fn a_backfill_leaves_alone_what_a_clock_that_was_ahead_has_left_in_the_state() {
    let stand_in = stand_in();
    let mut state = state();
    state["bookmarks"]["users"]["scan"]["at"] = "2027-11-20T11:00:00Z".into();
    state["bookmarks"]["incidents"]["updated_at"] = "2027-11-19T00:00:00Z".into();
    let tap = Tap::of(&stand_in).arg("--backfill").set("start_date", START);
    let ran = tap.only(&["incidents"]).state(&state).run().ok();
    assert_eq!(ran.state(), state);
    assert_eq!(said(&ran, "in the future"), 0, "{}", ran.stderr);
}
