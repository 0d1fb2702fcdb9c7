//! Months of history: each row again and again, made when it is asked for.

use serde_json::{Value, json};

use super::support::{Api, workspace};
use crate::Workspace;

fn template() -> Value {
    let row = |number: u32, day: u32, hour: u32| {
        json!({"id": format!("01K000INCD{number}"), "reference": format!("INC-{number}"), "mode": "standard",
            "created_at": format!("2026-11-{day:02}T{hour:02}:00:00Z")})
    };
    json!({"history": true, "rows": [row(1, 2, 0), row(2, 1, 0), row(3, 2, 0)]})
}

fn children() -> Value {
    let row = |id: &str, parent: u32| json!({"id": format!("01K000{id}"), "incident_id": format!("01K000INCD{parent}")});
    json!({"history": true, "rows": [row("ACTN1", 1), row("ACTN2", 3)]})
}

const OLDEST_FIRST: &str = "/v2/incidents?sort_by=created_at_oldest_first&page_size=2";

#[test]
fn each_month_comes_after_the_older_one_in_either_order() {
    let api = Api::new(&[("v2.incidents", template())]);
    let expected = [
        "01K000INCD2",
        "01K000INCD1",
        "01K000INCD3",
        "01K001INCD2",
        "01K001INCD1",
        "01K001INCD3",
        "01K002INCD2",
        "01K002INCD1",
        "01K002INCD3",
    ];
    let oldest_first = api.pages(OLDEST_FIRST).concat();
    let mut newest_first = api.pages("/v2/incidents?page_size=2").concat();
    newest_first.reverse();
    assert_eq!(oldest_first, expected);
    assert_eq!(newest_first, expected);
}

#[test]
fn the_newest_month_is_the_template_s_time_and_older_ones_are_28_days_apart() {
    let rows = workspace(&[("v2.incidents", template())]).rows("/v2/incidents");
    let first = |month: usize| {
        (
            rows[month * 3]["created_at"].as_str().unwrap(),
            rows[month * 3]["reference"].as_str().unwrap(),
        )
    };
    assert_eq!(first(0), ("2026-09-07T00:00:00Z", "INC-1"));
    assert_eq!(first(2), ("2026-11-02T00:00:00Z", "INC-7"));
}

#[test]
fn a_row_of_any_month_is_found_by_its_id() {
    let api = Api::new(&[("v2.incidents", template())]);
    assert_eq!(api.get("/v2/incidents/01K001INCD2").unwrap()["incident"]["reference"], "INC-5");
    assert_eq!(api.status("/v2/incidents/01K003INCD2"), 404);
    assert_eq!(api.status("/v2/incidents/01K000INCD9"), 404);
}

#[test]
fn children_belong_to_the_parent_of_their_month() {
    let api = Api::new(&[("v2.incidents", template()), ("v3.actions", children())]);
    assert_eq!(api.ids("/v3/actions?incident_id=01K001INCD3"), ["01K001ACTN2"]);
    assert_eq!(api.ids("/v3/actions?incident_id=01K000INCD1"), ["01K000ACTN1"]);
    assert_eq!(api.ids("/v3/actions?incident_id=01K002INCD3"), ["01K002ACTN2"]);
    assert_eq!(api.ids("/v3/actions?incident_id=01K001INCD2"), Vec::<String>::new());
    assert_eq!(api.status("/v3/actions?incident_id=01K009INCD3"), 404);
}

#[test]
fn children_of_a_month_are_found_newest_first_too() {
    let run = |id: &str, day: u32| {
        json!({"id": format!("01K000{id}"), "incident_id": "01K000INCD1",
            "created_at": format!("2026-11-{day:02}T00:00:00Z")})
    };
    let runs = json!({"history": true, "rows": [run("A", 1), run("B", 2)]});
    let api = Api::new(&[("v2.incidents", template()), ("v2.workflow_runs", runs)]);
    let runs = |month: u32| api.ids(&format!("/v2/workflow_runs?incident_id=01K00{month}INCD1"));
    assert_eq!([runs(0), runs(2)].concat(), ["01K000B", "01K000A", "01K002B", "01K002A"]);
}

