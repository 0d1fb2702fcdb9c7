//! The rules of Actian: tenant, key, headers, lists without an order, filters, figures and details.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::{Connection, Received};
use crate::{ACTIAN_TENANT, Api, Options, Readings, StandIn, Workspace};

const BASE: &str = "/api/backend/harbour%20works%2F7";
const KEY: &str = "X-TLM-Key: demo-key";
const JSON: &str = "Content-Type: application/json";

fn sample(options: Options) -> StandIn {
    StandIn::serving(Api::Actian, Workspace::actian().unwrap(), options).unwrap()
}

fn with(stand_in: &StandIn, target: &str, headers: &[&str]) -> Received {
    let head = format!("GET {target} HTTP/1.1\r\n{}", headers.join("\r\n"));
    Connection::open(stand_in).send(head.trim_end()).unwrap()
}

fn asked(stand_in: &StandIn, path: &str) -> Received {
    with(stand_in, &format!("{BASE}{path}"), &[KEY, JSON])
}

fn ids_of(body: &Value) -> Vec<i64> {
    body.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// The ids of a list from the smallest up.
fn ids(stand_in: &StandIn, query: &str) -> Vec<i64> {
    let mut ids = ids_of(&asked(stand_in, &format!("/incidents{query}")).json());
    ids.sort_unstable();
    ids
}

#[test]
fn another_tenant_or_place_is_the_web_interface() {
    let stand_in = sample(Options::default());
    for target in [
        "/",
        "/incidents",
        "/api/backend",
        "/api/backend/harbour%20works/7/incidents",
        "/api/backend/harbour+works%2F7/incidents",
        "/api/backend/other/incidents",
        "/api/backend/harbour%20works%2F77/incidents",
        "/backend/harbour%20works%2F7/incidents",
    ] {
        let received = with(&stand_in, target, &[]);
        assert_eq!(received.status, 200, "{target}");
        assert_eq!(received.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert!(received.text().starts_with("<!DOCTYPE html>"));
    }
    assert_eq!(ACTIAN_TENANT, "harbour works/7");
}

#[test]
fn exactly_one_key_is_let_in() {
    let stand_in = sample(Options::default());
    let target = format!("{BASE}/incidents");
    let bearer = "Authorization: Bearer demo-key";
    for headers in [
        vec![],
        vec![KEY, bearer],
        vec!["X-TLM-Key: other"],
        vec!["X-TLM-Key: Bearer demo-key"],
        vec!["Authorization: demo-key"],
        vec!["Authorization: Bearer other"],
        vec!["X-SF-TOKEN: demo-key"],
    ] {
        let received = with(&stand_in, &target, &[headers.clone(), vec![JSON]].concat());
        assert_eq!(received.status, 401, "{headers:?}");
        assert_eq!(received.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    for header in [KEY, bearer] {
        assert_eq!(with(&stand_in, &target, &[header, JSON]).status, 200);
    }
}

#[test]
fn each_request_says_that_it_is_json() {
    let stand_in = sample(Options::default());
    let target = format!("{BASE}/incidents/summary");
    assert_eq!(with(&stand_in, &target, &[KEY]).status, 415);
    assert_eq!(with(&stand_in, &target, &[KEY, "Content-Type: text/json"]).status, 415);
    let with_charset = "Content-Type: application/json; charset=utf-8";
    assert_eq!(with(&stand_in, &target, &[KEY, with_charset]).status, 200);
}

#[test]
fn paths_methods_and_rights_are_checked() {
    let forbidden = vec!["/incidents/distribution".to_owned()];
    let stand_in = sample(Options { forbidden, ..Options::default() });
    for path in ["", "/", "/incident", "/incidents/1311/history", "/configuration/alerts"] {
        assert_eq!(asked(&stand_in, path).status, 404, "{path}");
    }
    assert_eq!(asked(&stand_in, "/configuration/alerts/by_filters").status, 405);
    let head = format!("POST {BASE}/incidents HTTP/1.1\r\n{KEY}\r\n{JSON}");
    assert_eq!(Connection::open(&stand_in).send_with(&head, "{}").unwrap().status, 405);
    let head = head.replace("/incidents", "/nowhere");
    assert_eq!(Connection::open(&stand_in).send_with(&head, "{}").unwrap().status, 404);
    let received = asked(&stand_in, "/incidents/distribution");
    assert_eq!(received.status, 403);
    assert!(received.json()["description"].is_string());
    assert_eq!(asked(&stand_in, "/incidents/summary").status, 200);
}

#[test]
fn incidents_are_a_bare_array_without_private_members() {
    let stand_in = sample(Options::default());
    let received = asked(&stand_in, "/incidents");
    assert_eq!(received.header("Content-Type"), Some("application/json"));
    assert_eq!(received.header("Date"), Some("Fri, 20 Nov 2026 12:00:00 GMT"));
    let body = received.json();
    assert_eq!(body.as_array().unwrap().len(), 14);
    let mut names = body.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap().keys());
    assert!(names.all(|name| !name.starts_with('_')));
}

#[test]
fn lists_may_come_in_an_object() {
    let readings = Readings { is_wrapped: true, ..Readings::default() };
    let stand_in = sample(Options { readings, ..Options::default() });
    let body = asked(&stand_in, "/incidents").json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
    assert_eq!(ids_of(&body["data"]).len(), 14);
    assert!(asked(&stand_in, "/incidents/distribution").json()["incidents"].is_array());
}

#[test]
fn the_order_differs_between_requests_and_not_between_runs() {
    let (first, second) = (sample(Options::default()), sample(Options::default()));
    let order = |stand_in: &StandIn| ids_of(&asked(stand_in, "/incidents").json());
    let orders = [order(&first), order(&first), order(&first)];
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 3);
    // What is read beside it changes nothing.
    let _beside = asked(&second, "/incidents?severities=HIGH");
    assert_eq!([order(&second), order(&second), order(&second)], orders);
}

#[test]
fn the_documented_filters_work() {
    let stand_in = sample(Options::default());
    assert_eq!(ids(&stand_in, "?project_ids=24").len(), 5);
    assert_eq!(ids(&stand_in, "?project_ids=0,24").len(), 12);
    assert_eq!(ids(&stand_in, "?connection_types=GCS,S3"), [1270, 1275, 1290, 1302]);
    assert_eq!(ids(&stand_in, "?alert_policy_ids=4,prebuilt_schema"), [1249, 1275, 1311]);
    assert_eq!(ids(&stand_in, "?severities=HIGH"), [1240, 1255, 1311]);
    assert_eq!(ids(&stand_in, "?impacts=HIGH&severities=MEDIUM,HIGH"), [1255, 1311, 4_294_967_311]);
    assert_eq!(ids(&stand_in, "?connection_ids=conn-csv"), [0]);
    assert_eq!(ids(&stand_in, "?text_to_search=tide_TABLE"), [1290, 1302]);
    assert_eq!(ids(&stand_in, "?text_to_search=%20moves%20stay"), [1249, 1311]);
    assert_eq!(ids(&stand_in, "?text_to_search="), ids(&stand_in, ""));
}

#[test]
fn times_are_compared_with_the_creation() {
    let stand_in = sample(Options::default());
    let from = "from_time=2026-11-19T14:12:51.871Z";
    assert_eq!(ids(&stand_in, &format!("?{from}")), [1311, 4_294_967_311]);
    assert_eq!(ids(&stand_in, &format!("?{from}&to_time=2026-11-19T14:12:51.871Z")), [1311]);
    assert_eq!(ids(&stand_in, "?to_time=2026-08-28T23:59:59.999Z"), [1240, 1249]);
}

#[test]
fn what_is_not_a_filter_is_refused_in_plain_text() {
    let stand_in = sample(Options::default());
    for path in [
        "/incidents?limit=10",
        "/incidents?status=OPEN",
        "/incidents?project_ids[]=1",
        "/incidents/distribution?offset=1",
        "/incidents/summary?project_ids=0",
        "/incidents/1311?expand=all",
    ] {
        let received = asked(&stand_in, path);
        assert_eq!(received.status, 400, "{path}");
        assert!(received.text().starts_with("Unknown query parameter: "));
    }
}

#[test]
fn a_filter_with_a_bad_value_is_described() {
    let stand_in = sample(Options::default());
    for query in [
        "project_ids=a",
        "project_ids=",
        "severities=high",
        "impacts=HIGH,,LOW",
        "from_time=2026-11-19",
        "to_time=yesterday",
        "severities=LOW&severities=HIGH",
    ] {
        let received = asked(&stand_in, &format!("/incidents?{query}"));
        assert_eq!(received.status, 400, "{query}");
        assert!(received.json()["description"].is_string());
    }
}

#[test]
fn the_summary_counts_the_rows_and_keeps_what_cannot_be_counted() {
    let stand_in = sample(Options::default());
    let body = asked(&stand_in, "/incidents/summary").json();
    let of = |name: &str| body[name].clone();
    assert_eq!([of("total"), of("open"), of("closed")], [json!(14), json!(5), json!(6)]);
    assert_eq!(of("mean_time_to_resolve"), json!(122.5));
    assert_eq!(of("previous_mean_time_to_resolve"), json!(117));
    assert_eq!(body["open_by_tag"]["PROD"], json!(3));
    stand_in.edit(|workspace| {
        workspace.edit("/incidents", |rows| rows.retain(|row| row["status"] == "OPEN"));
        workspace.edit("/incidents/summary", |rows| rows[0]["closed"] = json!(9));
    });
    let body = asked(&stand_in, "/incidents/summary").json();
    assert_eq!((&body["total"], &body["closed"]), (&json!(5), &json!(9)));
}

#[test]
fn the_distribution_counts_by_day_and_takes_the_filters() {
    let stand_in = sample(Options::default());
    let day = |query: &str, date: &str| {
        let body = asked(&stand_in, &format!("/incidents/distribution{query}")).json();
        body["incidents"].as_array().unwrap().iter().find(|day| day["date"] == date).cloned()
    };
    let expected = json!({"date": "2026-11-03", "counts": {"": 1}, "counts_by_impact": {"": 1}});
    assert_eq!(day("", "2026-11-03"), Some(expected));
    let expected = json!({"LOW": 1, "MEDIUM": 4, "HIGH": 6, "": 8});
    assert_eq!(day("", "2026-07-23").unwrap()["counts"], expected);
    assert_eq!(day("?severities=HIGH", "2026-11-03"), None);
    assert_eq!(day("?severities=HIGH", "2026-07-23"), None);
    assert_eq!(day("?severities=HIGH", "2026-11-19").unwrap()["counts"], json!({"HIGH": 1}));
}

#[test]
fn a_detail_has_metrics_and_history_and_no_creation() {
    let stand_in = sample(Options::default());
    let body = asked(&stand_in, "/incidents/1311").json();
    assert_eq!(body["id"], json!(1311));
    assert_eq!(body["metrics"].as_array().unwrap().len(), 3);
    assert_eq!(body["history"][1]["alert_refs"].as_array().unwrap().len(), 2);
    assert!(body.get("created_time").is_none());
    assert_eq!(asked(&stand_in, "/incidents/4294967311").json()["id"], json!(4_294_967_311_i64));
}

#[test]
fn an_incident_without_a_detail_of_its_own_has_an_empty_one() {
    let stand_in = sample(Options::default());
    stand_in.edit(|workspace| {
        let row = json!({"id": 7, "status": "OPEN", "created_time": "x", "_connection_id": "c"});
        workspace.edit("/incidents", |rows| rows.push(row));
    });
    let expected = json!({"id": 7, "status": "OPEN", "metrics": [], "history": []});
    assert_eq!(asked(&stand_in, "/incidents/7").json(), expected);
}

#[test]
fn an_incident_that_is_unknown_or_gone_is_a_plain_404() {
    let stand_in = sample(Options::default());
    for id in ["1290", "99", "-1"] {
        let received = asked(&stand_in, &format!("/incidents/{id}"));
        assert_eq!(received.status, 404, "{id}");
        assert_eq!(received.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    assert!(ids(&stand_in, "").contains(&1290));
    for id in ["x", "1311.0", "", "9999999999999999999"] {
        let received = asked(&stand_in, &format!("/incidents/{id}"));
        assert_eq!(received.status, 400, "{id}");
        assert!(received.json()["description"].is_string());
    }
}
