//! Config, catalog and state become what to fetch, in order: the selected streams, the parents
//! they need, for each its series of requests and the window of what is emitted. Pure; nothing is
//! fetched here.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use serde_json::Value;

use crate::catalog::{Method, Selected, Selection};
use crate::config::Config;
use crate::error::Error;
use crate::page::{Reader, Window};
use crate::record::Projection;
use crate::request::{Request, Series};
use crate::schema;
use crate::state::{State, format_time};
use crate::stream::{Detail, Granularity, Modes, Parent, REPLICATION_KEY, Shape, Stream, Windows};
use crate::streams::{STREAMS, named};

/// One list to read: a selected stream, or a parent for its children, or both.
#[derive(Debug)]
pub struct Planned {
    /// The row of the table.
    pub stream: &'static Stream,
    /// What is emitted; nothing of a parent that is read for its children only.
    pub selected: Option<Selected>,
    /// Everything the schema knows.
    pub known: Value,
    /// Where records lie in an answer.
    pub shape: Shape,
    /// Whose records it is asked for.
    pub parents: &'static [Parent],
    /// The parameters that make this another list than the stream's own.
    pub filter: Filter,
    /// The series of pages; of a child, for each parent.
    pub series: Vec<Series>,
    /// Whether the series may be cut into slices, and how finely the API's filter compares.
    pub cut: Option<Granularity>,
    /// What is emitted, by `updated_at`.
    pub window: Window,
    /// The incident modes that are asked for.
    pub modes: Vec<String>,
    /// What its records give to children.
    pub feeds: Vec<&'static Parent>,
    /// What the log should say before it starts.
    pub notes: Vec<String>,
}

impl Planned {
    /// How its pages are read.
    ///
    /// # Errors
    /// [`Error::Bug`] where the schema lacks a field of the key.
    pub fn reader(&self) -> Result<Reader, Error> {
        let feeds = self.feeds.iter().map(|feed| feed.bindings).collect();
        let schema = self.selected.as_ref().map_or(&Value::Null, |selected| &selected.schema);
        let projection = Projection::new(schema, &self.known);
        let reader = Reader::new(self.stream, self.shape, projection, feeds);
        let reader = if self.cut.is_some() { reader.noting_creation() } else { reader };
        match self.selected.as_ref().map(|selected| selected.method) {
            None => Ok(reader),
            Some(Method::FullTable) => reader.emitting(),
            Some(Method::Incremental) => Ok(reader.emitting()?.within(self.window)),
        }
    }

    /// Whether only what changed is emitted.
    #[must_use]
    pub fn is_incremental(&self) -> bool {
        self.selected.as_ref().is_some_and(|selected| selected.method == Method::Incremental)
    }
}

/// Parameters of a parent's list.
pub type Filter = &'static [(&'static str, &'static str)];

/// How much is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Whole,
    /// A record of each stream, in small pages.
    Sample,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The bookmarks.
    pub state: &'a State,
    /// The moment that windows are counted from.
    pub now: DateTime<Utc>,
    /// How much is to be read.
    pub extent: Extent,
}

/// Of a sample, this many records a page.
const SAMPLE_PAGE: u32 = 5;

/// The plan of a run, in the order of reading.
///
/// # Errors
/// [`Error::Bug`] where a parent has no schema.
pub fn plan(selection: Selection, basis: &Basis) -> Result<Vec<Planned>, Error> {
    let mut feeds = Vec::new();
    for selected in &selection.streams {
        let detail = detail(selected).map_or(&[][..], |detail| detail.parents);
        need(selected.stream.parents, &mut feeds);
        need(detail, &mut feeds);
    }
    let mut selected = selection.streams;
    let mut plan = Vec::new();
    for stream in STREAMS {
        let position = selected.iter().position(|selected| selected.stream == stream);
        let chosen = position.map(|position| selected.swap_remove(position));
        let mut filters: Vec<Filter> = vec![&[]];
        let own = feeds.iter().filter(|feed| feed.stream == stream.name);
        for feed in own.filter(|feed| !feed.filter.is_empty()) {
            if !filters.contains(&feed.filter) {
                filters.push(feed.filter);
            }
        }
        let mut chosen = chosen;
        for filter in filters {
            let is_of = |feed: &&&Parent| feed.stream == stream.name && feed.filter == filter;
            let feeds = feeds.iter().filter(is_of).copied().collect::<Vec<_>>();
            let chosen = chosen.take();
            if chosen.is_none() && feeds.is_empty() {
                continue;
            }
            match chosen.as_ref().and_then(detail) {
                None => plan.push(list(stream, chosen, filter, feeds, basis)?),
                Some(detail) => {
                    plan.push(list(stream, None, filter, feeds, basis)?);
                    plan.extend(chosen.map(|chosen| details(chosen, detail)));
                }
            }
        }
    }
    Ok(plan)
}