#[test]
fn filters_and_counts_hold_over_all_months() {
    let api = Api::new(&[("v2.incidents", template())]);
    let filter = "created_at[date_range]=2026-10-05~2026-11-01";
    assert_eq!(
        api.pages(&format!("{OLDEST_FIRST}&{filter}")).concat(),
        ["01K001INCD1", "01K001INCD3", "01K002INCD2"]
    );
    let filter = "updated_at[gte]=2026-01-01";
    assert_eq!(api.ids(&format!("/v2/incidents?{filter}")), Vec::<String>::new());
    let body = api.get("/v2/incidents?page_size=2&created_at[lte]=2026-09-07").unwrap();
    assert_eq!(body["pagination_meta"]["total_record_count"], 3);
}

#[test]
fn a_resized_history_has_exactly_so_many_rows_and_the_others_keep_theirs() {
    let mut api = Api::new(&[("v2.incidents", template()), ("v3.actions", children())]);
    api.workspace.resize("/v2/incidents", 10);
    let oldest_first = api.pages(OLDEST_FIRST).concat();
    assert_eq!(oldest_first.len(), 10);
    assert_eq!(oldest_first[0], "01K000INCD3");
    assert_eq!(api.workspace.rows("/v2/incidents").len(), 10);
    assert_eq!(api.workspace.rows("/v3/actions").len(), 6);
    assert_eq!(api.status("/v2/incidents/01K000INCD1"), 404);
    assert_eq!(api.ids("/v3/actions?incident_id=01K003INCD3"), ["01K003ACTN2"]);
}

#[test]
fn a_smaller_history_is_cut_at_its_old_end() {
    let mut api = Api::new(&[("v2.incidents", template())]);
    api.workspace.resize("/v2/incidents", 2);
    assert_eq!(api.pages(OLDEST_FIRST).concat(), ["01K002INCD2", "01K002INCD3"]);
}

#[test]
fn months_that_overlap_are_listed_in_order_all_the_same() {
    let rows = json!([{"id": "01K000A", "created_at": "2026-11-02T00:00:00Z"},
        {"id": "01K000B", "created_at": "2026-09-20T00:00:00Z"}]);
    let api = Api::new(&[("v2.alerts", json!({"history": true, "rows": rows}))]);
    let expected = ["01K002A", "01K001A", "01K002B", "01K000A", "01K001B", "01K000B"];
    assert_eq!(api.pages("/v2/alerts?page_size=1").concat(), expected);
}

#[test]
fn edited_rows_keep_what_they_were() {
    let mut workspace = workspace(&[("v2.incidents", template()), ("v3.actions", children())]);
    let before = workspace.rows("/v2/incidents");
    workspace.edit("/v2/incidents", |rows| rows.truncate(5));
    assert_eq!(workspace.rows("/v2/incidents"), before[..5]);
}

#[test]
fn a_page_of_a_very_long_history_is_made_at_once() {
    let text = template().to_string();
    let files = [("v2.incidents", text.as_str())];
    let mut api = Api::new(&[]);
    api.workspace = Workspace::from_files(files, 32_768).unwrap();
    let newest = api.ids("/v2/incidents?page_size=1");
    let oldest = api.ids("/v2/incidents?page_size=1&sort_by=created_at_oldest_first");
    assert_eq!((newest, oldest), (vec!["01KZZZINCD3".to_owned()], vec!["01K000INCD2".to_owned()]));
}

#[test]
fn the_sample_workspace_loads_and_each_path_has_rows() {
    let workspace = Workspace::sample().unwrap();
    for path in workspace.paths() {
        assert!(workspace.collection(&path).is_some(), "{path}");
    }
    assert_eq!(workspace.rows("/v2/incidents").len() % crate::SAMPLE_MONTHS, 0);
    assert!(!workspace.rows("/v2/users").is_empty());
}

#[test]
fn broken_files_and_impossible_lengths_are_told() {
    assert!(Workspace::from_files([("a", "{}")], 1).unwrap_err().contains("neither"));
    assert!(Workspace::from_files([("a", "{")], 1).unwrap_err().starts_with("a: "));
    assert!(Workspace::with_months(0).is_err());
    assert!(Workspace::with_months(32_769).is_err());
}

#[test]
fn paths_get_their_braces_back() {
    let files = [
        ("v2.users", json!({"rows": []})),
        ("v2.users.user_id.notification_rules", json!({"rows": []})),
    ];
    assert_eq!(workspace(&files).paths(), ["/v2/users", "/v2/users/{user_id}/notification_rules"]);
}
