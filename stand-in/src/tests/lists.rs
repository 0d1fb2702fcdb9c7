//! What is refused, how answers are shaped, and paging.

use serde_json::json;

use super::support::{Api, after, following, ids, numbered};

#[test]
fn unknown_paths_and_parameters_are_refused() {
    let api = Api::new(&[]);
    assert_eq!(api.refused("/v2/nothing"), (404, "not_found".to_owned(), None));
    let unknown = |name: &str| (422, "invalid_value".to_owned(), Some(name.to_owned()));
    assert_eq!(api.refused("/v2/users?colour=red"), unknown("colour"));
    assert_eq!(api.refused("/v2/users?email[is]=x"), unknown("email[is]"));
    assert_eq!(api.refused("/v2/alerts?page_size=5&title[is]=x"), unknown("title[is]"));
}

#[test]
fn a_required_parameter_must_be_given() {
    let api = Api::new(&[]);
    let expected = (422, "is_required".to_owned(), Some("page_size".to_owned()));
    assert_eq!(api.refused("/v2/alerts"), expected);
    assert_eq!(api.status("/v2/alerts?page_size=5"), 200);
}

#[test]
fn ill_typed_values_are_refused() {
    let api = Api::new(&[]);
    for target in [
        "/v2/alerts?page_size=51",
        "/v2/alerts?page_size=0",
        "/v2/users?page_size=10001",
        "/v2/users?page_size=ten",
        "/v2/users?page_size=2.5",
        "/v2/users?page_size=5&page_size=6",
        "/v2/users?include_inactive=yes",
        "/v2/incidents?sort_by=name",
        "/v2/on_call_notification_pauses?from=yesterday",
        "/v2/incidents?filter_mode=any",
    ] {
        assert_eq!(api.status(target), 422, "{target}");
    }
}

#[test]
fn some_lists_need_one_of_two_parameters() {
    let api = Api::new(&[]);
    assert_eq!(api.status("/v1/alert_notes"), 422);
    assert_eq!(api.status("/v1/alert_notes?alert_id=A&alert_group_id=B"), 422);
    assert_eq!(api.status("/v1/alert_notes?alert_group_id=B"), 200);
    assert_eq!(api.status("/v1/incident_attachments?external_id=7"), 422);
    assert_eq!(api.status("/v1/incident_attachments?incident_id=I"), 200);
}

#[test]
fn private_keys_and_detail_properties_stay_out_of_a_list() {
    let rows = json!([{"id": "R", "name": "n", "version": 3, "new": {"_x": 1, "y": 2}, "_z": 1}]);
    let api = Api::new(&[("v3.alert_routes", json!({"rows": rows}))]);
    let listed = json!([{"id": "R", "name": "n", "new": {"y": 2}}]);
    let detail = json!({"alert_route": {"id": "R", "name": "n", "version": 3, "new": {"y": 2}}});
    assert_eq!(api.get("/v3/alert_routes").unwrap()["alert_routes"], listed);
    assert_eq!(api.get("/v3/alert_routes/R").unwrap(), detail);
}

#[test]
fn the_rest_of_the_envelope_comes_from_the_parent() {
    let types = json!({"rows": [{"id": "T", "name": "Team"}]});
    let entries = json!({"rows": [{"id": "E", "catalog_type_id": "T"}]});
    let api = Api::new(&[("v3.catalog_types", types), ("v3.catalog_entries", entries)]);
    let list = api.get("/v3/catalog_entries?catalog_type_id=T&page_size=5").unwrap();
    assert_eq!(list["catalog_type"], json!({"id": "T", "name": "Team"}));
    assert_eq!(list["pagination_meta"], json!({"page_size": 5, "total_record_count": 1}));
    assert_eq!(api.get("/v3/catalog_entries/E").unwrap()["catalog_type"], list["catalog_type"]);
}

#[test]
fn pages_join_to_the_whole_list_and_the_last_has_no_cursor() {
    let api = Api::new(&[("v2.users", json!({"rows": numbered(7)}))]);
    let pages = api.pages("/v2/users?page_size=3");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), api.ids("/v2/users"));
    assert_eq!(api.pages("/v2/users?page_size=7").len(), 1);
}

#[test]
fn a_page_cap_makes_more_pages_whatever_is_asked_for() {
    let mut api = Api::new(&[("v2.users", json!({"rows": numbered(5)}))]);
    api.rules.page_cap = Some(2);
    assert_eq!(api.pages("/v2/users?page_size=100").len(), 3);
    api.rules.uncapped = vec!["/v2/users".to_owned()];
    assert_eq!(api.pages("/v2/users?page_size=100").len(), 1);
}

#[test]
fn a_full_last_page_of_actions_leads_to_an_empty_one() {
    let api = Api::new(&[("v3.actions", json!({"rows": numbered(4)}))]);
    let lengths: Vec<usize> = api.pages("/v3/actions?page_size=2").iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 2, 0]);
    assert_eq!(api.pages("/v3/actions?page_size=3").len(), 2);
}

