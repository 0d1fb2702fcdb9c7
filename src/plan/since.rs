//! From when on an incremental stream is read: after its bookmark, if that is true for what is read
//! now, and again from the start where it is not. Pure.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Extent, Inputs};
use crate::base::cut;
use crate::base::time::{format_time, moved};
use crate::bookmark::memory::Memory;
use crate::singer::catalog::{Method, Selected};
use crate::source::stream::{Modes, Parent, Stream};
use crate::source::window::Window;

/// What is read of an incremental stream.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// By its replication key.
    pub(super) window: Window,
    /// What the last scan wrote of it.
    pub(super) memory: Memory,
    /// The bookmark that is gone on from; none where everything is read.
    pub(super) bookmark: Option<DateTime<Utc>>,
    /// Whose records are asked for.
    pub(super) parents: &'static [Parent],
}

/// So often a stream is read in full, where the config says nothing, whose rows change without a trace.
const FULL_SCAN: TimeDelta = TimeDelta::days(30);

impl Reading {
    /// Everything that there is.
    pub(super) fn whole(stream: &Stream) -> Self {
        Self { parents: stream.parents, ..Self::default() }
    }

    pub(super) fn of(
        selected: &Selected,
        modes: &[String],
        inputs: &Inputs,
        notes: &mut Vec<String>,
    ) -> Self {
        let (stream, config) = (selected.stream, inputs.config);
        let (start, end) = (config.start_date, config.end_date);
        if config.is_backfill {
            return Self { window: Window { start, end }, ..Self::whole(stream) };
        }
        let is_child = !stream.parents.is_empty();
        let keep =
            if is_child { config.lookback.max(config.child_lookback) } else { config.lookback };
        let held_back = stream.unfinished.map_or(TimeDelta::zero(), |_| config.unfinished);
        let waits_since = stream.unfinished.map(|_| moved(inputs.now, -config.unfinished));
        let memory = |known| Memory { known, keep, held_back, waits_since };
        let Some(bookmark) = bookmark(selected, modes, inputs, notes) else {
            let (window, memory) = (Window { start, end }, memory(HashSet::new()));
            return Self { window, memory, ..Self::whole(stream) };
        };
        if let Some(start) = start.filter(|start| *start != bookmark) {
            let (bookmark, start) = (format_time(bookmark), format_time(start));
            notes.push(format!("the bookmark {bookmark} counts, not start_date {start}"));
        }
        let memory = memory(inputs.state.recent(stream));
        let window = Window { start: Some(from(bookmark, stream, inputs)), end };
        // Of a sample any record will do, and the whole list is one request.
        let is_by_change = !stream.changed_of.is_empty() && inputs.extent == Extent::Whole;
        let parents = if is_by_change { stream.changed_of } else { stream.parents };
        Self { window, memory, bookmark: Some(bookmark), parents }
    }
}

/// From when on a stream is read that has been read up to a moment. What belongs to a parent, and can be had
/// in no other way, may change for a while after the parent has.
pub(super) fn from(upto: DateTime<Utc>, stream: &Stream, inputs: &Inputs) -> DateTime<Utc> {
    let from = moved(upto, -inputs.config.lookback);
    if stream.parents.is_empty() {
        return from;
    }
    from.min(moved(inputs.now, -inputs.config.child_lookback))
}

/// The bookmark, if it is true for all that is asked for now and no full scan is due.
fn bookmark(
    selected: &Selected,
    modes: &[String],
    inputs: &Inputs,
    notes: &mut Vec<String>,
) -> Option<DateTime<Utc>> {
    let stream = selected.stream;
    let bookmark = inputs.state.bookmark(stream)?;
    let validity = inputs.state.validity(stream);
    if let Some(known) = &validity.modes
        && modes.iter().any(|mode| !known.contains(mode))
    {
        let known = cut::list(known.iter().map(String::as_str));
        notes.push(format!(
            "the bookmark is true for the modes {known} only; it is read once from its start"
        ));
        return None;
    }
    if let Some(missing) = super::asked_more(stream, Method::Incremental, inputs)
        .iter()
        .find(|more| !validity.more.contains(more))
    {
        let missing = cut::text(missing);
        notes.push(format!(
            "the bookmark is not true for {missing:?}; it is read once from its start"
        ));
        return None;
    }
    if let Some(why) = validity.sight.lacks(inputs.sight) {
        notes.push(format!("the bookmark is not used: {why}; it is read once from its start"));
        return None;
    }
    let new = validity.fields.map(|fields| fields.lack(&selected.schema)).unwrap_or_default();
    if !new.is_empty() {
        let is_read = inputs.config.rescan_on_new_fields;
        notes.push(new_fields(&new, is_read));
        if is_read {
            return None;
        }
    }
    // What is embedded in a child's record changes without a trace, and so does what was finished. A parent
    // that changes its mode takes along what is asked for by mode.
    let is_traceless = stream.all_parents().next().is_some()
        || stream.unfinished.is_some()
        || matches!(stream.modes, Modes::OneByOne(..));
    let period = inputs.config.full_scan.or(is_traceless.then_some(FULL_SCAN));
    let last = inputs.state.full_scan(stream);
    if let Some(period) = period
        && last.is_none_or(|last| inputs.now.signed_duration_since(last) > period)
    {
        let last = last.map_or("never".to_owned(), format_time);
        notes.push(format!("it is read in full, as full_scan_days asks; the last time was {last}"));
        return None;
    }
    Some(bookmark)
}

/// What is to be said of fields that were selected since the bookmark.
fn new_fields(new: &[String], is_read: bool) -> String {
    let names = cut::list(new.iter().map(String::as_str));
    let then = if is_read {
        "the stream is read once in full, as rescan_on_new_fields asks"
    } else {
        "rows that do not change lack them until a full scan; rescan_on_new_fields asks for one"
    };
    format!("{} fields are selected since the bookmark: {names}; {then}", new.len())
}
