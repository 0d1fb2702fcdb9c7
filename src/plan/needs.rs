//! What children need of their parents' lists. Pure.

use chrono::{DateTime, Utc};

use super::moves::{moved_since, moves, parents};
use super::{Extent, Filter, Inputs, detail, reading};
use crate::singer::catalog::{Method, Selected, Selection};
use crate::source::Source;
use crate::source::stream::{Parent, Stream};
use crate::source::window::Window;

/// What a child needs of a parent.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) parent: &'static Parent,
    /// The last changes of interest; everything where there is none.
    pub(super) since: Option<DateTime<Utc>>,
}

/// The streams of which lists are read: the selected ones and those that they need.
#[must_use]
pub fn concerned(source: &'static Source, selection: &Selection) -> Vec<&'static Stream> {
    let mut needs = Vec::new();
    for selected in &selection.streams {
        need(source, selected.stream.parents, None, &mut needs);
        if selected.method == Method::Incremental {
            need(source, selected.stream.changed_of, None, &mut needs);
        }
    }
    let mut concerned = Vec::new();
    for stream in source.streams {
        let is_selected = selection.streams.iter().any(|selected| selected.stream == stream);
        if is_selected || needs.iter().any(|need| need.parent.stream == stream.name) {
            concerned.push(stream);
        }
    }
    concerned
}

/// The stream's own list and those with the filters that its children need.
pub(super) fn filters(stream: &Stream, needs: &[Need]) -> Vec<Filter> {
    let mut filters: Vec<Filter> = vec![&[]];
    for need in needs.iter().filter(|need| need.parent.stream == stream.name) {
        if !filters.contains(&need.parent.filter) {
            filters.push(need.parent.filter);
        }
    }
    filters
}

/// What these streams need of others.
pub(super) fn needs_of(all: &[Selected], inputs: &Inputs) -> Vec<Need> {
    let (source, mut needs) = (inputs.config.source, Vec::new());
    let is_among = |name: &str| all.iter().any(|selected| selected.stream.name == name);
    for selected in all {
        let detail = detail(selected).map_or(&[][..], |detail| detail.parents);
        // Details are asked for each record of the list, whenever that changed.
        need(source, detail, None, &mut needs);
        // The notes are said once, where the list itself is planned.
        let reading = reading(selected, inputs, &mut Vec::new());
        need(source, reading.parents, reading.window.start, &mut needs);
        if let Some(counter) = counter(selected.stream, inputs)
            && is_among(counter.stream)
        {
            need(source, std::slice::from_ref(counter), None, &mut needs);
        }
        if let Some(moves) = moves(selected, inputs) {
            let since = moved_since(selected.stream, reading.bookmark.is_none(), inputs);
            need(source, parents(moves, inputs), since, &mut needs);
        }
    }
    needs
}

/// What counts the records of a stream, unless only some of them are asked for.
fn counter(stream: &Stream, inputs: &Inputs) -> Option<&'static Parent> {
    let is_whole = inputs.config.filters.is_empty() && inputs.extent == Extent::Whole;
    stream.counted_by.filter(|_| is_whole)
}

/// Adds what children need of their parents, and these of theirs: in full, unless they follow the changes of
/// theirs.
fn need(
    source: &Source,
    parents: &'static [Parent],
    since: Option<DateTime<Utc>>,
    needs: &mut Vec<Need>,
) {
    for parent in parents {
        match needs.iter_mut().find(|need| need.parent.is_same_feed(parent)) {
            Some(known) => known.since = known.since.zip(since).map(|(one, other)| one.min(other)),
            None => needs.push(Need { parent, since }),
        }
        let Some(stream) = source.named(parent.stream) else { continue };
        need(source, stream.parents, since.filter(|_| stream.follows_parents()), needs);
    }
}

/// What the API is asked for: the earliest that anyone needs.
pub(super) fn earliest(method: Option<Method>, own: Window, needs: &[&Need]) -> Window {
    let mut starts: Vec<_> = needs.iter().map(|need| need.since).collect();
    match method {
        Some(Method::FullTable) => return Window::default(),
        // Only what is emitted has an end: whatever changed later may have children that count.
        Some(Method::Incremental) if needs.is_empty() => return own,
        Some(Method::Incremental) => starts.push(own.start),
        None => {}
    }
    // Whoever has no start needs everything, which comes first in this order.
    Window { start: starts.into_iter().min().flatten(), end: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;
    use crate::sources::incident_io::INCIDENT_IO;

    #[test]
    fn parents_are_needed_with_their_own_parents_and_once() {
        let mut needs = Vec::new();
        for name in ["call_transcript_entries", "call_sessions", "incident_attachments"] {
            need(&INCIDENT_IO, INCIDENT_IO.named(name).unwrap().parents, None, &mut needs);
        }
        let names = needs.iter().map(|need| need.parent.stream).collect::<Vec<_>>();
        assert_eq!(names, ["call_sessions", "incidents"]);
    }

    #[test]
    fn a_parent_is_read_from_the_earliest_point_that_anyone_needs() {
        let incidents = INCIDENT_IO.named("incident_attachments").unwrap().parents;
        let time = |text| parse_time(text);
        let need_of = |since| Need { parent: &incidents[0], since };
        let (early, late) = (time("2026-01-01"), time("2026-02-01"));
        let own = Window { start: late, end: time("2026-03-01") };
        let start = |method, needs: &[&Need]| earliest(method, own, needs).start;
        assert_eq!(earliest(Some(Method::Incremental), own, &[]), own);
        assert_eq!(start(Some(Method::Incremental), &[&need_of(early)]), early);
        assert_eq!(start(Some(Method::Incremental), &[&need_of(None)]), None);
        assert_eq!(start(Some(Method::FullTable), &[&need_of(early)]), None);
        assert_eq!(start(None, &[&need_of(late)]), late);
        let mut needs = vec![need_of(late)];
        need(&INCIDENT_IO, incidents, early, &mut needs);
        assert_eq!(needs[0].since, early);
        need(&INCIDENT_IO, incidents, None, &mut needs);
        need(&INCIDENT_IO, incidents, late, &mut needs);
        assert_eq!(needs[0].since, None);
    }
}