/// Adds what children need of their parents, and these of theirs.
fn need(parents: &'static [Parent], feeds: &mut Vec<&'static Parent>) {
    for parent in parents {
        if !feeds.iter().any(|feed| feed.is_same_feed(parent)) {
            feeds.push(parent);
            need(named(parent.stream).map_or(&[], |stream| stream.parents), feeds);
        }
    }
}

/// The detail requests of a stream, where a selected field is missing from its list.
fn detail(selected: &Selected) -> Option<&'static Detail> {
    let detail = selected.stream.detail.as_ref()?;
    let properties = selected.schema.get("properties").and_then(Value::as_object)?;
    properties.keys().any(|name| !detail.in_list.contains(&name.as_str())).then_some(detail)
}

/// The stream's own list, or one with a filter.
fn list(
    stream: &'static Stream,
    selected: Option<Selected>,
    filter: Filter,
    feeds: Vec<&'static Parent>,
    basis: &Basis,
) -> Result<Planned, Error> {
    let mut notes = Vec::new();
    let modes = modes(stream, &basis.config.incident_modes);
    let window = match selected.as_ref().map(|selected| selected.method) {
        Some(Method::FullTable) => {
            if basis.config.start_date.is_some() || basis.config.end_date.is_some() {
                notes.push("start_date and end_date do not bound a full-table stream".to_owned());
            }
            Window::default()
        }
        Some(Method::Incremental) => window(stream, &modes, basis, &mut notes),
        None => Window::default(),
    };
    // What is asked for feeds the children too, and they want all parents.
    let asked = if feeds.is_empty() { window } else { Window::default() };
    let mut series = series(stream, filter, asked, basis);
    if series.is_empty() {
        notes.push(format!("it has none of the incident_modes {:?}", basis.config.incident_modes));
    }
    if let (Some(start), Some(end)) = (asked.start, asked.end)
        && start >= end
    {
        notes.push(format!("nothing is left before end_date {}", format_time(end)));
        series.clear();
    }
    let known = match &selected {
        Some(selected) => selected.known.clone(),
        None => schema::embedded(stream)?,
    };
    let (shape, parents) = (stream.shape, stream.parents);
    // Slices are for scans of everything: a filter on `updated_at` leaves little to cut.
    let is_whole = asked == Window::default() && basis.extent == Extent::Whole;
    let cut = stream.times.filter(|_| is_whole);
    Ok(Planned {
        stream,
        selected,
        known,
        shape,
        parents,
        filter,
        series,
        cut,
        window,
        modes,
        feeds,
        notes,
    })
}

/// The details of a stream, one request for each record of its list.
fn details(selected: Selected, detail: &'static Detail) -> Planned {
    let first = Request::new(detail.path);
    Planned {
        stream: selected.stream,
        known: selected.known.clone(),
        selected: Some(selected),
        shape: detail.shape,
        parents: detail.parents,
        filter: &[],
        series: vec![Series { first, bound: Vec::new(), window: None }],
        cut: None,
        window: Window::default(),
        modes: Vec::new(),
        feeds: Vec::new(),
        notes: Vec::new(),
    }
}

/// From the bookmark on, or from the start of the config where there is none that is true for all
/// of these incident modes.
fn window(stream: &Stream, modes: &[String], basis: &Basis, notes: &mut Vec<String>) -> Window {
    let start = basis.config.start_date;
    let known = basis.state.modes(stream.name);
    let is_wider = |known: &Vec<&str>| modes.iter().any(|mode| !known.contains(&mode.as_str()));
    let mut bookmark = basis.state.bookmark(stream.name);
    if known.as_ref().is_some_and(is_wider) {
        notes.push(format!(
            "the bookmark is true for the modes {known:?} only; it is read once from its start"
        ));
        bookmark = None;
    }
    if let (Some(bookmark), Some(start)) = (bookmark, start)
        && start != bookmark
    {
        let (bookmark, start) = (format_time(bookmark), format_time(start));
        notes.push(format!("the bookmark {bookmark} counts, not start_date {start}"));
    }
    Window { start: bookmark.or(start), end: basis.config.end_date }
}

/// The series of a stream: one for each mode where the API takes one mode at a time, and for each
/// window.
fn series(stream: &Stream, filter: Filter, window: Window, basis: &Basis) -> Vec<Series> {
    let mut request = Request::new(stream.path);
    if let Some(page_size) = stream.page_size {
        let page_size = match basis.extent {
            Extent::Whole => page_size,
            Extent::Sample => page_size.min(SAMPLE_PAGE),
        };
        request = request.with("page_size", page_size.to_string());
    }
    for (name, value) in stream.fixed.iter().chain(filter) {
        request = request.with(*name, *value);
    }
    if let Some((operator, value)) = days(window) {
        request = request.with(format!("{REPLICATION_KEY}[{operator}]"), value);
    }
    let requests = by_mode(stream, request, &basis.config.incident_modes);
    let of = |first: Request| windows(stream, basis, &first);
    requests.into_iter().flat_map(of).collect()
}

