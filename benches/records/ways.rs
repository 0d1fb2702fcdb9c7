//! Ways from a body in memory to lines in a pipe.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Map, Value, json};
use tap_incident::bookmark::memory::Memory;
use tap_incident::os::stdout::Stdout;
use tap_incident::page::{Body, Reader};
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::singer::catalog::Method;
use tap_incident::singer::message::{Output, frame};
use tap_incident::source::request::{Request, Series};
use tap_incident::source::window::Window;

use super::Anything;
use super::cost::Cost;
use super::pages::Case;

/// How a page becomes lines.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// As the tap does it.
    Ours,
    /// By a tree of `serde_json::Value`s that is pruned and written.
    Tree,
    /// Not at all: the body is copied.
    Copy,
    /// The same, into a pipe as wide as ours.
    WideCopy,
}

impl Way {
    /// What it costs in a pipe.
    pub(crate) fn measure(self, case: &Case) -> Anything<Cost> {
        // About a second each.
        let volume = match self {
            Self::Ours => 400 << 20,
            Self::Tree => 150 << 20,
            Self::Copy | Self::WideCopy => 1 << 30,
        };
        let count = volume / case.body.len();
        Cost::of(count * case.body.len(), |pipe| {
            let own = File::from(pipe.as_fd().try_clone_to_owned()?);
            match self {
                Self::Ours => self.run(case, count, Stdout::over(own, Arc::default())),
                Self::WideCopy => {
                    // It widens the pipe.
                    drop(Stdout::over(own, Arc::default()));
                    self.run(case, count, pipe)
                }
                Self::Tree | Self::Copy => self.run(case, count, pipe),
            }
        })
    }

    /// Reads the page so many times.
    pub(crate) fn run(self, case: &Case, count: usize, out: impl Write) -> Anything<()> {
        match self {
            Self::Ours => ours(case, count, out),
            Self::Tree => tree(case, count, out),
            Self::Copy | Self::WideCopy => copy(case, count, out),
        }
    }
}

fn ours(case: &Case, count: usize, out: impl Write) -> Anything<()> {
    let Case { stream, selected, body, .. } = case;
    let projection = Projection::new(&selected.schema, &selected.known, &Value::Null);
    let mut reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting()?;
    if selected.method == Method::Incremental {
        reader = reader.within(Window::default(), Memory::default());
    }
    let first = Request::new(stream.path);
    let series = Series::of(first);
    let mut output = Output::new(out, Arc::default());
    let (mut seen, pool) = (HashSet::new(), Arc::default());
    for _ in 0..count {
        let lines = Lines::new(&pool).framed(frame(stream.name, DateTime::UNIX_EPOCH, None));
        let body = Body { text: body.as_bytes(), read_at: DateTime::UNIX_EPOCH };
        let page = reader.read(body, &series, &mut seen, lines)?;
        output.records(&page.lines)?;
        // The same records are new on the next page.
        seen.clear();
    }
    Ok(output.finish()?)
}

fn tree(case: &Case, count: usize, mut out: impl Write) -> Anything<()> {
    let Case { stream, selected, body, .. } = case;
    for _ in 0..count {
        let mut page = serde_json::from_slice::<Value>(body.as_bytes())?;
        let Some(Value::Array(records)) = page.get_mut(stream.name).map(Value::take) else {
            return Err("the page has no records".into());
        };
        let mut lines = Vec::with_capacity(body.len());
        for mut record in records {
            prune(&mut record, &selected.schema);
            fill(&mut record, &selected.schema);
            let time = "1970-01-01T00:00:00.000000Z";
            let message = json!({"type": "RECORD", "stream": stream.name, "time_extracted": time});
            let Value::Object(mut message) = message else { continue };
            message.insert("record".into(), record);
            serde_json::to_writer(&mut lines, &message)?;
            lines.push(b'\n');
        }
        write(&lines, &mut out)?;
    }
    Ok(())
}

/// Takes out what the schema has not.
fn prune(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(object) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            object.retain(|name, _| properties.contains_key(name));
            for (name, value) in object {
                prune(value, properties.get(name).unwrap_or(&Value::Null));
            }
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            for item in items {
                prune(item, schema);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives a record null where it lacks a column.
fn fill(record: &mut Value, schema: &Value) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let Value::Object(record) = record else { return };
    for name in properties.into_iter().flat_map(Map::keys) {
        record.entry(name).or_insert(Value::Null);
    }
}

fn copy(case: &Case, count: usize, mut out: impl Write) -> Anything<()> {
    for _ in 0..count {
        write(case.body.as_bytes(), &mut out)?;
    }
    Ok(())
}

/// Writes in pieces of a size that suits a pipe: the largest that `Output` writes.
fn write(text: &[u8], out: &mut impl Write) -> Anything<()> {
    for piece in text.chunks(32 << 10) {
        out.write_all(piece)?;
    }
    Ok(())
}

/// Holds both ways that make records to the same ones.
pub(crate) fn agree(case: &Case) -> Anything<()> {
    let records = |way: Way| {
        let mut lines = Vec::new();
        way.run(case, 1, &mut lines)?;
        let records = serde_json::Deserializer::from_slice(&lines).into_iter::<Value>();
        Ok::<_, Box<dyn std::error::Error>>(records.collect::<Result<Vec<_>, _>>()?)
    };
    let (ours, tree) = (records(Way::Ours)?, records(Way::Tree)?);
    if ours.len() == case.records && ours == tree {
        return Ok(());
    }
    Err(format!("`{}`: the ways give different records", case.stream.name).into())
}
