//! The rules of `SignalFx`: the key, what lists give by default and by reading, and how it says no.

use serde_json::{Value, json};

use super::support::{Connection, Received};
use crate::{Api, NOW, Options, Readings, StandIn, Workspace};

fn started(workspace: Workspace, options: Options) -> StandIn {
    StandIn::serving(Api::SignalFx, workspace, options).unwrap()
}

fn sample(options: Options) -> StandIn {
    started(Workspace::signalfx().unwrap(), options)
}

fn asked(stand_in: &StandIn, target: &str) -> Received {
    let head = format!("GET {target} HTTP/1.1\r\nX-SF-TOKEN: demo-key");
    Connection::open(stand_in).send(&head).unwrap()
}

fn list(stand_in: &StandIn, target: &str) -> Vec<Value> {
    let body = asked(stand_in, target).json();
    body.as_array().or_else(|| body["results"].as_array()).unwrap().clone()
}

fn refused(stand_in: &StandIn, target: &str) -> (u16, String) {
    let received = asked(stand_in, target);
    (received.status, received.text())
}

/// So many incidents, none of them resolved.
fn many(count: usize) -> Workspace {
    let mut workspace = Workspace::default();
    workspace.edit("/v2/incident", |rows| {
        rows.extend((0..count).map(|number| json!({"incidentId": number, "active": true})));
    });
    workspace
}

/// Rules by what they are at noon: one that is over, one that comes, one of three kinds that goes on.
fn rules() -> Workspace {
    let noon = NOW.timestamp_millis();
    let mut workspace = Workspace::default();
    workspace.edit("/v2/alertmuting", |rows| {
        rows.extend([
            json!({"id": "over", "startTime": noon - 9, "stopTime": noon}),
            json!({"id": "comes", "startTime": noon + 1, "stopTime": 0}),
            json!({"id": "goes on", "startTime": noon, "stopTime": noon + 1}),
            json!({"id": "for ever", "startTime": noon - 9, "stopTime": 0}),
            json!({"id": "says nothing"}),
            json!({"id": "seconds, over", "startTime": 1_500_000_000, "stopTime": 1_600_000_000}),
            json!({"id": "seconds, comes", "startTime": 1_900_000_000, "stopTime": 0}),
        ]);
    });
    workspace
}

#[test]
fn the_token_is_checked_before_anything_else() {
    let stand_in = sample(Options::default());
    let mut connection = Connection::open(&stand_in);
    for header in ["X-SF-TOKEN: other", "Authorization: Bearer demo-key"] {
        let received = connection.send(&format!("GET /nowhere HTTP/1.1\r\n{header}")).unwrap();
        assert_eq!(received.status, 401);
        assert!(received.json().is_string());
    }
}

