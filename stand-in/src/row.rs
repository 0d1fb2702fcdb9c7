//! A row as it is stored together with the month it is served for: what filters ask of it, and the value
//! that goes over the wire.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::changes::UPDATED_AT;
use super::month::Month;
use super::time;

/// How many fraction digits the time of a change has.
const DIGITS: usize = 3;

/// One row of one month. Its texts are read through the month, so the row itself is made only when it is
/// sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    stored: &'a Value,
    month: Month,
    /// When it was changed since it was made.
    changed: Option<i64>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(stored: &'a Value, month: Month) -> Self {
        Self { stored, month, changed: None }
    }

    /// The row as it is since a moment, if it has changed.
    pub(crate) fn changed(self, changed: Option<i64>) -> Self {
        Self { changed, ..self }
    }

    /// The row with its private keys.
    pub(crate) fn whole(&self) -> Value {
        self.dated(self.month.value(self.stored, |_| true))
    }

    /// The row as the API sends it: without keys that start with `_`, at any depth.
    pub(crate) fn public(&self) -> Value {
        self.dated(self.month.value(self.stored, |name| !name.starts_with('_')))
    }

    /// The value with the time of the change.
    fn dated(&self, mut value: Value) -> Value {
        if let (Some(changed), Some(at)) = (self.changed, value.get_mut(UPDATED_AT)) {
            *at = Value::String(time::timestamp(changed, DIGITS));
        }
        value
    }

    /// The text at a JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<Cow<'a, str>> {
        self.stored.pointer(pointer).and_then(Value::as_str).map(|text| self.month.text(text))
    }

    /// The moment at a JSON pointer.
    pub(crate) fn moment(&self, pointer: &str) -> Option<i64> {
        if self.changed.is_some() && pointer.strip_prefix('/') == Some(UPDATED_AT) {
            return self.changed;
        }
        let template = self.stored.pointer(pointer).and_then(Value::as_str);
        template.and_then(time::moment).map(|moment| self.month.moment(moment))
    }

    /// The value at a JSON pointer, without private keys inside.
    pub(crate) fn at(&self, pointer: &str) -> Option<Value> {
        let stored = self.stored.pointer(pointer)?;
        Some(Row::new(stored, self.month).public())
    }

    /// The truth value at a JSON pointer.
    pub(crate) fn flag(&self, pointer: &str) -> Option<bool> {
        self.stored.pointer(pointer).and_then(Value::as_bool)
    }

    /// The texts that a list at a JSON pointer holds, or that its items hold under a second pointer.
    pub(crate) fn texts(&self, list: &str, within: &str) -> Vec<Cow<'a, str>> {
        let items = self.stored.pointer(list).and_then(Value::as_array).into_iter().flatten();
        let texts = items.filter_map(|item| item.pointer(within).and_then(Value::as_str));
        texts.map(|text| self.month.text(text)).collect()
    }

    /// What the row says of a parameter of the API: under the parameter's private key, under its name, in
    /// the object the name points to (`policy.id` for `policy_id`), or one object further down.
    pub(crate) fn stated(&self, parameter: &str) -> Option<&'a Value> {
        let base = parameter.strip_suffix("_id").unwrap_or(parameter);
        let stored = self.stored;
        stored
            .get(format!("_{parameter}"))
            .or_else(|| stored.get(parameter))
            .or_else(|| stored.get(base)?.get("id"))
            .or_else(|| stored.as_object()?.values().find_map(|member| member.get(parameter)))
    }

    /// Whether a parameter with this value asks for this row. A list in the row matches any of its items.
    pub(crate) fn matches(&self, parameter: &str, wanted: &str) -> bool {
        match self.stated(parameter) {
            Some(Value::Array(items)) => items.iter().any(|item| self.equals(item, wanted)),
            Some(single) => self.equals(single, wanted),
            None => false,
        }
    }

    /// Whether the row was deleted after it was listed, so that asking for it is a 404.
    pub(crate) fn is_vanished(&self) -> bool {
        self.flag("/_vanished") == Some(true)
    }

    fn equals(&self, stated: &Value, wanted: &str) -> bool {
        match stated {
            Value::String(text) => self.month.text(text) == wanted,
            other => format!("{other}") == wanted,
        }
    }
}

/// A stored row as an API sends it that may itself have names with `_` in front further down.
pub(crate) fn outer_public(stored: &Value) -> Value {
    let Some(members) = stored.as_object() else { return stored.clone() };
    let mut public = Map::new();
    for (name, member) in members {
        if !name.starts_with('_') {
            public.insert(name.clone(), member.clone());
        }
    }
    Value::Object(public)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_private_key_wins_over_the_row_s_own() {
        let row = json!({"incident_id": "stream", "_incident_id": ["parent", "stream"]});
        let row = Row::new(&row, Month::STORED);
        assert!(row.matches("incident_id", "parent"));
        assert!(row.matches("incident_id", "stream"));
        assert!(!row.matches("incident_id", "other"));
    }

    #[test]
    fn an_embedded_parent_counts_as_its_id() {
        let row = json!({"alert": {"id": "A"}, "resource": {"external_id": "7"}});
        let row = Row::new(&row, Month::STORED);
        assert!(row.matches("alert_id", "A"));
        assert!(row.matches("external_id", "7"));
        assert!(!row.matches("incident_id", "A"));
    }
}
