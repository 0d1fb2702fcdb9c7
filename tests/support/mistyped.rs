//! Answers as no document has them: about every tenth value is of another type, and objects have a
//! field that nobody knows. What a record is recognised by and what leads to its children stays.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use tap_incident::source::Source;
use tap_incident::source::stream::{Origin, Shape, Stream};

use crate::twist::EXTRA;

/// How the values of one record are mistyped: the same for the same seed, wherever it is sent.
struct Dice<'a> {
    seed: u64,
    record: &'a str,
}

/// Mistypes the answer to a request.
pub fn mistype(source: &Source, seed: u64, target: &str, body: &mut Value) {
    let path = target.split('?').next().unwrap_or_default();
    let depth = source.address.base.matches('/').count();
    let path = path.split('/').skip(depth + 1).fold(String::new(), |path, part| path + "/" + part);
    let path = path.as_str();
    let streams = source.streams.iter().filter(|stream| is_at(stream, path)).collect::<Vec<_>>();
    let Some(stream) = streams.first() else { return };
    let kept = streams.iter().flat_map(|stream| kept(stream)).collect::<BTreeSet<_>>();
    match shape(stream, path) {
        Shape::Body => mistype_record(seed, body, &kept),
        Shape::Bare(_) if body.is_array() => mistype_records(seed, body, &kept),
        Shape::Bare(_) => mistype_records(seed, &mut body["results"], &kept),
        Shape::List(field) | Shape::Object(field) | Shape::Lists(field, _) => {
            for (name, value) in body.as_object_mut().unwrap() {
                if name == field {
                    mistype_records(seed, value, &kept);
                } else if name != "pagination_meta" {
                    Dice { seed, record: target }.mistype(value, name);
                }
            }
        }
    }
}

/// A record, a list of records, or an object of such lists.
fn mistype_records(seed: u64, value: &mut Value, kept: &BTreeSet<&str>) {
    match value {
        Value::Array(records) => {
            for record in records {
                mistype_record(seed, record, kept);
            }
        }
        Value::Object(lists) if lists.values().all(Value::is_array) => {
            lists.values_mut().for_each(|list| mistype_records(seed, list, kept));
        }
        record => mistype_record(seed, record, kept),
    }
}

fn mistype_record(seed: u64, record: &mut Value, kept: &BTreeSet<&str>) {
    let text = record.to_string();
    let dice = Dice { seed, record: &text };
    let fields = record.as_object_mut().unwrap().iter_mut();
    for (name, value) in fields.filter(|(name, _)| !kept.contains(name.as_str())) {
        dice.mistype(value, name);
    }
    dice.add(record, "");
}

fn is_at(stream: &Stream, path: &str) -> bool {
    let paths = stream.detail.iter().map(|detail| detail.path).chain([stream.path]);
    paths.into_iter().any(|known| is_path(known, path))
}

fn is_path(known: &str, path: &str) -> bool {
    let (known, path) = (known.split('/'), path.split('/'));
    let is_same = |(known, part): (&str, &str)| known.starts_with('{') || known == part;
    known.clone().count() == path.clone().count() && known.zip(path).all(is_same)
}

fn shape(stream: &Stream, path: &str) -> Shape {
    let detail = stream.detail.iter().find(|detail| is_path(detail.path, path));
    detail.map_or(stream.shape, |detail| detail.shape)
}

/// Fields of a record that have to be right, or the stream fails: its key and what that is made of,
/// whose it is, and what its children are asked for with.
fn kept(stream: &'static Stream) -> BTreeSet<&'static str> {
    let columns = stream.columns.iter().flat_map(|column| match column.source {
        Origin::Record(choices) => choices.concat(),
        _ => Vec::new(),
    });
    let of_key = columns.filter_map(|pointer| pointer.split('/').nth(1));
    let streams = stream.source.streams;
    let children = streams.iter().chain(streams.iter().filter(|stream| stream.detail.is_some()));
    let children =
        children.flat_map(|child| child.parents).filter(|parent| parent.stream == stream.name);
    let fields = children.flat_map(|parent| parent.bindings).map(|binding| binding.field);
    let asked = stream.parents.iter().flat_map(|parent| parent.bindings);
    let asked = asked.map(|binding| binding.parameter);
    stream.key.iter().copied().chain(of_key).chain(fields).chain(asked).collect()
}

impl Dice<'_> {
    fn roll(&self, place: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.record, place).hash(&mut hasher);
        usize::try_from(hasher.finish() >> 32).unwrap()
    }

    fn mistype(&self, value: &mut Value, place: &str) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.mistype(value, &format!("{place}/{name}"));
                }
                self.add(value, place);
            }
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    self.mistype(item, &format!("{place}/{number}"));
                }
            }
            _ => {}
        }
        let roll = self.roll(place);
        if roll.is_multiple_of(10) {
            *value = odd(roll / 10);
        }
    }

    fn add(&self, object: &mut Value, place: &str) {
        let roll = self.roll(&format!("{place}/{EXTRA}"));
        if roll.is_multiple_of(4) {
            object[EXTRA] = odd(roll / 4);
        }
    }
}

/// A value that belongs nowhere.
fn odd(number: usize) -> Value {
    let mut odd = [
        json!(5.5),
        json!(-7),
        json!(5.0),
        json!(1e300),
        json!(u64::MAX),
        json!("text"),
        json!(""),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-02-03T04:05:06+01:00"),
        json!(true),
        json!(null),
        json!([]),
        json!(["x", {"a": [1], EXTRA: "x"}]),
        json!({}),
        json!({"a": [1], "b": {"c": null}, EXTRA: 5.5}),
    ];
    odd[number % odd.len()].take()
}
