//! What to keep of a record: a schema and a selection, compiled once per stream.

use serde_json::Value;

use super::leaf::{Fit, Leaf};
use crate::json::{self, Label};
use crate::source::schema;

/// What to keep of a record, compiled from a schema once per stream.
#[derive(Debug)]
pub struct Projection {
    pub(super) fields: Fields,
    /// How many slots there are.
    pub(super) slots: usize,
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    pub(super) path: String,
    /// Each object and each field has a slot for what comes after it: the object's own, and from
    /// there on those of its fields.
    pub(super) first_slot: usize,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) label: Label,
    pub(super) node: Node,
    pub(super) path: Box<str>,
}

/// What to do with a value.
#[derive(Debug)]
pub(super) enum Node {
    /// Deselected: leave it out in silence.
    Dropped,
    /// Copy its text, where it fits.
    Copied(Leaf),
    /// Walk it; copy another value, where that fits. Boxed, so that the fields of an object lie close
    /// together.
    Object(Box<Fields>, Leaf),
    /// Walk each item; copy another value, where that fits.
    List(Box<Node>, Leaf),
}

impl Projection {
    /// Keeps what `selected` has; `known` also has what is deselected, so that a field in neither
    /// is news. Whatever these say, nothing is kept that `ours` has as unsupported.
    #[must_use]
    pub fn new(selected: &Value, known: &Value, ours: &Value) -> Self {
        let fields = Fields::new(selected, known, ours, "");
        Self { fields, slots: 0 }.numbered()
    }

    /// The same, with these fields of the record itself in [`super::Written::captured`], even those
    /// that no schema knows.
    #[must_use]
    pub fn capturing<'a>(mut self, names: impl Iterator<Item = &'a str>) -> Self {
        for name in names {
            if self.position(name).is_none() {
                self.fields.add(name, name.to_owned(), Node::Dropped);
            }
        }
        self.numbered()
    }

    /// The same, where other columns have what does not fit these fields of the record itself.
    #[must_use]
    pub fn kept_elsewhere(mut self, names: &[&str]) -> Self {
        for field in &mut self.fields.list {
            if names.contains(&&*field.path)
                && let Node::Copied(leaf) | Node::Object(_, leaf) | Node::List(_, leaf) =
                    &mut field.node
            {
                leaf.keep_elsewhere();
            }
        }
        self
    }

    /// How a field of the record itself is found in [`super::Written`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.list.iter().position(|field| *field.path == *name)
    }

    fn numbered(mut self) -> Self {
        self.slots = 0;
        self.fields.number(&mut self.slots);
        self
    }
}

impl Fields {
    fn new(selected: &Value, known: &Value, ours: &Value, path: &str) -> Self {
        let ours = ours.get("properties").unwrap_or(&Value::Null);
        let of = |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned();
        let (selected, known) = (of(selected).unwrap_or_default(), of(known).unwrap_or_default());
        let mut fields = Self { list: Vec::new(), path: path.to_owned(), first_slot: 0 };
        for name in known.keys().chain(selected.keys().filter(|name| !known.contains_key(*name))) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let ours = ours.get(name).unwrap_or(&Value::Null);
            let node = match selected.get(name) {
                Some(schema) if !schema::is_unsupported(ours) => {
                    Node::new(schema, known.get(name).unwrap_or(schema), ours, &path)
                }
                Some(_) | None => Node::Dropped,
            };
            fields.add(name, path, node);
        }
        fields
    }

    fn add(&mut self, name: &str, path: String, node: Node) {
        self.list.push(Field { label: Label::new(name), node, path: path.into() });
    }

    /// Gives each object slots of its own.
    fn number(&mut self, slots: &mut usize) {
        self.first_slot = *slots;
        *slots += 1 + self.list.len();
        for field in &mut self.list {
            field.node.number(slots);
        }
    }

    /// Which field has this name, as it stands in JSON, without its quotes.
    pub(super) fn named(&self, raw: &str) -> Option<usize> {
        if raw.contains('\\') {
            let label = Label::new(&json::unescaped(raw));
            return self.list.iter().position(|field| field.label == label);
        }
        self.list.iter().position(|field| field.label.name() == raw)
    }
}

impl Field {
    pub(super) fn is_dropped(&self) -> bool {
        matches!(self.node, Node::Dropped)
    }
}

impl Node {
    fn new(selected: &Value, known: &Value, ours: &Value, path: &str) -> Self {
        // Where a catalog's schema has another shape than ours, it does not say what lies where.
        if shape(known) != shape(ours) && has_unsupported(ours) {
            let kind = if ours.get("items").is_some() { "array" } else { "object" };
            let is_taken = selected.get("type").is_none() || schema::allows(selected, kind);
            return if is_taken {
                Self::new(ours, ours, ours, path)
            } else {
                Self::Copied(Leaf::none())
            };
        }
        let others = if known.get("type").is_some() { Leaf::of(known) } else { Leaf::none() };
        if known.get("properties").is_some() {
            return Self::Object(Fields::new(selected, known, ours, path).into(), others);
        }
        if let Some(items) = known.get("items") {
            let of = |schema: &Value| schema.get("items").cloned().unwrap_or_default();
            return match Self::new(&of(selected), items, &of(ours), path) {
                Self::Copied(leaf) if leaf.takes_anything() => Self::Copied(Leaf::of(known)),
                node => Self::List(Box::new(node), others),
            };
        }
        Self::Copied(Leaf::of(known))
    }

    /// Whether an added value fits.
    pub(super) fn fit(&self, text: &str) -> Fit {
        if let Self::Copied(leaf) = self { leaf.fit(text) } else { Fit::Good }
    }

    fn number(&mut self, slots: &mut usize) {
        match self {
            Self::Object(fields, _) => fields.number(slots),
            Self::List(items, _) => items.number(slots),
            Self::Dropped | Self::Copied(_) => {}
        }
    }
}

/// Whether a schema describes what is in an object, and in a list.
fn shape(schema: &Value) -> [bool; 2] {
    ["properties", "items"].map(|inside| schema.get(inside).is_some())
}

fn has_unsupported(schema: &Value) -> bool {
    schema::properties(schema).iter().any(|(_, property)| schema::is_unsupported(property))
}
