//! Details, children of a parent, and parents that are gone.

use serde_json::json;

use super::support::Api;

fn schedules() -> Api {
    let schedules = json!({"rows": [{"id": "S1"}, {"id": "S2"}, {"id": "S3", "_vanished": true}]});
    let replicas =
        json!({"rows": [{"id": "R1", "_schedule_id": "S1"}, {"id": "R2", "schedule_id": "S2"}]});
    Api::new(&[("v2.schedules", schedules), ("v2.schedules.schedule_id.replicas", replicas)])
}

fn missing() -> (u16, String, Option<String>) {
    (404, "resource_not_found".to_owned(), None)
}

#[test]
fn children_belong_to_their_parent() {
    let api = schedules();
    assert_eq!(api.ids("/v2/schedules/S1/replicas"), ["R1"]);
    assert_eq!(api.ids("/v2/schedules/S2/replicas"), ["R2"]);
    assert_eq!(api.get("/v2/schedules/S2/replicas/R2").unwrap()["schedule_replica"]["id"], "R2");
    assert_eq!(api.refused("/v2/schedules/S1/replicas/R2"), missing());
}

#[test]
fn a_vanished_or_unknown_parent_is_a_404() {
    let api = schedules();
    assert_eq!(api.ids("/v2/schedules"), ["S1", "S2", "S3"]);
    for target in [
        "/v2/schedules/S3",
        "/v2/schedules/S3/replicas",
        "/v2/schedules/S9/replicas",
        "/v2/schedules/S9",
        "/v2/schedule_entries?schedule_id=S3",
    ] {
        assert_eq!(api.refused(target), missing(), "{target}");
    }
}

#[test]
fn a_query_parameter_names_a_parent_too() {
    let incidents = json!({"rows": [{"id": "I1"}, {"id": "I2", "mode": "stream"}]});
    let relations = json!({"rows": [{"id": "X", "_incident_id": ["I1", "I2"]}]});
    let api = Api::new(&[("v2.incidents", incidents), ("v1.incident_relationships", relations)]);
    assert_eq!(api.ids("/v1/incident_relationships?incident_id=I1"), ["X"]);
    assert_eq!(api.ids("/v1/incident_relationships?incident_id=I2"), ["X"]);
    assert_eq!(api.refused("/v1/incident_relationships?incident_id=I3"), missing());
}

#[test]
fn a_child_without_rows_has_an_empty_list() {
    let api = Api::new(&[("v2.users", json!({"rows": [{"id": "U"}]}))]);
    let expected = json!({"notification_rules": []});
    assert_eq!(api.get("/v2/users/U/notification_rules").unwrap(), expected);
}

#[test]
fn a_schedule_without_entries_has_the_least_answer() {
    let groups = json!({"final": [], "overrides": [], "scheduled": []});
    let answer = schedules().get("/v2/schedule_entries?schedule_id=S1").unwrap();
    assert_eq!(answer, json!({"schedule_entries": groups}));
}

#[test]
fn stored_bodies_are_found_by_their_parameters() {
    let bodies = json!({"bodies": [
        {"_incident_id": "I1", "incident_participant_workloads": [], "metadata": {"new": 1}},
        {"_incident_id": "I2", "incident_participant_workloads": [{"workload": 2}], "metadata": {}}]});
    let api = Api::new(&[("v2.incident_participant_workloads", bodies)]);
    let target = "/v2/incident_participant_workloads?incident_id=";
    let expected = json!({"incident_participant_workloads": [{"workload": 2}], "metadata": {}});
    assert_eq!(api.get(&format!("{target}I2")).unwrap(), expected);
    let expected = json!({"incident_participant_workloads": [], "metadata": {}});
    assert_eq!(api.get(&format!("{target}I3")).unwrap(), expected);
}

#[test]
fn a_detail_with_a_file_of_its_own_is_answered_from_it() {
    let bodies =
        json!({"bodies": [{"_id": "S", "secret": {"id": "S"}, "versions": [{"number": 1}]}]});
    let api =
        Api::new(&[("v2.secrets", json!({"rows": [{"id": "S"}]})), ("v2.secrets.id", bodies)]);
    let expected = json!({"secret": {"id": "S"}, "versions": [{"number": 1}]});
    assert_eq!(api.get("/v2/secrets/S").unwrap(), expected);
    assert_eq!(api.refused("/v2/secrets/T"), missing());
}

#[test]
fn content_is_answered_for_documents_that_exist() {
    let documents = json!({"rows": [{"id": "D1"}, {"id": "D2", "_vanished": true}]});
    let content = json!({"bodies": [{"_id": "D1", "markdown": "# Why"}]});
    let api = Api::new(&[
        ("v1.postmortem_documents", documents),
        ("v1.postmortem_documents.id.content", content),
    ]);
    let expected = json!({"markdown": "# Why"});
    assert_eq!(api.get("/v1/postmortem_documents/D1/content").unwrap(), expected);
    assert_eq!(api.refused("/v1/postmortem_documents/D2/content"), missing());
}

#[test]
fn incidents_of_a_status_page_are_not_looked_for_among_incidents() {
    let pages = json!({"rows": [{"id": "P"}]});
    let incidents = json!({"rows": [{"id": "PI", "status_page_id": "P"}]});
    let links = json!({"rows": [{"id": "I", "_id": "P", "_incident_id": "PI"}]});
    let api = Api::new(&[
        ("v2.status_pages", pages),
        ("v2.status_page_incidents", incidents),
        ("v2.incidents", json!({"rows": [{"id": "I"}]})),
        ("v1.status-pages.id.incidents.incident_id.response-incidents", links),
    ]);
    assert_eq!(api.ids("/v1/status-pages/P/incidents/PI/response-incidents"), ["I"]);
    assert_eq!(api.refused("/v1/status-pages/P/incidents/I/response-incidents"), missing());
}
