//! The API's OpenAPI document, and how the schemas of streams are derived from it. The document is
//! checked in without its sentences; a small overlay beside it holds what the document lacks and
//! was seen live, such as newer endpoints and which fields are credentials.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::base::error::Error;
use crate::source::stream::{Column, Origin, Shape, Stream};
use crate::source::{Document, Source};

/// Marks a field of the overlay whose value must never be emitted.
const CREDENTIAL: &str = "x-credential";
/// Keys whose values are prose, which nothing here reads.
const PROSE: [&str; 8] = [
    "description",
    "summary",
    "example",
    "examples",
    "title",
    "tags",
    "operationId",
    "externalDocs",
];

/// A source's document with its overlay.
#[derive(Debug, Clone)]
pub struct Openapi(Value);

impl Openapi {
    /// The document this release was made with; none of a source that has none.
    ///
    /// # Errors
    /// [`Error::Bug`] where an embedded file is not JSON.
    pub fn embedded(source: &Source) -> Result<Self, Error> {
        let document = match &source.document {
            Some(document) => part(&format!("the document of {}", source.name), document.text)?,
            None => json!({}),
        };
        Self::with_overlay(source, document)
    }

    /// Any document of the source, with the overlay of this release.
    ///
    /// # Errors
    /// [`Error::Bug`] where the embedded overlay is not JSON.
    pub fn with_overlay(source: &Source, mut document: Value) -> Result<Self, Error> {
        if let Some(Document { overlay, .. }) = &source.document {
            merge(&mut document, part(&format!("the overlay of {}", source.name), *overlay)?);
        }
        Ok(Self(document))
    }

    /// The whole document as JSON.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The schema of a stream's records: what its endpoint answers, in the dialect that Singer
    /// targets take.
    ///
    /// # Errors
    /// [`Error::Contract`] where the document has no such path or field.
    pub fn schema(&self, stream: &Stream) -> Result<Value, Error> {
        let (path, shape) = match &stream.detail {
            Some(detail) => (detail.path, detail.shape),
            None => (stream.path, stream.shape),
        };
        let method = if stream.posts.is_empty() { "get" } else { "post" };
        let Some(record) = self.record(path, method, shape) else {
            let problem = format!("the API's document lacks `{path}` or its records");
            return Err(Error::Contract(problem));
        };
        let mut schema = self.convert(record, &mut Vec::new());
        let Some(root) = schema.as_object_mut() else {
            return Err(Error::Contract(format!("`{path}` does not answer objects")));
        };
        root.insert("type".into(), json!("object"));
        if let Some(Value::Object(properties)) = root.get_mut("properties") {
            if let Some(beside) = stream.source.paging.beside() {
                properties.remove(beside);
            }
            for column in stream.columns {
                properties.entry(column.name).or_insert_with(|| added(column));
            }
        }
        for key in stream.key {
            let property =
                root.get_mut("properties").and_then(|properties| properties.get_mut(key));
            let Some(property) = property else {
                return Err(Error::Contract(format!("`{path}` has no key field `{key}`")));
            };
            require(property);
        }
        Ok(schema)
    }

    /// The document's schema of one record at `path`, where it has one.
    fn record(&self, path: &str, method: &str, shape: Shape) -> Option<&Value> {
        let place = format!("/paths/{}/{method}/responses/200", escape(path));
        let response = self.0.pointer(&place)?;
        let answer = self.resolve(response.pointer("/content/application~1json/schema")?)?;
        match shape {
            Shape::Body => Some(answer),
            Shape::Object(field) => property(answer, field),
            Shape::List(field) => property(answer, field)?.get("items"),
            Shape::Bare(fields) => {
                let mut lists = fields.iter().filter_map(|field| property(answer, field));
                lists.next().unwrap_or(answer).get("items")
            }
            // All of its lists hold records of one kind, so any of them will do.
            Shape::Lists(field, lists) => {
                let object = self.resolve(property(answer, field)?)?;
                property(object, lists.first()?)?.get("items")
            }
        }
    }