/// Of the configured modes, those that the stream may be asked for.
fn modes(stream: &Stream, configured: &[String]) -> Vec<String> {
    let is_known = |mode: &&String| match stream.modes {
        Modes::None => false,
        Modes::Together(_, known) => known.contains(&mode.as_str()),
        Modes::OneByOne(_) => true,
    };
    configured.iter().filter(is_known).cloned().collect()
}

fn by_mode(stream: &Stream, request: Request, configured: &[String]) -> Vec<Request> {
    let modes = modes(stream, configured);
    match stream.modes {
        Modes::None => vec![request],
        // Without any mode the API would answer with its own choice of them.
        Modes::Together(..) if modes.is_empty() => Vec::new(),
        Modes::Together(name, _) => {
            vec![modes.into_iter().fold(request, |request, mode| request.with(name, mode))]
        }
        Modes::OneByOne(name) => {
            modes.into_iter().map(|mode| request.clone().with(name, mode)).collect()
        }
    }
}

/// `first` for each window that the stream is asked for.
fn windows(stream: &Stream, basis: &Basis, first: &Request) -> Vec<Series> {
    let plain = |first: &Request| Series { first: first.clone(), bound: Vec::new(), window: None };
    let today = basis.now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let start = today.checked_sub_days(Days::new(basis.config.schedule_window_days_back));
    let end = today.checked_add_days(Days::new(basis.config.schedule_window_days_ahead));
    let (Some(window), Some(start), Some(end)) = (stream.window, start, end) else {
        return vec![plain(first)];
    };
    let (names, spans) = match window {
        Windows::Whole(from, to) => ((from, to), vec![(start, end)]),
        Windows::Months(from, to) => ((from, to), months(start, end)),
    };
    let over = |span: (DateTime<Utc>, DateTime<Utc>)| {
        let first = first.clone().with(names.0, format_time(span.0));
        let first = first.with(names.1, format_time(span.1));
        Series { window: Some(span), ..plain(&first) }
    };
    spans.into_iter().map(over).collect()
}

/// The calendar months from that of `start` on, the last one up to `end`. They begin at the first
/// of a month whatever day it is, so that a record keeps its key from run to run.
fn months(start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let first = start.date_naive().with_day(1).unwrap_or_default().and_time(NaiveTime::MIN);
    let next = |month: &DateTime<Utc>| month.checked_add_months(Months::new(1));
    let starts = std::iter::successors(Some(first.and_utc()), next);
    let starts = starts.take_while(|month| *month < end);
    starts.map(|month| (month, next(&month).unwrap_or(end).min(end))).collect()
}

/// The API's filter for a window where it compares whole days in a time zone nobody documents: a
/// day wider at each bounded end. A closed window is one range, since gte with lte is refused.
fn days(window: Window) -> Option<(&'static str, String)> {
    let before = |time: DateTime<Utc>| time.date_naive().checked_sub_days(Days::new(1));
    let after = |time: DateTime<Utc>| time.date_naive().checked_add_days(Days::new(1));
    let text = |day: NaiveDate| day.format("%Y-%m-%d").to_string();
    match (window.start.and_then(before), window.end.and_then(after)) {
        (None, None) => None,
        (Some(start), None) => Some(("gte", text(start))),
        (None, Some(end)) => Some(("lte", text(end))),
        (Some(start), Some(end)) => Some(("date_range", format!("{}~{}", text(start), text(end)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::parse_time;

    fn window(start: Option<&str>, end: Option<&str>) -> Window {
        Window { start: start.and_then(parse_time), end: end.and_then(parse_time) }
    }

    #[test]
    fn whole_days_are_asked_one_day_wider_at_each_bounded_end() {
        let (start, end) = (Some("2026-01-01T00:00:00Z"), Some("2026-02-28T23:59:59Z"));
        assert_eq!(days(window(None, None)), None);
        assert_eq!(days(window(start, None)), Some(("gte", "2025-12-31".into())));
        assert_eq!(days(window(None, end)), Some(("lte", "2026-03-01".into())));
        let both = ("date_range", "2025-12-31~2026-03-01".into());
        assert_eq!(days(window(start, end)), Some(both));
    }

    #[test]
    fn months_begin_on_the_first_and_the_last_ends_with_the_window() {
        let time = |text| parse_time(text).unwrap();
        let (october, november) = (time("2026-10-01"), time("2026-11-01"));
        let end = time("2026-11-20");
        assert_eq!(months(time("2026-10-21"), end), [(october, november), (november, end)]);
        assert_eq!(months(time("2026-10-21"), november), [(october, november)]);
        assert_eq!(months(end, end), [(november, end)]);
    }

    #[test]
    fn parents_are_needed_with_their_own_parents_and_once() {
        let mut feeds = Vec::new();
        for name in ["call_transcript_entries", "call_sessions", "incident_attachments"] {
            need(named(name).unwrap().parents, &mut feeds);
        }
        let names = feeds.iter().map(|feed| feed.stream).collect::<Vec<_>>();
        assert_eq!(names, ["call_sessions", "incidents"]);
    }
}
