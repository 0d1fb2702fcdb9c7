//! `--select`: Meltano's patterns, laid on a catalog. `incident*` takes streams, `users.email` a
//! field, `!alerts` or `!alerts.attributes` leaves out. What the catalog then selects is read by
//! [`crate::singer::catalog`].

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use wildmatch::WildMatch;

use crate::base::error::Error;
use crate::config::settings::nearest;
use crate::singer::catalog;
use crate::source::Source;
use crate::source::schema;
use crate::source::stream::Stream;

/// One pattern.
#[derive(Debug)]
struct Pattern {
    text: String,
    stream: WildMatch,
    field: Fields,
    is_exclusion: bool,
}

/// Which fields a pattern means, by their names joined by dots.
#[derive(Debug)]
enum Fields {
    All,
    One(String),
    Like(WildMatch),
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let (is_exclusion, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (stream, field) = match rest.split_once('.') {
            None => (rest, Fields::All),
            Some((stream, "*")) => (stream, Fields::All),
            Some((stream, field)) if field.contains(['*', '?']) => {
                (stream, Fields::Like(WildMatch::new(field)))
            }
            Some((stream, field)) => (stream, Fields::One(field.to_owned())),
        };
        Self { text: text.to_owned(), stream: WildMatch::new(stream), field, is_exclusion }
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
    pub fn lay_on(&self, source: &Source, mut catalog: Value) -> Result<Value, Error> {
        let entries = catalog.get_mut("streams").and_then(Value::as_array_mut);
        let entries =
            entries.ok_or_else(|| Error::Selection("the catalog has no `streams`".into()))?;
        let all = entries.iter().map(Listed::of).collect::<Vec<_>>();
        for pattern in &self.0 {
            check(pattern, &all, source)?;
        }
        for (entry, listed) in entries.iter_mut().zip(&all) {
            choose(&self.0, entry, listed);
        }
        Ok(catalog)
    }
}

/// A stream of the catalog and its fields.
struct Listed {
    stream: String,
    /// Breadcrumb and dotted name of each.
    fields: Vec<(Value, String)>,
    /// The dotted names of fields and of all that contains one.
    names: HashSet<String>,
}

impl Listed {
    fn of(entry: &Value) -> Self {
        let schema = entry.get("schema").unwrap_or(&Value::Null);
        let placed = schema::properties(schema).into_iter();
        let fields =
            placed.map(|(place, _)| (json!(place), schema::dotted(&place))).collect::<Vec<_>>();
        let names = fields.iter().flat_map(|(_, field)| outer(field));
        let names = names.map(str::to_owned).collect();
        Self { stream: catalog::name(entry).to_owned(), fields, names }
    }
}

/// The name of a field and of each that contains it.
fn outer(field: &str) -> impl Iterator<Item = &str> {
    let ends = field.match_indices('.').map(|(end, _)| end).chain([field.len()]);
    ends.filter_map(|end| field.get(..end))
}

/// Fields that patterns mean. Names without wildcards are looked up, since there may be thousands.
struct Meant<'a> {
    is_all: bool,
    /// Each of `names` that a pattern of some fields is the name of.
    names: HashSet<&'a str>,
}

impl<'a> Meant<'a> {
    fn by(patterns: &[&Pattern], names: &'a HashSet<String>) -> Self {
        let mut meant = Self { is_all: false, names: HashSet::new() };
        for pattern in patterns {
            match &pattern.field {
                Fields::All => meant.is_all = true,
                Fields::One(name) => meant.names.extend(names.get(name).map(String::as_str)),
                Fields::Like(like) => {
                    let like = names.iter().filter(|name| like.matches(name));
                    meant.names.extend(like.map(String::as_str));
                }
            }
        }
        meant
    }

    /// Whether a field is meant by name: itself, or something that contains it.
    fn names(&self, field: &str) -> bool {
        outer(field).any(|outer| self.names.contains(outer))
    }

