//! Parameters of the user's choice.

use serde_json::Value;

use super::settings::{nearest, pointer};
use super::values::Values;
use crate::source::Source;

/// Parameters for streams that take those of the config: a text, a number, or a list of these.
pub(super) fn filters(
    source: &Source,
    values: &Values,
    problems: &mut Vec<String>,
) -> Vec<(String, String)> {
    let Some(setting) = source.settings.filters else { return Vec::new() };
    let known = values.schema.pointer(&pointer(setting, "properties"));
    let known = known.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut filters = Vec::new();
    for (name, value) in values.get(setting).and_then(Value::as_object).into_iter().flatten() {
        if !known.contains_key(name) {
            let nearest = nearest(name, known.keys().map(String::as_str)).unwrap_or_default();
            problems.push(format!(
                "`{setting}` has {name:?}, which is no filter; did you mean `{nearest}`?"
            ));
            continue;
        }
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut texts = Vec::new();
        for item in items {
            match item {
                Value::String(text) if !text.is_empty() => texts.push(text.clone()),
                Value::Number(number) => texts.push(number.to_string()),
                _ => problems.push(format!(
                    "`{setting}.{name}` is {value}, but must be a text, a number or a list of these"
                )),
            }
        }
        // Without a value it would be no filter, and what that means nobody says.
        if !texts.is_empty() {
            filters.push((name.clone(), texts.join(",")));
        }
    }
    filters
}
