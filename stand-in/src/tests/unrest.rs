//! The script that changes the sample of `SignalFx` while it is read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::Connection;
use crate::{Api, Options, StandIn, Workspace, signalfx_unrest};

const ACTIVE: &str = "/v2/incident?includeResolved=false";
const RESOLVED: &str = "/v2/incident?includeResolved=true";
const RULES: &str = "/v2/alertmuting?include=All";

fn restless() -> StandIn {
    let on_request = Some(signalfx_unrest());
    let options = Options { on_request, ..Options::default() };
    StandIn::serving(Api::SignalFx, Workspace::signalfx().unwrap(), options).unwrap()
}

fn page(stand_in: &StandIn, list: &str, offset: usize, limit: usize) -> Vec<Value> {
    let target = format!("{list}&offset={offset}&limit={limit}");
    let head = format!("GET {target} HTTP/1.1\r\nX-SF-TOKEN: demo-key");
    let body = Connection::open(stand_in).send(&head).unwrap().json();
    body.as_array().or_else(|| body["results"].as_array()).unwrap().clone()
}

fn whole(stand_in: &StandIn, list: &str) -> Vec<Value> {
    page(stand_in, list, 0, 1_000)
}

fn ids(rows: &[Value]) -> Vec<String> {
    let id = |row: &Value| row.get("incidentId").or_else(|| row.get("id")).unwrap().to_string();
    rows.iter().map(id).collect()
}

/// The ids of rows that the script leaves alone.
fn steady(path: &str) -> BTreeSet<String> {
    let mut rows = Workspace::signalfx().unwrap().rows(path);
    rows.retain(|row| row.get("_unrest").is_none());
    ids(&rows).into_iter().collect()
}

#[test]
fn what_is_not_marked_is_there_all_the_time() {
    let stand_in = restless();
    let (incidents, rules) = (steady("/v2/incident"), steady("/v2/alertmuting"));
    for _ in 0..8 {
        let mut rows = whole(&stand_in, ACTIVE);
        rows.extend(whole(&stand_in, RESOLVED));
        let seen: BTreeSet<String> = ids(&rows).into_iter().collect();
        assert!(incidents.is_subset(&seen));
        let seen = ids(&whole(&stand_in, RULES)).into_iter().collect();
        assert!(rules.is_subset(&seen));
    }
}

#[test]
fn incidents_come_and_go_while_they_are_read() {
    let stand_in = restless();
    let lists: Vec<Vec<String>> = (0..6).map(|_| ids(&whole(&stand_in, ACTIVE))).collect();
    let lengths: Vec<usize> = lists.iter().map(Vec::len).collect();
    assert_eq!(lengths, [70, 69, 70, 70, 69, 70]);
    assert_eq!(lists[2][0], "\"GNewAAAAA01\"");
    assert_eq!(lists[3][0], "\"GNewAAAAA02\"");
    assert_eq!(lists[5][0], "\"GNewAAAAA03\"");
}

#[test]
fn resolved_incidents_come_and_go_as_well() {
    let stand_in = restless();
    let lengths = [(); 5].map(|()| whole(&stand_in, RESOLVED).len());
    assert_eq!(lengths, [72, 71, 72, 71, 71]);
}

#[test]
fn an_incident_resolves_between_the_two_lists() {
    let stand_in = restless();
    let before = ids(&whole(&stand_in, ACTIVE));
    let after = ids(&whole(&stand_in, RESOLVED));
    assert_eq!(before.iter().filter(|id| after.contains(id)).count(), 2);
    assert_eq!(after.len(), 72);
}

#[test]
fn rules_are_deleted_while_they_are_read() {
    let stand_in = restless();
    let lengths = [(); 5].map(|()| whole(&stand_in, RULES).len());
    assert_eq!(lengths, [66, 65, 64, 63, 63]);
}

#[test]
fn each_list_changes_by_its_own_requests() {
    let (alone, beside) = (restless(), restless());
    for round in 0..7 {
        let _others = whole(&beside, RULES);
        assert_eq!(whole(&beside, ACTIVE), whole(&alone, ACTIVE), "round {round}");
    }
    for round in 0..5 {
        let _others = (whole(&beside, RULES), whole(&beside, ACTIVE));
        assert_eq!(whole(&beside, RESOLVED), whole(&alone, RESOLVED), "round {round}");
    }
}

#[test]
fn adding_up_what_was_asked_for_loses_rows_that_are_there() {
    for (limit, lost) in [(10, 2), (20, 1), (35, 1)] {
        let stand_in = restless();
        let mut seen = BTreeSet::new();
        for offset in (0..80).step_by(limit) {
            seen.extend(ids(&page(&stand_in, ACTIVE, offset, limit)));
        }
        let resolved = ids(&whole(&stand_in, RESOLVED));
        let missing = steady("/v2/incident");
        let missing = missing.iter().filter(|id| !seen.contains(*id) && !resolved.contains(id));
        assert_eq!(missing.count(), lost, "pages of {limit}");
    }
}
