//! The JSON schemas of streams: those embedded in this release, and what can be read off any of
//! them. Where they come from is told in [`crate::source::openapi`].

use serde_json::Value;

use crate::base::error::Error;
use crate::source::stream::Stream;

/// The schema of `stream`'s records that this release was made with.
///
/// # Errors
/// [`Error::Bug`] where `schemas/` has no such file or the file is not JSON.
pub fn embedded(stream: &Stream) -> Result<Value, Error> {
    let path = format!("schemas/{}/{}.json", stream.source.name, stream.name);
    let text = (stream.source.schemas)(stream.name);
    let text = text.ok_or_else(|| Error::Bug(format!("{path} is not embedded")))?;
    serde_json::from_str(&text).map_err(|error| Error::Bug(format!("{path}: {error}")))
}

/// Whether a property may never be emitted.
#[must_use]
pub fn is_unsupported(property: &Value) -> bool {
    property.get("inclusion").is_some_and(|inclusion| inclusion == "unsupported")
}

/// Whether a schema allows values of that type.
#[must_use]
pub fn allows(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|allowed| allowed == kind),
        Some(allowed) => allowed == kind,
        None => false,
    }
}

/// A property and where it is: the breadcrumb of Singer metadata.
pub type Placed<'a> = (Vec<&'a str>, &'a Value);

/// Every property below `schema`, nested objects and items of lists too, parents first.
#[must_use]
pub fn properties(schema: &Value) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found
}

/// The names of a place, without `properties` and `items`, joined by dots.
#[must_use]
pub fn dotted(place: &[&str]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut parts = place.iter().copied();
    while let Some(part) = parts.next() {
        if part == "properties" {
            names.extend(parts.next());
        }
    }
    names.join(".")
}

fn collect<'a>(schema: &'a Value, place: &mut Vec<&'a str>, found: &mut Vec<Placed<'a>>) {
    if let Some(items) = schema.get("items") {
        place.push("items");
        collect(items, place, found);
        place.pop();
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        place.extend(["properties", name.as_str()]);
        found.push((place.clone(), property));
        collect(property, place, found);
        place.truncate(place.len() - 2);
    }
}
