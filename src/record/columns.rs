//! Fields that the tap adds to a record, and the values that a parent's record gives to its
//! children. Both are small pieces of JSON text beside the record.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::base::time::format_time;
use crate::json;
use crate::record::{Projection, Written};
use crate::source::request::Series;
use crate::source::stream::{Binding, Origin, Parent, Stream, Take};

/// The added fields of a stream for one series of pages.
#[derive(Debug)]
pub struct Columns(Vec<(usize, Filled)>);

#[derive(Debug)]
enum Filled {
    /// The same for the whole page, as JSON.
    Text(String),
    /// Set for each list.
    ListName(String),
    /// Counted.
    Position(u64),
    /// Taken from the record: the first of these of which a part is there.
    Record(Vec<Vec<Part>>),
    /// Taken from the record: all of these.
    Parts(Vec<Option<Part>>),
    /// Not in this answer.
    Absent,
}

/// A place in a record: a field of it that is captured, and a pointer from there on.
#[derive(Debug)]
struct Part {
    position: usize,
    pointer: String,
}

impl Part {
    /// Where a pointer from the record's root leads; nowhere if its field is not read.
    fn at(pointer: &str, projection: &Projection) -> Option<Self> {
        let names = pointer.strip_prefix('/')?;
        let (field, rest) = names.split_once('/').unwrap_or((names, ""));
        let pointer = if rest.is_empty() { String::new() } else { format!("/{rest}") };
        Some(Self { position: projection.position(field)?, pointer })
    }

    /// What the value there is called by.
    fn word(&self, written: &Written) -> Option<String> {
        word(json::at(written.captured(self.position)?, &self.pointer)?)
    }
}

impl Columns {
    /// The columns of `stream` as `series` fills them, from an answer and when it came: for what stands
    /// beside the records.
    #[must_use]
    pub fn new(
        stream: &Stream,
        projection: &Projection,
        series: &Series,
        answer: (&str, DateTime<Utc>),
    ) -> Self {
        let mut columns = Vec::new();
        for column in stream.columns {
            if let Some(position) = projection.position(column.name) {
                columns.push((position, filled(column.source, projection, series, answer)));
            }
        }
        Self(columns)
    }

    /// Says which list the next records lie in.
    pub fn enter(&mut self, list: &str) {
        for (_, filled) in &mut self.0 {
            if let Filled::ListName(name) = filled {
                list.clone_into(name);
            }
        }
    }

    /// Counts a record.
    pub fn advance(&mut self) {
        for (_, filled) in &mut self.0 {
            if let Filled::Position(position) = filled {
                *position += 1;
            }
        }
    }

    /// The value of the field at `position`, as JSON, if it is an added one.
    #[must_use]
    pub fn fill(&self, position: usize, written: &Written) -> Option<Cow<'_, str>> {
        let (_, filled) = self.0.iter().find(|(known, _)| *known == position)?;
        match filled {
            Filled::Text(text) => Some(text.into()),
            Filled::ListName(name) => Some(quoted(name).into()),
            Filled::Position(position) => Some(position.to_string().into()),
            Filled::Record(choices) => {
                choices.iter().find_map(|parts| joined(parts, written)).map(Cow::from)
            }
            Filled::Parts(parts) => Some(listed(parts, written).into()),
            Filled::Absent => None,
        }
    }
}

/// Fields of the record itself whose text the columns of `stream` are made of.
#[must_use]
pub fn sources(stream: &Stream) -> Vec<&'static str> {
    let mut fields = Vec::new();
    for column in stream.columns {
        match column.source {
            Origin::Record(choices) => {
                for pointer in choices.iter().copied().flatten() {
                    fields.extend(pointer.split('/').nth(1));
                }
            }
            Origin::Parts(names) => fields.extend(names),
            _ => {}
        }
    }
    fields
}

/// Fields of the record itself that columns of `stream` have as text, whatever type they have.
#[must_use]
pub fn kept(stream: &Stream) -> Vec<&'static str> {
    let mut fields = Vec::new();
    for column in stream.columns {
        if let Origin::Record([[pointer]]) = column.source {
            fields.extend(pointer.strip_prefix('/').filter(|name| !name.contains('/')));
        }
    }
    fields
}

