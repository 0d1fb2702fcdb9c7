//! A schema less what is deselected.

use std::collections::HashMap;

use serde_json::Value;

use super::entry::Choice;
use super::is_automatic;
use crate::source::schema;
use crate::source::stream::Stream;

/// What the metadata of a catalog says of each property.
pub(super) type Choices<'a> = HashMap<&'a [String], &'a Choice>;

/// `schema` without what is deselected or unsupported.
pub(super) fn pruned(stream: &Stream, schema: &Value, choices: &Choices) -> Value {
    let mut schema = schema.clone();
    Pruning { stream, choices, place: Vec::new() }.prune(&mut schema, true);
    schema
}

struct Pruning<'a> {
    stream: &'a Stream,
    choices: &'a Choices<'a>,
    /// The breadcrumb of what is being looked at.
    place: Vec<String>,
}

impl Pruning<'_> {
    /// Takes out of an object or a list what is not kept, and says whether fields are left in it.
    fn prune(&mut self, schema: &mut Value, is_selected: bool) -> bool {
        let mut has_fields = false;
        if let Some(items) = schema.get_mut("items") {
            self.place.push("items".into());
            has_fields = self.prune(items, is_selected);
            self.place.pop();
        }
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.retain(|name, property| {
                self.place.extend(["properties".to_owned(), name.clone()]);
                let is_kept = self.keeps(property, is_selected);
                self.place.truncate(self.place.len() - 2);
                is_kept
            });
            has_fields |= !properties.is_empty();
        }
        has_fields
    }

    /// A choice for the property itself decides; without one it goes with what contains it. A part
    /// that was chosen outright brings the object around it, and no other part.
    fn keeps(&mut self, property: &mut Value, is_within: bool) -> bool {
        let names = self.place.iter().map(String::as_str).collect::<Vec<_>>();
        let is_automatic = is_automatic(self.stream, &names);
        let choice = self.choices.get(self.place.as_slice());
        let inclusion = choice.and_then(|choice| choice.inclusion.as_deref());
        let is_refused = inclusion == Some("unsupported") && !is_automatic;
        if is_refused || schema::is_unsupported(property) {
            return false;
        }
        let by_default = choice.and_then(|choice| choice.selected_by_default).unwrap_or(true);
        let selected = choice.and_then(|choice| choice.selected);
        let is_selected = is_automatic || selected.unwrap_or(is_within && by_default);
        let has_fields = self.prune(property, is_selected);
        is_selected || has_fields
    }
}
