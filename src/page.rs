//! A body becomes a page: its records as lines, what they give to the stream's children, the
//! cursor of the next page, the total. A page that turns out broken is an error and leaves no half
//! line behind.

mod envelope;

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;

use crate::columns::{self, Columns};
use crate::error::Error;
use crate::json::{Flaw, Parser};
use crate::moment::parse_time;
use crate::record::{Projection, Written};
use crate::request::Series;
use crate::stream::{Binding, CREATED_AT, Shape, Stream, Take};
use crate::text::Tidy;
use crate::window::{Memory, Window};

/// How the pages of a stream are read.
#[derive(Debug)]
pub struct Reader {
    stream: &'static Stream,
    shape: Shape,
    projection: Projection,
    feeds: Vec<&'static [Binding]>,
    key: Vec<(&'static str, usize)>,
    changed_at: Option<usize>,
    created_at: Option<usize>,
    window: Window,
    memory: Memory,
    is_emitting: bool,
}

/// What came in one answer.
#[derive(Debug, Default)]
pub struct Page {
    /// The records that are to be emitted, a line each.
    pub lines: Vec<u8>,
    /// How many those are.
    pub emitted: u64,
    /// How many records came.
    pub received: u64,
    /// What the records give to children: which feed, and the values of its bindings.
    pub bound: Vec<(usize, Vec<String>)>,
    /// The latest replication key of what is in the window, in an incremental stream.
    pub newest: Option<DateTime<Utc>>,
    /// The records at that end of the window, with their replication keys.
    pub recent: Vec<(DateTime<Utc>, u64)>,
    /// When the records were created, in their order: of the first page of a long list.
    pub created: Vec<DateTime<Utc>>,
    /// The cursor of the next page.
    pub after: Option<String>,
    /// What the API says the whole list has.
    pub total: Option<u64>,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null.
    pub nulled: BTreeSet<String>,
}

impl Reader {
    /// Reads records of `stream`, which lie in answers as `shape` says, for what they give to
    /// children: `feeds` has the bindings of each kind of child.
    #[must_use]
    pub fn new(
        stream: &'static Stream,
        shape: Shape,
        projection: Projection,
        feeds: Vec<&'static [Binding]>,
    ) -> Self {
        let fields = feeds.iter().copied().flatten().map(|binding| binding.field);
        let projection = projection.capturing(fields.chain(columns::sources(stream)));
        Self {
            stream,
            shape,
            projection,
            feeds,
            key: Vec::new(),
            changed_at: None,
            created_at: None,
            window: Window::default(),
            memory: Memory::default(),
            is_emitting: false,
        }
    }

    /// Whose records it reads.
    #[must_use]
    pub fn stream(&self) -> &'static Stream {
        self.stream
    }

    /// The same, and emits them.
    ///
    /// # Errors
    /// [`Error::Bug`] where the projection lacks a field of the key.
    pub fn emitting(mut self) -> Result<Self, Error> {
        for name in self.stream.key {
            let position = self.projection.position(name);
            let missing = || Error::Bug(format!("`{name}` of `{}` is not read", self.stream.name));
            self.key.push((*name, position.ok_or_else(missing)?));
        }
        self.is_emitting = true;
        Ok(self)
    }

    /// The same, for an incremental stream: only records of that window are emitted, and none that
    /// the last scan wrote.
    #[must_use]
    pub fn within(mut self, window: Window, memory: Memory) -> Self {
        let key = self.stream.replication_key();
        self.changed_at = key.and_then(|key| self.projection.position(key));
        self.window = window;
        self.memory = memory;
        self
    }

    /// The same, and notes when records were created.
    #[must_use]
    pub fn noting_creation(mut self) -> Self {
        self.projection = self.projection.capturing(std::iter::once(CREATED_AT));
        self.created_at = self.projection.position(CREATED_AT);
        self
    }

