//! Discovery and selection: the catalog that `--discover` prints, and what a catalog that comes
//! back says of streams and fields. What is done with a selected stream is decided in
//! [`crate::plan`].

mod entry;
mod ignored;
mod merged;
mod printed;
mod pruned;
mod resolved;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use self::entry::Entry;
use self::ignored::ignored;
use self::merged::{Unlike, merged};
pub use self::printed::printed;
use self::pruned::pruned;
use self::resolved::resolved;
use crate::base::cut;
use crate::base::error::Error;
use crate::singer::method::not_offered;
pub use crate::singer::method::{Incremental, Method};
use crate::source::Source;
use crate::source::schema;
use crate::source::stream::Stream;
use crate::sources::SOURCES;

/// The catalog of every stream, as `--discover` prints it.
///
/// # Errors
/// [`Error::Bug`] where a schema is missing.
pub fn discover(source: &Source) -> Result<Value, Error> {
    discover_with(source.streams, schema::embedded)
}

/// The same for some streams, or with other schemas than those of this release.
///
/// # Errors
/// That of `schema`.
pub fn discover_with(
    streams: impl IntoIterator<Item = &'static Stream>,
    schema: impl Fn(&'static Stream) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let mut entries = Vec::new();
    for stream in streams {
        entries.push(entry(stream, schema(stream)?));
    }
    Ok(Value::from_iter([("streams", Value::Array(entries))]))
}

/// Moved together, since `json!` copies what it is given: the catalog has megabytes.
fn entry(stream: &Stream, schema: Value) -> Value {
    let method = Method::of(stream);
    let mut entry = Map::from_iter([
        ("tap_stream_id".to_owned(), json!(stream.name)),
        ("stream".to_owned(), json!(stream.name)),
        ("key_properties".to_owned(), json!(stream.key)),
        // Some runners read it here and nowhere else.
        ("replication_method".to_owned(), json!(method.name())),
        ("metadata".to_owned(), metadata(stream, &schema).into()),
        ("schema".to_owned(), schema),
    ]);
    if let (Method::Incremental, Some(key)) = (method, stream.replication_key()) {
        entry.insert("replication_key".into(), key.into());
    }
    entry.into()
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
    automatic(stream).any(|automatic| automatic == *name)
}

fn automatic(stream: &Stream) -> impl Iterator<Item = &'static str> {
    stream.key.iter().copied().chain(stream.replication_key())
}

/// One selected stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// The row of the table.
    pub stream: &'static Stream,
    /// How it is to be read.
    pub method: Method,
    /// Schema of what is emitted: what is known, less what is deselected.
    pub schema: Value,
    /// The fields of the catalog in this release's types, deselected ones too: what is not in it is
    /// news.
    pub known: Value,
}

/// What a catalog of an older release lacks.
#[derive(Debug, Default, PartialEq)]
pub struct News {
    /// Streams of the source.
    pub streams: Vec<String>,
    /// Fields of selected streams.
    pub fields: Vec<String>,
}

/// What a catalog selects, and what has to be said about it.
#[derive(Debug, Default, PartialEq)]
pub struct Selection {
    /// In the order of the table of streams.
    pub streams: Vec<Selected>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
    /// What this release has and the catalog has not.
    pub news: News,
}

