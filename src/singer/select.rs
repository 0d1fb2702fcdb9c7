//! `--select`: Meltano's patterns, laid on a catalog. `incident*` takes streams and `users.email` a
//! field; `!alerts` and `!alerts.attributes` leave them out. What the catalog then selects is read by
//! [`crate::singer::catalog`].

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::base::cut;
use crate::base::error::Error;
use crate::config::settings::nearest;
use crate::singer::catalog;
use crate::singer::pattern::{Fields, Pattern};
use crate::source::Source;
use crate::source::schema;
use crate::source::stream::Stream;

/// The patterns of a command line.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Reads patterns separated by commas or blanks, or given one by one.
    #[must_use]
    pub fn parse(texts: &[String]) -> Self {
        Self(Pattern::split(texts))
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
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for listed in &all {
            by_name.entry(listed.stream.as_str()).or_default().push(listed);
        }
        for pattern in &self.0 {
            if pattern.is_of_one_stream() {
                let listed = by_name.get(pattern.name.as_str()).map_or(&[][..], Vec::as_slice);
                check(pattern, listed.iter().copied(), source)?;
            } else {
                let like = all.iter().filter(|listed| pattern.stream.matches(&listed.stream));
                check(pattern, like, source)?;
            }
        }
        let has_inclusions = self.0.iter().any(|pattern| !pattern.is_exclusion);
        let by_stream = ByStream::of(&self.0);
        for (entry, listed) in entries.iter_mut().zip(&all) {
            choose((&by_stream.named(&listed.stream), has_inclusions), entry, listed);
        }
        Ok(catalog)
    }
}

/// Patterns by the stream that they are of: both patterns and streams may be thousands.
struct ByStream<'a> {
    named: HashMap<&'a str, Vec<&'a Pattern>>,
    like: HashMap<&'a str, Vec<&'a Pattern>>,
}

impl<'a> ByStream<'a> {
    fn of(patterns: &'a [Pattern]) -> Self {
        let mut by_stream = Self { named: HashMap::new(), like: HashMap::new() };
        for pattern in patterns {
            let of_one = pattern.is_of_one_stream();
            let group = if of_one { &mut by_stream.named } else { &mut by_stream.like };
            group.entry(pattern.name.as_str()).or_default().push(pattern);
        }
        by_stream
    }

    /// Those that mean this stream.
    fn named(&self, stream: &str) -> Vec<&'a Pattern> {
        let mut patterns = self.named.get(stream).cloned().unwrap_or_default();
        for like in self.like.values() {
            // All of them have the same name, and so one answers for the others.
            if like.first().is_some_and(|pattern| pattern.stream.matches(stream)) {
                patterns.extend(like);
            }
        }
        patterns
    }
}

/// A stream of the catalog and its fields.
struct Listed {
    stream: String,
    /// The breadcrumb of the stream itself: an empty one.
    root: Value,
    /// Breadcrumb and dotted name of each.
    fields: Vec<(Value, String)>,
    /// The dotted names of fields and of all that contains one.
    names: HashSet<String>,
}

