//! What an entry of a catalog says and what nobody here does: it is told of in one line for each
//! stream, since who wrote it expects something of it. What `--discover` prints and what Meltano and
//! the usual libraries add to it is expected to do nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::entry::{Entry, places};
use super::merged::Unlike;
use super::{Method, Selected};
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
/// How many names are given of many.
const NAMED: usize = 5;
/// How much is shown of a value.
const SHOWN: usize = 60;

/// The line for a selected stream, if there is anything to say, and another one for choices of
/// fields that are not there.
pub(super) fn ignored(entry: &Entry, selected: &Selected, unlike: &Unlike) -> Vec<String> {
    let name = selected.stream.name;
    let mut parts = schema_parts(unlike);
    parts.extend(stream_parts(entry, selected));
    parts.extend(automatic_part(entry, selected));
    parts.extend(unread_part(entry));
    let parts = (!parts.is_empty()).then(|| {
        format!("stream `{name}`: the catalog says what does not count: {}", parts.join("; "))
    });
    let meaningless = entry.meaningless(&selected.known);
    let meaningless = (!meaningless.is_empty()).then(|| {
        let fields = some_of(&meaningless);
        format!("stream `{name}`: the catalog chooses what is no field of its schema: {fields}")
    });
    parts.into_iter().chain(meaningless).collect()
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
    vec![format!("{} of fields: {}", some_of(&keywords), some_of(&fields))]
}

/// Keys and ways of reading that are not ours.
fn stream_parts(entry: &Entry, selected: &Selected) -> Vec<String> {
    let stream = selected.stream;
    let mut parts = Vec::new();
    let empty = Map::new();
    let root = entry.root().map_or(&empty, |root| &root.others);
    let mut compare = |values: &Map<String, Value>, name: &str, ours: &[&str]| {
        if let Some(value) = values.get(name).filter(|value| differs(value, ours)) {
            parts.push(part(name, value));
        }
    };
    compare(&entry.others, "key_properties", stream.key);
    compare(root, "table-key-properties", stream.key);
    compare(root, "view-key-properties", stream.key);
    let key = stream.replication_key();
    compare(root, "valid-replication-keys", key.as_slice());
    // Of a stream that the catalog wants in full, no key is expected to do anything.
    if entry.replication_method().as_deref() != Some("FULL_TABLE") {
        let read_by = key.filter(|_| selected.method == Method::Incremental);
        compare(&entry.others, "replication_key", read_by.as_slice());
        compare(root, "replication-key", read_by.as_slice());
    }
    let method = match selected.method {
        Method::FullTable => "FULL_TABLE",
        Method::Incremental => "INCREMENTAL",
    };
    let forced = root.get("forced-replication-method").and_then(Value::as_str).unwrap_or_default();
    if !forced.eq_ignore_ascii_case(method) {
        compare(root, "forced-replication-method", &[method]);
    }
    compare(&entry.others, "stream_alias", &[stream.name]);
    if let Some(alias) = entry.alias() {
        compare(&Map::from_iter([("stream".to_owned(), alias.into())]), "stream", &[stream.name]);
    }
    parts
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

/// Fields that should always come, and do not.
fn automatic_part(entry: &Entry, selected: &Selected) -> Option<String> {
    let (known, emitted) = (places(&selected.known), places(&selected.schema));
    let automatic = entry
        .metadata
        .iter()
        .filter(|entry| entry.choice.inclusion.as_deref() == Some("automatic"))
        .map(|entry| entry.breadcrumb.iter().map(String::as_str).collect::<Vec<_>>())
        .filter(|place| known.contains(place) && !emitted.contains(place));
    let fields = automatic.map(|place| schema::dotted(&place)).collect::<Vec<_>>();
    (!fields.is_empty()).then(|| format!("`inclusion` automatic of {}", some_of(&fields)))
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
    (!unread.is_empty()).then(|| some_of(&unread))
}

fn unread_of(values: &Map<String, Value>, read: &[&str], place: &str) -> Vec<String> {
    let is_read =
        |name: &str| read.contains(&name) || DESCRIPTIVE.contains(&name.replace('_', "-").as_str());
    let said = values.iter().filter(|(name, value)| !value.is_null() && !is_read(name));
    said.map(|(name, _)| format!("`{name}` {place}")).collect()
}

/// The first of these, and how many there are where that is not all.
fn some_of(names: &[String]) -> String {
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{first}, … ({} in all)", names.len()) } else { first }
}
