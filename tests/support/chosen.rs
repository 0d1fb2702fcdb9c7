//! A stream as a catalog has it, and what the tap makes of a body of it.

use std::collections::HashSet;

use serde_json::Value;
use tap_incident::base::error::Error;
use tap_incident::base::time::parse_time;
use tap_incident::page::{Body, Page, Reader};
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::singer::catalog::{self, Selected};
use tap_incident::source::Paging;
use tap_incident::source::request::{Request, Series};
use tap_incident::source::schema;
use tap_incident::source::stream::{Binding, Stream};
use tap_incident::sources::SOURCES;

use crate::body::bound;
use crate::reading::{Outcome, READ_AT, Reading, SETTING};
use crate::tree::Tree;
use crate::twist::{Placed, twisted};

const WINDOW: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");

/// What a stream becomes by a catalog, what its children take from it, and how it is read.
pub struct Chosen {
    pub selected: Selected,
    feeds: Vec<&'static [Binding]>,
    reader: Reader,
    series: Series,
}

impl Chosen {
    /// A stream with its catalog twisted, and with fields of any name and type that users add.
    pub fn of(stream: &'static Stream, twists: &[Placed], added: &[(String, Value)]) -> Self {
        let source = stream.source;
        let mut catalog = twisted(source, &[stream.name], twists);
        let schema = &mut catalog["streams"][0]["schema"];
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            fields.extend(added.iter().cloned());
        }
        let selected = catalog::selection(source, catalog, &catalog::Incremental::default())
            .unwrap()
            .streams
            .remove(0);
        let parents = source.streams.iter().flat_map(|child| child.parents);
        let parents = parents.filter(|parent| parent.stream == stream.name);
        let feeds = parents.map(|parent| parent.bindings).collect::<Vec<_>>();
        let ours = schema::embedded(stream).unwrap();
        let projection = Projection::new(&selected.schema, &selected.known, &ours);
        let reader = Reader::new(stream, stream.shape, projection, feeds.clone());
        let reader = reader.emitting().unwrap();
        Self { selected, feeds, reader, series: series(stream) }
    }

    /// What should come out of a body.
    pub fn expected(&self, body: &Tree) -> Result<Outcome, String> {
        let Selected { stream, schema, known, .. } = &self.selected;
        let window = stream.window.is_some().then_some(WINDOW);
        Reading { stream, schema, known, feeds: &self.feeds, window }.of(body)
    }

    /// What comes out of it.
    pub fn outcome(&self, body: &[u8]) -> Result<Outcome, String> {
        let page = page(&self.reader, &self.series, body);
        let page = page.map_err(|error| error.to_string())?;
        let lines = lines(&page);
        assert_eq!(lines.matches('\n').count(), usize::try_from(page.emitted).unwrap(), "{lines}");
        let records = lines.lines().map(Tree::read).collect();
        let Page { unknown, nulled, values_nulled, bound, after, total, .. } = page;
        Ok(Outcome { records, unknown, nulled, values_nulled, bound, after, total })
    }
}

/// The streams of all sources.
pub fn streams() -> Vec<&'static Stream> {
    SOURCES.iter().flat_map(|source| source.streams).collect()
}

/// A series of requests whose answers have everything that is taken from around a record.
fn series(stream: &'static Stream) -> Series {
    let parameters = stream.parents.iter().take(1).flat_map(|parent| parent.bindings);
    let parameters = parameters.map(|binding| binding.parameter);
    let bound = |parameter| (parameter, bound(stream, parameter).to_owned());
    let bound = parameters.map(bound).collect();
    let time = |text| parse_time(text).unwrap();
    let window = stream.window.map(|_| (time(WINDOW.0), time(WINDOW.1)));
    let settings = stream.source.address.settings().map(|name| (name, SETTING.to_owned()));
    let settings = settings.collect();
    let first = Request::new(stream.path);
    Series { bound, window, settings, ..Series::of(first) }
}

/// What a body is read as.
pub fn page(reader: &Reader, series: &Series, body: &[u8]) -> Result<Page, Error> {
    let lines = Lines::default().framed((String::new(), "\n".to_owned()));
    let body = Body { text: body, read_at: parse_time(READ_AT).unwrap() };
    reader.read(body, series, &mut HashSet::new(), lines)
}

pub fn lines(page: &Page) -> String {
    String::from_utf8(page.lines.pieces().collect::<Vec<_>>().concat()).unwrap()
}

/// Of records that are the same one may come or more, where pages overlap.
pub fn comparable(mut outcome: Outcome, stream: &Stream) -> Outcome {
    let records = std::mem::take(&mut outcome.records).into_iter().map(Tree::sorted);
    let is_by_offset = matches!(stream.source.paging, Paging::Offset { .. });
    let key = |record: &Tree| record.field(stream.key[0]).cloned();
    for record in records {
        let is_known = match () {
            () if is_by_offset => outcome.records.iter().any(|known| key(known) == key(&record)),
            () => stream.is_overlapping && outcome.records.contains(&record),
        };
        if !is_known {
            outcome.records.push(record);
        }
    }
    outcome
}
