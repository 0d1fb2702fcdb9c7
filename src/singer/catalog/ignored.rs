//! What an entry of a catalog says that has no effect here. There is one line about it for each stream,
//! since whoever wrote it expects an effect. Nobody does of what `--discover` prints, or of what Meltano
//! and the usual libraries add to that, so there is no line about those.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::entry::{Entry, places};
use super::merged::Unlike;
use super::{Method, Selected};
use crate::base::cut;
use crate::source::schema;

/// What describes a table or a column, in the metadata and, with underscores, beside it.
const DESCRIPTIVE: [&str; 10] = [
    "database",
    "database-name",
    "is-view",
    "parent-tap-stream-id",
    "row-count",
    "schema-name",
    "sql-datatype",
    "table",
    "table-name",
    "tap-stream-id",
];
const INCLUSIONS: [&str; 3] = ["available", "automatic", "unsupported"];
/// How many characters are shown of a value.
const SHOWN: usize = 60;

/// The line for a selected stream, if there is anything to say, and another one for choices of
/// fields that are not there.
pub(super) fn ignored(entry: &Entry, selected: &Selected, unlike: &Unlike) -> Vec<String> {
    let name = selected.stream.name;
    let mut parts = schema_parts(unlike);
    parts.extend(stream_parts(entry, selected));
    parts.extend(automatic_part(entry, selected));
    parts.extend(unread_part(entry));
    let mut lines = Vec::new();
    if !parts.is_empty() {
        let parts = parts.join("; ");
        lines.push(format!("stream `{name}`: the catalog says what does not count: {parts}"));
    }
    let meaningless = entry.meaningless(&selected.known);
    if !meaningless.is_empty() {
        lines.push(format!(
            "stream `{name}`: the catalog chooses what is no field of its schema: {}",
            listed(&meaningless)
        ));
    }
    lines
}

fn schema_parts(unlike: &Unlike) -> Vec<String> {
    if unlike.fields.is_empty() {
        return Vec::new();
    }
    let mut fields = Vec::new();
    for path in &unlike.fields {
        fields.push(if path.is_empty() { "the record".to_owned() } else { path.clone() });
    }
    let keywords = unlike.keywords.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
    vec![format!("{} of fields: {}", listed(&keywords), listed(&fields))]
}

/// Keys and ways of reading that are not ours.
fn stream_parts(entry: &Entry, selected: &Selected) -> Vec<String> {
    let stream = selected.stream;
    let empty = Map::new();
    let root = entry.root().map_or(&empty, |root| &root.others);
    let key = stream.replication_key();
    let (method, read_by) = match selected.method {
        Method::FullTable => ("FULL_TABLE", None),
        Method::Incremental => ("INCREMENTAL", key),
    };
    let mut parts = Vec::new();
    parts.extend(unlike(&entry.others, "key_properties", stream.key));
    parts.extend(unlike(root, "table-key-properties", stream.key));
    parts.extend(unlike(root, "view-key-properties", stream.key));
    parts.extend(unlike(root, "valid-replication-keys", key.as_slice()));
    // Of a stream that the catalog wants in full, no key is expected to do anything.
    if entry.replication_method(stream).as_deref() != Some("FULL_TABLE") {
        parts.extend(unlike(&entry.others, "replication_key", read_by.as_slice()));
        parts.extend(unlike(root, "replication-key", read_by.as_slice()));
    }
    let forced = root.get("forced-replication-method").and_then(Value::as_str).unwrap_or_default();
    if !forced.eq_ignore_ascii_case(method) {
        parts.extend(unlike(root, "forced-replication-method", &[method]));
    }
    parts.extend(unlike(&entry.others, "stream_alias", &[stream.name]));
    if let Some(alias) = entry.alias().map(Value::from)
        && differs(&alias, &[stream.name])
    {
        parts.push(part("stream", &alias));
    }
    parts
}

/// What is said under a name, where it is not ours.
fn unlike(values: &Map<String, Value>, name: &str, ours: &[&str]) -> Option<String> {
    let value = values.get(name)?;
    differs(value, ours).then(|| part(name, value))
}

/// Whether a value names others than these, in any order; nothing and an empty text name none.
fn differs(value: &Value, ours: &[&str]) -> bool {
    let named = match value {
        Value::Null => return false,
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let named = named.iter().map(|name| name.as_str().unwrap_or("\0")).collect::<BTreeSet<_>>();
    let is_none = named.iter().all(|name| name.is_empty());
    !is_none && named != ours.iter().copied().collect()
}

fn part(name: &str, value: &Value) -> String {
    let text = value.to_string();
    let shown = text.chars().take(SHOWN).collect::<String>();
    format!("`{name}` {shown}{}", if shown.len() < text.len() { "…" } else { "" })
}

/// Fields that the catalog calls automatic, and that are not emitted.
fn automatic_part(entry: &Entry, selected: &Selected) -> Option<String> {
    let (known, emitted) = (places(&selected.known), places(&selected.schema));
    let mut fields = Vec::new();
    for metadata in &entry.metadata {
        let place = metadata.place();
        let is_automatic = metadata.choice.inclusion.as_deref() == Some("automatic");
        if is_automatic && known.contains(&place) && !emitted.contains(&place) {
            fields.push(schema::dotted(&place));
        }
    }
    (!fields.is_empty()).then(|| format!("`inclusion` automatic of {}", listed(&fields)))
}

/// Keys that nobody reads where they are.
fn unread_part(entry: &Entry) -> Option<String> {
    const OF_ENTRY: [&str; 3] = ["key_properties", "replication_key", "stream_alias"];
    const OF_STREAM: [&str; 5] = [
        "forced-replication-method",
        "replication-key",
        "table-key-properties",
        "valid-replication-keys",
        "view-key-properties",
    ];
    let mut unread = BTreeSet::from_iter(unread_of(&entry.others, &OF_ENTRY, "of the stream"));
    for metadata in &entry.metadata {
        let is_of_stream = metadata.breadcrumb.is_empty();
        let (read, place) = if is_of_stream {
            (&OF_STREAM[..], "in metadata")
        } else {
            (&[][..], "in metadata of a field")
        };
        unread.extend(unread_of(&metadata.others, &[], "beside metadata"));
        unread.extend(unread_of(&metadata.choice.others, read, place));
        let method = metadata.choice.replication_method.as_deref().unwrap_or_default().trim();
        if !is_of_stream && !method.is_empty() {
            unread.insert(format!("`replication-method` {place}"));
        }
        let inclusion = metadata.choice.inclusion.as_deref().unwrap_or("available");
        if !INCLUSIONS.contains(&inclusion) {
            unread.insert(part("inclusion", &inclusion.into()));
        }
    }
    let unread = unread.into_iter().collect::<Vec<_>>();
    (!unread.is_empty()).then(|| listed(&unread))
}

fn unread_of(values: &Map<String, Value>, read: &[&str], place: &str) -> Vec<String> {
    let mut unread = Vec::new();
    for (name, value) in values {
        let is_read = read.contains(&name.as_str());
        let is_descriptive = DESCRIPTIVE.contains(&name.replace('_', "-").as_str());
        // Some tools write null for what is not there.
        if !value.is_null() && !is_read && !is_descriptive {
            unread.push(format!("`{name}` {place}"));
        }
    }
    unread
}

fn listed(names: &[String]) -> String {
    cut::list(names.iter().map(String::as_str))
}
