//! Where a bookmark stands, and the edges of the window that it opens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Tap, stand_in, stand_in_with};
use chrono::TimeDelta;
use serde_json::json;
use stand_in::{Action, Fault, NOW, Options, StandIn, Workspace, standing_at};
use tap_incident::base::clock::{Clock, StandingClock};

#[test]
fn the_bookmark_stays_at_the_moment_at_which_the_first_request_was_sent() {
    // The API's clock is a day ahead of ours, or it tells no time.
    for fault in [None, Some(Action::NoDate)] {
        let clock = Arc::new(StandingClock::at(NOW));
        let stand_in = slow_and_changing(&clock);
        if let Some(action) = fault {
            stand_in.fault(Fault::always("/v2/incidents", action));
        }
        let ran = Tap::of(&stand_in).documented().clock(clock).only(&["incidents"]).run().ok();
        assert_eq!(*ran.column("incidents", "updated_at").last().unwrap(), "2026-11-20T12:00:30Z");
        assert_eq!(ran.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T12:00:00Z");
    }
}

/// A stand-in whose answers take a minute each while an incident of the first page changes.
fn slow_and_changing(clock: &Arc<StandingClock>) -> StandIn {
    let slow = Arc::clone(clock);
    stand_in_with(Options {
        page_cap: Some(10),
        clock: standing_at(NOW + TimeDelta::days(1)),
        on_request: Some(Box::new(move |target: &str, workspace: &mut Workspace| {
            if target.starts_with("/v2/incidents") {
                workspace.edit("/v2/incidents", |rows| {
                    rows[3]["updated_at"] = "2026-11-20T12:00:30Z".into();
                });
                slow.sleep(Duration::from_secs(60));
            }
        })),
        ..Options::default()
    })
}

#[test]
fn a_record_at_the_bookmark_itself_comes_again() {
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-20T11:00:00Z"}}});
    let stand_in = stand_in();
    touch(&stand_in, "INC-3", "2026-11-20T11:00:00Z");
    let ran = Tap::of(&stand_in).only(&["incidents"]).state(&state).run().ok();
    assert_eq!(ran.column("incidents", "reference"), ["INC-3"]);
}

#[test]
fn a_bookmark_counts_more_than_start_date_and_the_log_says_so() {
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-01T00:00:00Z"}}});
    let stand_in = stand_in();
    let by_bookmark = Tap::of(&stand_in).only(&["incidents"]).state(&state).run().ok();
    for start in ["2026-11-15", "2020-01-01"] {
        let tap = Tap::of(&stand_in).arg("--start-date").arg(start);
        let ran = tap.only(&["incidents"]).state(&state).run().ok();
        assert_eq!(ran.records("incidents"), by_bookmark.records("incidents"));
        assert!(ran.stderr.contains("stream=incidents the bookmark 2026-11-01"), "{}", ran.stderr);
    }
}

#[test]
fn a_window_has_its_first_moment_and_not_its_last() {
    let stand_in = stand_in();
    let all = Tap::of(&stand_in).only(&["incidents"]).run().ok().column("incidents", "updated_at");
    let (start, end) = (&all[5], &all[20]);
    let tap = Tap::of(&stand_in).arg("--start-date").arg(start).arg("--end-date").arg(end);
    let ran = tap.only(&["incidents"]).run().ok();
    let inside = all.iter().filter(|time| *time >= start && *time < end);
    assert_eq!(ran.column("incidents", "updated_at"), inside.cloned().collect::<Vec<_>>());
}

/// What is remembered of the rows around the bookmark is trimmed against the bookmark, which a clock that
/// is behind holds back, and not against the newest row.
#[test]
fn an_idle_run_with_a_clock_that_is_behind_writes_nothing_again() {
    let stand_in = stand_in();
    touch(&stand_in, "INC-3", "2026-11-20T12:00:00Z");
    touch(&stand_in, "INC-4", "2026-11-20T11:49:00Z");
    let tap = || Tap::of(&stand_in).at(NOW - TimeDelta::seconds(290)).only(&["incidents"]);
    let first = tap().run().ok();
    assert_eq!(first.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T11:55:10Z");
    let idle = tap().state(&first.state()).run().ok();
    assert_eq!(idle.column("incidents", "reference"), [""; 0]);
}

/// Changes incidents as the API would.
fn touch(stand_in: &StandIn, reference: &str, time: &str) {
    stand_in.edit(|workspace| {
        workspace.edit("/v2/incidents", |rows| {
            for row in rows.iter_mut().filter(|row| row["reference"] == reference) {
                row["updated_at"] = time.into();
            }
        });
    });
}

/// Actions of retrospective incidents become those of real ones while the lists of both modes are read
/// side by side: they come as they are from the one that is written first, then as they were.
#[test]
fn an_older_version_is_not_written_after_a_newer_one() {
    let mut is_asked_for = false;
    let stand_in = stand_in_with(Options {
        page_cap: Some(15),
        on_request: Some(Box::new(move |target, workspace| {
            is_asked_for |= target.contains("=retrospective");
            if is_asked_for && target.contains("=standard&after") {
                workspace.edit("/v3/actions", |rows| {
                    for row in rows.iter_mut().filter(|row| row["_incident_mode"] != "standard") {
                        row["_incident_mode"] = "standard".into();
                        row["updated_at"] = "2026-11-20T12:00:30Z".into();
                    }
                });
            }
        })),
        ..Options::default()
    });
    let ran = Tap::of(&stand_in)
        .catalog(&["actions"], |entry| {
            entry["metadata"][0]["metadata"]["replication-method"] = "INCREMENTAL".into();
        })
        .run()
        .ok();
    let mut last = BTreeMap::new();
    for action in ran.records("actions") {
        let (id, time) = (action["id"].to_string(), action["updated_at"].to_string());
        let before = last.insert(id, time.clone());
        assert!(before.is_none_or(|before| before <= time), "{action}");
    }
}
