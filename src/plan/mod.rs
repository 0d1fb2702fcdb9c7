//! Config, catalog and state become what to fetch, in order: the selected streams, the parents
//! they need, for each its series of requests, the window of what is emitted, and where an
//! interrupted run had come to. Pure; nothing is fetched here.

mod details;
mod moves;
mod needs;
mod resume;
mod series;
mod since;
mod version;

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::details::{detail, details};
use self::moves::moved;
pub use self::needs::concerned;
use self::needs::{Need, earliest, filters, needs_of};
use self::series::{modes, series};
use self::since::Reading;
pub use self::version::Version;
use self::version::version;
use crate::api::offer::Offer;
use crate::base::error::Error;
use crate::base::time::format_time;
use crate::bookmark::memory::Memory;
use crate::bookmark::moved::Moved;
use crate::bookmark::position::Position;
use crate::bookmark::validity::{Fields, Sight, Validity};
use crate::config::Config;
use crate::page::Reader;
use crate::record::Projection;
use crate::singer::catalog::{Method, Selected, Selection};
use crate::singer::state::State;
use crate::source::request::Series;
use crate::source::schema;
use crate::source::slice::Cut;
use crate::source::stream::{Parent, Shape, Stream};
use crate::source::window::Window;

/// What a run reads.
#[derive(Debug, Default)]
pub struct Plan {
    /// Lists, in the order of reading.
    pub lists: Vec<Planned>,
    /// Streams that an interrupted run had read to their end.
    pub complete: Vec<&'static str>,
    /// Selected streams that are not read, since nothing of them can be: of a backfill.
    pub left_out: Vec<&'static str>,
    /// When the run began, or the one that it goes on with.
    pub began: DateTime<Utc>,
    /// What the log should say before anything is read.
    pub notes: Vec<String>,
}

/// One list to read: a selected stream, or a parent for its children, or both.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The row of the table.
    pub stream: &'static Stream,
    /// What the API is asked for.
    pub asked: Asked,
    /// What is emitted; nothing of a parent that is read for its children only.
    pub emitted: Option<Emitted>,
    /// What its records give to children.
    pub feeds: Vec<&'static Parent>,
    /// How far an interrupted run has got, or the start.
    pub position: Position,
    /// Where it ends before its end: what lies behind is left to the list after it, which gives to the same
    /// children.
    pub upto: Option<Position>,
    /// Which reading of its stream in this run it is.
    pub pass: Pass,
    /// What the log should say before it starts.
    pub notes: Vec<String>,
}

/// What the API is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where records lie in an answer.
    pub shape: Shape,
    /// Whose records it is asked for.
    pub parents: &'static [Parent],
    /// Which of those, of a child that is read by what changed: those that changed in this window, which
    /// is that of what is emitted and of what its own children need.
    pub parents_changed: Option<Window>,
    /// The parameters that make this another list than the stream's own.
    pub filter: Filter,
    /// The series of pages; of a child, for each parent.
    pub series: Vec<Series>,
    /// Whether and how the series may be cut into slices.
    pub cut: Option<Cut>,
    /// How many pages the whole list has, where it can be had instead of asking for each of the parents:
    /// where more of these changed, that costs less.
    pub whole: Option<u64>,
}

/// What is emitted of a list.
#[derive(Debug, Clone)]
pub struct Emitted {
    /// The stream as the catalog wants it.
    pub selected: Selected,
    /// Which records, by their replication key.
    pub window: Window,
    /// What the last scan wrote, and how much of this one is to be remembered.
    pub memory: Memory,
    /// What the next bookmark will be true for.
    pub validity: Validity,
    /// Whether an incremental stream is read in full.
    pub is_full: bool,
    /// Of a full table, where versions are wanted.
    pub version: Option<Version>,
}

/// Which reading of its stream in this run a list is.
#[derive(Debug, Clone)]
pub enum Pass {
    /// The first, and mostly the only one.
    First,
    /// One more, after a first that went on where an interrupted run had ended: of what has changed since
    /// that run began, since rows may have changed behind its position.
    FollowUp,
    /// One more, of parents whose records came into another series; with what was known of those.
    Moved(Moved),
}

impl Planned {
    /// Whether it is the first reading of its stream in this run.
    #[must_use]
    pub fn is_first(&self) -> bool {
        matches!(self.pass, Pass::First)
    }