#[test]
fn optional_paging_data_is_absent_on_a_single_page() {
    let rows = json!({"rows": numbered(3)});
    let api = Api::new(&[("v2.schedules", rows.clone()), ("v2.users", rows)]);
    assert_eq!(api.get("/v2/schedules").unwrap().get("pagination_meta"), None);
    let first = api.get("/v2/schedules?page_size=2").unwrap();
    assert_eq!(first["pagination_meta"]["total_record_count"], 3);
    assert_eq!(api.get("/v2/users").unwrap()["pagination_meta"], json!({"page_size": 25}));
}

#[test]
fn a_cursor_belongs_to_its_query() {
    let api = Api::new(&[("v2.users", json!({"rows": numbered(7)}))]);
    let cursor = after(&api.get("/v2/users?page_size=3").unwrap()).unwrap();
    assert_eq!(api.status(&following("/v2/users?page_size=3", &cursor)), 200);
    assert_eq!(api.status(&following("/v2/users?page_size=4", &cursor)), 422);
    assert_eq!(api.status(&following("/v2/users?page_size=3&email=x", &cursor)), 422);
    assert_eq!(api.status(&format!("/v2/users?page_size=3&after={cursor}")), 422, "`+` is a space");
}

#[test]
fn an_unknown_cursor_is_a_422_and_a_404_for_workflow_runs() {
    let api = Api::new(&[]);
    assert_eq!(api.refused("/v2/users?after=A07").0, 422);
    assert_eq!(api.refused("/v2/users?after=").0, 422);
    let expected = (404, "resource_not_found".to_owned(), Some("after".to_owned()));
    assert_eq!(api.refused("/v2/workflow_runs?after=A07"), expected);
}

#[test]
fn rows_that_come_or_go_do_not_shift_the_next_page() {
    let mut api = Api::new(&[("v2.users", json!({"rows": numbered(6)}))]);
    let target = "/v2/users?page_size=3";
    let cursor = after(&api.get(target).unwrap()).unwrap();
    api.workspace.edit("/v2/users", |rows| {
        rows.retain(|row| row["id"] != "A03");
        rows.push(json!({"id": "A005"}));
    });
    assert_eq!(api.ids(&following(target, &cursor)), ["A04", "A05", "A06"]);
}

#[test]
fn the_same_id_of_two_incidents_survives_a_page_boundary() {
    let rows = json!([{"id": "A", "incident_id": "I1"}, {"id": "A", "incident_id": "I2"}]);
    let api = Api::new(&[("v3.actions", json!({"rows": rows}))]);
    assert_eq!(api.pages("/v3/actions?page_size=1").concat(), ["A", "A"]);
}

#[test]
fn incidents_come_by_creation_then_id_either_way() {
    let row = |id: &str, at: &str| json!({"id": id, "created_at": at, "mode": "standard"});
    let rows = json!([
        row("B", "2026-01-02T00:00:00Z"),
        row("C", "2026-01-01T00:00:00.5Z"),
        row("A", "2026-01-02T00:00:00.000Z")
    ]);
    let api = Api::new(&[("v2.incidents", json!({"rows": rows}))]);
    assert_eq!(api.ids("/v2/incidents"), ["B", "A", "C"]);
    let oldest_first = "/v2/incidents?sort_by=created_at_oldest_first&page_size=1";
    assert_eq!(api.pages(oldest_first).concat(), ["C", "A", "B"]);
}

#[test]
fn each_list_has_its_own_order() {
    let rows = json!({"rows": [
        {"id": "A", "name": "y", "created_at": "2026-01-01T00:00:00Z", "timestamp": "2026-01-03T00:00:00Z"},
        {"id": "C", "name": "x", "created_at": "2026-01-03T00:00:00Z", "timestamp": "2026-01-01T00:00:00Z"},
        {"id": "B", "name": "z", "created_at": "2026-01-02T00:00:00Z", "timestamp": "2026-01-02T00:00:00Z"}]});
    let paths =
        ["v2.alerts", "v2.workflow_runs", "v1.incident_statuses", "v2.users", "v2.alert_tags"];
    let api = Api::new(&paths.map(|path| (path, rows.clone())));
    assert_eq!(api.ids("/v2/alerts?page_size=9"), ["C", "B", "A"]);
    assert_eq!(api.ids("/v2/workflow_runs"), ["C", "B", "A"]);
    assert_eq!(api.ids("/v1/incident_statuses"), ["A", "C", "B"]);
    assert_eq!(api.ids("/v2/users"), ["A", "B", "C"]);
    assert_eq!(api.ids("/v2/alert_tags"), ["C", "A", "B"]);
}

#[test]
fn more_than_250_incidents_are_never_served_at_once() {
    let rows: serde_json::Value =
        (0..300).map(|number| json!({"id": format!("{number:03}"), "mode": "standard"})).collect();
    let api = Api::new(&[("v2.incidents", json!({"rows": rows}))]);
    let body = api.get("/v2/incidents?page_size=500").unwrap();
    assert_eq!((ids(&body).len(), &body["pagination_meta"]["page_size"]), (250, &json!(250)));
    assert_eq!(api.status("/v2/incidents?page_size=501"), 422);
}

#[test]
fn special_objects_are_wrapped_as_the_document_says() {
    let api = Api::new(&[("v1.identity", json!({"rows": [{"name": "Warehouse export"}]}))]);
    assert_eq!(api.get("/v1/identity").unwrap(), json!({"identity": {"name": "Warehouse export"}}));
}
