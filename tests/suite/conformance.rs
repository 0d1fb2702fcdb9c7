//! Each stream obeys the schema that it announces, whatever a catalog says of its fields and whatever the
//! API sends in them; and the sample workspace fills it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::conforming::problems;
use crate::mistyped::mistype;
use crate::support::{Tap, sample_of, try_many};
use crate::twist::{any_twists, twisted};
use proptest::prelude::*;
use serde_json::{Value, json};
use stand_in::{Options, StandIn};
use tap_incident::source::Source;
use tap_incident::source::schema;
use tap_incident::sources::SOURCES;

/// Fields of the schema that no record has.
fn unfilled(schema: &Value, records: &[Value]) -> BTreeSet<String> {
    let mut filled = BTreeSet::new();
    for record in records {
        fields(record, "", &mut filled);
    }
    let known = schema::properties(schema).into_iter().map(|(place, _)| schema::dotted(&place));
    known.filter(|field| !filled.contains(field)).collect()
}

/// Paths of all fields that are filled, through lists too.
fn fields(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                let path =
                    if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                fields(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, prefix, found)),
        _ => {}
    }
}

/// Fields of the schema that the API never sends in a list, with the reason.
const NEVER_SENT: [(&str, &str, &str); 4] = [
    ("workflow_runs", "cancelled_at", "cancelled runs are never listed (API document)"),
    ("incident_updates", "incident_updated_at", "the whole list says nothing of its incidents"),
    ("incident_alerts", "changed_at", "the whole list says nothing of incidents and alerts"),
    ("incident_details", "created_time", "the API document's example has none"),
];

#[test]
fn every_stream_conforms_to_its_schema_and_fills_it() {
    for source in SOURCES {
        let stand_in = sample_of(source, Options::default());
        let ran = Tap::over(source, &stand_in).arg("--select").arg("*").run().ok();
        assert_eq!(problems(&ran.messages()), [""; 0]);
        for stream in source.streams {
            let (schema, records) = (ran.schema(stream.name), ran.records(stream.name));
            assert!(!records.is_empty(), "{} has no record", stream.name);
            let never = NEVER_SENT.iter().filter(|(name, ..)| *name == stream.name);
            let never = never.map(|(_, field, _)| (*field).to_owned());
            // Streams of two sources may have one name.
            let never = never.filter(|field| !schema["properties"][field].is_null()).collect();
            assert_eq!(unfilled(&schema, &records), never, "{}", stream.name);
            // Names of other letters are in the records of those sources only that write them so.
            let is_camel = source.streams.iter().any(|stream| stream.key == ["incidentId"]);
            for (place, _) in schema::properties(&schema) {
                let mut letters = place[place.len() - 1].bytes();
                let is_usual = |b: u8| {
                    let is_letter = b.is_ascii_lowercase() || (is_camel && b.is_ascii_uppercase());
                    is_letter || b.is_ascii_digit() || b == b'_'
                };
                assert!(letters.all(is_usual), "{}: {place:?}", stream.name);
            }
        }
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let check = |property: &Value, records: &[Value]| {
        let mut schema = json!({"type": "SCHEMA", "stream": "x", "key_properties": ["id"],
            "schema": {"type": "object", "properties": {"id": {"type": "string"}}}});
        schema["schema"]["properties"]["a"] = property.clone();
        let record = |record: &Value| json!({"type": "RECORD", "stream": "x", "record": record});
        let messages = [schema].into_iter().chain(records.iter().map(record));
        problems(&messages.collect::<Vec<_>>()).join("; ")
    };
    let time = json!({"type": ["null", "string"], "format": "date-time"});
    let good = json!({"id": "1", "a": "2026-01-01T00:00:00Z"});
    assert_eq!(check(&time, std::slice::from_ref(&good)), "");
    assert!(check(&time, &[good.clone(), good.clone()]).contains("key twice"));
    for (record, problem) in [
        (json!({"id": null, "a": null}), "key is null"),
        (json!({"id": "2", "a": "yesterday"}), "date-time"),
        (json!({"id": "2"}), "lacks a"),
        (json!({"id": "2", "a": null, "b": null}), "b is not in the schema"),
    ] {
        assert!(check(&time, &[record]).contains(problem), "{problem}");
    }
    let object = json!({"type": ["null", "object"], "properties": {}});
    let nested = json!({"id": "1", "a": {"b": 1}});
    assert_eq!(check(&object, &[nested]), "x: b is not in the schema");
    for property in [
        json!({}),
        json!({"type": "string"}),
        json!({"type": ["null"]}),
        json!({"type": ["null", "String"]}),
        json!({"type": ["null", "string"], "enum": ["a"]}),
    ] {
        assert!(check(&property, &[]).contains("x: [\"properties\", \"a\"]"), "{property}");
    }
    let record = json!({"type": "RECORD", "stream": "y", "record": {}});
    assert_eq!(problems(&[record]), ["y: RECORD before SCHEMA"]);
    let schema =
        json!({"properties": {"a": {}, "b": {"items": {"properties": {"c": {}, "d": {}}}}}});
    let records = [json!({"a": null, "b": [{"c": 1}, {}]}), json!({"b": null})];
    assert_eq!(unfilled(&schema, &records).into_iter().collect::<Vec<_>>(), ["a", "b.d"]);
}

/// The sample workspace of a source, whose answers are mistyped by this seed; by 0 they are not.
fn mistyping(source: &'static Source, seed: &Arc<AtomicU64>) -> StandIn {
    let seed = Arc::clone(seed);
    let on_answer = move |target: &str, body: &mut Value| {
        let seed = seed.load(Ordering::SeqCst);
        if seed > 0 {
            mistype(source, seed, target, body);
        }
    };
    sample_of(source, Options { on_answer: Some(Box::new(on_answer)), ..Options::default() })
}

#[test]
fn records_are_valid_whatever_the_api_sends() {
    for source in SOURCES {
        let stand_in = mistyping(source, &Arc::new(1.into()));
        let ran = Tap::over(source, &stand_in).arg("--select").arg("*").run().ok();
        assert_eq!(problems(&ran.messages()), [""; 0]);
        for stream in source.streams {
            assert!(!ran.records(stream.name).is_empty(), "{}", stream.name);
        }
        assert!(ran.stderr.contains("values that do not fit their type"), "{}", ran.stderr);
    }
}

#[test]
fn records_are_valid_whatever_a_catalog_says_and_the_api_sends() {
    for source in SOURCES {
        let seed = Arc::new(AtomicU64::new(0));
        let stand_in = mistyping(source, &seed);
        // A few at a time, so that a failure is soon small.
        for streams in source.streams.chunks(11) {
            let names = streams.iter().map(|stream| stream.name).collect::<Vec<_>>();
            let seeds = prop_oneof![1 => Just(0), 3 => 1_u64..];
            let cases = (seeds, any_twists(80));
            let what = format!("catalogs of {names:?}");
            try_many((8, 256), &what, &cases, |(mistyped_by, twists)| {
                seed.store(mistyped_by, Ordering::SeqCst);
                let catalog = twisted(source, &names, &twists).to_string();
                let tap = Tap::over(source, &stand_in);
                let ran = tap.file("--catalog", &catalog).run().ok();
                prop_assert_eq!(problems(&ran.messages()), Vec::<String>::new());
                for name in &names {
                    prop_assert!(!ran.records(name).is_empty(), "{name} has no record");
                }
                prop_assert!(!ran.lines.iter().any(|line| line.contains("secret_token")));
                Ok(())
            });
        }
    }
}
