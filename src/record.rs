//! A record as the API sent it becomes the selected fields as text, in one pass without a tree.
//! Objects that the schema knows are walked; leaves are copied as their own text, so that every
//! number arrives as it was sent.

mod projection;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::projection::Projection;
use self::projection::{Fields, Kind, Node};
use crate::text;

/// Where records are written to, and what was noticed on the way.
#[derive(Debug, Default)]
pub struct Written {
    /// The text.
    pub out: Vec<u8>,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null.
    pub nulled: BTreeSet<String>,
    fields: Vec<Range<usize>>,
    captured: Vec<String>,
    has_nul: bool,
}

impl Written {
    /// `has_nul` says that a NUL character, which breaks Postgres, occurs somewhere in the page.
    #[must_use]
    pub fn new(has_nul: bool) -> Self {
        Self { has_nul, ..Self::default() }
    }

    /// The text of a field of the record written last, by its [`Projection::position`].
    #[must_use]
    pub fn field(&self, position: usize) -> Option<&str> {
        let text = self.out.get(self.fields.get(position)?.clone())?;
        std::str::from_utf8(text).ok().filter(|text| !text.is_empty())
    }

    /// The text of a captured field of the record written last.
    #[must_use]
    pub fn captured(&self, position: usize) -> Option<&str> {
        self.captured.get(position).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn start(&mut self, projection: &Projection) {
        let count = projection.fields.list.len();
        self.fields.clear();
        self.fields.resize(count, 0..0);
        self.captured.resize(count, String::new());
        self.captured.iter_mut().for_each(String::clear);
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Copies a leaf.
    fn copy(&mut self, raw: &str, kind: Kind, path: &str) {
        match kind {
            Kind::DateTime if raw == "\"\"" => self.push("null"),
            Kind::Integer if is_beyond_64_bits(raw) => {
                self.nulled.insert(path.to_owned());
                self.push("null");
            }
            _ if self.has_nul || raw.starts_with(['{', '[']) => text::tidy(raw, &mut self.out),
            _ => self.push(raw),
        }
    }
}

/// Whether `raw` is a whole number that no 64-bit integer holds.
fn is_beyond_64_bits(raw: &str) -> bool {
    raw.len() > 18
        && raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && raw.parse::<i64>().is_err()
}

/// Writes one record of a page.
pub struct RecordSeed<'a> {
    /// What to keep.
    pub projection: &'a Projection,
    /// Where to write it.
    pub written: &'a mut Written,
    /// Values for fields that the record has none of.
    pub fill: &'a Fill<'a>,
}

/// Values for fields that a record has none of: by position, as JSON.
pub type Fill<'a> = dyn Fn(usize, &Written) -> Option<String> + 'a;

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.written.start(self.projection);
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { projection: Projection { fields }, written, fill } = self;
        written.push("{");
        let mut is_first = walk(map, fields, written, true)?;
        // A target's table has every selected column, so each record has them too.
        for (index, field) in fields.list.iter().enumerate() {
            let is_missing = written.fields.get(index).is_some_and(Range::is_empty);
            if !is_missing || matches!(field.node, Node::Dropped) {
                continue;
            }
            separate(&mut is_first, written);
            written.push(&field.label);
            let start = written.out.len();
            let filled = fill(index, written);
            written.push(filled.as_deref().unwrap_or("null"));
            if let Some(range) = written.fields.get_mut(index) {
                *range = start..written.out.len();
            }
        }
        written.push("}");
        Ok(())
    }
}

