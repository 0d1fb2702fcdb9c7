//! The values of settings, given or by default, in the types that [`crate::config::Config`] wants.

use std::ops::Deref;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::settings::pointer;

/// Settings as they were given, the key among them: wiped when they are no longer needed.
#[derive(Debug, Default)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    /// The value of a setting in the place of an earlier one.
    pub(super) fn set(&mut self, name: String, value: Value) {
        wipe(self.0.insert(name, value));
    }

    /// These settings on top.
    pub(super) fn lay(&mut self, mut other: Self) {
        for (name, value) in std::mem::take(&mut other.0) {
            self.set(name, value);
        }
    }

    /// Only the settings that `is_kept` says.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&str, &Value) -> bool) {
        for (name, value) in std::mem::take(&mut self.0) {
            if is_kept(&name, &value) {
                self.set(name, value);
            } else {
                wipe(Some(value));
            }
        }
    }

    /// Lets `change` put another value in the place of each.
    pub(super) fn change(&mut self, change: impl Fn(&str, &Value) -> Option<Value>) {
        for (name, value) in &mut self.0 {
            let changed = change(name, value);
            wipe(changed.map(|changed| std::mem::replace(value, changed)));
        }
    }
}

impl From<Map<String, Value>> for Given {
    fn from(values: Map<String, Value>) -> Self {
        Self(values)
    }
}

impl Deref for Given {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        wipe(Some(std::mem::take(&mut self.0).into()));
    }
}

/// Overwrites the texts in a value.
fn wipe(value: Option<Value>) {
    match value {
        Some(Value::String(mut text)) => text.zeroize(),
        Some(Value::Array(items)) => items.into_iter().map(Some).for_each(wipe),
        Some(Value::Object(fields)) => {
            fields.into_iter().for_each(|(_, value)| wipe(Some(value)));
        }
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_)) => {}
    }
}

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

    /// Whether a list lacks something that its default has.
    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let given = self.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let default = self.schema.pointer(&pointer(name, "default")).and_then(Value::as_array);
        default.is_some_and(|default| default.iter().any(|item| !given.contains(item)))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// A number within its bounds: one that lies outside has been told of, and the other problems are
    /// looked for with it all the same.
    pub(super) fn number(&self, name: &str) -> u64 {
        let bound = |word| self.schema.pointer(&pointer(name, word)).and_then(Value::as_u64);
        let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::MAX));
        let number = self.get(name).and_then(Value::as_u64).unwrap_or_default();
        number.max(least).min(most)
    }

    /// A length of time of so many seconds each; none where it was left out.
    pub(super) fn length(&self, name: &str, seconds: i64) -> Option<TimeDelta> {
        self.get(name)?;
        let number = i64::try_from(self.number(name)).unwrap_or(i64::MAX);
        TimeDelta::try_seconds(number.saturating_mul(seconds))
    }

    /// Days, of a setting that a source may have; none where it has not.
    pub(super) fn days(&self, name: Option<&str>) -> TimeDelta {
        name.and_then(|name| self.length(name, super::DAY)).unwrap_or_default()
    }

    /// A number as a type that it may be too large for, which the schema forbids.
    pub(super) fn small<T: TryFrom<u64>>(&self, name: &str, largest: T) -> T {
        T::try_from(self.number(name)).unwrap_or(largest)
    }

    pub(super) fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }
}
