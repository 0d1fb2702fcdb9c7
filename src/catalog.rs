//! Discovery and selection: the catalog that `--discover` prints, and what a catalog that comes
//! back says of streams and fields. What is done with a selected stream is decided in
//! [`crate::plan`].

mod entry;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use self::entry::{Choice, Entry};
use crate::error::Error;
use crate::schema;
use crate::stream::{Replication, Stream};
use crate::streams::STREAMS;

/// The catalog of every stream, as `--discover` prints it.
///
/// # Errors
/// [`Error::Bug`] where a schema is missing.
pub fn discover() -> Result<Value, Error> {
    discover_with(STREAMS, schema::embedded)
}

/// The same for some streams, or with other schemas than those of this release.
///
/// # Errors
/// That of `schema`.
pub fn discover_with(
    streams: impl IntoIterator<Item = &'static Stream>,
    schema: impl Fn(&'static Stream) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let entry = |stream| Ok(entry(stream, schema(stream)?));
    let streams = streams.into_iter().map(entry).collect::<Result<Value, Error>>()?;
    Ok(Value::from_iter([("streams", streams)]))
}

/// Moved together, since `json!` copies what it is given: the catalog has megabytes.
fn entry(stream: &Stream, schema: Value) -> Value {
    Value::from_iter([
        ("tap_stream_id", json!(stream.name)),
        ("stream", json!(stream.name)),
        ("key_properties", json!(stream.key)),
        ("metadata", metadata(stream, &schema).into()),
        ("schema", schema),
    ])
}

/// Singer metadata: one entry for the stream and one for every property at every depth, since
/// Meltano takes a property without one for automatic.
fn metadata(stream: &Stream, schema: &Value) -> Vec<Value> {
    let mut root = Map::from_iter([
        ("inclusion".to_owned(), json!("available")),
        ("selected-by-default".to_owned(), json!(stream.is_default)),
        ("table-key-properties".to_owned(), json!(stream.key)),
    ]);
    if let Some(parent) = stream.parents.first() {
        root.insert("parent-tap-stream-id".into(), json!(parent.stream));
    }
    match stream.replication_key() {
        None => root.insert("forced-replication-method".into(), json!("FULL_TABLE")),
        Some(key) => root.insert("valid-replication-keys".into(), json!([key])),
    };
    let mut entries = vec![json!({"breadcrumb": [], "metadata": root})];
    for (place, property) in schema::properties(schema) {
        let inclusion = if schema::is_unsupported(property) {
            "unsupported"
        } else if is_automatic(stream, &place) {
            "automatic"
        } else {
            "available"
        };
        entries.push(json!({"breadcrumb": place, "metadata": {"inclusion": inclusion}}));
    }
    entries
}

/// Whether the property at `place` is part of every record: the key and the replication key.
fn is_automatic(stream: &Stream, place: &[&str]) -> bool {
    let [_, name] = place else { return false };
    stream.key.contains(name) || stream.replication_key() == Some(name)
}

/// How a stream is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Everything.
    FullTable,
    /// What changed since the bookmark.
    Incremental,
}

/// One selected stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// The row of the table.
    pub stream: &'static Stream,
    /// How it is to be read.
    pub method: Method,
    /// Schema of what is emitted: the catalog's, less what is deselected.
    pub schema: Value,
    /// Everything the schema knows, deselected fields too: what is not in it is news.
    pub known: Value,
}

/// What a catalog selects, and what has to be said about it.
#[derive(Debug, Default, PartialEq)]
pub struct Selection {
    /// In the order of the table of streams.
    pub streams: Vec<Selected>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
    /// Fields of selected streams that this release has and the catalog has not.
    pub news: Vec<String>,
}

/// The selection where nobody chose: every stream that is selected by default, every field.
///
/// # Errors
/// [`Error::Bug`] where a schema is missing.
pub fn by_default() -> Result<Selection, Error> {
    let mut selection = Selection::default();
    for stream in STREAMS.iter().filter(|stream| stream.is_default) {
        let known = schema::embedded(stream)?;
        let schema = pruned(stream, &known, &HashMap::new());
        let method = default_method(stream);
        selection.streams.push(Selected { stream, method, schema, known });
    }
    Ok(selection)
}

/// The name of the stream that an entry of a catalog is about.
#[must_use]
pub fn name(entry: &Value) -> &str {
    let name = entry.get("tap_stream_id").or_else(|| entry.get("stream"));
    name.and_then(Value::as_str).unwrap_or_default()
}

/// What a catalog selects.
///
/// # Errors
/// [`Error::Selection`] where it is no catalog, selects nothing that exists, or asks for a
/// replication method that does not.
pub fn selection(catalog: Value) -> Result<Selection, Error> {
    let entries = entry::read(catalog)?;
    let mut selection = Selection::default();
    for entry in &entries {
        let name = entry.name();
        let stream = STREAMS.iter().find(|stream| stream.name == name);
        match (entry.is_selected(stream.is_some()), stream) {
            (false, _) => {}
            (true, None) => selection.warnings.push(format!(
                "the catalog selects `{name}`, which is no stream of this tap; it is left out"
            )),
            (true, Some(_)) if selection.streams.iter().any(|known| known.stream.name == name) => {
                selection
                    .warnings
                    .push(format!("the catalog selects `{name}` twice; its first entry counts"));
            }
            (true, Some(stream)) => {
                let ours = schema::embedded(stream)?;
                selection.news.extend(entry.news(stream, &ours)?);
                let selected = selected(entry, stream, ours, &mut selection.warnings)?;
                selection.streams.push(selected);
            }
        }
    }
    // The catalog's order is the user's; the order of reading is the table's.
    selection.streams.sort_by_key(|selected| {
        STREAMS.iter().position(|stream| stream.name == selected.stream.name)
    });
    if selection.streams.is_empty() {
        let mut problem = "the catalog selects no stream of this tap".to_owned();
        for warning in &selection.warnings {
            problem = format!("{problem}; {warning}");
        }
        return Err(Error::Selection(problem));
    }
    Ok(selection)
}

