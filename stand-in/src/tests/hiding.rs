//! Rows that are hidden unless they are asked for.

use serde_json::{Value, json};

use super::support::{Api, after, ids};

fn incidents() -> Api {
    let row = |id: &str, mode: &str, category: &str| json!({"id": id, "mode": mode, "incident_status": {"category": category}});
    let rows = json!([
        row("live", "standard", "live"),
        row("retro", "retrospective", "closed"),
        row("test", "test", "live"),
        row("tutorial", "tutorial", "live"),
        row("stream", "stream", "live"),
        row("declined", "standard", "declined"),
        row("canceled", "standard", "canceled"),
        row("merged", "test", "merged")
    ]);
    Api::new(&[("v2.incidents", json!({"rows": rows}))])
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn incidents_show_usual_modes_and_categories() {
    assert_eq!(sorted(incidents().ids("/v2/incidents")), ["live", "retro"]);
}

#[test]
fn incidents_show_the_modes_and_categories_that_are_asked_for() {
    let api = incidents();
    let modes = "mode[one_of]=standard&mode%5Bone_of%5D=test";
    assert_eq!(sorted(api.ids(&format!("/v2/incidents?{modes}"))), ["live", "test"]);
    let categories = "status_category[one_of]=declined&status_category[one_of]=canceled\
        &status_category[one_of]=merged";
    assert_eq!(sorted(api.ids(&format!("/v2/incidents?{categories}"))), ["canceled", "declined"]);
    let both = format!("/v2/incidents?{modes}&{categories}&status_category[one_of]=live");
    assert_eq!(sorted(api.ids(&both)), ["canceled", "declined", "live", "merged", "test"]);
}

#[test]
fn streams_are_never_listed_and_cannot_be_asked_for() {
    let api = incidents();
    let all = "/v2/incidents?mode[one_of]=standard&mode[one_of]=retrospective&mode[one_of]=test\
        &mode[one_of]=tutorial&status_category[not_in]=paused";
    assert_eq!(api.ids(all).len(), 7);
    assert_eq!(api.status("/v2/incidents?mode[one_of]=stream"), 422);
    assert_eq!(api.status("/v2/incidents?status_category[one_of]=open"), 422);
}

#[test]
fn a_json_value_is_ignored() {
    let target = "/v2/incidents?mode=%7B%22one_of%22%3A%5B%22test%22%5D%7D";
    assert_eq!(sorted(incidents().ids(target)), ["live", "retro"]);
}

#[test]
fn actions_and_follow_ups_show_one_mode_or_the_usual_two() {
    let modes = ["standard", "retrospective", "test", "tutorial", "stream"];
    let rows: Value =
        modes.map(|mode| json!({"id": mode, "_incident_mode": mode})).into_iter().collect();
    let api = Api::new(&[
        ("v3.actions", json!({"rows": rows})),
        ("v3.follow_ups", json!({"rows": rows})),
    ]);
    for path in ["/v3/actions", "/v3/follow_ups"] {
        assert_eq!(api.ids(path), ["retrospective", "standard"]);
        for mode in modes {
            assert_eq!(api.ids(&format!("{path}?incident_mode={mode}")), [mode]);
        }
        assert_eq!(api.status(&format!("{path}?incident_mode=training")), 422);
    }
}

#[test]
fn leavers_archived_tags_cancelled_runs_and_unfinished_reports_are_hidden() {
    let api = Api::new(&[
        (
            "v2.users",
            json!({"rows": [{"id": "A", "is_active": true}, {"id": "B", "is_active": false}]}),
        ),
        ("v2.alert_tags", json!({"rows": [{"id": "A"}, {"id": "B", "_archived": true}]})),
        ("v2.workflow_runs", json!({"rows": [{"id": "A"}, {"id": "B", "cancelled_at": "x"}]})),
        ("v2.pay_reports", json!({"rows": [{"id": "A"}, {"id": "B", "status": "pending"}]})),
    ]);
    for path in ["/v2/users", "/v2/alert_tags", "/v2/workflow_runs", "/v2/pay_reports"] {
        assert_eq!(api.ids(path), ["A"], "{path}");
    }
    assert_eq!(api.ids("/v2/users?include_inactive=true"), ["A", "B"]);
    assert_eq!(api.status("/v2/users/B"), 200);
}

#[test]
fn large_pages_of_schedules_come_without_next_shifts() {
    let rows = json!({"rows": [{"id": "S", "next_shifts": [1]}]});
    let api = Api::new(&[("v2.schedules", rows)]);
    let listed = |size: u32| {
        let body = api.get(&format!("/v2/schedules?page_size={size}")).unwrap();
        body["schedules"][0].get("next_shifts").is_some()
    };
    assert!(listed(25));
    assert!(!listed(26));
    assert_eq!(api.get("/v2/schedules/S").unwrap()["schedule"]["next_shifts"], json!([1]));
}

#[test]
fn past_pauses_are_hidden_unless_a_window_is_given() {
    let pause = |id: &str, day: u32| {
        json!({"id": id, "starts_at": format!("2026-11-{day}T00:00:00Z"),
            "ends_at": format!("2026-11-{day}T13:00:00Z")})
    };
    let rows = json!({"rows": [pause("past", 10), pause("now", 20), pause("next", 25)]});
    let api = Api::new(&[("v2.on_call_notification_pauses", rows)]);
    let path = "/v2/on_call_notification_pauses";
    assert_eq!(api.ids(path), ["next", "now"]);
    assert_eq!(api.ids(&format!("{path}?from=2026-11-01T00:00:00Z")), ["next", "now", "past"]);
    assert_eq!(api.ids(&format!("{path}?to=2026-11-21T00:00:00Z")), ["now"]);
}

#[test]
fn maintenance_windows_have_the_status_of_the_clock() {
    let window = |id: &str, day: u32| {
        json!({"id": id, "start_at": format!("2026-11-{day}T00:00:00Z"),
            "end_at": format!("2026-11-{day}T13:00:00Z")})
    };
    let rows = json!({"rows": [window("P", 10), window("A", 20), window("U", 25)]});
    let api = Api::new(&[("v1.maintenance_windows", rows)]);
    let ids = |status: &str| api.ids(&format!("/v1/maintenance_windows?status={status}"));
    assert_eq!([ids("past"), ids("active"), ids("upcoming")].concat(), ["P", "A", "U"]);
    assert_eq!(api.ids("/v1/maintenance_windows").len(), 3);
}

fn entries() -> Api {
    let entry = |start: &str, end: &str| json!({"id": start, "start_at": format!("{start}T00:00:00Z"), "end_at": format!("{end}T00:00:00Z")});
    let last = vec![
        entry("2026-11-01", "2026-11-08"),
        entry("2026-11-08", "2026-11-20"),
        entry("2026-11-20", "2026-11-27"),
        entry("2026-11-27", "2026-12-30"),
    ];
    let body = json!({"_schedule_id": "S", "schedule_entries": {"final": last, "overrides": []}});
    Api::new(&[("v2.schedule_entries", json!({"bodies": [body]}))])
}

#[test]
fn schedule_entries_start_now_without_a_window() {
    let body = entries().get("/v2/schedule_entries?schedule_id=S").unwrap();
    assert_eq!(ids(&body["schedule_entries"]), ["2026-11-20", "2026-11-27"]);
    assert_eq!(body.get("pagination_meta"), None);
}

#[test]
fn schedule_entries_page_through_their_window() {
    let api = entries();
    let end = "entry_window_end=2026-12-01T00:00:00Z";
    let target = format!("/v2/schedule_entries?schedule_id=S&{end}");
    let mut starts = vec!["2026-11-01T00:00:00Z".to_owned()];
    let mut pages = Vec::new();
    while let Some(start) = starts.pop() {
        let start =
            percent_encoding::utf8_percent_encode(&start, percent_encoding::NON_ALPHANUMERIC);
        let body = api.get(&format!("{target}&entry_window_start={start}")).unwrap();
        pages.push(ids(&body["schedule_entries"]));
        starts.extend(after(&body));
    }
    let expected = [
        vec!["2026-11-01", "2026-11-08"],
        vec!["2026-11-08", "2026-11-20", "2026-11-27"],
        vec!["2026-11-27"],
    ];
    assert_eq!(pages, expected);
}

#[test]
fn a_cursor_of_schedule_entries_keeps_its_end_and_its_schedule() {
    let api = entries();
    let window = "entry_window_start=2026-11-01T00:00:00Z&entry_window_end=2026-12-01T00:00:00Z";
    let body = api.get(&format!("/v2/schedule_entries?schedule_id=S&{window}")).unwrap();
    let url =
        body["pagination_meta"]["after_url"].as_str().unwrap().replace("http://localhost", "");
    assert_eq!(api.status(&url), 200);
    assert_eq!(api.status(&url.replace("2026%2D12%2D01", "2026%2D12%2D02")), 422);
    assert_eq!(api.status(&url.replace("schedule_id=S", "schedule_id=T")), 422);
}

#[test]
fn availability_echoes_its_window_of_at_most_a_leap_year() {
    let body = json!({"_status_page_id": "P", "_component_id": "C",
        "availability": {"availability_percent": "99.9", "start_at": "then"}});
    let name = "v2.status_pages.status_page_id.components.component_id.availability";
    let api = Api::new(&[(name, json!({"bodies": [body]}))]);
    let target = |end: &str| {
        format!(
            "/v2/status_pages/P/components/C/availability?start_at=2025-01-01T00:00:00Z&end_at={end}"
        )
    };
    let answer = api.get(&target("2026-01-02T00:00:00Z")).unwrap();
    let expected = json!({"availability": {"availability_percent": "99.9",
        "start_at": "2025-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"}});
    assert_eq!(answer, expected);
    assert_eq!(api.status(&target("2026-01-02T00:00:01Z")), 422);
    assert_eq!(api.status(&target("2024-01-02T00:00:00Z")), 422);
}