/// The selection where nobody chose: every stream that is selected by default, every field.
///
/// # Errors
/// [`Error::Bug`] where a schema is missing.
pub fn by_default(source: &'static Source, incremental: &Incremental) -> Result<Selection, Error> {
    let mut selection = Selection::default();
    for stream in source.streams.iter().filter(|stream| stream.is_default) {
        let known = schema::embedded(stream)?;
        let schema = pruned(stream, &known, &HashMap::new());
        let method = incremental.method(stream);
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
pub fn selection(
    source: &'static Source,
    catalog: Value,
    incremental: &Incremental,
) -> Result<Selection, Error> {
    let entries = entry::read(catalog)?;
    let (mut selection, mut useless) = (Selection::default(), Vec::new());
    for stream in source.streams {
        if !entries.iter().any(|entry| entry.name() == stream.name) {
            selection.news.streams.push(stream.name.to_owned());
        }
    }
    for entry in &entries {
        let name = entry.name();
        let stream = source.named(name);
        let is_known = stream.is_some() || elsewhere(source, name).is_some();
        match (entry.is_selected(is_known), stream) {
            (false, _) => {}
            (true, None) => useless.push(unknown(source, name)),
            (true, Some(_)) if selection.streams.iter().any(|known| known.stream.name == name) => {
                useless.push(format!("the catalog selects `{name}` twice; its first entry counts"));
            }
            (true, Some(stream)) => {
                let selected = selected(entry, stream, incremental, &mut selection)?;
                selection.streams.push(selected);
            }
        }
    }
    let more = useless.len().saturating_sub(cut::MOST_NAMES);
    useless.truncate(cut::MOST_NAMES);
    if more > 0 {
        useless.push(format!("the catalog selects {more} more that are left out"));
    }
    selection.warnings.extend(useless);
    // The catalog's order is the user's; the order of reading is the table's.
    selection
        .streams
        .sort_by_key(|selected| source.streams.iter().position(|stream| stream == selected.stream));
    if selection.streams.is_empty() {
        let mut problem = "the catalog selects no stream of this tap".to_owned();
        for warning in &selection.warnings {
            problem = format!("{problem}; {warning}");
        }
        return Err(Error::Selection(problem));
    }
    Ok(selection)
}

/// That a catalog selects what the source does not have, and where that may be from.
fn unknown(source: &Source, name: &str) -> String {
    let name = &cut::text(name);
    match elsewhere(source, name) {
        Some(other) => format!(
            "the catalog selects `{name}`, which is a stream of {}, and `source` is {}; it is left out: \
             set `source` to `{}` to read it",
            other.title, source.name, other.name
        ),
        None => {
            format!("the catalog selects `{name}`, which is no stream of this tap; it is left out")
        }
    }
}

/// The other source that has a stream of that name.
#[must_use]
pub fn elsewhere(source: &Source, name: &str) -> Option<&'static Source> {
    let others = SOURCES.iter().filter(|other| other.name != source.name);
    others.copied().find(|other| other.named(name).is_some())
}

fn selected(
    entry: &Entry,
    stream: &'static Stream,
    incremental: &Incremental,
    selection: &mut Selection,
) -> Result<Selected, Error> {
    let ours = schema::embedded(stream)?;
    let (known, unlike) = match entry.schema()? {
        Some(theirs) => merged(&resolved(theirs), &ours, &automatic(stream).collect::<Vec<_>>()),
        None => (ours.clone(), Unlike::default()),
    };
    selection.news.fields.extend(entry::news(stream, &ours, &known));
    let choices =
        entry.metadata.iter().map(|entry| (entry.breadcrumb.as_slice(), &entry.choice)).collect();
    let schema = pruned(stream, &known, &choices);
    let method = method(entry, stream, incremental, &mut selection.warnings)?;
    let selected = Selected { stream, method, schema, known };
    selection.warnings.extend(ignored(entry, &selected, &unlike));
    Ok(selected)
}

/// How a stream is to be read: what discovery prints is nobody's choice.
fn method(
    entry: &Entry,
    stream: &Stream,
    incremental: &Incremental,
    warnings: &mut Vec<String>,
) -> Result<Method, Error> {
    match entry.replication_method(stream).as_deref() {
        None => Ok(incremental.method(stream)),
        Some("FULL_TABLE") => Ok(Method::FullTable),
        Some("INCREMENTAL") if stream.replication_key().is_none() => {
            warnings.push(not_offered(stream));
            Ok(Method::FullTable)
        }
        Some("INCREMENTAL") => Ok(Method::Incremental),
        Some(other) => Err(Error::Selection(format!(
            "stream `{}`: the catalog asks for replication method `{}`; \
             FULL_TABLE and INCREMENTAL are known",
            stream.name,
            cut::text(other)
        ))),
    }
}