    /// Reads one body of a series. Each emitted record stands between `frame.0` and `frame.1` on
    /// its line. Keys in `seen` are not emitted again, where the stream's pages overlap.
    ///
    /// # Errors
    /// [`Error::Contract`] where the body is not JSON, has no list of records, or a record lacks
    /// its key.
    pub fn read(
        &self,
        body: &[u8],
        series: &Series,
        frame: (&str, &str),
        seen: &mut HashSet<u64>,
    ) -> Result<Page, Error> {
        let text = std::str::from_utf8(body)
            .map_err(|error| Error::Contract(format!("it is not UTF-8: {error}")))?;
        let text = Tidy::new(text).map_err(|error| Error::Contract(explain(&error, text)))?;
        let mut lines = Lines {
            reader: self,
            columns: Columns::new(self.stream, &self.projection, series, text.as_str()),
            written: Written::new(&text, &self.projection),
            page: Page::default(),
            candidates: Vec::new(),
            frame,
            seen,
        };
        lines.body(&mut Parser::new(&text)).map_err(|flaw| flawed(flaw, text.as_str()))?;
        lines.remember();
        let Lines { written, mut page, .. } = lines;
        page.lines = written.out;
        page.unknown = written.unknown;
        page.nulled = written.nulled;
        Ok(page)
    }
}

/// What is wrong with a body. Of what is no JSON, `serde_json` says where.
fn flawed(flaw: Flaw, text: &str) -> Error {
    match (flaw, serde_json::from_str::<IgnoredAny>(text)) {
        (Flaw::Contract(problem), _) => Error::Contract(problem.into()),
        (Flaw::Syntax, Err(error)) => Error::Contract(explain(&error, text)),
        (Flaw::Syntax, Ok(_)) => Error::Bug("serde_json reads a body that is no JSON".to_owned()),
    }
}

/// Why a body is no JSON, with its beginning.
fn explain(error: &serde_json::Error, text: &str) -> String {
    let start = text.trim_start().chars().take(60).collect::<String>();
    let kind = if start.starts_with('<') { "HTML" } else { "not JSON" };
    format!("it is {kind} ({error}): {start:?}")
}

/// The lines of a page under way.
struct Lines<'a> {
    reader: &'a Reader,
    columns: Columns,
    written: Written<'a>,
    page: Page,
    /// Records in the window that have been written, with their replication keys.
    candidates: Vec<(DateTime<Utc>, Range<usize>)>,
    frame: (&'a str, &'a str),
    seen: &'a mut HashSet<u64>,
}

