//! A stream as a catalog has it, and what the tap makes of a body of it.

use std::collections::HashSet;

use proptest::sample::Index;
use serde_json::Value;
use stand_in::NOW;
use tap_incident::base::error::Error;
use tap_incident::base::time::parse_time;
use tap_incident::page::{Body, Page, Reader};
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::singer::catalog::Selected;
use tap_incident::source::request::{Request, Series};
use tap_incident::source::schema;
use tap_incident::source::stream::Binding;
use tap_incident::sources::SOURCES;

use crate::body::bound;
use crate::reading::{Outcome, Reading, SETTING};
use crate::tree::Tree;
use crate::twist::{Placed, twisted};

const WINDOW: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");

/// What a stream becomes by a catalog, and what its children take from it.
pub struct Chosen {
    pub selected: Selected,
    feeds: Vec<&'static [Binding]>,
}

impl Chosen {
    /// One of all streams with its catalog twisted, and with fields of any name and type that users add.
    pub fn of(at: Index, twists: &[Placed], added: &[(String, Value)]) -> Self {
        let streams = SOURCES.iter().flat_map(|source| source.streams).collect::<Vec<_>>();
        let stream = streams[at.index(streams.len())];
        let source = stream.source;
        let mut catalog = twisted(source, &[stream.name], twists);
        let schema = &mut catalog["streams"][0]["schema"];
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            fields.extend(added.iter().cloned());
        }
        let selected =
            tap_incident::singer::catalog::selection(source, catalog).unwrap().streams.remove(0);
        let parents = source.streams.iter().flat_map(|child| child.parents);
        let parents = parents.filter(|parent| parent.stream == stream.name);
        Self { selected, feeds: parents.map(|parent| parent.bindings).collect() }
    }

    /// What should come out of a body.
    pub fn expected(&self, body: &Tree) -> Result<Outcome, String> {
        let Selected { stream, schema, known, .. } = &self.selected;
        let window = stream.window.is_some().then_some(WINDOW);
        Reading { stream, schema, known, feeds: &self.feeds, window }.of(body)
    }

    /// What comes out of it.
    pub fn outcome(&self, body: &str) -> Result<Outcome, String> {
        let Selected { stream, schema, known, .. } = &self.selected;
        let ours = schema::embedded(stream).unwrap();
        let projection = Projection::new(schema, known, &ours);
        let reader = Reader::new(stream, stream.shape, projection, self.feeds.clone());
        let parameters = stream.parents.iter().take(1).flat_map(|parent| parent.bindings);
        let parameters = parameters.map(|binding| binding.parameter);
        let bound = |parameter| (parameter, bound(stream, parameter).to_owned());
        let bound = parameters.map(bound).collect();
        let time = |text| parse_time(text).unwrap();
        let window = stream.window.map(|_| (time(WINDOW.0), time(WINDOW.1)));
        let settings = stream.source.address.settings().map(|name| (name, SETTING.to_owned()));
        let settings = settings.collect();
        let first = Request::new(stream.path);
        let series = Series { bound, window, settings, ..Series::of(first) };
        let page = page(&reader.emitting().unwrap(), &series, body.as_bytes());
        let page = page.map_err(|error| error.to_string())?;
        let lines = lines(&page);
        assert_eq!(lines.matches('\n').count(), usize::try_from(page.emitted).unwrap(), "{lines}");
        let records = lines.lines().map(Tree::read).collect();
        let Page { unknown, nulled, values_nulled, bound, .. } = page;
        Ok(Outcome { records, unknown, nulled, values_nulled, bound })
    }
}

/// What a body is read as.
pub fn page(reader: &Reader, series: &Series, body: &[u8]) -> Result<Page, Error> {
    let lines = Lines::default().framed((String::new(), "\n".to_owned()));
    let body = Body { text: body, read_at: NOW };
    reader.read(body, series, &mut HashSet::new(), lines)
}

pub fn lines(page: &Page) -> String {
    String::from_utf8(page.lines.pieces().collect::<Vec<_>>().concat()).unwrap()
}