/// Writes the selected entries of an object, without its braces; whether it wrote none.
fn walk<'de, A: MapAccess<'de>>(
    mut map: A,
    fields: &Fields,
    written: &mut Written,
    is_record: bool,
) -> Result<bool, A::Error> {
    let mut is_first = true;
    while let Some(known) = map.next_key_seed(Name { fields, unknown: &mut written.unknown })? {
        let field = known.and_then(|index| Some((index, fields.list.get(index)?)));
        let Some((index, field)) = field else {
            map.next_value::<serde::de::IgnoredAny>()?;
            continue;
        };
        let is_dropped = matches!(field.node, Node::Dropped);
        let raw = match (is_record && field.is_captured, is_dropped) {
            (true, _) => Some(capture(index, map.next_value()?, written)),
            (false, true) => {
                map.next_value::<serde::de::IgnoredAny>()?;
                None
            }
            (false, false) => None,
        };
        if is_dropped {
            continue;
        }
        if is_record && written.fields.get(index).is_some_and(|range| !range.is_empty()) {
            return Err(A::Error::custom(format!("the field `{}` comes twice", field.path)));
        }
        separate(&mut is_first, written);
        written.push(&field.label);
        let start = written.out.len();
        let value = ValueSeed { node: &field.node, path: &field.path, written };
        match raw {
            None => map.next_value_seed(value)?,
            // Its text has been read: what is to be emitted of it is read from there.
            Some(raw) => value
                .deserialize(&mut serde_json::Deserializer::from_str(raw))
                .map_err(A::Error::custom)?,
        }
        if is_record && let Some(range) = written.fields.get_mut(index) {
            *range = start..written.out.len();
        }
    }
    Ok(is_first)
}

/// Keeps the text of a field beside the record.
fn capture<'de>(index: usize, raw: &'de RawValue, written: &mut Written) -> &'de str {
    if let Some(captured) = written.captured.get_mut(index) {
        raw.get().clone_into(captured);
    }
    raw.get()
}

fn separate(is_first: &mut bool, written: &mut Written) {
    if !std::mem::replace(is_first, false) {
        written.push(",");
    }
}

/// The name of an entry: its position among the known fields, or a note of what is not known.
struct Name<'a> {
    fields: &'a Fields,
    unknown: &'a mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let index = self.fields.by_name.get(name).copied();
        if index.is_none() {
            let dot = if self.fields.path.is_empty() { "" } else { "." };
            self.unknown.insert(format!("{}{dot}{name}", self.fields.path));
        }
        Ok(index)
    }
}

/// Writes one value as its node says.
struct ValueSeed<'a> {
    node: &'a Node,
    path: &'a str,
    written: &'a mut Written,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.node {
            Node::Copied(kind) => {
                let raw = <&RawValue>::deserialize(deserializer)?;
                self.written.copy(raw.get(), *kind, self.path);
                Ok(())
            }
            Node::Object(_) | Node::List(_) => deserializer.deserialize_any(self),
            Node::Dropped => serde::de::IgnoredAny::deserialize(deserializer).map(|_| ()),
        }
    }
}

/// Values of a type that the schema does not expect are passed on as they are: the target decides.
impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.written.push("{");
        if let Node::Object(fields) = self.node {
            walk(map, fields, self.written, false)?;
        } else {
            let mut is_first = true;
            while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                separate(&mut is_first, self.written);
                self.written.push(&format!("{}:", Value::from(name)));
                self.written.copy(raw.get(), Kind::Plain, self.path);
            }
        }
        self.written.push("}");
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { node, path, written } = self;
        let node = match node {
            Node::List(items) => items,
            Node::Object(_) | Node::Copied(_) | Node::Dropped => &Node::Copied(Kind::Plain),
        };
        let mut is_first = true;
        written.push("[");
        loop {
            let before = written.out.len();
            separate(&mut is_first, written);
            if seq.next_element_seed(ValueSeed { node, path, written })?.is_none() {
                written.out.truncate(before);
                break;
            }
        }
        written.push("]");
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.written.copy(&Value::from(text).to_string(), Kind::Plain, self.path);
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.written.push(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.written.push("null");
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.written.push(&number.to_string());
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.written.push(&number.to_string());
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.written.push(&Value::from(number).to_string());
        Ok(())
    }
}
