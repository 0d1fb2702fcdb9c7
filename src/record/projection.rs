//! What to keep of a record: a schema and a selection, compiled once per stream.

use serde_json::Value;

use super::leaf::Leaf;
use crate::json::Label;

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
    /// Walk it. Boxed, so that the fields of an object lie close together.
    Object(Box<Fields>),
    /// Walk each item.
    List(Box<Node>),
}

impl Projection {
    /// Keeps what `selected` has; `known` also has what is deselected, so that a field in neither
    /// is news.
    #[must_use]
    pub fn new(selected: &Value, known: &Value) -> Self {
        let fields = Fields::new(selected, known, "");
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
    fn new(selected: &Value, known: &Value, path: &str) -> Self {
        let of = |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned();
        let (selected, known) = (of(selected).unwrap_or_default(), of(known).unwrap_or_default());
        let mut fields = Self { list: Vec::new(), path: path.to_owned(), first_slot: 0 };
        for name in known.keys().chain(selected.keys().filter(|name| !known.contains_key(*name))) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let node = match selected.get(name) {
                None => Node::Dropped,
                Some(schema) => Node::new(schema, known.get(name).unwrap_or(schema), &path),
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
            let name = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok()?;
            let label = Label::new(&name);
            return self.list.iter().position(|field| field.label == label);
        }
        self.list.iter().position(|field| field.label.name() == raw)
    }
}

impl Field {
    /// Whether its value is copied as a whole.
    pub(super) fn is_copied(&self) -> bool {
        matches!(self.node, Node::Copied(_))
    }

    pub(super) fn is_dropped(&self) -> bool {
        matches!(self.node, Node::Dropped)
    }
}

impl Node {
    fn new(selected: &Value, known: &Value, path: &str) -> Self {
        if known.get("properties").is_some() {
            return Self::Object(Fields::new(selected, known, path).into());
        }
        if let Some(items) = known.get("items") {
            return match Self::new(selected.get("items").unwrap_or(items), items, path) {
                Self::Copied(leaf) if leaf.takes_anything() => Self::Copied(Leaf::of(known)),
                node => Self::List(Box::new(node)),
            };
        }
        Self::Copied(Leaf::of(known))
    }

    fn number(&mut self, slots: &mut usize) {
        match self {
            Self::Object(fields) => fields.number(slots),
            Self::List(items) => items.number(slots),
            Self::Dropped | Self::Copied(_) => {}
        }
    }
}
