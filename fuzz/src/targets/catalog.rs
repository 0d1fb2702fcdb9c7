//! The text of a catalog: it selects streams with what they need, or is refused.

use std::sync::Arc;

use serde_json::{Value, json};
use tap_incident::record::Projection;
use tap_incident::singer::catalog::{Incremental, Selected, Selection, selection};
use tap_incident::singer::message::Output;
use tap_incident::source::schema;
use tap_incident::sources::SOURCES;

use crate::made::{made, split};
use crate::twist::{Twist, any_twists, twisted};

/// The first byte says which source, and whether the rest is a catalog or part of one.
pub fn check(bytes: &[u8]) {
    let ([form, stream, place, number], rest) = split(bytes);
    let source = SOURCES[usize::from(form >> 1) % SOURCES.len()];
    let Ok(value) = serde_json::from_slice::<Value>(rest) else { return };
    let catalog = if form & 1 == 0 {
        value
    } else {
        let streams = source.streams;
        let name = |number: u8| streams[usize::from(number) % streams.len()].name;
        let index = made(&proptest::prelude::any::<proptest::sample::Index>(), stream.into());
        let mut twists = vec![(index, u16::from(place) << 8, part(stream, value))];
        if number & 7 > 0 {
            twists.extend(made(&any_twists(8), u16::from(number & 7)));
        }
        twisted(source, &[name(stream), name(number)], &twists)
    };
    if let Ok(selection) = selection(source, catalog, &Incremental::default()) {
        check_selection(&selection);
        for selected in &selection.streams {
            check_again(selected);
        }
    }
}

/// Any value somewhere in a catalog.
fn part(which: u8, value: Value) -> Twist {
    match which >> 5 {
        0 => Twist::Replace(value),
        1 => Twist::Say("type", value),
        2 => Twist::Say("properties", value),
        3 => Twist::Choose(value),
        4 => Twist::Key("metadata", value),
        5 => Twist::Key("schema", value),
        6 => Twist::Record("definitions", value),
        _ => Twist::Add(value),
    }
}

/// Each stream has its key, its replication key if that matters, and can be read and announced.
pub fn check_selection(selection: &Selection) {
    let mut output = Output::new(Vec::new(), Arc::default());
    for selected in &selection.streams {
        let stream = selected.stream;
        let properties = selected.schema["properties"].as_object().unwrap();
        let needed = stream.key.iter().copied().chain(stream.replication_key());
        for name in needed {
            assert!(properties.contains_key(name), "{} lacks {name}", stream.name);
        }
        for (place, property) in schema::properties(&selected.schema) {
            assert!(!schema::is_unsupported(property), "{} has {place:?}", stream.name);
        }
        let ours = schema::embedded(stream).unwrap();
        let projection = Projection::new(&selected.schema, &selected.known, &ours);
        for name in stream.key {
            assert!(projection.position(name).is_some(), "{name} of {} is not read", stream.name);
        }
        output.schema(selected).unwrap();
    }
}

/// What was announced is a catalog that selects the same. An object without fields is one of which
/// nothing is said, and gets ours.
fn check_again(selected: &Selected) {
    let Selected { stream, schema, .. } = selected;
    let is_empty = |property: &Value| property.get("properties") == Some(&json!({}));
    if schema::properties(schema).iter().any(|(_, property)| is_empty(property)) {
        return;
    }
    let entry = json!({"tap_stream_id": stream.name, "selected": true, "schema": schema});
    let again =
        selection(stream.source, json!({"streams": [entry]}), &Incremental::default()).unwrap();
    assert_eq!(&again.streams[0].schema, schema, "{} is announced otherwise", stream.name);
}
