//! What Actian counts: incidents in all and by day. Rows that are stored under the two paths say what
//! cannot be counted, and win over what is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::row::outer_public;

type Counts = BTreeMap<String, u64>;

/// The body of the summary.
pub(crate) fn summary(incidents: &[Value], stored: &[Value]) -> Value {
    let (mut open, mut closed) = (0, 0);
    let (mut open_by_tag, mut closed_by_tag) = (Counts::new(), Counts::new());
    for row in incidents {
        let (number, by_tag) = match row.get("status").and_then(Value::as_str) {
            Some("OPEN") => (&mut open, &mut open_by_tag),
            Some("CLOSED") => (&mut closed, &mut closed_by_tag),
            _ => continue,
        };
        *number += 1;
        for tag in row.get("tags").and_then(Value::as_array).into_iter().flatten() {
            *by_tag.entry(tag.as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    let mut body = json!({"total": incidents.len(), "open": open, "closed": closed,
        "mean_time_to_resolve": null, "previous_mean_time_to_resolve": null,
        "open_by_tag": open_by_tag, "closed_by_tag": closed_by_tag});
    if let Some(stored) = stored.first() {
        overwrite(&mut body, stored);
    }
    body
}

/// The days of the distribution, of which stored ones are merged in or added.
pub(crate) fn distribution<'a>(
    incidents: impl Iterator<Item = &'a Value>,
    stored: &[Value],
) -> Vec<Value> {
    let mut days: BTreeMap<String, Value> = BTreeMap::new();
    let mut counted: BTreeMap<String, (Counts, Counts)> = BTreeMap::new();
    for row in incidents {
        let Some(day) = text(row, "created_time").get(..10) else { continue };
        let (by_severity, by_impact) = counted.entry(day.to_owned()).or_default();
        // What has no severity counts under the empty name.
        *by_severity.entry(text(row, "severity").to_owned()).or_default() += 1;
        *by_impact.entry(text(row, "impact").to_owned()).or_default() += 1;
    }
    for (day, (by_severity, by_impact)) in counted {
        let body = json!({"date": day, "counts": by_severity, "counts_by_impact": by_impact});
        days.insert(day, body);
    }
    for row in stored {
        let day = days.entry(text(row, "date").to_owned()).or_insert_with(|| json!({}));
        overwrite(day, row);
    }
    days.into_values().collect()
}

fn overwrite(body: &mut Value, stored: &Value) {
    let mut stored = match outer_public(stored) {
        Value::Object(stored) => stored,
        _ => Map::new(),
    };
    if let Some(body) = body.as_object_mut() {
        body.append(&mut stored);
    }
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row.get(member).and_then(Value::as_str).unwrap_or_default()
}
