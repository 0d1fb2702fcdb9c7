//! Fields that the tap adds to a record, and the values that a parent's record gives to its
//! children. Both are small pieces of JSON text beside the record.

use std::borrow::Cow;

use serde_json::Value;

use crate::moment::format_time;
use crate::record::{Projection, Written};
use crate::request::Series;
use crate::stream::{Binding, Column, Source, Stream, Take};

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
    /// Taken from the record: the positions of captured fields with the rest of each pointer.
    Record(Vec<Vec<(usize, String)>>),
    /// Not in this answer.
    Absent,
}

impl Columns {
    /// The columns of `stream` as `series` fills them; `body` is the answer, for what stands
    /// beside the records.
    #[must_use]
    pub fn new(stream: &Stream, projection: &Projection, series: &Series, body: &str) -> Self {
        let beside = stream.columns.iter().any(|column| matches!(column.source, Source::Beside(_)));
        let answer = if beside { serde_json::from_str(body).ok() } else { None };
        let column = |column: &Column| {
            let position = projection.position(column.name)?;
            Some((position, filled(column.source, projection, series, answer.as_ref())))
        };
        Self(stream.columns.iter().filter_map(column).collect())
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
            Filled::Absent => None,
        }
    }
}

/// Fields of the record itself whose text the columns of `stream` are made of.
pub fn sources(stream: &Stream) -> impl Iterator<Item = &'static str> {
    let choices = stream.columns.iter().filter_map(|column| match column.source {
        Source::Record(choices) => Some(choices),
        Source::Parent(_)
        | Source::ParentTime(_)
        | Source::ListName
        | Source::Position
        | Source::WindowStart
        | Source::WindowEnd
        | Source::Beside(_) => None,
    });
    choices.flatten().copied().flatten().filter_map(|pointer| pointer.split('/').nth(1))
}

fn filled(
    source: Source,
    projection: &Projection,
    series: &Series,
    answer: Option<&Value>,
) -> Filled {
    let time = |time| Filled::Text(quoted(&format_time(time)));
    match source {
        Source::Parent(parameter) | Source::ParentTime(parameter) => series
            .bound
            .iter()
            .find(|(name, _)| *name == parameter)
            .map_or(Filled::Absent, |(_, value)| Filled::Text(quoted(value))),
        Source::ListName => Filled::ListName(String::new()),
        Source::Position => Filled::Position(0),
        Source::WindowStart => series.window.map_or(Filled::Absent, |(start, _)| time(start)),
        Source::WindowEnd => series.window.map_or(Filled::Absent, |(_, end)| time(end)),
        Source::Beside(pointer) => answer
            .and_then(|answer| answer.pointer(pointer))
            .map_or(Filled::Absent, |value| Filled::Text(value.to_string())),
        Source::Record(choices) => {
            let part = |pointer: &&str| {
                let names = pointer.strip_prefix('/')?;
                let (field, rest) = names.split_once('/').unwrap_or((names, ""));
                let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
                Some((projection.position(field)?, rest))
            };
            let parts = |choice: &&[&str]| choice.iter().filter_map(part).collect();
            Filled::Record(choices.iter().map(parts).collect())
        }
    }
}

/// The parts joined by colons, unless all are empty.
fn joined(parts: &[(usize, String)], written: &Written) -> Option<String> {
    let part = |(position, rest): &(usize, String)| {
        let value: Value = serde_json::from_str(written.captured(*position)?).ok()?;
        Some(value.pointer(rest)?.as_str()?.to_owned())
    };
    let parts = parts.iter().map(|at| part(at).unwrap_or_default()).collect::<Vec<_>>();
    parts.iter().any(|part| !part.is_empty()).then(|| quoted(&parts.join(":")))
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
        let value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
        let mut values = Vec::new();
        take(&value, binding.take, &mut values);
        combinations = combinations
            .iter()
            .flat_map(|known| {
                values.iter().map(|value| [known.as_slice(), std::slice::from_ref(value)].concat())
            })
            .collect();
    }
    combinations
}

fn take(value: &Value, which: Take, values: &mut Vec<String>) {
    match (which, value) {
        (Take::Itself, Value::String(text)) => values.push(text.clone()),
        (Take::Each, Value::Array(items)) => {
            for item in items {
                take(item, Take::Itself, values);
            }
        }
        (Take::Within(name), Value::Object(object)) => {
            for (key, value) in object {
                let which = if key == name { Take::Itself } else { which };
                take(value, which, values);
            }
        }
        (Take::Within(_), Value::Array(items)) => {
            for item in items {
                take(item, which, values);
            }
        }
        _ => {}
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
