//! What is wrong with the messages of a run, for a target that believes each SCHEMA: of it are made
//! tables, and whatever is not as it says is lost there or ends the load.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::Value;
use tap_incident::source::schema;

/// Streams in which a record may come again, the same: an incident's list holds its streams' too.
const REPEATING: [&str; 2] = ["incident_activity_log_entries", "incident_timeline_items"];
/// Types of columns, but for null.
const PLAIN: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
/// What a schema may say. All else loses columns in some targets, or ends them.
const WORDS: [&str; 5] = ["type", "format", "properties", "items", "description"];

/// A stream that has been announced.
struct Announced {
    schema: Value,
    /// Or why it is no schema.
    validator: Result<Validator, String>,
    key: Vec<String>,
    /// The records by their keys.
    records: BTreeMap<String, Value>,
}

/// All that is wrong.
pub fn problems(messages: &[Value]) -> Vec<String> {
    let (mut announced, mut problems) = (BTreeMap::new(), Vec::new());
    for message in messages {
        let name = message["stream"].as_str().unwrap_or_default();
        let found = match message["type"].as_str().unwrap() {
            "SCHEMA" => {
                let stream = Announced::new(message);
                let found = stream.problems();
                let is_again = announced.insert(name.to_owned(), stream).is_some();
                found.into_iter().chain(is_again.then(|| "SCHEMA twice".to_owned())).collect()
            }
            "RECORD" => match announced.get_mut(name) {
                Some(stream) => stream.problems_of(&message["record"], REPEATING.contains(&name)),
                None => vec!["RECORD before SCHEMA".to_owned()],
            },
            _ => Vec::new(),
        };
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    problems
}

impl Announced {
    fn new(message: &Value) -> Self {
        let schema = message["schema"].clone();
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&schema).map_err(|error| error.to_string());
        let key = message["key_properties"].as_array().unwrap().iter();
        let key = key.map(|name| name.as_str().unwrap().to_owned()).collect();
        Self { schema, validator, key, records: BTreeMap::new() }
    }

    /// What targets cannot take of the schema.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::from_iter(self.validator.as_ref().err().cloned());
        let root = self.schema.as_object().unwrap().keys().collect::<Vec<_>>();
        if self.schema["type"] != "object" || root != ["properties", "type"] {
            problems.push(format!("the record is {root:?} of {}", self.schema["type"]));
        }
        let columns = self.schema["properties"].as_object().unwrap();
        problems.extend(self.key.iter().filter(|name| !columns.contains_key(*name)).cloned());
        for (place, property) in schema::properties(&self.schema) {
            let is_key = place.len() == 2 && self.key.iter().any(|name| *name == place[1]);
            problems.extend(unusable(property, is_key).map(|why| format!("{place:?} {why}")));
        }
        problems
    }

    /// What is wrong with a record.
    fn problems_of(&mut self, record: &Value, may_repeat: bool) -> Vec<String> {
        let validator = self.validator.iter();
        let errors = validator.flat_map(|validator| validator.iter_errors(record));
        let errors = errors.map(|error| format!("{}: {error}", error.instance_path()));
        let mut problems = errors.collect::<Vec<_>>();
        let columns =
            self.schema["properties"].as_object().unwrap().keys().collect::<BTreeSet<_>>();
        let fields = record.as_object().unwrap().keys().collect::<BTreeSet<_>>();
        problems.extend(columns.difference(&fields).map(|name| format!("the record lacks {name}")));
        unknown(record, &self.schema, &mut problems);
        let key = self.key.iter().map(|name| &record[name]).collect::<Vec<_>>();
        if key.iter().any(|value| value.is_null()) {
            problems.push(format!("key is null: {key:?}"));
        }
        let earlier = self.records.insert(format!("{key:?}"), record.clone());
        if earlier.is_some_and(|earlier| !may_repeat || earlier != *record) {
            problems.push(format!("key twice: {key:?}"));
        }
        problems
    }
}

/// Why targets cannot make a column of a property.
fn unusable(property: &Value, is_key: bool) -> Option<String> {
    let said = property.as_object().unwrap();
    if let Some(word) = said.keys().find(|word| !WORDS.contains(&word.as_str())) {
        return Some(format!("has {word}"));
    }
    let types =
        property["type"].as_array().cloned().unwrap_or_else(|| vec![property["type"].clone()]);
    let is_known = |kind: &Value| kind == "null" || PLAIN.iter().any(|plain| kind == plain);
    let is_plain = types.iter().all(is_known) && types.iter().any(|kind| kind != "null");
    (!is_plain || schema::allows(property, "null") == is_key)
        .then(|| format!("is of the types {types:?}"))
}

/// Adds which fields of a value its schema does not know.
fn unknown(value: &Value, schema: &Value, problems: &mut Vec<String>) {
    match (value, schema.get("properties"), schema.get("items")) {
        (Value::Object(fields), Some(known), _) => {
            for (name, value) in fields {
                match known.get(name) {
                    Some(property) => unknown(value, property, problems),
                    None => problems.push(format!("{name} is not in the schema")),
                }
            }
        }
        (Value::Array(list), _, Some(items)) => {
            for item in list {
                unknown(item, items, problems);
            }
        }
        _ => {}
    }
}