    /// Follows `$ref`s, if any.
    fn resolve<'a>(&'a self, mut schema: &'a Value) -> Option<&'a Value> {
        while let Some(reference) = schema.get("$ref") {
            schema = self.0.pointer(reference.as_str()?.strip_prefix('#')?)?;
        }
        Some(schema)
    }

    /// A schema of the document in the dialect of Singer: null is allowed everywhere, there are no
    /// references and no enums, and what is a map or contains itself becomes a free object. `within`
    /// are the references that are being followed.
    fn convert(&self, schema: &Value, within: &mut Vec<String>) -> Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if within.iter().any(|followed| followed == reference) {
                return nullable("object");
            }
            let Some(target) = self.0.pointer(reference.trim_start_matches('#')) else {
                return nullable("object");
            };
            within.push(reference.to_owned());
            let converted = self.convert(target, within);
            within.pop();
            return converted;
        }
        let mut converted = match schema.get("type").and_then(Value::as_str) {
            Some("array") => {
                let items = schema.get("items").map(|items| self.convert(items, within));
                let mut array = nullable("array");
                set(&mut array, "items", items.unwrap_or_else(|| nullable("object")));
                array
            }
            Some(scalar @ ("string" | "integer" | "number" | "boolean")) => {
                let mut scalar = nullable(scalar);
                if schema.get("format").is_some_and(|format| format == "date-time") {
                    set(&mut scalar, "format", json!("date-time"));
                }
                scalar
            }
            _ => match schema.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let mut fields = Map::new();
                    for (name, property) in properties {
                        fields.insert(name.clone(), self.convert(property, within));
                    }
                    let mut object = nullable("object");
                    set(&mut object, "properties", fields.into());
                    object
                }
                None => nullable("object"),
            },
        };
        if schema.get(CREDENTIAL).is_some() {
            set(&mut converted, "inclusion", json!("unsupported"));
        }
        converted
    }
}

/// What this project keeps of a newer document of the API: GET operations and the schemas they
/// use, without prose.
#[must_use]
pub fn strip(source: &Source, document: &Value) -> Value {
    let mut paths = Map::new();
    let documented = document.get("paths").and_then(Value::as_object);
    for (path, operations) in documented.into_iter().flatten() {
        if let Some(get) = operations.get("get") {
            paths.insert(path.clone(), json!({ "get": without_prose(get, false) }));
        }
    }
    let mut used = BTreeSet::new();
    references(&Value::Object(paths.clone()), document, &mut used);
    let mut schemas = Map::new();
    for name in used {
        if let Some(schema) = document.pointer(&format!("/components/schemas/{name}")) {
            schemas.insert(name, without_prose(schema, false));
        }
    }
    json!({
        "openapi": document.get("openapi"),
        "info": {"title": source.title, "version": document.pointer("/info/version")},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// `value` without its prose. `names` says that its keys are names of properties or media types,
/// among which `description` and `title` are ordinary ones.
fn without_prose(value: &Value, names: bool) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| names || !PROSE.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), without_prose(value, !names && key == "properties")))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(array) => array.iter().map(|value| without_prose(value, false)).collect(),
        other => other.clone(),
    }
}

/// Adds the names of all schemas that `value` refers to, directly or through others.
fn references(value: &Value, document: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let name = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && used.insert(name.to_owned())
                && let Some(schema) = document.pointer(&format!("/components/schemas/{name}"))
            {
                references(schema, document, used);
            }
            object.values().for_each(|value| references(value, document, used));
        }
        Value::Array(array) => array.iter().for_each(|value| references(value, document, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An embedded part of a document.
fn part(name: &str, text: fn() -> Option<String>) -> Result<Value, Error> {
    let text = text().ok_or_else(|| Error::Bug(format!("{name} is not embedded")))?;
    serde_json::from_str(&text).map_err(|error| Error::Bug(format!("{name}: {error}")))
}

/// Lays `over` on `base`: objects key by key, everything else whole.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The schema of a field.
fn property<'a>(schema: &'a Value, field: &str) -> Option<&'a Value> {
    schema.pointer(&format!("/properties/{field}"))
}