fn filled(
    source: Origin,
    projection: &Projection,
    series: &Series,
    (body, read_at): (&str, DateTime<Utc>),
) -> Filled {
    let time = |time| Filled::Text(quoted(&format_time(time)));
    let value_in = |values: &[(&'static str, String)], wanted: &str| {
        let value = values.iter().find(|(name, _)| *name == wanted);
        value.map(|(_, value)| value.clone())
    };
    let text =
        |value: Option<String>| value.map_or(Filled::Absent, |value| Filled::Text(quoted(&value)));
    match source {
        Origin::Parent(parameter) | Origin::ParentTime(parameter) => {
            text(value_in(&series.bound, parameter))
        }
        // As it was sent: a number has no quotes.
        Origin::ParentNumber(parameter) => {
            value_in(&series.bound, parameter).map_or(Filled::Absent, Filled::Text)
        }
        Origin::Setting(name) => text(value_in(&series.settings, name)),
        Origin::ReadAt => time(read_at),
        Origin::ListName => Filled::ListName(String::new()),
        Origin::Position => Filled::Position(0),
        Origin::WindowStart => series.window.map_or(Filled::Absent, |(start, _)| time(start)),
        Origin::WindowEnd => series.window.map_or(Filled::Absent, |(_, end)| time(end)),
        Origin::Beside(pointer) => {
            json::at(body, pointer).map_or(Filled::Absent, |value| Filled::Text(beside(value)))
        }
        Origin::Record(choices) => {
            let mut known = Vec::new();
            for pointers in choices {
                let parts = pointers.iter().filter_map(|pointer| Part::at(pointer, projection));
                known.push(parts.collect());
            }
            Filled::Record(known)
        }
        Origin::Parts(names) => {
            let part = |name: &&str| {
                let position = projection.position(name)?;
                Some(Part { position, pointer: String::new() })
            };
            Filled::Parts(names.iter().map(part).collect())
        }
    }
}

/// A value that stands beside the records, as every target reads it. What becomes null as a whole does so
/// where it is put in a column, and is counted there.
fn beside(value: &str) -> String {
    let (mended, _) = json::mended(value);
    if mended == "null" { value.to_owned() } else { mended }
}

/// Fields of a record that name the parent that was asked for, if they are sent: by name, position,
/// and the parent's value. An answer that belongs to another request shows in them.
#[must_use]
pub fn parent_fields<'a>(
    stream: &'static Stream,
    projection: &Projection,
    series: &'a Series,
) -> Vec<(&'static str, usize, &'a str)> {
    let details = stream.detail.iter().flat_map(|detail| detail.parents);
    let Some(parent) = details.chain(stream.all_parents()).find(|parent| is_parent(parent, series))
    else {
        return Vec::new();
    };
    let mut asked = Vec::new();
    for (binding, (parameter, value)) in parent.bindings.iter().zip(&series.bound) {
        if !binding.is_asked {
            continue;
        }
        let mut names = Vec::new();
        for column in stream.columns {
            let of_parent = [Origin::Parent(parameter), Origin::ParentNumber(parameter)];
            if of_parent.contains(&column.source) {
                names.push(column.name);
            }
        }
        // The `id` of a record is its own, unless it is the parent in more detail.
        let is_own = *parameter == "id" && parent.stream != stream.name;
        if !parent.has_others && !is_own {
            names.push(parameter);
        }
        for name in names {
            asked.extend(projection.position(name).map(|at| (name, at, value.as_str())));
        }
    }
    asked
}

/// Whether a series is for records of that parent: it is asked for with the same parameters.
fn is_parent(parent: &Parent, series: &Series) -> bool {
    let mut pairs = parent.bindings.iter().zip(&series.bound);
    pairs.all(|(binding, (parameter, _))| binding.parameter == *parameter)
}

/// The parts joined by colons, unless all are empty.
fn joined(parts: &[Part], written: &Written) -> Option<String> {
    let words: Vec<_> = parts.iter().map(|part| part.word(written).unwrap_or_default()).collect();
    let has_any = words.iter().any(|word| !word.is_empty());
    has_any.then(|| quoted(&words.join(":")))
}

/// The values of these fields as the text of a JSON list. Each is written in one way only, however it was
/// sent: two such texts are the same where all values are.
fn listed(parts: &[Option<Part>], written: &Written) -> String {
    let mut values = Vec::new();
    for part in parts {
        let raw = part.as_ref().and_then(|part| written.captured(part.position));
        let raw = raw.unwrap_or("null");
        // A number stays as it was sent, which a tree might not hold.
        values.push(json::text(raw).map_or_else(|| raw.to_owned(), |text| quoted(&text)));
    }
    quoted(&format!("[{}]", values.join(",")))
}

/// What one record of a parent gives to its children: every combination of the bindings' values.
#[must_use]
pub fn bind(
    bindings: &[Binding],
    projection: &Projection,
    columns: &Columns,
    written: &Written,
) -> Vec<Vec<String>> {
    let mut combinations = vec![Vec::new()];
    for binding in bindings {
        let position = projection.position(binding.field);
        let text = position.and_then(|position| {
            let sent = written.captured(position).map(Cow::from);
            sent.or_else(|| columns.fill(position, written))
        });
        let mut values = Vec::new();
        take(text.as_deref().unwrap_or("null"), binding.take, &mut values);
        if values.is_empty() && !binding.is_asked {
            // Nothing is asked for with it, so that a child can be read without.
            values.push(String::new());
        }
        let mut longer = Vec::new();
        for known in &combinations {
            for value in &values {
                longer.push([known.as_slice(), std::slice::from_ref(value)].concat());
            }
        }
        combinations = longer;
    }
    combinations
}

fn take(raw: &str, which: Take, values: &mut Vec<String>) {
    match which {
        Take::Itself | Take::IfThere => values.extend(word(raw)),
        Take::Each => values.extend(json::items(raw).into_iter().filter_map(word)),
        Take::Within(name) => {
            for (known, value) in json::entries(raw) {
                take(value, if known == name { Take::Itself } else { which }, values);
            }
            for item in json::items(raw) {
                take(item, which, values);
            }
        }
        Take::Listed(name) => {
            let mut all = Vec::new();
            take(raw, name.map_or(Take::Itself, Take::Within), &mut all);
            let mut once = HashSet::new();
            all.retain(|text| once.insert(text.clone()));
            if !all.is_empty() {
                values.push(Value::from(all).to_string());
            }
        }
    }
}

/// What a value is called by: a text, or a number as it was sent. Nothing is called by an empty text.
#[must_use]
pub fn word(raw: &str) -> Option<String> {
    let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let word = if is_number { raw.into() } else { json::text(raw)? };
    (!word.is_empty()).then(|| word.into_owned())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
