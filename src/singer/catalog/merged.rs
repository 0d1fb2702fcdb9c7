//! The schema of a catalog becomes one that every record fits into: fields that this release knows
//! are of its types, whatever the catalog says of them, and others are kept and made harmless. What
//! the catalog says beyond that is noted.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::source::schema;

/// Types that a column may have, besides null.
const PLAIN: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
/// Keywords that no value breaks.
const ANNOTATIONS: [&str; 14] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "example",
    "examples",
    "inclusion",
    "readOnly",
    "title",
    "writeOnly",
];

/// What a catalog says of fields that does not count.
#[derive(Debug, Default)]
pub(super) struct Unlike {
    /// The keywords.
    pub(super) keywords: BTreeSet<String>,
    /// The fields; of the record itself the name is empty.
    pub(super) fields: BTreeSet<String>,
}

impl Unlike {
    fn note(&mut self, path: &str, theirs: &Value, taken: &Value) {
        let keywords = keywords(theirs, taken);
        if !keywords.is_empty() {
            self.fields.insert(path.to_owned());
        }
        self.keywords.extend(keywords.into_iter().map(str::to_owned));
    }
}

/// The schema of a stream: `theirs` laid on `ours`. Fields of ours that theirs lacks are left out, but
/// for those named by `automatic` and those that are never emitted.
pub(super) fn merged(theirs: &Value, ours: &Value, automatic: &[&str]) -> (Value, Unlike) {
    let mut unlike = Unlike::default();
    let empty = Map::new();
    let theirs_of = properties(theirs).unwrap_or(&empty);
    let mut both = both(theirs_of, properties(ours).unwrap_or(&empty), "", &mut unlike);
    for name in automatic {
        if let Some(property) = properties(ours).and_then(|ours| ours.get(*name)) {
            both.insert((*name).to_owned(), property.clone());
        }
    }
    let merged = Value::from_iter([("type", json!("object")), ("properties", both.into())]);
    unlike.note("", theirs, &merged);
    (merged, unlike)
}

fn both(
    theirs: &Map<String, Value>,
    ours: &Map<String, Value>,
    path: &str,
    unlike: &mut Unlike,
) -> Map<String, Value> {
    let mut both = Map::new();
    for (name, property) in theirs {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let mut merged = match ours.get(name) {
            Some(known) => laid_on(property, known, &path, unlike),
            None => harmless(property, &path, unlike),
        };
        if schema::is_unsupported(property) {
            set(&mut merged, "inclusion", json!("unsupported"));
        }
        both.insert(name.clone(), merged);
    }
    // A field that is not in the schema is told of as new. These are left out without a word.
    for (name, property) in ours {
        if schema::is_unsupported(property) {
            both.insert(name.clone(), property.clone());
        }
    }
    both
}

/// A field that this release knows. All that counts of the catalog's is which fields are inside it.
fn laid_on(theirs: &Value, ours: &Value, path: &str, unlike: &mut Unlike) -> Value {
    if schema::is_unsupported(ours) {
        return ours.clone();
    }
    let shape = shape(theirs);
    let mut merged = ours.clone();
    let is_free = schema::allows(ours, "object") && properties(ours).is_none();
    if let Some(inner) = properties(shape)
        && (is_free || properties(ours).is_some())
    {
        let empty = Map::new();
        let inner = both(inner, properties(ours).unwrap_or(&empty), path, unlike);
        set(&mut merged, "properties", inner.into());
    } else if let Some((theirs, ours)) = items(shape).zip(items(ours)) {
        set(&mut merged, "items", laid_on(theirs, ours, path, unlike));
    }
    unlike.note(path, theirs, &merged);
    merged
}

/// A field that this release does not know. It gets plain types, null among them, and no constraints: so
/// a value either fits, or the record gets null in its place. Where the catalog names no type the field is
/// a text, since targets drop columns without a type, and each treats a column of all types differently.
fn harmless(theirs: &Value, path: &str, unlike: &mut Unlike) -> Value {
    let shape = shape(theirs);
    let mut types = PLAIN.into_iter().filter(|kind| takes(theirs, kind)).collect::<Vec<_>>();
    if types.is_empty() {
        types.push("string");
    }
    let nullable = [&["null"], types.as_slice()].concat();
    let mut kept = json!({ "type": nullable });
    if let Some(inner) = properties(shape)
        && types.contains(&"object")
    {
        set(&mut kept, "properties", both(inner, &Map::new(), path, unlike).into());
    } else if let Some(inner) = items(shape)
        && types.contains(&"array")
    {
        set(&mut kept, "items", harmless(inner, path, unlike));
    }
    // Any other format is a constraint that some record may break.
    if types == ["string"] && theirs.get("format").is_some_and(|format| format == "date-time") {
        set(&mut kept, "format", json!("date-time"));
    }
    unlike.note(path, theirs, &kept);
    kept
}

/// The fields of an object. One that lists none is a free object.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.filter(|properties| !properties.is_empty())
}

fn items(schema: &Value) -> Option<&Value> {
    schema.get("items").filter(|items| items.is_object())
}

/// The alternatives of a schema.
fn branches(schema: &Value) -> Vec<&Value> {
    let mut branches = Vec::new();
    for word in ["anyOf", "oneOf", "allOf"] {
        branches.extend(schema.get(word).and_then(Value::as_array).into_iter().flatten());
    }
    branches
}

/// The schema, or the alternative in it, that says what is inside.
fn shape(schema: &Value) -> &Value {
    if says_what_is_inside(schema) {
        return schema;
    }
    for branch in branches(schema) {
        let shape = shape(branch);
        if says_what_is_inside(shape) {
            return shape;
        }
    }
    schema
}

fn says_what_is_inside(schema: &Value) -> bool {
    properties(schema).is_some() || items(schema).is_some()
}

