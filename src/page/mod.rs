//! A body becomes a page: its records as lines, what they give to the stream's children, the
//! cursor of the next page, the total. A page that turns out broken is an error and leaves no half
//! line behind.

mod draft;
mod envelope;

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash};

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;

use self::draft::Draft;
use crate::base::error::Error;
use crate::bookmark::memory::{Memory, Seen};
use crate::json::tidy::Tidy;
use crate::json::{self, Flaw, Parser, Problem};
use crate::record::columns::{self, Columns};
use crate::record::lines::{Large, Lines};
use crate::record::{Projection, Written};
use crate::source::Paging;
use crate::source::request::Series;
use crate::source::stream::{Binding, Shape, Stream, Unfinished};
use crate::source::window::Window;

/// How the pages of a stream are read.
#[derive(Debug)]
pub struct Reader {
    stream: &'static Stream,
    shape: Shape,
    projection: Projection,
    feeds: Vec<&'static [Binding]>,
    key: Vec<(&'static str, usize)>,
    /// How keys are hashed, which are compared within a list only.
    keys: ahash::RandomState,
    changed_at: Option<usize>,
    unfinished: Option<Pending>,
    created_at: Option<usize>,
    window: Window,
    memory: Memory,
    is_emitting: bool,
    version: Option<i64>,
    repeats: Repeats,
}

/// How a record shows that it is not finished.
#[derive(Debug)]
struct Pending {
    rule: Unfinished,
    /// Where its fields are: any of the ends, and the list.
    ends: Vec<usize>,
    list: Option<usize>,
}

impl Pending {
    fn is_finished(&self, written: &Written) -> bool {
        let sent = |position: &usize| written.captured(*position).unwrap_or("null");
        // An empty text says nothing.
        if self.ends.iter().any(|position| !["null", "\"\""].contains(&sent(position))) {
            return true;
        }
        let items = self.list.as_ref().map(|position| json::items(sent(position)));
        items.unwrap_or_default().into_iter().all(|item| {
            let state = json::at(item, self.rule.pointer).and_then(json::text);
            state.is_some_and(|state| self.rule.done.contains(&state.as_ref()))
        })
    }
}

/// Whether a record of a list may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// It is not meant to.
    Never,
    /// On another page, the same; the list's pages overlap.
    Same,
    /// On another page, and maybe changed; the list is paged by offset.
    Shifted,
}

/// An answer to be read.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    /// What was sent.
    pub text: &'a [u8],
    /// When it was complete.
    pub read_at: DateTime<Utc>,
}

/// What came in one answer.
#[derive(Debug, Default)]
pub struct Page {
    /// The records that are to be emitted, a line each.
    pub lines: Lines,
    /// How many those are.
    pub emitted: u64,
    /// How many records came.
    pub received: u64,
    /// How many records have no replication key, in an incremental stream.
    pub timeless: u64,
    /// How many have a key in common with another one that differs, where pages overlap.
    pub sharing_keys: u64,
    /// Records that may be too large for a target.
    pub large: Large,
    /// Hashes of their keys, where they are emitted and each comes once, or are paged by offset.
    pub keys: Vec<u64>,
    /// Those of them that had not come before, where they are paged by offset.
    pub news: Vec<u64>,
    /// What the records give to children: which feed, and the values of its bindings.
    pub bound: Vec<(usize, Vec<String>)>,
    /// The latest replication key of what is in the window, in an incremental stream.
    pub newest: Option<DateTime<Utc>>,
    /// How many records lie before the window.
    pub before: u64,
    /// When the oldest record was created that is not finished and is waited for.
    pub unfinished: Option<DateTime<Utc>>,
    /// Of an incremental stream: the records that are to be written, and those that the last scan had
    /// written.
    pub seen: Vec<Seen>,
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
    /// How many values those were.
    pub values_nulled: u64,
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
        let repeats = match stream.source.paging {
            Paging::Offset { .. } if stream.page_size.is_some() => Repeats::Shifted,
            _ if stream.is_overlapping => Repeats::Same,
            _ => Repeats::Never,
        };
        let fields = feeds.iter().copied().flatten().map(|binding| binding.field);
        let key = if repeats == Repeats::Shifted { stream.key } else { &[] };
        let fields = fields.chain(columns::sources(stream)).chain(key.iter().copied());
        let projection = projection.capturing(fields).kept_elsewhere(&columns::kept(stream));
        let key = key.iter().filter_map(|name| Some((*name, projection.position(name)?)));
        Self {
            key: key.collect(),
            stream,
            shape,
            projection,
            feeds,
            keys: ahash::RandomState::new(),
            changed_at: None,
            unfinished: None,
            created_at: None,
            window: Window::default(),
            memory: Memory::default(),
            is_emitting: false,
            version: None,
            repeats,
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
        self.key.clear();
        for name in self.stream.key {
            let Some(position) = self.projection.position(name) else {
                return Err(Error::Bug(format!("`{name}` of `{}` is not read", self.stream.name)));
            };
            self.key.push((*name, position));
        }
        self.is_emitting = true;
        Ok(self)
    }