fn selected(
    entry: &Entry,
    stream: &'static Stream,
    ours: Value,
    warnings: &mut Vec<String>,
) -> Result<Selected, Error> {
    let known = match entry.schema()? {
        Some(theirs) => complete(stream, theirs, &ours),
        None => ours,
    };
    let choices =
        entry.metadata.iter().map(|entry| (entry.breadcrumb.as_slice(), &entry.choice)).collect();
    let schema = pruned(stream, &known, &choices);
    for field in entry.meaningless(&known) {
        let name = stream.name;
        warnings.push(format!(
            "stream `{name}`: the catalog chooses `{field}`, which is no field of its schema"
        ));
    }
    Ok(Selected { stream, method: method(entry, stream, warnings)?, schema, known })
}

fn method(entry: &Entry, stream: &Stream, warnings: &mut Vec<String>) -> Result<Method, Error> {
    match entry.replication_method() {
        None => Ok(default_method(stream)),
        Some("FULL_TABLE") => Ok(Method::FullTable),
        Some("INCREMENTAL") if stream.replication_key().is_none() => {
            let name = stream.name;
            warnings
                .push(format!("stream `{name}`: INCREMENTAL is not offered; it is read in full"));
            Ok(Method::FullTable)
        }
        Some("INCREMENTAL") => Ok(Method::Incremental),
        Some(other) => Err(Error::Selection(format!(
            "stream `{}`: the catalog asks for replication method `{other}`; \
             FULL_TABLE and INCREMENTAL are known",
            stream.name
        ))),
    }
}

fn default_method(stream: &Stream) -> Method {
    match stream.replication {
        Replication::FullTable | Replication::OnRequest(_) => Method::FullTable,
        Replication::ByDefault(_) => Method::Incremental,
    }
}

/// The catalog's schema, with what may not be missing from it (the key) and what may not be
/// changed in it (credentials stay unsupported) taken from ours.
fn complete(stream: &Stream, theirs: &Value, ours: &Value) -> Value {
    let mut schema = theirs.clone();
    let automatic = schema::properties(ours).into_iter().filter(|(place, property)| {
        is_automatic(stream, place) || schema::is_unsupported(property)
    });
    for (place, property) in automatic {
        let Some((name, parents)) = place.split_last() else { continue };
        let pointer = parents.iter().fold(String::new(), |pointer, part| pointer + "/" + part);
        if let Some(Value::Object(properties)) = schema.pointer_mut(&pointer) {
            properties.insert((*name).to_owned(), property.clone());
        }
    }
    schema
}

/// What the metadata of a catalog says of each property.
type Choices<'a> = HashMap<&'a [String], &'a Choice>;

/// `schema` without what is deselected or unsupported.
fn pruned(stream: &Stream, schema: &Value, choices: &Choices) -> Value {
    prune(stream, schema, choices, &mut Vec::new())
}

fn prune(stream: &Stream, schema: &Value, choices: &Choices, place: &mut Vec<String>) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let mut kept = Map::new();
    for (key, value) in object {
        let value = match (key.as_str(), value) {
            ("items", items) => {
                place.push("items".into());
                let items = prune(stream, items, choices, place);
                place.pop();
                items
            }
            ("properties", Value::Object(properties)) => {
                prune_properties(stream, properties, choices, place)
            }
            _ => value.clone(),
        };
        kept.insert(key.clone(), value);
    }
    kept.into()
}

fn prune_properties(
    stream: &Stream,
    properties: &Map<String, Value>,
    choices: &Choices,
    place: &mut Vec<String>,
) -> Value {
    let mut kept = Map::new();
    for (name, property) in properties {
        place.extend(["properties".to_owned(), name.clone()]);
        if is_kept(stream, property, choices, place) {
            kept.insert(name.clone(), prune(stream, property, choices, place));
        }
        place.truncate(place.len() - 2);
    }
    kept.into()
}

/// A choice for the property itself decides; without one it goes with what contains it.
fn is_kept(stream: &Stream, property: &Value, choices: &Choices, place: &[String]) -> bool {
    let names = place.iter().map(String::as_str).collect::<Vec<_>>();
    if schema::is_unsupported(property) {
        return false;
    }
    if is_automatic(stream, &names) {
        return true;
    }
    let choice = choices.get(place);
    if choice.is_some_and(|choice| choice.inclusion.as_deref() == Some("unsupported")) {
        return false;
    }
    match choice.and_then(|choice| choice.selected.or(choice.selected_by_default)) {
        // A part that was chosen outright brings the object around it.
        Some(false) => choices.iter().any(|(inner, choice)| {
            inner.len() > place.len() && inner.starts_with(place) && choice.selected == Some(true)
        }),
        Some(true) | None => true,
    }
}