impl Listed {
    fn of(entry: &Value) -> Self {
        let schema = entry.get("schema").unwrap_or(&Value::Null);
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        for (place, _) in schema::properties(schema) {
            let field = schema::dotted(&place);
            // An object is a field itself, and comes before its parts: most of these are known.
            for name in outer(&field) {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
            fields.push((json!(place), field));
        }
        Self { stream: catalog::name(entry).to_owned(), root: json!([]), fields, names }
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
                    for name in names {
                        if like.matches(name) {
                            meant.names.insert(name);
                        }
                    }
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

/// So many fields are compared with a mistyped one.
const MOST_COMPARED: usize = 20_000;

/// Says that a pattern means nothing in the streams that it is of, and what is nearest to it.
fn check<'a>(
    pattern: &Pattern,
    of: impl Iterator<Item = &'a Listed>,
    source: &Source,
) -> Result<(), Error> {
    let mut fields = Vec::new();
    for listed in of {
        let is_meant = match &pattern.field {
            Fields::All => !listed.names.is_empty(),
            Fields::One(name) => listed.names.contains(name),
            Fields::Like(like) => listed.names.iter().any(|name| like.matches(name)),
        };
        if is_meant {
            return Ok(());
        }
        fields.extend(listed.fields.iter().map(|(_, field)| (&listed.stream, field)));
    }
    // Nobody waits for the nearest of millions.
    fields.truncate(MOST_COMPARED);
    let fields = fields.iter().map(|(stream, field)| format!("{stream}.{field}"));
    let fields = fields.collect::<Vec<_>>();
    let wanted = pattern.text.trim_start_matches('!');
    let nearest = if fields.is_empty() {
        nearest(wanted, source.streams.iter().map(|stream| stream.name))
    } else {
        nearest(wanted, fields.iter().map(String::as_str))
    };
    let (text, nearest) = (cut::text(&pattern.text), nearest.unwrap_or_default());
    let mut problem = format!("--select {text:?} means nothing; the nearest is `{nearest}`");
    let name = wanted.split('.').next().unwrap_or(wanted);
    if let Some(other) = catalog::elsewhere(source, name).filter(|_| fields.is_empty()) {
        problem = format!(
            "{problem}; `{name}` is a stream of {}: set `source` to `{}` to read it",
            other.title, other.name
        );
    }
    Err(Error::Selection(problem))
}

/// Writes what the patterns say into the metadata of an entry.
fn choose(patterns: (&[&Pattern], bool), entry: &mut Value, listed: &Listed) {
    let metadata = filled(entry, "metadata", json!([])).and_then(Value::as_array_mut);
    if let Some(metadata) = metadata {
        mark(metadata, &choices(patterns, listed));
    }
}

/// A breadcrumb, and whether what is there is selected.
type Choice<'a> = (&'a Value, bool);

/// What its patterns say of a stream and of its fields; and whether any pattern of the command line
/// includes something. Where they say nothing, what the catalog says stands.
fn choices<'a>(
    (patterns, has_inclusions): (&[&Pattern], bool),
    listed: &'a Listed,
) -> Vec<Choice<'a>> {
    let (mut out, mut taken) = (Vec::new(), Vec::new());
    for pattern in patterns.iter().copied() {
        if pattern.is_exclusion { out.push(pattern) } else { taken.push(pattern) }
    }
    let is_left_out = has_inclusions && taken.is_empty();
    let out = Meant::by(&out, &listed.names);
    if out.is_all || is_left_out {
        return vec![(&listed.root, false)];
    }
    let taken = Meant::by(&taken, &listed.names);
    // A part of an object needs the object around it.
    let mut around = HashSet::new();
    for (_, field) in &listed.fields {
        if taken.names(field) {
            around.extend(outer(field));
        }
    }
    let mut choices = Vec::new();
    if has_inclusions {
        choices.push((&listed.root, true));
    }
    for (breadcrumb, field) in &listed.fields {
        if out.takes(field) {
            choices.push((breadcrumb, false));
        } else if has_inclusions {
            choices.push((breadcrumb, taken.is_all || around.contains(field.as_str())));
        }
    }
    choices
}

/// Sets `selected` in the entries of the metadata, and adds those that are missing.
fn mark(metadata: &mut Vec<Value>, choices: &[Choice]) {
    // There may be thousands of fields, so they are looked up, not searched for.
    let mut open = choices.iter().copied().collect::<HashMap<_, _>>();
    for entry in metadata.iter_mut() {
        // Removed, since of several entries for one field the first counts.
        let choice = entry.get("breadcrumb").and_then(|breadcrumb| open.remove(breadcrumb));
        if let Some(is_selected) = choice {
            select(entry, is_selected);
        }
    }
    for (breadcrumb, is_selected) in choices {
        if open.contains_key(breadcrumb) {
            let mut entry = json!({"breadcrumb": breadcrumb});
            select(&mut entry, *is_selected);
            metadata.push(entry);
        }
    }
}

fn select(entry: &mut Value, is_selected: bool) {
    let metadata = filled(entry, "metadata", json!({})).and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
        metadata.insert("selected".into(), is_selected.into());
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
