//! The API names no time zone, neither for its timestamps nor for the days of its filters: whatever
//! zones they are in, a row belongs to one of two windows that touch, and to one only.

use crate::support::{Tap, serve, text};
use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use stand_in::{Options, StandIn, Workspace};

/// Three days; the first two begin a window, the last two end one.
const DAYS: [&str; 3] = ["2026-03-01", "2026-03-10", "2026-03-20"];
/// The same with moments in between.
const MOMENTS: [&str; 3] = ["2026-03-01T09:30:00Z", "2026-03-10T14:00:00Z", "2026-03-20T23:30:00Z"];
/// Where rows are written, in minutes east: every hour there is, and those between hours.
fn zones() -> impl Iterator<Item = i32> {
    let between = [-570, -210, 330, 345, 525, 765];
    (-12..=14).map(|hours| hours * 60).chain(between)
}

fn zone(minutes: i32) -> FixedOffset {
    FixedOffset::east_opt(minutes * 60).unwrap()
}

/// A row for each zone's midnight at each of the days, written as it is there, and the moments
/// around it.
fn rows() -> Vec<Value> {
    let mut rows = Vec::new();
    for day in DAYS {
        for offset in zones().map(zone) {
            let midnight = format!("{day}T00:00:00{offset}");
            let midnight: DateTime<FixedOffset> = midnight.parse().unwrap();
            for micros in [-1, 0, 1] {
                let time = (midnight + chrono::TimeDelta::microseconds(micros)).to_rfc3339();
                rows.push(json!({"id": format!("01{:05}", rows.len()), "mode": "standard",
                    "incident_status": {"category": "live"}, "created_at": time, "updated_at": time}));
            }
        }
    }
    rows
}

/// The ids of rows from one moment up to another, or from the beginning of a day in UTC.
fn between(rows: &[Value], start: &str, end: &str) -> Vec<String> {
    let moment = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
    let bound = |text: &str| tap_incident::base::time::parse_time(text).unwrap();
    let window = bound(start)..bound(end);
    let is_inside = |row: &&Value| window.contains(&moment(&text(&row["updated_at"])));
    let mut ids = rows.iter().filter(is_inside).map(|row| text(&row["id"])).collect::<Vec<_>>();
    ids.sort();
    ids
}

/// A workspace of these incidents, served by an API whose days begin in that zone.
fn served(rows: &[Value], minutes: i32) -> StandIn {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v2/incidents", |all| *all = rows.to_vec());
    serve(workspace, Options { zone: zone(minutes), page_cap: Some(40), ..Options::default() })
}

/// The ids that a run over a window emits, each as often as it does.
fn ids(stand_in: &StandIn, start: &str, end: &str) -> Vec<String> {
    let tap = Tap::of(stand_in).arg("--start-date").arg(start).arg("--end-date").arg(end);
    tap.only(&["incidents"]).run().ok().column("incidents", "id")
}

#[test]
fn a_midnight_of_any_zone_is_in_one_of_two_windows_that_touch() {
    let rows = rows();
    for [start, middle, end] in [DAYS, MOMENTS] {
        let all = between(&rows, start, end);
        assert!(all.len() > 150, "{}", all.len());
        for minutes in [-720, -300, 0, 345, 840] {
            let stand_in = served(&rows, minutes);
            let mut both = ids(&stand_in, start, middle);
            assert_eq!(both, between(&rows, start, middle), "{minutes} minutes east");
            both.append(&mut ids(&stand_in, middle, end));
            both.sort();
            assert_eq!(both, all, "{minutes} minutes east");
        }
    }
}

#[test]
fn a_window_goes_on_where_the_bookmark_of_the_one_before_stands() {
    let rows = rows();
    for minutes in [-720, 840] {
        let stand_in = served(&rows, minutes);
        let window = |end: &str| {
            Tap::of(&stand_in).arg("--start-date").arg(DAYS[0]).arg("--end-date").arg(end)
        };
        let first = window(DAYS[1]).only(&["incidents"]).run().ok();
        let second = window(DAYS[2]).only(&["incidents"]).state(&first.state()).run().ok();
        let mut ids = first.column("incidents", "id");
        ids.append(&mut second.column("incidents", "id"));
        ids.sort();
        // Rows around the bookmark may come again.
        ids.dedup();
        assert_eq!(ids, between(&rows, DAYS[0], DAYS[2]), "{minutes} minutes east");
    }
}
