//! An organisation of any size: its rows belong together, are found fast and rightly, and a part of them
//! changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde_json::Value;

use super::support::Api;
use crate::document::Shape;
use crate::hidden;
use crate::query::{Query, Request};
use crate::sequence::{By, Order};
use crate::{Changed, NOW, Organisation, Workspace};

const PERCENT: f64 = 2.0;
const UPDATED: [&str; 5] =
    ["/v2/incidents", "/v2/alerts", "/v3/actions", "/v3/follow_ups", "/v2/escalations"];
/// All incidents, whatever their mode and status.
const ALL: &str = "mode[one_of]=standard&mode[one_of]=retrospective&mode[one_of]=test\
    &mode[one_of]=tutorial&status_category[one_of]=triage&status_category[one_of]=live\
    &status_category[one_of]=learning&status_category[one_of]=paused\
    &status_category[one_of]=closed&status_category[one_of]=declined\
    &status_category[one_of]=canceled&status_category[one_of]=merged";

fn until() -> DateTime<Utc> {
    NOW - TimeDelta::days(2)
}

fn organisation(incidents: usize, percent: Option<f64>) -> Api {
    let changed = percent.map(|percent| Changed { percent, at: NOW });
    let mut api = Api::new(&[]);
    let organisation = Organisation { incidents, until: until(), changed };
    api.workspace = Workspace::organisation(&organisation).unwrap();
    api
}

fn text<'r>(row: &'r Value, pointer: &str) -> &'r str {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn moment(row: &Value, name: &str) -> DateTime<Utc> {
    row[name].as_str().unwrap().parse().unwrap()
}

/// The ids of all pages, in order of the ids.
fn all(api: &Api, target: &str) -> Vec<String> {
    let mut ids = api.pages(target).concat();
    ids.sort();
    ids
}

