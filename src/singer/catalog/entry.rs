//! A catalog that comes back, as it was read: what its entries say of streams and fields.

use std::collections::HashSet;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::base::cut;
use crate::base::error::Error;
use crate::singer::method::Method;
use crate::source::schema;
use crate::source::stream::Stream;

/// The parts of a catalog file that matter.
#[derive(Debug, Deserialize)]
struct Catalog {
    streams: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    tap_stream_id: Option<String>,
    stream: Option<String>,
    schema: Option<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) metadata: Vec<Metadata>,
    #[serde(default, deserialize_with = "flag")]
    selected: Option<bool>,
    replication_method: Option<String>,
    /// What is read by [`mod@super::ignored`] only, here and below.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) breadcrumb: Vec<String>,
    #[serde(default, rename = "metadata", deserialize_with = "or_default")]
    pub(super) choice: Choice,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// What the metadata says of a stream or of a field.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "flag")]
    pub(super) selected: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) selected_by_default: Option<bool>,
    pub(super) inclusion: Option<String>,
    pub(super) replication_method: Option<String>,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// The entries of a catalog.
///
/// # Errors
/// [`Error::Selection`] with the place of what is not as it should be.
pub(super) fn read(catalog: Value) -> Result<Vec<Entry>, Error> {
    let catalog: Catalog = serde_path_to_error::deserialize(catalog).map_err(|error| {
        let problem = cut::text(&error.to_string());
        Error::Selection(format!("the catalog is no catalog: {problem}"))
    })?;
    Ok(catalog.streams)
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        self.tap_stream_id.as_deref().or(self.stream.as_deref()).unwrap_or_default()
    }

    /// What is said of the stream itself.
    pub(super) fn root(&self) -> Option<&Choice> {
        let root = self.metadata.iter().find(|entry| entry.breadcrumb.is_empty());
        root.map(|root| &root.choice)
    }

    /// A stream that no source has counts as selected only where the catalog says so outright.
    pub(super) fn is_selected(&self, is_known: bool) -> bool {
        let root = self.root();
        match root.and_then(|root| root.selected).or(self.selected) {
            Some(selected) => selected,
            None => is_known && root.and_then(|root| root.selected_by_default).unwrap_or(false),
        }
    }

    /// How somebody wants it to be read, in capitals: the metadata first, then the top level, where what
    /// discovery prints is nobody's choice.
    pub(super) fn replication_method(&self, stream: &Stream) -> Option<String> {
        let printed = Method::of(stream).name();
        let [root, top] = self.replication_methods();
        root.or(top.filter(|top| top != printed))
    }

    /// What the metadata and the top level say, in capitals. An empty text is what tools write that have
    /// no method.
    fn replication_methods(&self) -> [Option<String>; 2] {
        let root = self.root().and_then(|root| root.replication_method.as_deref());
        [root, self.replication_method.as_deref()].map(|method| {
            let method = method.unwrap_or_default().trim().to_uppercase();
            (!method.is_empty()).then_some(method)
        })
    }

    /// The name that other tools may know the stream by.
    pub(super) fn alias(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// The schema, where there is one that has fields.
    ///
    /// # Errors
    /// [`Error::Selection`] where its fields are no fields.
    pub(super) fn schema(&self) -> Result<Option<&Value>, Error> {
        let Some(schema) = &self.schema else { return Ok(None) };
        match schema.get("properties") {
            None => Ok(None),
            Some(Value::Object(_)) => Ok(Some(schema)),
            Some(other) => Err(Error::Selection(format!(
                "the catalog is no catalog: the `properties` of the schema of `{}` are no object \
                 but {}",
                cut::text(self.name()),
                cut::text(&other.to_string())
            ))),
        }
    }

    /// Fields that are selected or deselected and that `schema` does not have.
    pub(super) fn meaningless(&self, schema: &Value) -> Vec<String> {
        let known = places(schema);
        let mut meaningless = Vec::new();
        for metadata in &self.metadata {
            let is_of_field = !metadata.breadcrumb.is_empty();
            let is_chosen = metadata.choice.selected.is_some();
            if is_of_field && is_chosen && !known.contains(&metadata.place()) {
                meaningless.push(metadata.breadcrumb.join("."));
            }
        }
        meaningless
    }
}

impl Metadata {
    /// The breadcrumb in the form in which a schema gives places.
    pub(super) fn place(&self) -> Vec<&str> {
        self.breadcrumb.iter().map(String::as_str).collect()
    }
}

/// Fields that `ours` has and `known` has not: an older release made the catalog.
pub(super) fn news<'a>(stream: &Stream, ours: &'a Value, known: &'a Value) -> Vec<String> {
    let known = places(known);
    let mut news = Vec::new();
    for (place, _) in schema::properties(ours) {
        if !known.contains(&place) {
            news.push(format!("{}.{}", stream.name, schema::dotted(&place)));
        }
    }
    news
}

/// Where the fields of a schema are.
pub(super) fn places(schema: &Value) -> HashSet<Vec<&str>> {
    schema::properties(schema).into_iter().map(|(place, _)| place).collect()
}

/// Some tools write null for what is not there.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Meltano and older tools write booleans as strings.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        other => {
            let text = cut::text(&other.to_string());
            Err(D::Error::invalid_value(Unexpected::Other(&text), &"true or false"))
        }
    }
}
