//! The month that an organisation repeats: the sample's, with more of what there is much of. Rows are
//! spread evenly over it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::changes::UPDATED_AT;
use super::super::month::{END, LENGTH};
use super::super::time;
use super::super::workspace::Workspace;

/// How many incidents a month has.
pub(super) const INCIDENTS: usize = 30;
/// How many alerts a month has.
pub(super) const ALERTS: usize = 450;
/// How many rows other lists have in a month.
const ROWS: &[(&str, usize)] = &[
    ("v2.incidents", INCIDENTS),
    ("v2.alerts", ALERTS),
    ("v2.workflow_runs", 300),
    ("v2.incident_updates", 90),
    ("v3.actions", 30),
    ("v3.follow_ups", 30),
    ("v2.escalations", 30),
    ("v1.postmortem_documents", 2),
    ("v1.postmortem_documents.id.content", 2),
];
/// Lists that are short, so that what is asked for once for each of their rows is little beside the rest.
const FEW: &[(&str, usize)] = &[
    ("v2.schedules", 1),
    ("v3.catalog_types", 1),
    ("v2.custom_fields", 1),
    ("v3.alert_routes", 1),
    ("v2.call_routes", 1),
    ("v2.pay_configs", 1),
    ("v2.status_pages", 1),
    ("v2.secrets", 1),
    ("v2.users", 5),
    ("v2.escalation_paths", 5),
    ("v2.glossary_entries", 5),
    ("v2.call_sessions", 5),
];
/// How many alerts an incident has; there are twice as many again that have none.
pub(super) const LINKS: usize = 5;
const LINKED: usize = 3;
/// How many alert groups the sample has.
const GROUPS: usize = 12;
const GROUP: &str = "01K000AGRP";
/// The letters that an id begins with, up to its number.
const PREFIX: usize = 10;
const CREATED_AT: &str = "created_at";

/// Makes a month of a sample workspace one of an organisation.
pub(super) fn grow(workspace: &mut Workspace) {
    for (stem, wanted) in ROWS {
        let Some(collection) = workspace.collections.get_mut(*stem) else { continue };
        let rows = Arc::make_mut(&mut collection.rows);
        rows.retain(is_of_use);
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.remove("_vanished");
            row.remove("_archived");
        }
        repeat(rows, *wanted);
        spread(rows);
    }
    for (stem, wanted) in FEW {
        if let Some(collection) = workspace.collections.get_mut(*stem) {
            Arc::make_mut(&mut collection.rows).truncate(*wanted);
        }
    }
    let rows =
        |stem: &str| workspace.collections.get(stem).map(|collection| Arc::clone(&collection.rows));
    let (incidents, alerts) = (rows("v2.incidents"), rows("v2.alerts"));
    let (Some(incidents), Some(alerts)) = (incidents, alerts) else { return };
    if let Some(collection) = workspace.collections.get_mut("v2.incident_alerts") {
        let links = Links { model: collection.rows.first().cloned(), incidents, alerts };
        collection.rows =
            Arc::new((0..LINKS * INCIDENTS).map(|number| links.usual(number)).collect());
    }
}

/// Which alerts belong to which incidents of a month.
pub(super) struct Links {
    /// What a link looks like.
    pub(super) model: Option<Value>,
    pub(super) incidents: Arc<Vec<Value>>,
    pub(super) alerts: Arc<Vec<Value>>,
}

impl Links {
    /// One of those that there are from the beginning.
    fn usual(&self, number: usize) -> Value {
        self.row(number, number % INCIDENTS, number * LINKED % ALERTS)
    }

    /// One that is added to an incident later.
    pub(super) fn later(&self, number: usize, incident: usize) -> Value {
        self.row(number, incident, (number * LINKED + 1) % ALERTS)
    }

    fn row(&self, number: usize, incident: usize, alert: usize) -> Value {
        let mut row = self.model.clone().unwrap_or_default();
        set(&mut row, "id", format!("01K000INAL{:016}", number + 1));
        for (name, rows, at) in
            [("incident", &self.incidents, incident), ("alert", &self.alerts, alert)]
        {
            let Some(whole) = rows.get(at) else { continue };
            let names = row.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
            set(&mut row, name, embedded(whole, &names));
        }
        row
    }
}

/// An object as others embed it: those of its members that an example has.
fn embedded(whole: &Value, example: &Map<String, Value>) -> Map<String, Value> {
    let known = example.iter().map(|(name, other)| {
        let own = match name.as_str() {
            "status_category" => whole.pointer("/incident_status/category"),
            _ => whole.get(name),
        };
        (name.clone(), own.unwrap_or(other).clone())
    });
    known.collect()
}

/// Whether a row is one that an organisation has many of: of workflow runs those that have ended.
fn is_of_use(row: &Value) -> bool {
    let Some(steps) = row.get("progress").and_then(Value::as_array) else { return true };
    let has_ended = |step: &Value| {
        let status = step.get("status").and_then(Value::as_str);
        status.is_some_and(|status| ["complete", "skipped", "error"].contains(&status))
    };
    !steps.is_empty() && steps.iter().all(has_ended)
}

/// Repeats rows under ids of their own until there are so many.
fn repeat(rows: &mut Vec<Value>, wanted: usize) {
    let known = rows.len();
    for number in known..wanted {
        let Some(mut row) = rows.get(number % known.max(1)).cloned() else { return };
        renumber(&mut row, "id", number);
        for group in
            row.get_mut("alert_group_ids").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let own = group.as_str().and_then(|id| id.strip_prefix(GROUP)?.parse::<usize>().ok());
            *group = json!(format!("{GROUP}{:016}", own.unwrap_or(0) + GROUPS * (number / known)));
        }
        rows.push(row);
    }
    rows.truncate(wanted);
}

/// Gives an id of the template another number, which no row of the sample has.
fn renumber(row: &mut Value, name: &str, number: usize) {
    let own = row.get(name).and_then(Value::as_str).and_then(|id| id.get(..PREFIX));
    if let Some(id) = own.map(|own| format!("{own}{:016}", number + 1_001)) {
        set(row, name, id);
    }
}

/// Has rows made evenly over the month, in their order.
fn spread(rows: &mut [Value]) {
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let created = |row: &Value| row.get(CREATED_AT).and_then(Value::as_str).and_then(time::moment);
    if rows.iter().any(|row| created(row).is_none()) {
        return;
    }
    for (number, row) in (0..).zip(rows) {
        let at = END - LENGTH + LENGTH / count * number + LENGTH / count / 2;
        let Some(before) = created(row) else { continue };
        move_times(row, at - before);
        // A month ends with what was changed in it.
        if let Some(updated) = row.get_mut(UPDATED_AT)
            && updated.as_str().and_then(time::moment).is_none_or(|moment| moment >= END)
        {
            *updated = json!(time::timestamp(at + (END - at) / 2, 6));
        }
    }
}

/// Gives a row another value under a name.
pub(super) fn set(row: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = row.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// Moves all times in a value by so many microseconds.
pub(super) fn move_times(value: &mut Value, by: i64) {
    match value {
        Value::String(text) if time::looks_like_timestamp(text) => {
            if let Some(moment) = time::moment(text) {
                *text = time::timestamp(moment + by, time::fraction_digits(text).max(3));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_times(item, by)),
        Value::Object(members) => members.values_mut().for_each(|member| move_times(member, by)),
        _ => {}
    }
}
