//! What to keep of a record: a schema and a selection, compiled once per stream.

use std::collections::HashMap;

use serde_json::Value;

use crate::schema;

/// What to keep of a record, compiled from a schema once per stream.
#[derive(Debug)]
pub struct Projection {
    pub(super) fields: Fields,
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    pub(super) by_name: HashMap<String, usize>,
    pub(super) path: String,
}

#[derive(Debug)]
pub(super) struct Field {
    /// Whether its text is wanted beside the record, emitted or not.
    pub(super) is_captured: bool,
    pub(super) path: String,
    /// The name as JSON with its colon.
    pub(super) label: String,
    pub(super) node: Node,
}

/// What to do with a value.
#[derive(Debug)]
pub(super) enum Node {
    /// Deselected: leave it out in silence.
    Dropped,
    /// Copy its text.
    Copied(Kind),
    /// Walk it.
    Object(Fields),
    /// Walk each item.
    List(Box<Node>),
}

/// Leaves that targets are particular about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// An empty string breaks the targets built with the Meltano SDK.
    DateTime,
    /// A number above 64 bits breaks SQL targets.
    Integer,
}

impl Projection {
    /// Keeps what `selected` has; `known` also has what is deselected, so that a field in neither
    /// is news.
    #[must_use]
    pub fn new(selected: &Value, known: &Value) -> Self {
        Self { fields: Fields::new(selected, known, "") }
    }

    /// The same, with the text of these fields of the record itself in [`super::Written::captured`],
    /// whether they are selected or not.
    #[must_use]
    pub fn capturing<'a>(mut self, names: impl Iterator<Item = &'a str>) -> Self {
        for name in names {
            let index = *self.fields.by_name.entry(name.to_owned()).or_insert_with(|| {
                let (path, label) = (name.to_owned(), String::new());
                let field = Field { is_captured: true, path, label, node: Node::Dropped };
                self.fields.list.push(field);
                self.fields.list.len() - 1
            });
            if let Some(field) = self.fields.list.get_mut(index) {
                field.is_captured = true;
            }
        }
        self
    }

    /// How a field of the record itself is found in [`super::Written`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.by_name.get(name).copied()
    }
}

impl Fields {
    fn new(selected: &Value, known: &Value, path: &str) -> Self {
        let of = |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned();
        let (selected, known) = (of(selected).unwrap_or_default(), of(known).unwrap_or_default());
        let mut list = Vec::new();
        for name in known.keys().chain(selected.keys().filter(|name| !known.contains_key(*name))) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let node = match selected.get(name) {
                None => Node::Dropped,
                Some(schema) => Node::new(schema, known.get(name).unwrap_or(schema), &path),
            };
            list.push(Field {
                is_captured: false,
                path,
                label: format!("{}:", Value::from(name.as_str())),
                node,
            });
        }
        let by_name = known.keys().chain(selected.keys().filter(|name| !known.contains_key(*name)));
        let by_name = by_name.cloned().enumerate().map(|(index, name)| (name, index)).collect();
        Self { list, by_name, path: path.to_owned() }
    }
}

impl Node {
    fn new(selected: &Value, known: &Value, path: &str) -> Self {
        if known.get("properties").is_some() {
            return Self::Object(Fields::new(selected, known, path));
        }
        if let Some(items) = known.get("items") {
            return match Self::new(selected.get("items").unwrap_or(items), items, path) {
                Self::Copied(Kind::Plain) => Self::Copied(Kind::Plain),
                node => Self::List(Box::new(node)),
            };
        }
        Self::Copied(match known.get("format").and_then(Value::as_str) {
            Some("date-time") => Kind::DateTime,
            _ if schema::allows(known, "integer") => Kind::Integer,
            _ => Kind::Plain,
        })
    }
}
