//! `--select`: Meltano's patterns, laid on a catalog. `incident*` takes streams, `users.email` a
//! field, `!alerts` or `!alerts.attributes` leaves out. What the catalog then selects is read by
//! [`crate::catalog`].

use serde_json::{Value, json};
use wildmatch::WildMatch;

use crate::catalog;
use crate::error::Error;
use crate::schema;
use crate::settings::nearest;
use crate::stream::Stream;
use crate::streams::STREAMS;

/// One pattern.
#[derive(Debug)]
struct Pattern {
    text: String,
    stream: WildMatch,
    /// The names of a field, joined by dots; none for all fields.
    field: Option<WildMatch>,
    is_exclusion: bool,
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let (is_exclusion, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (stream, field) = match rest.split_once('.') {
            Some((stream, field)) if field != "*" => (stream, Some(WildMatch::new(field))),
            Some((stream, _)) => (stream, None),
            None => (rest, None),
        };
        Self { text: text.to_owned(), stream: WildMatch::new(stream), field, is_exclusion }
    }

    /// Whether the pattern means this field: itself, or something that contains it.
    fn takes(&self, field: &str) -> bool {
        let Some(pattern) = &self.field else { return true };
        let ends = field.match_indices('.').map(|(end, _)| end).chain([field.len()]);
        ends.filter_map(|end| field.get(..end)).any(|outer| pattern.matches(outer))
    }
}

/// The patterns of a command line.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Reads patterns separated by commas or blanks, or given one by one.
    #[must_use]
    pub fn parse(texts: &[String]) -> Self {
        let texts = texts.iter().flat_map(|texts| texts.split([',', ' ']));
        Self(texts.filter(|text| !text.is_empty()).map(Pattern::parse).collect())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a stream has to be in the catalog for the patterns to be laid on it.
    #[must_use]
    pub fn concern(&self, stream: &Stream) -> bool {
        let by_default = stream.is_default && self.0.iter().all(|pattern| pattern.is_exclusion);
        by_default || self.0.iter().any(|pattern| pattern.stream.matches(stream.name))
    }

    /// The catalog with the patterns laid on it: streams and fields that are included are selected,
    /// what is not included is not. Where all patterns are exclusions, the catalog's own choice
    /// stands but for these.
    ///
    /// # Errors
    /// [`Error::Selection`] where a pattern means nothing in this catalog.
    pub fn lay_on(&self, mut catalog: Value) -> Result<Value, Error> {
        let entries = catalog.get_mut("streams").and_then(Value::as_array_mut);
        let entries =
            entries.ok_or_else(|| Error::Selection("the catalog has no `streams`".into()))?;
        for pattern in &self.0 {
            check(pattern, entries)?;
        }
        for entry in entries {
            choose(&self.0, entry);
        }
        Ok(catalog)
    }
}

/// Says which pattern means nothing, and what is nearest to it.
fn check(pattern: &Pattern, entries: &[Value]) -> Result<(), Error> {
    let streams = entries.iter().filter(|entry| pattern.stream.matches(catalog::name(entry)));
    let fields = streams
        .flat_map(|entry| {
            let of = |(_, field)| format!("{}.{field}", catalog::name(entry));
            fields(entry).into_iter().map(of).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    let is_meant = fields
        .iter()
        .any(|field| field.split_once('.').is_some_and(|(_, field)| pattern.takes(field)));
    if is_meant {
        return Ok(());
    }
    let wanted = pattern.text.trim_start_matches('!');
    let nearest = if fields.is_empty() {
        nearest(wanted, STREAMS.iter().map(|stream| stream.name))
    } else {
        nearest(wanted, fields.iter().map(String::as_str))
    };
    let (text, nearest) = (&pattern.text, nearest.unwrap_or_default());
    Err(Error::Selection(format!("--select {text:?} means nothing; the nearest is `{nearest}`")))
}

/// Breadcrumb and dotted name of every field of a catalog entry.
fn fields(entry: &Value) -> Vec<(Vec<String>, String)> {
    let schema = entry.get("schema").unwrap_or(&Value::Null);
    let placed = schema::properties(schema).into_iter().map(|(place, _)| {
        let breadcrumb = place.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        (breadcrumb, schema::dotted(&place))
    });
    placed.collect()
}

/// Writes what the patterns say into the metadata of an entry.
fn choose(patterns: &[Pattern], entry: &mut Value) {
    let stream = catalog::name(entry).to_owned();
    let of_stream = |pattern: &&Pattern| pattern.stream.matches(&stream);
    let (out, taken): (Vec<_>, Vec<_>) =
        patterns.iter().filter(of_stream).partition(|pattern| pattern.is_exclusion);
    let has_inclusions = patterns.iter().any(|pattern| !pattern.is_exclusion);
    let is_out = out.iter().any(|pattern| pattern.field.is_none());
    if is_out || (has_inclusions && taken.is_empty()) {
        mark(entry, &[], false);
        return;
    }
    if has_inclusions {
        mark(entry, &[], true);
    }
    for (breadcrumb, field) in fields(entry) {
        // A part of an object needs the object around it.
        let inner = format!("{field}.");
        let contains = |pattern: &Pattern| {
            pattern.field.is_some()
                && fields(entry)
                    .iter()
                    .any(|(_, other)| other.starts_with(&inner) && pattern.takes(other))
        };
        let is_taken = taken.iter().any(|pattern| pattern.takes(&field) || contains(pattern));
        if out.iter().any(|pattern| pattern.takes(&field)) {
            mark(entry, &breadcrumb, false);
        } else if has_inclusions {
            mark(entry, &breadcrumb, is_taken);
        }
    }
}

/// Sets `selected` of one metadata entry, which may be missing.
fn mark(entry: &mut Value, breadcrumb: &[String], is_selected: bool) {
    let Some(metadata) = filled(entry, "metadata", json!([])).and_then(Value::as_array_mut) else {
        return;
    };
    let wanted = json!(breadcrumb);
    let known = metadata.iter().position(|known| known.get("breadcrumb") == Some(&wanted));
    let place = known.unwrap_or(metadata.len());
    if known.is_none() {
        metadata.push(json!({"breadcrumb": wanted}));
    }
    let known = metadata.get_mut(place).and_then(|known| filled(known, "metadata", json!({})));
    if let Some(known) = known.and_then(Value::as_object_mut) {
        known.insert("selected".into(), is_selected.into());
    }
}

/// The value of a key, which is `value` where there is none or null.
fn filled<'a>(object: &'a mut Value, key: &str, value: Value) -> Option<&'a mut Value> {
    let known = object.as_object_mut()?.entry(key).or_insert(Value::Null);
    if known.is_null() {
        *known = value;
    }
    Some(known)
}