/// The schema of a field that the tap adds.
fn added(column: &Column) -> Value {
    match column.source {
        Origin::Parent(_)
        | Origin::Setting(_)
        | Origin::ListName
        | Origin::Record(_)
        | Origin::Parts(_) => nullable("string"),
        Origin::Position | Origin::ParentNumber(_) => nullable("integer"),
        Origin::ParentTime(_)
        | Origin::ReadAt
        | Origin::WindowStart
        | Origin::WindowEnd
        | Origin::Beside(_) => json!({"type": ["null", "string"], "format": "date-time"}),
    }
}

/// A schema of that type or null.
fn nullable(kind: &str) -> Value {
    json!({"type": ["null", kind]})
}

/// Takes null out of the types of a key field.
fn require(property: &mut Value) {
    let kind = property.pointer("/type/1").cloned();
    if let Some(kind) = kind {
        set(property, "type", kind);
    }
}

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.into(), value);
    }
}

/// A path as one token of a JSON pointer.
fn escape(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::incident_io::INCIDENT_IO;

    fn document(record: &Value) -> Openapi {
        let list = json!({"type": "object", "properties": {
            "severities": {"type": "array", "items": record}}});
        let content = json!({"application/json": {"schema": list}});
        let path = json!({"get": {"responses": {"200": {"content": content}}}});
        let schemas = json!({"Node": {"type": "object", "properties": {
            "next": {"$ref": "#/components/schemas/Node"},
            "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}});
        let paths = json!({"/v1/severities": path});
        Openapi(json!({"paths": paths, "components": {"schemas": schemas}}))
    }

    fn property(property: &Value) -> Value {
        let record = json!({"properties": {"id": {"type": "string"}, "p": property}});
        let schema = document(&record).schema(INCIDENT_IO.named("severities").unwrap()).unwrap();
        schema["properties"]["p"].clone()
    }

    #[test]
    fn what_contains_itself_is_cut_to_a_free_object() {
        let node = property(&json!({"$ref": "#/components/schemas/Node"}));
        let free = json!({"type": ["null", "object"]});
        assert_eq!(node["properties"]["next"], free);
        assert_eq!(node["properties"]["all"], json!({"type": ["null", "array"], "items": free}));
    }

    #[test]
    fn enums_maps_and_formats_become_what_targets_take() {
        let text = property(&json!({"type": "string", "enum": ["a"], "format": "uuid"}));
        assert_eq!(text, json!({"type": ["null", "string"]}));
        let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        assert_eq!(property(&map), json!({"type": ["null", "object"]}));
        let time = property(&json!({"type": "string", "format": "date-time"}));
        assert_eq!(time, json!({"type": ["null", "string"], "format": "date-time"}));
        assert_eq!(property(&json!({})), json!({"type": ["null", "object"]}));
    }

    #[test]
    fn a_key_is_never_null_and_must_be_there() {
        let stream = INCIDENT_IO.named("severities").unwrap();
        let record = json!({"properties": {"id": {"type": "string"}}});
        let schema = document(&record).schema(stream).unwrap();
        assert_eq!(schema, json!({"type": "object", "properties": {"id": {"type": "string"}}}));
        let error = document(&json!({"properties": {}})).schema(stream).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API's answer is not as promised: `/v1/severities` has no key field `id`"
        );
    }

    #[test]
    fn prose_is_stripped_and_properties_named_like_prose_stay() {
        let schema = json!({"description": "x", "properties": {"description": {
            "type": "string", "example": "y"}, "title": {"type": "string"}}});
        let kept = json!({"properties": {"description": {"type": "string"},
            "title": {"type": "string"}}});
        assert_eq!(without_prose(&schema, false), kept);
    }
}