    /// What was known of parents whose records may have come into another series, where it is for those.
    #[must_use]
    pub fn moved(&self) -> Option<&Moved> {
        match &self.pass {
            Pass::Moved(moved) => Some(moved),
            Pass::First | Pass::FollowUp => None,
        }
    }

    /// How its pages are read.
    ///
    /// # Errors
    /// [`Error::Bug`] where the schema lacks a field of the key.
    pub fn reader(&self) -> Result<Reader, Error> {
        let feeds = self.feeds.iter().map(|feed| feed.bindings).collect();
        let ours = schema::embedded(self.stream)?;
        let (schema, known) = match &self.emitted {
            Some(Emitted { selected, .. }) => (&selected.schema, &selected.known),
            None => (&Value::Null, &ours),
        };
        let projection = Projection::new(schema, known, &ours);
        let reader = Reader::new(self.stream, self.asked.shape, projection, feeds);
        let reader = if self.asked.cut.is_some() { reader.noting_creation() } else { reader };
        let Some(emitted) = &self.emitted else { return Ok(reader) };
        match emitted.selected.method {
            Method::FullTable => {
                let version = emitted.version.as_ref().map(|version| version.number);
                Ok(reader.emitting()?.with_version(version))
            }
            Method::Incremental => {
                Ok(reader.emitting()?.within(emitted.window, emitted.memory.clone()))
            }
        }
    }

    /// Whether it goes on with the scan of an interrupted run, so that a [`Pass::FollowUp`] comes after it.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.position.is_inside() && self.position.cap.is_some()
    }

    /// Whether only what changed is emitted.
    #[must_use]
    pub fn is_incremental(&self) -> bool {
        self.emitted.as_ref().is_some_and(|emitted| emitted.selected.method == Method::Incremental)
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
pub struct Inputs<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The bookmarks.
    pub state: &'a State,
    /// The moment that windows are counted from.
    pub now: DateTime<Utc>,
    /// How much is to be read.
    pub extent: Extent,
    /// What the key sees, as far as that is known already.
    pub sight: &'a Sight,
    /// What the API's filters take beyond its document.
    pub offer: &'a Offer,
}

/// The plan of a run.
#[must_use]
pub fn plan(selection: Selection, inputs: &Inputs) -> Plan {
    let mut plan = Plan { began: inputs.now, ..Plan::default() };
    let mut selected = selection.streams;
    if inputs.config.is_backfill {
        backfill(&mut selected, &mut plan);
    }
    // What is read already needs no parents either, so it is left out before these are looked for.
    resume::skip(&mut selected, &mut plan, inputs);
    let needs = needs_of(&selected, inputs);
    // The table has parents before children, and so has the plan.
    for stream in inputs.config.source.streams {
        let position = selected.iter().position(|selected| selected.stream == stream);
        let mut chosen = position.map(|position| selected.swap_remove(position));
        for filter in filters(stream, &needs) {
            let mut of_list = Vec::new();
            for need in &needs {
                if need.parent.stream == stream.name && need.parent.filter == filter {
                    of_list.push(need);
                }
            }
            // The first list is the stream's own, and the only one that is emitted.
            let chosen = chosen.take();
            if chosen.is_none() && of_list.is_empty() {
                continue;
            }
            match chosen.as_ref().and_then(detail) {
                None => {
                    let own = list(stream, chosen, filter, &of_list, inputs);
                    let moved = moved(&own, inputs);
                    plan.lists.push(own);
                    plan.lists.extend(moved);
                }
                // The list is read for the ids only; its details are what is emitted.
                Some(detail) => {
                    plan.lists.push(list(stream, None, filter, &of_list, inputs));
                    let version = chosen.as_ref().and_then(|chosen| version(chosen, inputs));
                    plan.lists.extend(chosen.map(|chosen| details(chosen, detail, version)));
                }
            }
        }
    }
    resume::go_on(&mut plan, inputs);
    plan
}

/// Of a backfill only streams are read that the API can filter by their last change.
fn backfill(selected: &mut Vec<Selected>, plan: &mut Plan) {
    for chosen in std::mem::take(selected) {
        if chosen.stream.times.is_some() {
            selected.push(Selected { method: Method::Incremental, ..chosen });
        } else {
            plan.left_out.push(chosen.stream.name);
        }
    }
    if !plan.left_out.is_empty() {
        plan.notes.push(format!(
            "the API has no filter over changes of these, so a backfill leaves them out: {}",
            plan.left_out.join(", ")
        ));
    }
}

