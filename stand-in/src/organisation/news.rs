//! What has come to an organisation since its history ended: workflow runs that had not finished, and, in
//! one that has changed, new runs and what is new in the incidents that have changed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::changes::{Changes, LASTING, UPDATED_AT};
use super::super::month::Month;
use super::super::row::Row;
use super::super::sequence::Calendar;
use super::super::time;
use super::super::workspace::{Collection, Workspace};
use super::template::{INCIDENTS, LINKS, Links, move_times, set};

/// How many workflow runs have not finished when the history ends.
const UNFINISHED: usize = 5;
/// How many updates an incident gets when it changes.
const UPDATES: usize = 3;
const MINUTE: i64 = 60_000_000;
const RUNS: &str = "v2.workflow_runs";
const UPDATES_LIST: &str = "v2.incident_updates";
const LINKS_LIST: &str = "v2.incident_alerts";

/// Adds what is new; it is younger than all that is history.
pub(super) fn add(workspace: &mut Workspace, until: i64, changes: Option<Changes>) {
    let news = [
        (RUNS, runs(workspace, until, changes)),
        (UPDATES_LIST, changes.map(|changes| updates(workspace, changes)).unwrap_or_default()),
        (LINKS_LIST, changes.map(|changes| links(workspace, changes)).unwrap_or_default()),
    ];
    for (stem, rows) in news {
        if let Some(collection) = workspace.collections.get_mut(stem) {
            collection.news = Arc::new(rows);
        }
    }
    for collection in workspace.collections.values_mut() {
        collection.forget_order();
    }
}

/// Runs that had not finished, or have since; and new ones.
fn runs(workspace: &Workspace, until: i64, changes: Option<Changes>) -> Vec<Value> {
    let Some((collection, calendar)) = listed(workspace, RUNS) else { return Vec::new() };
    let newest = calendar.month(calendar.months.saturating_sub(1));
    let made = |number: usize, at: i64| {
        let stored = collection.rows.get(number % collection.rows.len().max(1));
        stored.map(|stored| new(stored, newest, ("WRUN", number), at))
    };
    let unfinished = (1..=UNFINISHED).filter_map(|number| {
        let at = until + MINUTE * i64::try_from(number).unwrap_or_default();
        let mut run = made(number, at)?;
        match changes {
            None => suspend(&mut run),
            Some(changes) => set(&mut run, UPDATED_AT, time::timestamp(changes.until, 3)),
        }
        Some(run)
    });
    let mut runs: Vec<Value> = unfinished.collect();
    if let Some(changes) = changes {
        let count = collection.rows.len() * calendar.months / changes.every;
        let step = LASTING / i64::try_from(count.max(1)).unwrap_or(i64::MAX);
        let begin = changes.until - LASTING;
        let at = |number: usize| begin + step * i64::try_from(number).unwrap_or_default();
        runs.extend((0..count).filter_map(|number| made(UNFINISHED + 1 + number, at(number))));
    }
    runs
}

/// Has the last step of a run wait.
fn suspend(run: &mut Value) {
    let last =
        run.get_mut("progress").and_then(Value::as_array_mut).and_then(|steps| steps.last_mut());
    if let Some(step) = last.and_then(Value::as_object_mut) {
        step.insert("status".to_owned(), json!("pending"));
        step.remove("completed_at");
    }
}

/// Updates of the incidents that have changed.
fn updates(workspace: &Workspace, changes: Changes) -> Vec<Value> {
    let Some((collection, calendar)) = listed(workspace, UPDATES_LIST) else { return Vec::new() };
    let Some(incidents) = workspace.collections.get("v2.incidents") else { return Vec::new() };
    let mut rows = Vec::new();
    for incident in changes.numbers(INCIDENTS * calendar.months) {
        let month = calendar.month(incident / INCIDENTS);
        let id = incidents.rows.get(incident % INCIDENTS).and_then(|row| row.get("id")?.as_str());
        let Some(id) = id else { continue };
        let at = changes.moment(incident).unwrap_or(changes.until);
        for number in rows.len()..rows.len() + UPDATES {
            let Some(stored) = collection.rows.get(number % collection.rows.len().max(1)) else {
                continue;
            };
            let mut row = new(stored, month, ("UPDT", number), at);
            set(&mut row, "incident_id", month.text(id).into_owned());
            rows.push(row);
        }
    }
    rows
}

/// Alerts that were added to the incidents that have changed.
fn links(workspace: &Workspace, changes: Changes) -> Vec<Value> {
    let Some((collection, calendar)) = listed(workspace, LINKS_LIST) else { return Vec::new() };
    let rows = |stem: &str| {
        workspace.collections.get(stem).map(|other| Arc::clone(&other.rows)).unwrap_or_default()
    };
    let model = collection.rows.first().cloned();
    let links = Links { model, incidents: rows("v2.incidents"), alerts: rows("v2.alerts") };
    let mut news: Vec<Value> = Vec::new();
    for incident in changes.numbers(INCIDENTS * calendar.months) {
        let month = calendar.month(incident / INCIDENTS);
        for number in news.len()..news.len() + LINKS {
            let stored = links.later(number, incident % INCIDENTS);
            let mut row = Row::new(&stored, month).whole();
            set(&mut row, "id", id(("INAL", number)));
            news.push(row);
        }
    }
    news
}

/// A row like one of the template, as it would be in a month, but made at another time.
fn new(stored: &Value, month: Month, name: (&str, usize), at: i64) -> Value {
    let mut row = Row::new(stored, month).whole();
    let created = row.get("created_at").and_then(Value::as_str).and_then(time::moment);
    move_times(&mut row, at - created.unwrap_or(at));
    set(&mut row, "id", id(name));
    row
}

/// An id that comes after those of history.
fn id((letters, number): (&str, usize)) -> String {
    format!("01L000{letters}{number:016}")
}

fn listed<'w>(workspace: &'w Workspace, stem: &str) -> Option<(&'w Collection, Calendar)> {
    let collection = workspace.collections.get(stem)?;
    Some((collection, workspace.calendar(collection)?))
}