    fn takes(&self, field: &str) -> bool {
        self.is_all || self.names(field)
    }
}

/// Says which pattern means nothing, and what is nearest to it.
fn check(pattern: &Pattern, all: &[Listed], source: &Source) -> Result<(), Error> {
    let mut fields = Vec::new();
    for listed in all.iter().filter(|listed| pattern.stream.matches(&listed.stream)) {
        let is_meant = match &pattern.field {
            Fields::All => !listed.names.is_empty(),
            Fields::One(name) => listed.names.contains(name),
            Fields::Like(like) => listed.names.iter().any(|name| like.matches(name)),
        };
        if is_meant {
            return Ok(());
        }
        fields.extend(listed.fields.iter().map(|(_, field)| format!("{}.{field}", listed.stream)));
    }
    let wanted = pattern.text.trim_start_matches('!');
    let nearest = if fields.is_empty() {
        nearest(wanted, source.streams.iter().map(|stream| stream.name))
    } else {
        nearest(wanted, fields.iter().map(String::as_str))
    };
    let (text, nearest) = (&pattern.text, nearest.unwrap_or_default());
    Err(Error::Selection(format!("--select {text:?} means nothing; the nearest is `{nearest}`")))
}

/// Writes what the patterns say into the metadata of an entry.
fn choose(patterns: &[Pattern], entry: &mut Value, listed: &Listed) {
    let (mut out, mut taken) = (Vec::new(), Vec::new());
    for pattern in patterns.iter().filter(|pattern| pattern.stream.matches(&listed.stream)) {
        if pattern.is_exclusion { out.push(pattern) } else { taken.push(pattern) }
    }
    let has_inclusions = patterns.iter().any(|pattern| !pattern.is_exclusion);
    let (out, is_taken) = (Meant::by(&out, &listed.names), !taken.is_empty());
    let Some(mut marks) = Marks::of(entry) else { return };
    if out.is_all || (has_inclusions && !is_taken) {
        marks.set(&json!([]), false);
        return;
    }
    if has_inclusions {
        marks.set(&json!([]), true);
    }
    let taken = Meant::by(&taken, &listed.names);
    // A part of an object needs the object around it.
    let mut around = HashSet::new();
    for (_, field) in &listed.fields {
        if taken.names(field) {
            around.extend(outer(field));
        }
    }
    for (breadcrumb, field) in &listed.fields {
        if out.takes(field) {
            marks.set(breadcrumb, false);
        } else if has_inclusions {
            marks.set(breadcrumb, taken.is_all || around.contains(field.as_str()));
        }
    }
}

/// The metadata of an entry, and where in it each breadcrumb is.
struct Marks<'a> {
    metadata: &'a mut Vec<Value>,
    known: HashMap<Value, usize>,
}

impl<'a> Marks<'a> {
    fn of(entry: &'a mut Value) -> Option<Self> {
        let metadata = filled(entry, "metadata", json!([]))?.as_array_mut()?;
        let mut known = HashMap::new();
        for (index, entry) in metadata.iter().enumerate() {
            if let Some(breadcrumb) = entry.get("breadcrumb") {
                known.entry(breadcrumb.clone()).or_insert(index);
            }
        }
        Some(Self { metadata, known })
    }

    /// Sets `selected` of one metadata entry, which may be missing.
    fn set(&mut self, breadcrumb: &Value, is_selected: bool) {
        let index = *self.known.entry(breadcrumb.clone()).or_insert_with(|| {
            self.metadata.push(json!({"breadcrumb": breadcrumb}));
            self.metadata.len() - 1
        });
        let entry = self.metadata.get_mut(index);
        let metadata = entry.and_then(|entry| filled(entry, "metadata", json!({})));
        if let Some(metadata) = metadata.and_then(Value::as_object_mut) {
            metadata.insert("selected".into(), is_selected.into());
        }
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