/// What a record is recognised by.
fn hash(record: Option<&[u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    record.hash(&mut hasher);
    hasher.finish()
}

impl Lines<'_> {
    /// Decides about the record that was just written from `start` on.
    fn finish(&mut self, start: usize) -> Result<(), String> {
        self.bind()?;
        self.note_creation();
        let is_kept =
            self.reader.is_emitting && self.is_first_of_its_key()? && self.is_news(start)?;
        self.columns.advance();
        if is_kept {
            self.page.emitted += 1;
            self.written.out.extend_from_slice(self.frame.1.as_bytes());
        } else {
            self.written.out.truncate(start);
        }
        Ok(())
    }

    fn note_creation(&mut self) {
        let text = self.reader.created_at.and_then(|position| self.written.captured(position));
        let text = text.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
        self.page.created.extend(text.and_then(parse_time));
    }

    /// Gathers what the record gives to children.
    fn bind(&mut self) -> Result<(), String> {
        let Self { reader, columns, written, page, .. } = self;
        for (feed, bindings) in reader.feeds.iter().enumerate() {
            let bound = columns::bind(bindings, &reader.projection, columns, written);
            if bound.is_empty() && bindings.iter().all(|binding| binding.take == Take::Itself) {
                let fields = bindings.iter().map(|binding| binding.field).collect::<Vec<_>>();
                return Err(format!("lacks `{}`, which its children need", fields.join("` or `")));
            }
            page.bound.extend(bound.into_iter().map(|values| (feed, values)));
        }
        Ok(())
    }

    /// Checks the key and, where pages overlap, remembers it.
    fn is_first_of_its_key(&mut self) -> Result<bool, String> {
        let is_overlapping = self.reader.stream.is_overlapping;
        let mut hasher = DefaultHasher::new();
        for (name, position) in &self.reader.key {
            match self.written.field(*position) {
                None | Some("null") => return Err(format!("lacks its key `{name}`")),
                Some(value) if is_overlapping => value.hash(&mut hasher),
                Some(_) => {}
            }
        }
        Ok(!is_overlapping || self.seen.insert(hasher.finish()))
    }

    /// Whether the record, which begins at `start`, changed within the window and was not written by
    /// the last scan.
    fn is_news(&mut self, start: usize) -> Result<bool, String> {
        let Some(position) = self.reader.changed_at else { return Ok(true) };
        let text = self.written.field(position).unwrap_or("null");
        let time = text.strip_prefix('"').and_then(|text| parse_time(text.strip_suffix('"')?));
        let Some(time) = time else {
            let key = self.reader.stream.replication_key().unwrap_or_default();
            return Err(format!("has `{key}` {text}, not a time"));
        };
        if !self.reader.window.contains(time) {
            return Ok(false);
        }
        self.page.newest = self.page.newest.max(Some(time));
        let record = start + self.frame.0.len()..self.written.out.len();
        if self.reader.memory.known.is_empty() {
            // Nothing is compared, and at the end of the page few are still recent.
            self.candidates.push((time, record));
            return Ok(true);
        }
        let hash = hash(self.written.out.get(record));
        self.page.recent.push((time, hash));
        Ok(!self.reader.memory.known.contains(&hash))
    }

    /// Remembers the records at the end of the window.
    fn remember(&mut self) {
        let Some(newest) = self.page.newest else { return };
        let keep = self.reader.memory.keep;
        for (time, record) in std::mem::take(&mut self.candidates) {
            if newest - time <= keep {
                self.page.recent.push((time, hash(self.written.out.get(record))));
            }
        }
        self.page.recent.retain(|(time, _)| newest - *time <= keep);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::Request;
    use crate::streams;

    /// The records of a body read as a page of severities with this schema.
    fn read(schema: &Value, body: &str) -> Result<Page, Error> {
        let stream = streams::named("severities").unwrap();
        let projection = Projection::new(schema, schema);
        let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
        let first = Request::new(stream.path);
        let series = Series { first, bound: Vec::new(), window: None };
        reader.read(body.as_bytes(), &series, ("", "\n"), &mut HashSet::new())
    }

    fn lines(schema: &Value, body: &str) -> String {
        String::from_utf8(read(schema, body).unwrap().lines).unwrap()
    }

    fn schema(fields: &Value) -> Value {
        let mut schema = json!({"properties": {"id": {"type": "string"}}});
        schema["properties"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        schema
    }

    #[test]
    fn numbers_arrive_as_they_were_sent() {
        let schema = schema(&json!({"n": {"type": ["null", "number"]}}));
        let body = r#"{"severities": [{"id": "1", "n": 1234567.8901234567},
            {"id": "2", "n": 1.0}, {"id": "3", "n": 1E400}, {"id": "4", "n": 9007199254740993}]}"#;
        let expected = "{\"id\":\"1\",\"n\":1234567.8901234567}\n{\"id\":\"2\",\"n\":1.0}\n\
                        {\"id\":\"3\",\"n\":1E400}\n{\"id\":\"4\",\"n\":9007199254740993}\n";
        assert_eq!(lines(&schema, body), expected);
    }

    #[test]
    fn an_integer_beyond_64_bits_becomes_null_and_is_noted() {
        let schema = schema(&json!({"n": {"type": ["null", "integer"]}}));
        let body = r#"{"severities": [{"id": "1", "n": 9223372036854775807},
            {"id": "2", "n": 9223372036854775808}, {"id": "3", "n": -9223372036854775809}]}"#;
        let page = read(&schema, body).unwrap();
        let lines = String::from_utf8(page.lines).unwrap();
        assert!(lines.starts_with("{\"id\":\"1\",\"n\":9223372036854775807}\n"), "{lines}");
        assert_eq!(lines.matches("null").count(), 2);
        assert_eq!(page.nulled.into_iter().collect::<Vec<_>>(), ["n"]);
    }

    #[test]
    fn an_empty_time_becomes_null_and_an_empty_text_stays() {
        let schema = schema(&json!({
            "at": {"type": ["null", "string"], "format": "date-time"},
            "name": {"type": ["null", "string"]},
        }));
        let body = r#"{"severities":[{"id":"1","at":"","name":""}]}"#;
        assert_eq!(lines(&schema, body), "{\"id\":\"1\",\"at\":null,\"name\":\"\"}\n");
    }

    #[test]
    fn a_pretty_printed_body_gives_one_line_per_record() {
        let schema = schema(&json!({"map": {"type": ["null", "object"]}, "list": {"type":
            ["null", "array"], "items": {"type": ["null", "object"], "properties": {"a": {}}}}}));
        let body = "{\n \"severities\": [\n {\n \"id\": \"1\",\n \"map\": {\n \"k y\": [\n1 ]\n},
            \"list\": [ { \"a\": [1,\r\n2] }, null, {} ] } ]\n}";
        assert_eq!(
            lines(&schema, body),
            "{\"id\":\"1\",\"map\":{\"k y\":[1]},\"list\":[{\"a\":[1,2]},null,{}]}\n"
        );
    }

    #[test]
    fn a_nul_is_taken_out_of_strings_names_and_maps() {
        let schema = schema(&json!({"map": {"type": ["null", "object"]}, "t": {}}));
        let body =
            r#"{"severities": [{"id": "1", "t": "a\u0000b", "map": {"k\u0000": "\u0000"}}]}"#;
        assert_eq!(lines(&schema, body), "{\"id\":\"1\",\"t\":\"ab\",\"map\":{\"k\":\"\"}}\n");
    }

    #[test]
    fn a_value_of_another_type_than_the_schemas_is_passed_on() {
        let object = json!({"type": ["null", "object"], "properties": {"a": {}}});
        let schema =
            schema(&json!({"o": object, "l": {"type": ["null", "array"], "items": object}}));
        for value in ["\"x\\n\"", "true", "-7", "18446744073709551615", "[1,{\"b\":2}]", "null"] {
            let body = format!(r#"{{"severities":[{{"id":"1","o":{value},"l":{value}}}]}}"#);
            let line = lines(&schema, &body);
            assert!(line.starts_with(&format!("{{\"id\":\"1\",\"o\":{value},")), "{line}");
        }
    }

    #[test]
    fn an_unknown_field_is_noted_with_its_path_and_left_out() {
        let schema = schema(&json!({"o": {"type": ["null", "object"], "properties": {"a": {}}}}));
        let page = read(&schema, r#"{"severities":[{"id":"1","x":1,"o":{"a":1,"y":[]}}]}"#);
        let page = page.unwrap();
        assert_eq!(page.unknown.into_iter().collect::<Vec<_>>(), ["o.y", "x"]);
        assert_eq!(page.lines, b"{\"id\":\"1\",\"o\":{\"a\":1}}\n");
    }

    #[test]
    fn an_empty_or_absent_cursor_is_the_end() {
        let schema = schema(&json!({}));
        for meta in [
            "",
            r#", "pagination_meta": {"after": ""}"#,
            r#", "pagination_meta": {}"#,
            r#", "pagination_meta": null"#,
        ] {
            let page = read(&schema, &format!(r#"{{"severities": []{meta}}}"#)).unwrap();
            assert_eq!((page.after, page.received), (None, 0));
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        let schema = schema(&json!({}));
        let said = |body: &str| read(&schema, body).unwrap_err().to_string();
        let messages = [
            said("<html>"),
            said(r#"{"severities": [{"id": "1"}"#),
            said(r#"{"severity": []}"#),
            said(r#"{"severities": null}"#),
            said(r#"{"severities": [{"id": "1"}, {"id": null}]}"#),
            said(r#"{"severities": [{"id": "1", "id": "2"}]}"#),
            said(r#"{"severities": [[]]}"#),
            said(&format!(r#"{{"severities":[{{"id":"1"}},{{"id":"2","x":{}"#, "[".repeat(200))),
            said(r#"{"severities": []} trailing"#),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
