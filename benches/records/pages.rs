//! The pages that are read: those of the sample workspace, as many records of it as a full page of the
//! API has.

use serde_json::Value;
use stand_in::Workspace;
use tap_incident::singer::catalog::{self, Incremental, Selected};
use tap_incident::source::stream::Stream;
use tap_incident::sources::incident_io::INCIDENT_IO;

use super::Anything;

/// What leads from each page to the next.
const CURSOR: &str = "01CURSOR";

/// A stream with everything selected, and one of its pages.
pub(crate) struct Case {
    pub(crate) stream: &'static Stream,
    pub(crate) selected: Selected,
    pub(crate) body: String,
    pub(crate) records: usize,
}

impl Case {
    /// Incidents, about 6 KB each.
    pub(crate) fn incidents() -> Anything<Self> {
        Self::new("incidents", 250)
    }

    /// Users, about 300 bytes each.
    pub(crate) fn users() -> Anything<Self> {
        Self::new("users", 1_000)
    }

    fn new(name: &str, records: usize) -> Anything<Self> {
        let mut streams =
            catalog::by_default(&INCIDENT_IO, &Incremental::default())?.streams.into_iter();
        let selected = streams.find(|selected| selected.stream.name == name);
        let selected = selected.ok_or("the stream is not read by default")?;
        let stream = selected.stream;
        let rows = Workspace::sample()?.rows(stream.path);
        let mut body = String::new();
        for (number, row) in rows.iter().cycle().take(records).enumerate() {
            let mut row = row.clone();
            if let Some(id) = row.get_mut("id") {
                *id = format!("01BENCH{number:019}").into();
            }
            body.push(if number == 0 { '[' } else { ',' });
            write(&row, &mut body);
        }
        let body = format!(r#"{{"{name}":{body}],"pagination_meta":{{"after":"{CURSOR}"}}}}"#);
        Ok(Self { stream, selected, body, records })
    }

    /// The page with another cursor.
    pub(crate) fn leading_to(&self, cursor: &str) -> String {
        self.body.replace(CURSOR, cursor)
    }
}

/// Writes a row as the API would: without the workspace's private keys and without blanks. The order of
/// the API's keys is nobody's to rely on, so it is not that of the schema.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let public = object.iter().rev().filter(|(name, _)| !name.starts_with('_'));
            text.push('{');
            for (index, (name, value)) in public.enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(item, text);
            }
            text.push(']');
        }
        leaf => text.push_str(&leaf.to_string()),
    }
}
