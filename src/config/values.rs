//! The values of settings, given or by default, in the types that [`crate::config::Config`] wants.

use std::time::Duration;

use serde_json::{Map, Value};

use super::settings::pointer;

/// What was given, and the schema with the defaults.
pub(super) struct Values<'a> {
    pub(super) given: &'a Map<String, Value>,
    pub(super) schema: &'a Value,
}

impl Values<'_> {
    /// The value of a setting; none where it was not given and has no default. Whoever asks for a setting
    /// that does not exist would get 0 in silence: no test lets that pass.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(self.schema.pointer(&pointer(name, "type")).is_some(), "no setting `{name}`");
        self.given.get(name).or_else(|| self.schema.pointer(&pointer(name, "default")))
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    /// A number that may be left out.
    pub(super) fn optional(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// A number as a type that it may be too large for, which the schema forbids.
    pub(super) fn small<T: TryFrom<u64>>(&self, name: &str, largest: T) -> T {
        T::try_from(self.number(name)).unwrap_or(largest)
    }

    pub(super) fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }
}
