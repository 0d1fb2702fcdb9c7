//! The filters that the list of incidents and its distribution share. What `from_time` and `to_time` are
//! compared with is not written down; here it is when an incident was created.

use serde_json::Value;

use crate::denial::Denial;
use crate::query::Request;
use crate::time;

/// Parameters that take values with commas between them, and the member of a row that is one of them.
/// Rows keep what the API knows and does not say under private keys.
const LISTS: [(&str, &str); 6] = [
    ("project_ids", "project_id"),
    ("connection_types", "_connection_type"),
    ("alert_policy_ids", "alert_policy_id"),
    ("severities", "severity"),
    ("impacts", "impact"),
    ("connection_ids", "_connection_id"),
];
const LEVELS: [&str; 3] = ["LOW", "MEDIUM", "HIGH"];

/// The filters of a request.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// A member of a row, and the values of which it must have one.
    lists: Vec<(&'static str, Vec<String>)>,
    from: Option<i64>,
    to: Option<i64>,
    /// In lower case.
    text: Option<String>,
}

impl Filters {
    /// Reads the query of a request, which must have no other parameters.
    pub(crate) fn read(request: &Request) -> Result<Self, Denial> {
        let mut filters = Self::default();
        for (name, value) in request.pairs() {
            match name.as_str() {
                "from_time" => filters.from = Some(moment(&name, &value)?),
                "to_time" => filters.to = Some(moment(&name, &value)?),
                "text_to_search" => filters.text = Some(value.to_lowercase()),
                _ => filters.add_list(&name, &value)?,
            }
        }
        Ok(filters)
    }

    /// Whether nothing is filtered.
    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.from.is_none() && self.to.is_none() && self.text.is_none()
    }

    /// Whether an incident is asked for.
    pub(crate) fn pass(&self, row: &Value) -> bool {
        for (member, wanted) in &self.lists {
            if !wanted.contains(&text(row, member)) {
                return false;
            }
        }
        if let Some(wanted) = &self.text {
            let names = ["alert_policy_name", "_source_name"];
            if !names.iter().any(|name| text(row, name).to_lowercase().contains(wanted)) {
                return false;
            }
        }
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let created = row.get("created_time").and_then(Value::as_str).and_then(time::moment);
        created.is_some_and(|created| {
            self.from.is_none_or(|from| from <= created) && self.to.is_none_or(|to| created <= to)
        })
    }

    fn add_list(&mut self, name: &str, value: &str) -> Result<(), Denial> {
        let Some((name, member)) = LISTS.iter().find(|(known, _)| *known == name) else {
            return Err(Denial::text(400, &format!("Unknown query parameter: {name}")));
        };
        let mut wanted = Vec::new();
        for item in value.split(',') {
            if *name == "project_ids" && item.parse::<i64>().is_err() {
                return Err(Denial::described(400, "project_ids must be integers"));
            }
            if ["severities", "impacts"].contains(name) && !LEVELS.contains(&item) {
                let message = format!("{name} must be of {}", LEVELS.join(", "));
                return Err(Denial::described(400, &message));
            }
            wanted.push(item.to_owned());
        }
        if self.lists.iter().any(|(other, _)| other == member) {
            return Err(Denial::described(400, &format!("{name} is given twice")));
        }
        self.lists.push((member, wanted));
        Ok(())
    }
}

fn moment(name: &str, value: &str) -> Result<i64, Denial> {
    let message = format!("{name} must be an ISO 8601 timestamp");
    time::moment(value).ok_or_else(|| Denial::described(400, &message))
}

/// A member as it stands in a query; empty without one.
fn text(row: &Value, member: &str) -> String {
    match row.get(member) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