fn reading(selected: &Selected, inputs: &Inputs, notes: &mut Vec<String>) -> Reading {
    let config = inputs.config;
    match selected.method {
        Method::Incremental => {
            let modes = asked_modes(selected.stream, Method::Incremental, inputs);
            Reading::of(selected, &modes, inputs, notes)
        }
        Method::FullTable => {
            if config.start_date.is_some() || config.end_date.is_some() {
                notes.push("start_date and end_date do not bound a full-table stream".to_owned());
            }
            if inputs.state.bookmark(selected.stream).is_some() {
                notes.push(
                    "it is read in full, and its bookmark stays as it is; `incremental` uses it"
                        .to_owned(),
                );
            }
            Reading::whole(selected.stream)
        }
    }
}

/// The stream whose filters decide which records come: of what is asked for by parent, the parent.
fn filtered(stream: &'static Stream, method: Method) -> &'static Stream {
    let parent = match method {
        Method::FullTable => stream.parents.first(),
        Method::Incremental => stream.all_parents().next(),
    };
    parent.and_then(|parent| stream.source.named(parent.stream)).unwrap_or(stream)
}

/// The modes that a stream's records are of.
fn asked_modes(stream: &'static Stream, method: Method, inputs: &Inputs) -> Vec<String> {
    modes(filtered(stream, method), &inputs.config.modes)
}

/// What those are asked for beyond the API's document.
fn asked_more(stream: &'static Stream, method: Method, inputs: &Inputs) -> Vec<String> {
    let more = inputs.offer.of(filtered(stream, method));
    more.map(|(parameter, value)| format!("{parameter}={value}")).collect()
}

/// The stream's own list, or one with a filter.
fn list(
    stream: &'static Stream,
    selected: Option<Selected>,
    filter: Filter,
    needs: &[&Need],
    inputs: &Inputs,
) -> Planned {
    let mut notes = Vec::new();
    let method = selected.as_ref().map(|selected| selected.method);
    let reading = match &selected {
        Some(selected) => reading(selected, inputs, &mut notes),
        None => Reading::whole(stream),
    };
    let asked = earliest(method, reading.window, needs);
    let mut series = series(stream, filter, asked, inputs);
    if series.is_empty() {
        let setting = stream.source.settings.modes.unwrap_or_default();
        notes.push(format!("it has none of the {setting} {:?}", inputs.config.modes));
    }
    if let (Some(start), Some(end)) = (reading.window.start, reading.window.end)
        && start >= end
        && needs.is_empty()
    {
        notes.push(format!("nothing is left before end_date {}", format_time(end)));
        series.clear();
    }
    let is_of_parents = !reading.parents.is_empty();
    let is_by_change = is_of_parents && stream.parents.is_empty();
    // Slices are for scans of everything: a filter over changes leaves little to cut.
    let is_whole = asked == Window::default() && inputs.extent == Extent::Whole;
    Planned {
        stream,
        asked: Asked {
            shape: stream.shape,
            parents: reading.parents,
            parents_changed: parents_changed(stream, method, asked).filter(|_| is_of_parents),
            filter,
            series,
            cut: Cut::of(stream).filter(|_| is_whole),
            // Where that is not known the whole list is read, and it is known from then on.
            whole: is_by_change.then(|| inputs.state.pages(stream).unwrap_or_default()),
        },
        emitted: selected.map(|selected| Emitted {
            validity: validity(&selected, inputs),
            version: version(&selected, inputs),
            selected,
            window: reading.window,
            is_full: reading.bookmark.is_none(),
            memory: reading.memory,
        }),
        feeds: needs.iter().map(|need| need.parent).collect(),
        position: Position::default(),
        upto: None,
        pass: Pass::First,
        notes,
    }
}

/// Which of its parents a list is read for, where not for all of them.
fn parents_changed(stream: &Stream, method: Option<Method>, asked: Window) -> Option<Window> {
    match method {
        Some(Method::Incremental) => Some(asked),
        Some(Method::FullTable) => None,
        // Read for its own children only.
        None => Some(asked).filter(|asked| stream.follows_parents() && asked.start.is_some()),
    }
}

/// What a bookmark of the stream will be true for; what the key sees may not be known yet.
fn validity(selected: &Selected, inputs: &Inputs) -> Validity {
    let stream = selected.stream;
    let modes = asked_modes(stream, selected.method, inputs);
    Validity {
        modes: (!modes.is_empty()).then_some(modes),
        more: asked_more(stream, selected.method, inputs),
        sight: Sight::default(),
        fields: Some(Fields::of(&selected.schema)),
    }
}