#[test]
fn an_unknown_path_is_plain_text() {
    let stand_in = sample(Options::default());
    for path in ["/incident", "/v2/incident/", "/v2/incidents", "/v2/incident/x", "/v2/event"] {
        let received = asked(&stand_in, path);
        assert_eq!(received.status, 404, "{path}");
        assert_eq!(received.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn only_get_is_answered() {
    let stand_in = sample(Options::default());
    let mut connection = Connection::open(&stand_in);
    let head = "POST /v2/alertmuting HTTP/1.1\r\nX-SF-TOKEN: demo-key";
    assert_eq!(connection.send_with(head, "{}").unwrap().status, 405);
    let head = "GET /v2/alertmuting HTTP/1.1\r\nX-SF-TOKEN: demo-key";
    assert_eq!(connection.send(head).unwrap().status, 200);
    let seen = stand_in.requests();
    assert_eq!((seen[0].method.as_str(), seen[0].body.as_str()), ("POST", "{}"));
    assert!(seen[1].headers.contains(&("x-sf-token".to_owned(), "demo-key".to_owned())));
}

#[test]
fn a_forbidden_path_has_a_code_and_a_message() {
    let forbidden = vec!["/v2/alertmuting".to_owned()];
    let stand_in = sample(Options { forbidden, ..Options::default() });
    let received = asked(&stand_in, "/v2/alertmuting");
    assert_eq!((received.status, &received.json()["code"]), (403, &json!(403)));
    assert!(received.json()["message"].is_string());
    assert_eq!(asked(&stand_in, "/v2/incident").status, 200);
}

#[test]
fn incidents_are_a_bare_array_of_fifty_active_ones() {
    let stand_in = sample(Options::default());
    let received = asked(&stand_in, "/v2/incident");
    assert_eq!(received.header("Content-Type"), Some("application/json"));
    assert_eq!(received.header("Date"), Some("Fri, 20 Nov 2026 12:00:00 GMT"));
    let body = received.json();
    let rows = body.as_array().unwrap();
    assert_eq!(rows.len(), 50);
    assert!(rows.iter().all(|row| row["active"] != json!(false)));
    assert!(rows.iter().all(|row| row.get("_active").is_none() && row.get("_unrest").is_none()));
}

#[test]
fn the_two_lists_of_incidents_share_no_row() {
    let stand_in = sample(Options::default());
    let active = list(&stand_in, "/v2/incident?includeResolved=false&limit=1000");
    let resolved = list(&stand_in, "/v2/incident?includeResolved=true&limit=1000");
    assert_eq!((active.len(), resolved.len()), (70, 70));
    assert!(resolved.iter().all(|row| row["active"] != json!(true)));
    assert!(active.iter().all(|row| !resolved.contains(row)));
}

#[test]
fn an_incident_that_says_nothing_of_it_is_active() {
    let mut workspace = Workspace::default();
    workspace.edit("/v2/incident", |rows| rows.push(json!({"incidentId": "x", "active": null})));
    let stand_in = started(workspace, Options::default());
    assert_eq!(list(&stand_in, "/v2/incident").len(), 1);
    assert_eq!(list(&stand_in, "/v2/incident?includeResolved=true").len(), 0);
}

#[test]
fn true_may_also_mean_all() {
    let readings = Readings { true_is_all: true, ..Readings::default() };
    let stand_in = sample(Options { readings, ..Options::default() });
    assert_eq!(list(&stand_in, "/v2/incident?includeResolved=true&limit=1000").len(), 140);
    assert_eq!(list(&stand_in, "/v2/incident?limit=1000").len(), 70);
}

#[test]
fn incidents_may_come_in_an_object() {
    let readings = Readings { is_wrapped: true, ..Readings::default() };
    let stand_in = sample(Options { readings, ..Options::default() });
    let body = asked(&stand_in, "/v2/incident").json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["results"]);
    assert_eq!(body["results"].as_array().unwrap().len(), 50);
}

#[test]
fn the_offset_may_be_ignored() {
    let readings = Readings { ignores_offset: true, ..Readings::default() };
    let stand_in = sample(Options { readings, ..Options::default() });
    let first = list(&stand_in, "/v2/incident?limit=5");
    assert_eq!(list(&stand_in, "/v2/incident?limit=5&offset=5"), first);
    let rules = list(&stand_in, "/v2/alertmuting?limit=5");
    assert_eq!(list(&stand_in, "/v2/alertmuting?limit=5&offset=5"), rules);
}

#[test]
fn what_is_not_a_parameter_is_ignored_in_silence() {
    let stand_in = sample(Options::default());
    let plain = list(&stand_in, "/v2/incident?limit=1000");
    for other in ["include_resolved=true", "includeresolved=true", "Limit=1", "query=*", "&x"] {
        assert_eq!(list(&stand_in, &format!("/v2/incident?limit=1000&{other}")), plain);
    }
}

#[test]
fn a_page_begins_at_its_offset_and_ends_at_its_limit() {
    let stand_in = started(many(12_000), Options::default());
    let first_and_length = |target: &str| {
        let rows = list(&stand_in, target);
        (rows.first().map(|row| row["incidentId"].clone()), rows.len())
    };
    assert_eq!(first_and_length("/v2/incident?offset=7"), (Some(json!(7)), 50));
    let last = first_and_length("/v2/incident?offset=9990&limit=10");
    assert_eq!(last, (Some(json!(9_990)), 10));
    assert_eq!(first_and_length("/v2/incident?limit=10000"), (Some(json!(0)), 10_000));
    assert_eq!(first_and_length("/v2/incident?includeResolved=true"), (None, 0));
    assert_eq!(first_and_length("/v2/incident?limit=0"), (None, 0));
}

#[test]
fn nothing_is_given_behind_the_ceiling() {
    let stand_in = started(many(12_000), Options::default());
    for query in ["offset=9991&limit=10", "offset=9951", "limit=10001", "offset=10000&limit=1"] {
        let received = asked(&stand_in, &format!("/v2/incident?{query}"));
        assert_eq!(received.status, 500, "{query}");
        assert_eq!(received.header("Content-Type"), Some("text/plain; charset=utf-8"));
    }
    assert_eq!(asked(&stand_in, "/v2/alertmuting?offset=9999&limit=2").status, 500);
    assert_eq!(asked(&stand_in, "/v2/incident?offset=9950").status, 200);
}

#[test]
fn the_ceiling_stands_above_what_is_asked_for_and_not_above_what_is_given() {
    let stand_in = started(many(20), Options { page_cap: Some(7), ..Options::default() });
    assert_eq!(list(&stand_in, "/v2/incident?offset=3&limit=1000").len(), 7);
    assert_eq!(list(&stand_in, "/v2/incident?limit=5").len(), 5);
    assert_eq!(asked(&stand_in, "/v2/incident?offset=9001&limit=1000").status, 500);
}

#[test]
fn a_bad_parameter_is_an_error_in_an_object() {
    let stand_in = sample(Options::default());
    for target in [
        "/v2/incident?limit=ten",
        "/v2/incident?limit=",
        "/v2/incident?offset=-1",
        "/v2/incident?limit=2147483648",
        "/v2/incident?includeResolved=True",
        "/v2/alertmuting?offset=1.0",
        "/v2/alertmuting?include=all",
        "/v2/alertmuting?include=Past,Future",
        "/v2/alertmuting?orderBy=created",
    ] {
        let received = asked(&stand_in, target);
        assert_eq!(received.status, 400, "{target}");
        let body = received.json();
        assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string());
    }
}

#[test]
fn rules_are_counted_beside_their_page() {
    let stand_in = sample(Options::default());
    let body = asked(&stand_in, "/v2/alertmuting?include=All").json();
    assert_eq!(body["count"], json!(66));
    assert_eq!(body["results"].as_array().unwrap().len(), 50);
    let body = asked(&stand_in, "/v2/alertmuting?include=All&offset=60").json();
    assert_eq!(body["count"], json!(66));
    assert_eq!(body["results"].as_array().unwrap().len(), 6);
}

#[test]
fn rules_are_chosen_by_the_clock() {
    let stand_in = started(rules(), Options::default());
    let ids = |query: &str| {
        let rows = list(&stand_in, &format!("/v2/alertmuting{query}"));
        let ids: Vec<String> =
            rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        ids.join(", ")
    };
    assert_eq!(ids(""), "goes on, for ever, says nothing");
    assert_eq!(ids("?include=Ongoing"), "goes on, for ever, says nothing");
    assert_eq!(ids("?include=Open"), "comes, goes on, for ever, says nothing, seconds, comes");
    assert_eq!(ids("?include=Past"), "over, seconds, over");
    assert_eq!(ids("?include=Future"), "comes, seconds, comes");
    let all = "over, comes, goes on, for ever, says nothing, seconds, over, seconds, comes";
    assert_eq!(ids("?include=All"), all);
}

#[test]
fn the_count_is_of_what_matches() {
    let stand_in = started(rules(), Options::default());
    assert_eq!(asked(&stand_in, "/v2/alertmuting?limit=1").json()["count"], json!(3));
    assert_eq!(asked(&stand_in, "/v2/alertmuting?include=All").json()["count"], json!(7));
}

#[test]
fn names_with_an_underscore_inside_of_a_row_are_sent() {
    let stand_in = sample(Options::default());
    let rows = list(&stand_in, "/v2/incident?limit=1");
    assert!(rows[0]["events"][0]["inputs"].get("_S1").is_some());
}

#[test]
fn errors_come_in_four_forms() {
    let stand_in = sample(Options::default());
    assert!(refused(&stand_in, "/v2/nothing").1.starts_with("HTTP 404"));
    assert!(refused(&stand_in, "/v2/incident?limit=x").1.starts_with("{\"error\":"));
    assert!(refused(&stand_in, "/v2/incident?limit=10001").1.starts_with("There was"));
}