fn sorted(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

#[test]
fn there_are_as_many_rows_as_the_incidents_ask_for() {
    let workspace = organisation(300, None).workspace;
    for (path, count) in [
        ("/v2/incidents", 300),
        ("/v2/alerts", 4_500),
        ("/v2/incident_alerts", 1_500),
        ("/v2/incident_updates", 900),
        ("/v2/workflow_runs", 3_000 + 5),
        ("/v3/actions", 300),
        ("/v3/follow_ups", 300),
        ("/v2/escalations", 300),
        ("/v1/postmortem_documents", 20),
    ] {
        let rows = workspace.rows(path);
        let key = |row: &Value| format!("{} {}", row["id"], row["incident_id"]);
        let keys: BTreeSet<String> = rows.iter().map(key).collect();
        assert_eq!((rows.len(), keys.len()), (count, count), "{path}");
    }
}

#[test]
fn rows_are_made_evenly_over_three_years() {
    let workspace = organisation(300, None).workspace;
    for path in UPDATED.into_iter().chain(["/v2/workflow_runs", "/v2/incident_updates"]) {
        let mut of_year = BTreeMap::<i64, usize>::new();
        let rows = workspace.rows(path);
        for row in &rows {
            let age = until() - moment(row, "created_at");
            *of_year.entry(age.num_days().div_euclid(365)).or_default() += 1;
        }
        let fewest = rows.len() / 3 - rows.len() / 25;
        let years = [0, 1, 2].map(|year| of_year.get(&year).copied().unwrap_or_default());
        assert!(years.into_iter().all(|count| count >= fewest), "{path} {of_year:?}");
    }
}

#[test]
fn rows_belong_together() {
    let api = organisation(60, None);
    let ids = |path: &str| -> BTreeSet<String> {
        api.workspace.rows(path).iter().map(|row| text(row, "/id").to_owned()).collect()
    };
    let (incidents, alerts) = (ids("/v2/incidents"), ids("/v2/alerts"));
    for row in api.workspace.rows("/v2/incident_alerts") {
        assert!(incidents.contains(text(&row, "/incident/id")), "{row}");
        assert!(alerts.contains(text(&row, "/alert/id")), "{row}");
    }
    for path in ["/v2/incident_updates", "/v1/postmortem_documents", "/v3/actions"] {
        for row in api.workspace.rows(path) {
            assert!(incidents.contains(text(&row, "/incident_id")), "{path} {row}");
        }
    }
    for row in api.workspace.rows("/v2/escalations") {
        for alert in row["related_alerts"].as_array().unwrap() {
            assert!(alerts.contains(text(alert, "/id")), "{row}");
        }
    }
}

#[test]
fn pages_lead_from_history_to_what_is_new() {
    // So many that months are shorter than the sample's.
    let workspace = organisation(1_500, Some(PERCENT)).workspace;
    for (stem, by) in [
        ("v2.incident_updates", By::Id),
        ("v2.incident_alerts", By::Id),
        ("v2.workflow_runs", By::Time("created_at")),
    ] {
        for is_newest_first in [true, false] {
            let order = Order { by, is_newest_first };
            let sequence = workspace.sequence(&workspace.collections[stem], order);
            for at in (0..sequence.len()).step_by(97).chain(sequence.len() - 700..sequence.len()) {
                let key = sequence.key(at).unwrap();
                assert_eq!(sequence.after(&key), at + 1, "{stem} {order:?} {key:?}");
            }
        }
    }
}

/// The ids of the rows that name a parent, as a scan of all rows finds them.
fn of_parent(rows: &[Value], pointer: &str, parent: &str) -> Vec<String> {
    let of_parent = rows.iter().filter(|row| text(row, pointer) == parent);
    sorted(of_parent.map(|row| text(row, "/id").to_owned()))
}

#[test]
fn children_are_found_by_their_parents() {
    let api = organisation(90, Some(PERCENT));
    let rows = |path: &str| api.workspace.rows(path);
    let (all_updates, all_links) = (rows("/v2/incident_updates"), rows("/v2/incident_alerts"));
    for incident in rows("/v2/incidents").iter().map(|row| text(row, "/id")) {
        let updates = all(&api, &format!("/v2/incident_updates?incident_id={incident}"));
        assert_eq!(updates, of_parent(&all_updates, "/incident_id", incident));
        let links = all(&api, &format!("/v2/incident_alerts?page_size=4&incident_id={incident}"));
        assert_eq!(links, of_parent(&all_links, "/incident/id", incident));
        assert!(links.len() >= 5, "{incident}");
    }
    for alert in rows("/v2/alerts").iter().step_by(97).map(|row| text(row, "/id")) {
        let links = all(&api, &format!("/v2/incident_alerts?page_size=4&alert_id={alert}"));
        assert_eq!(links, of_parent(&all_links, "/alert/id", alert));
    }
}

/// The ids of the rows of a window, as a scan of all rows finds them.
fn scanned(rows: &[Value], name: &str, from: DateTime<Utc>) -> Vec<String> {
    let rows = rows.iter().filter(|row| {
        // Nobody can ask for incidents of the mode `stream`.
        row.get("_incident_mode").is_none_or(|mode| mode == "standard")
            && row["mode"] != "stream"
            && moment(row, name) >= from
    });
    sorted(rows.map(|row| text(row, "/id").to_owned()))
}

#[test]
fn windows_of_time_are_those_of_a_scan() {
    let api = organisation(60, Some(PERCENT));
    for path in UPDATED.into_iter().chain(["/v2/workflow_runs"]) {
        let rows = api.workspace.rows(path);
        let (others, names) = match path {
            "/v2/incidents" => (ALL, &["created_at", "updated_at"][..]),
            "/v3/actions" | "/v3/follow_ups" => ("incident_mode=standard", &["updated_at"][..]),
            "/v2/workflow_runs" => ("page_size=50", &["created_at"][..]),
            _ => ("page_size=50", &["created_at", "updated_at"][..]),
        };
        for (days, name) in [0, 1, 3, 40, 1_000]
            .iter()
            .flat_map(|days| names.iter().map(move |name| (*days, *name)))
        {
            let day = (NOW - TimeDelta::days(days)).date_naive();
            let from = day.and_time(NaiveTime::MIN).and_utc();
            let found = all(&api, &format!("{path}?{others}&{name}[gte]={day}"));
            assert_eq!(found, scanned(&rows, name, from), "{path} {name} {day}");
        }
    }
}

#[test]
fn a_part_changes_and_the_rest_stays_as_it_was() {
    let (before, after) = (organisation(300, None), organisation(300, Some(PERCENT)));
    for path in UPDATED.into_iter().chain(["/v1/postmortem_documents"]) {
        let (before, after) = (before.workspace.rows(path), after.workspace.rows(path));
        assert_eq!(before.len(), after.len());
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
        let changed: Vec<_> = changed.collect();
        assert_eq!(changed.len(), after.len() * 2 / 100, "{path}");
        for (before, after) in changed {
            let mut as_before = after.clone();
            as_before["updated_at"] = before["updated_at"].clone();
            assert_eq!(before, &as_before);
            let at = moment(after, "updated_at");
            assert!(at <= NOW && at >= NOW - TimeDelta::hours(1), "{after}");
        }
    }
}

#[test]
fn what_has_changed_is_found_by_its_id_as_it_is() {
    let api = organisation(300, Some(PERCENT));
    for incident in api.workspace.rows("/v2/incidents") {
        let found = api.get(&format!("/v2/incidents/{}", text(&incident, "/id"))).unwrap();
        assert_eq!(found["incident"]["updated_at"], incident["updated_at"]);
    }
}

#[test]
fn changed_incidents_have_news_and_workflows_have_run() {
    let (before, after) = (organisation(300, None), organisation(300, Some(PERCENT)));
    let more = |path: &str| {
        let known = before.workspace.rows(path);
        let rows = after.workspace.rows(path).into_iter();
        rows.skip(known.len()).collect::<Vec<Value>>()
    };
    assert_eq!(more("/v2/workflow_runs").len(), 60);
    let target = format!("/v2/incidents?{ALL}&updated_at[gte]={}", NOW.date_naive());
    let changed: BTreeSet<String> = after.pages(&target).concat().into_iter().collect();
    for (path, pointer, each) in
        [("/v2/incident_updates", "/incident_id", 3), ("/v2/incident_alerts", "/incident/id", 5)]
    {
        let news = more(path);
        let parents = news.iter().map(|row| text(row, pointer).to_owned());
        assert_eq!(parents.collect::<BTreeSet<_>>(), changed, "{path}");
        assert_eq!(news.len(), each * changed.len());
    }
}

/// Those of which a step has not ended.
fn unfinished(api: &Api) -> Vec<Value> {
    let runs = api.workspace.rows("/v2/workflow_runs").into_iter();
    let is_pending = |step: &Value| step["status"] == "pending";
    runs.filter(|run| run["progress"].as_array().unwrap().iter().any(is_pending)).collect()
}

#[test]
fn a_handful_of_workflow_runs_finishes_later() {
    let runs = unfinished(&organisation(300, None));
    assert_eq!(runs.len(), 5);
    assert!(runs.iter().all(|run| moment(run, "created_at") > until()));
    assert!(unfinished(&organisation(300, Some(PERCENT))).is_empty());
}

/// Else each request would make all rows there are.
#[test]
fn every_list_of_history_is_in_order_month_by_month() {
    let api = organisation(60, Some(PERCENT));
    for (stem, collection) in &api.workspace.collections {
        let path = format!("/{}", stem.replace('.', "/"));
        let Some((endpoint, bound)) = api.document.find(&path) else { continue };
        let Shape::List(list) = &endpoint.shape else { continue };
        let request = Request { target: path.clone(), ..Request::default() };
        let Ok(query) = Query::check(endpoint, bound, &request) else { continue };
        let order = hidden::order(&path, list.is_paged, &query);
        let is_fast = collection.is_separable(order.by);
        assert!(is_fast || !collection.is_history, "{path}");
    }
}

#[test]
fn sizes_and_parts_that_cannot_be_are_told() {
    let of = |incidents, percent| {
        let changed = Some(Changed { percent, at: NOW });
        Workspace::organisation(&Organisation { incidents, until: NOW, changed })
    };
    assert!(of(0, 1.0).unwrap_err().contains("incidents"));
    assert!(of(1_000_000, 1.0).unwrap_err().contains("incidents"));
    assert!(of(30, 0.0).unwrap_err().contains('%'));
    assert!(of(30, 101.0).unwrap_err().contains('%'));
    assert!(of(30, f64::NAN).unwrap_err().contains('%'));
}