/// Whether values of that type are meant.
fn takes(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(_) => schema::allows(schema, kind),
        None if kind == "object" && properties(schema).is_some() => true,
        None if kind == "array" && items(schema).is_some() => true,
        None => branches(schema).into_iter().any(|branch| takes(branch, kind)),
    }
}

/// What `theirs` says that `taken` does not, and the other way round; but for what is inside.
fn keywords<'a>(theirs: &'a Value, taken: &'a Value) -> BTreeSet<&'a str> {
    let (Some(said), Some(kept)) = (theirs.as_object(), taken.as_object()) else {
        return BTreeSet::from(["type"]);
    };
    let mut differing = BTreeSet::new();
    for word in said.keys().chain(kept.keys()).map(String::as_str) {
        let is_same = match word {
            "type" => has_same_types(theirs, taken),
            "properties" => properties(theirs).is_some() == properties(taken).is_some(),
            "items" => items(theirs).is_some() == items(taken).is_some(),
            // Saying that more may come takes nothing away.
            "additionalProperties" => said.get(word) == Some(&Value::Bool(true)),
            _ => said.get(word) == kept.get(word),
        };
        if !is_same && !ANNOTATIONS.contains(&word) {
            differing.insert(word);
        }
    }
    differing
}

fn has_same_types(one: &Value, other: &Value) -> bool {
    let mut kinds = PLAIN.iter().chain(&["null"]);
    kinds.all(|kind| schema::allows(one, kind) == schema::allows(other, kind))
}

fn set(schema: &mut Value, word: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(word.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(theirs: &Value) -> Value {
        harmless(theirs, "x", &mut Unlike::default())
    }

    #[test]
    fn a_field_that_nobody_knows_takes_null_and_keeps_its_plain_types() {
        let text = json!({"type": ["null", "string"]});
        for (theirs, expected) in [
            (json!({"type": "string", "enum": ["a"], "pattern": "a", "format": "uuid"}), &text),
            (
                json!({"type": ["integer", "null"], "minimum": 1}),
                &json!({"type": ["null", "integer"]}),
            ),
            (
                json!({"type": ["string", "integer"]}),
                &json!({"type": ["null", "string", "integer"]}),
            ),
            (
                json!({"anyOf": [{"type": "number"}, {"type": "null"}]}),
                &json!({"type": ["null", "number"]}),
            ),
            (
                json!({"type": "object", "additionalProperties": false}),
                &json!({"type": ["null", "object"]}),
            ),
            (
                json!({"type": "array", "items": [], "minItems": 2}),
                &json!({"type": ["null", "array"]}),
            ),
            (
                json!({"type": "integer", "format": "date-time"}),
                &json!({"type": ["null", "integer"]}),
            ),
            (json!({"$ref": "#/definitions/x"}), &text),
            (json!({"type": "String"}), &text),
            (json!({"const": 5}), &text),
            (json!(true), &text),
        ] {
            assert_eq!(&kept(&theirs), expected, "{theirs}");
        }
        let time = json!({"type": ["null", "string"], "format": "date-time"});
        assert_eq!(kept(&json!({"type": "string", "format": "date-time"})), time);
    }

    #[test]
    fn what_is_inside_of_it_is_made_harmless_too() {
        let inner =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}});
        let inside =
            json!({"type": ["null", "object"], "properties": {"a": {"type": ["null", "string"]}}});
        assert_eq!(kept(&json!({"oneOf": [{"type": "null"}, inner]})), inside);
        let list = json!({"type": ["null", "array"], "items": inside});
        assert_eq!(kept(&json!({"type": "array", "items": inner, "uniqueItems": true})), list);
    }

    #[test]
    fn a_field_that_is_known_is_ours_with_those_inside_that_the_catalog_has() {
        let text = json!({"type": ["null", "string"]});
        let secret = json!({"type": ["null", "string"], "inclusion": "unsupported"});
        let ours = json!({"type": ["null", "object"],
            "properties": {"a": text, "b": text, "secret": secret}});
        for whole in [json!({"type": "object"}), json!({"type": "string"}), json!({}), json!(null)]
        {
            let laid = laid_on(&whole, &ours, "x", &mut Unlike::default());
            assert_eq!(laid, ours, "{whole}");
        }
        let narrow = json!({"anyOf": [{"properties": {"a": {"type": "integer"}, "new": {"type": "integer"},
            "secret": {"type": "string"}}}]});
        let expected = json!({"type": ["null", "object"], "properties": {
            "a": text, "new": {"type": ["null", "integer"]}, "secret": secret}});
        assert_eq!(laid_on(&narrow, &ours, "x", &mut Unlike::default()), expected);
    }

    #[test]
    fn only_what_does_not_count_is_noted() {
        let ours = json!({"type": "object", "properties": {
            "id": {"type": "string"}, "at": {"type": ["null", "string"], "format": "date-time"}}});
        let same = json!({"type": "object", "title": "x", "additionalProperties": true,
            "properties": {"at": {"type": ["string", "null"], "format": "date-time"}}});
        let other = json!({"type": "object", "required": ["id"],
            "properties": {"id": {"type": "string"}, "at": {"type": "string"}, "new": {"enum": [1]}}});
        let all: &[&str] = &["enum", "format", "required", "type"];
        for (theirs, keywords, fields) in
            [(&ours, &[][..], &[][..]), (&same, &[], &[]), (&other, all, &["", "at", "new"])]
        {
            let (_, unlike) = merged(theirs, &ours, &["id"]);
            assert!(unlike.keywords.iter().eq(keywords), "{:?} of {theirs}", unlike.keywords);
            assert!(unlike.fields.iter().eq(fields), "{:?} of {theirs}", unlike.fields);
        }
    }
}
