//! Each stream obeys its schema, and the sample workspace fills it: valid JSON Schema, every
//! record valid, keys present and unique, every schema field filled by some record, every record
//! field in the schema.

#![cfg(test)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::{Ran, Tap, stand_in};
use tap_incident::schema;
use tap_incident::streams::STREAMS;

/// Streams in which a record may come again, the same: an incident's list holds its streams' too.
const REPEATING: [&str; 2] = ["incident_activity_log_entries", "incident_timeline_items"];

/// Everything that is wrong with the records of a stream.
fn problems(schema: &Value, key: &[&str], repeats: bool, records: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let (mut keys, mut filled) = (BTreeMap::new(), BTreeSet::new());
    for record in records {
        problems.extend(validator.iter_errors(record).map(|error| format!("{error}")));
        let key = key.iter().map(|name| &record[*name]).collect::<Vec<_>>();
        if key.iter().any(|value| value.is_null()) {
            problems.push(format!("key is null: {key:?}"));
        }
        let earlier = keys.insert(format!("{key:?}"), record);
        if earlier.is_some_and(|earlier| !repeats || earlier != record) {
            problems.push(format!("key twice: {key:?}"));
        }
        fields(record, "", &mut filled);
    }
    let known = schema::properties(schema)
        .into_iter()
        .map(|(place, property)| (path(&place), property))
        .collect::<BTreeMap<_, _>>();
    for (field, _) in known.iter().filter(|(field, _)| !filled.contains(*field)) {
        problems.push(format!("no record has {field}"));
    }
    let is_within_free_object = |field: &str| {
        known.iter().any(|(free, property)| {
            !schema::properties(property).iter().any(|_| true)
                && property.get("items").and_then(|items| items.get("properties")).is_none()
                && field.starts_with(&format!("{free}."))
        })
    };
    for field in filled.iter().filter(|field| !known.contains_key(*field)) {
        if !is_within_free_object(field) {
            problems.push(format!("{field} is not in the schema"));
        }
    }
    problems
}

fn path(place: &[&str]) -> String {
    let is_name = |index: usize| index > 0 && place[index - 1] == "properties";
    let names = place.iter().enumerate().filter(|(index, _)| is_name(*index));
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(".")
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
const NEVER_SENT: [(&str, &str, &str); 1] =
    [("workflow_runs", "cancelled_at", "cancelled runs are never listed (API document)")];

fn whole_run() -> Ran {
    Tap::of(&stand_in()).arg("--select").arg("*").run().ok()
}

#[test]
fn every_stream_conforms_to_its_schema() {
    let ran = whole_run();
    for stream in STREAMS {
        let (schema, records) = (ran.schema(stream.name), ran.records(stream.name));
        assert!(!records.is_empty(), "{} has no record", stream.name);
        let expected = NEVER_SENT
            .iter()
            .filter(|(name, ..)| *name == stream.name)
            .map(|(_, field, _)| format!("no record has {field}"))
            .collect::<Vec<_>>();
        let repeats = REPEATING.contains(&stream.name);
        assert_eq!(problems(&schema, stream.key, repeats, &records), expected, "{}", stream.name);
    }
}

#[test]
fn every_schema_is_what_singer_targets_take() {
    let ran = whole_run();
    for stream in STREAMS {
        let schema = ran.schema(stream.name);
        assert!(jsonschema::meta::is_valid(&schema), "{}", stream.name);
        assert_eq!(schema["type"], "object");
        for (place, property) in schema::properties(&schema) {
            let is_key = place.len() == 2 && stream.key.contains(&place[1]);
            let field = format!("{}.{}", stream.name, path(&place));
            assert_eq!(schema::allows(property, "null"), !is_key, "{field}");
            assert!(
                place[place.len() - 1]
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{field}"
            );
            for word in ["$ref", "anyOf", "oneOf", "enum", "additionalProperties"] {
                assert!(property.get(word).is_none(), "{field} has {word}");
            }
        }
    }
}

#[test]
fn every_record_has_every_selected_top_level_field() {
    let ran = whole_run();
    for stream in STREAMS {
        let schema = ran.schema(stream.name);
        let expected = schema["properties"].as_object().unwrap().keys().collect::<BTreeSet<_>>();
        for record in ran.records(stream.name) {
            assert_eq!(record.as_object().unwrap().keys().collect::<BTreeSet<_>>(), expected);
        }
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = json!({"type": "object", "properties": {
        "id": {"type": "string"},
        "at": {"type": ["null", "string"], "format": "date-time"},
        "map": {"type": ["null", "object"]},
    }});
    let check = |records: &[Value]| problems(&schema, &["id"], false, records).join("; ");
    let good = json!({"id": "1", "at": "2026-01-01T00:00:00Z", "map": {"any": 1}});
    assert_eq!(check(std::slice::from_ref(&good)), "");
    assert!(check(&[good.clone(), good.clone()]).contains("key twice"));
    let both = problems(&schema, &["id"], true, &[good.clone(), good.clone()]);
    assert!(both.is_empty(), "a repeat that is the same may come where repeats may come");
    assert!(check(&[good.clone(), json!({"id": null})]).contains("key is null"));
    assert!(check(&[good.clone(), json!({"id": "2", "at": "yesterday"})]).contains("date-time"));
    assert!(check(&[good, json!({"id": "2", "news": 1})]).contains("news is not in the schema"));
    assert!(check(&[json!({"id": "1", "map": {}})]).contains("no record has at"));
}

/// Lists whose rows the stand-in gives out without looking into these fields.
const MISTYPED: [(&str, &str); 6] = [
    ("users", "/v2/users"),
    ("teams", "/v3/teams"),
    ("workflows", "/v2/workflows"),
    ("catalog_types", "/v3/catalog_types"),
    ("policies", "/v2/policies"),
    ("pay_configs", "/v2/pay_configs"),
];

/// Replaces about every tenth value below the rows' keys by one of another type.
fn mistype(value: &mut Value, count: &mut usize) {
    let odd =
        [json!(5.5), json!("text"), json!(true), json!({"a": [1]}), json!(["x"]), json!(1e300)];
    match value {
        Value::Object(object) => {
            let fields =
                object.iter_mut().filter(|(name, _)| *name != "id" && !name.starts_with('_'));
            fields.for_each(|(_, value)| mistype(value, count));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mistype(item, count)),
        _ => {}
    }
    *count += 1;
    if count.is_multiple_of(10) {
        *value = odd[*count / 10 % odd.len()].clone();
    }
}

#[test]
fn records_are_valid_however_many_values_are_of_another_type() {
    let stand_in = stand_in();
    let mut count = 0;
    stand_in.edit(|workspace| {
        for (_, path) in MISTYPED {
            workspace.edit(path, |rows| {
                for row in rows.iter_mut() {
                    let fields = row.as_object_mut().unwrap().iter_mut();
                    let fields = fields.filter(|(name, _)| *name != "id" && !name.starts_with('_'));
                    fields.for_each(|(_, value)| mistype(value, &mut count));
                }
            });
        }
    });
    let ran = Tap::of(&stand_in).only(&MISTYPED.map(|(stream, _)| stream)).run().ok();
    for (stream, _) in MISTYPED {
        let schema = ran.schema(stream);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let records = ran.records(stream);
        assert!(!records.is_empty(), "{stream}");
        for record in records {
            let problems = validator.iter_errors(&record).map(|error| error.to_string());
            assert_eq!(problems.collect::<Vec<_>>(), [""; 0], "{stream}");
        }
    }
    assert!(count > 1_000 && ran.stderr.contains("values that do not fit their type"), "{count}");
}