    /// Whether its records are emitted.
    #[must_use]
    pub fn is_emitting(&self) -> bool {
        self.is_emitting
    }

    /// The same, and gives each record that is emitted a version.
    #[must_use]
    pub fn with_version(self, version: Option<i64>) -> Self {
        Self { version, ..self }
    }

    /// The version of what is emitted.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// The same, for an incremental stream: only records of that window are emitted, and none that
    /// the last scan wrote.
    #[must_use]
    pub fn within(mut self, window: Window, memory: Memory) -> Self {
        if let Some(rule) = self.stream.unfinished {
            let fields = rule.ends.iter().copied().chain([rule.list]);
            self.projection = self.projection.capturing(fields);
            let position = |name: &&str| self.projection.position(name);
            let (ends, list) = (rule.ends.iter().filter_map(position), position(&rule.list));
            self.unfinished = Some(Pending { rule, ends: ends.collect(), list });
        }
        let key = self.stream.replication_key();
        self.changed_at = key.and_then(|key| self.projection.position(key));
        self.window = window;
        self.memory = memory;
        self
    }

    /// The same, and notes when records were created.
    #[must_use]
    pub fn noting_creation(mut self) -> Self {
        let created = self.stream.source.filters.created;
        self.projection = self.projection.capturing(std::iter::once(created));
        self.created_at = self.projection.position(created);
        self
    }

    /// Whether nothing of the window comes after a page of a list that is newest first.
    #[must_use]
    pub fn is_past(&self, page: &Page) -> bool {
        self.stream.is_newest_first && page.received > 0 && page.before == page.received
    }

    /// Reads one body of a series. Each emitted record is added to `lines`. Keys in `seen` are not emitted
    /// again, where the stream's pages overlap.
    ///
    /// # Errors
    /// [`Error::Garbled`] where the body is not JSON, [`Error::Contract`] where it has no list of
    /// records, or a record lacks its key.
    pub fn read(
        &self,
        body: Body,
        series: &Series,
        seen: &mut HashSet<u64>,
        lines: Lines,
    ) -> Result<Page, Error> {
        let text = simdutf8::compat::from_utf8(body.text)
            .map_err(|error| Error::Garbled(format!("it is not UTF-8: {error}")))?;
        let text = Tidy::new(text).map_err(|error| Error::Garbled(explain(&error, text)))?;
        let mut owner = self.keys.build_hasher();
        series.bound.first().map(|(_, value)| value).hash(&mut owner);
        let mut draft = Draft {
            reader: self,
            owner,
            columns: Columns::new(
                self.stream,
                &self.projection,
                series,
                (text.as_str(), body.read_at),
            ),
            asked: columns::parent_fields(self.stream, &self.projection, series),
            written: Written::new(&text, &self.projection),
            page: Page { lines, ..Page::default() },
            candidates: Vec::new(),
            is_of_parent: !series.bound.is_empty(),
            seen,
        };
        draft.body(&mut Parser::new(&text)).map_err(|flaw| flawed(flaw, text.as_str()))?;
        draft.remember();
        let Draft { written, mut page, .. } = draft;
        page.unknown = written.unknown;
        page.nulled = written.nulled;
        page.values_nulled = written.values_nulled;
        Ok(page)
    }
}

/// What is wrong with a body. Of what is no JSON, `serde_json` says where.
fn flawed(flaw: Flaw, text: &str) -> Error {
    match (flaw.problem(), serde_json::from_str::<IgnoredAny>(text)) {
        (Problem::Contract(problem), _) => Error::Contract(problem),
        (Problem::Syntax, Err(error)) => Error::Garbled(explain(&error, text)),
        (Problem::Syntax, Ok(_)) => {
            Error::Bug("serde_json reads a body that is no JSON".to_owned())
        }
    }
}

/// Why a body is no JSON, with its beginning.
#[must_use]
pub fn explain(error: &serde_json::Error, text: &str) -> String {
    let start = text.trim_start().chars().take(60).collect::<String>();
    let kind = if start.starts_with('<') { "HTML" } else { "not JSON" };
    format!("it is {kind} ({error}): {start:?}")
}

#[cfg(test)]
mod tests;
