//! Going on with a run that was interrupted: what it had read to its end is not read again, what it
//! was reading goes first, and lists go on where it had come to. Pure.

use chrono::{DateTime, SubsecRound, Utc};

use super::details::{detail, details};
use super::series::series;
use super::since::from;
use super::{Emitted, Extent, Inputs, Pass, Plan, Planned};
use crate::base::time::{Moment, format_time, moved};
use crate::bookmark::position::{Position, fingerprint};
use crate::config::Config;
use crate::singer::catalog::{Method, Selected};
use crate::singer::state::State;
use crate::source::request::Series;
use crate::source::window::Window;

/// When the run began that the state is of, if it was interrupted. Where a job is killed every day,
/// that may be long ago: what is too old is decided for each stream by itself.
fn interrupted<'a>(inputs: &Inputs<'a>) -> Option<(&'a str, DateTime<Utc>)> {
    let is_sync = inputs.extent == Extent::Whole && !inputs.config.is_backfill;
    let (stream, began) = State::interrupted(inputs.state)?;
    let began =
        began.filter(|began| is_sync && *began <= moved(inputs.now, inputs.config.lookback))?;
    Some((stream, began))
}

/// Whether that is not too long ago to go on with, nor in the future: a clock was wrong then.
fn is_recent(time: DateTime<Utc>, inputs: &Inputs) -> bool {
    let age = inputs.now.signed_duration_since(time);
    -inputs.config.lookback <= age && age <= inputs.config.resume_max
}

/// Leaves out the full-table streams that the interrupted run had read to their end.
pub(super) fn skip(selected: &mut Vec<Selected>, plan: &mut Plan, inputs: &Inputs) {
    plan.began = inputs.now.trunc_subsecs(0);
    let Some((_, began)) = interrupted(inputs) else { return };
    plan.began = began;
    selected.retain(|selected| {
        let scan = scan_id(selected, &template(selected, inputs), (None, true), inputs);
        let position = inputs.state.position(selected.stream);
        let is_complete = selected.method == Method::FullTable
            && position.is_some_and(|position| {
                let is_of_this_run = began <= position.at.0 && is_recent(position.at.0, inputs);
                position.complete
                    && position.scan == scan
                    && position.sight.is_like(inputs.sight)
                    && is_of_this_run
            });
        if is_complete {
            plan.complete.push(selected.stream.name);
        }
        !is_complete
    });
    plan.notes.push(format!(
        "going on with the run that began at {}; streams that it had read to their end: {}",
        format_time(began),
        plan.complete.len()
    ));
}

/// The requests of a stream that is read in full.
fn template(selected: &Selected, inputs: &Inputs) -> Vec<Series> {
    match detail(selected) {
        Some(detail) => details(selected.clone(), detail, None).asked.series,
        None => series(selected.stream, &[], Window::default(), inputs),
    }
}

/// Puts the stream first that was being read, with the parents that it needs, and gives each list
/// its position.
pub(super) fn go_on(plan: &mut Plan, inputs: &Inputs) {
    // Other taps do not say when their run began: the stream goes first all the same.
    let is_sync = inputs.extent == Extent::Whole && !inputs.config.is_backfill;
    if let Some((stream, _)) = State::interrupted(inputs.state).filter(|_| is_sync) {
        let mut first = vec![stream];
        let mut number = 0;
        while let Some(name) = first.get(number).copied() {
            let lists = plan.lists.iter().filter(|planned| planned.stream.name == name);
            let parents =
                lists.flat_map(|planned| planned.asked.parents).map(|parent| parent.stream);
            let news = parents.filter(|parent| !first.contains(parent)).collect::<Vec<_>>();
            first.extend(news);
            number += 1;
        }
        // The sort is stable: parents stay before children on both sides.
        plan.lists.sort_by_key(|planned| !first.contains(&planned.stream.name));
    }
    for mut planned in std::mem::take(&mut plan.lists) {
        // A few parents, read anew in each run: there is no position in them.
        if planned.moved().is_some() {
            plan.lists.push(planned);
            continue;
        }
        planned.position = position(&mut planned, inputs);
        if planned.position.is_inside() && !planned.feeds.is_empty() {
            // Its children need all of it: what lies before the position is read for them only.
            let position = Position { at: planned.position.at, ..Position::default() };
            let (emitted, notes) = (None, Vec::new());
            let mut before = Planned { emitted, position, notes, ..planned.clone() };
            if planned.asked.parents.is_empty() {
                before.upto = Some(planned.position.clone());
            } else {
                // Of what was set aside it is not known where it lies: all is read for them.
                planned.feeds.clear();
            }
            plan.lists.push(before);
        }
        let follow_up = follow_up(&planned, inputs);
        plan.lists.push(planned);
        plan.lists.extend(follow_up);
    }
}

/// A second scan after one that goes on: of what has changed since that began. Rows may have changed
/// behind its position, and after this run everything is to be as it is.
fn follow_up(planned: &Planned, inputs: &Inputs) -> Option<Planned> {
    let cap = planned.position.cap.filter(|_| planned.goes_on())?;
    let emitted = planned.emitted.as_ref()?;
    let is_of_parents = planned.asked.parents_changed.is_some();
    let start = Some(from(cap.moment(), planned.stream, inputs));
    let window = Window { start, ..emitted.window };
    let mut asked = planned.asked.clone();
    asked.parents_changed = is_of_parents.then_some(window);
    asked.cut = None;
    if !is_of_parents {
        asked.series = series(planned.stream, asked.filter, window, inputs);
    }
    Some(Planned {
        asked,
        emitted: Some(Emitted { window, is_full: false, ..emitted.clone() }),
        feeds: Vec::new(),
        pass: Pass::FollowUp,
        position: Position { at: Moment(inputs.now.trunc_subsecs(0)), ..Position::default() },
        notes: Vec::new(),
        ..planned.clone()
    })
}

/// How far the last scan of a list has got, if that was the same scan; else its start.
fn position(planned: &mut Planned, inputs: &Inputs) -> Position {
    let at = Moment(inputs.now.trunc_subsecs(0));
    let Some(emitted) = &planned.emitted else { return Position { at, ..Position::default() } };
    // The window of a child moves with the clock; its bookmark names the scan well enough.
    let start = emitted.window.start.filter(|_| planned.asked.parents_changed.is_none());
    let scan = scan_id(&emitted.selected, &planned.asked.series, (start, emitted.is_full), inputs);
    let start = Position { scan, at, ..Position::default() };
    let is_sync = inputs.extent == Extent::Whole && !inputs.config.is_backfill;
    let known = inputs.state.position(planned.stream).filter(Position::is_inside);
    let Some(known) = known.filter(|_| is_sync) else { return start };
    let reason = if known.scan != start.scan {
        "it belongs to other filters, fields or bookmarks".to_owned()
    } else if !known.sight.is_like(inputs.sight) {
        "it is of a key that sees other rows".to_owned()
    } else if !is_recent(known.at.0, inputs) {
        format!("it is of {}, longer ago than resume_max_hours", format_time(known.at.0))
    } else if planned.is_incremental() && known.cap.is_none() {
        "it does not say when its scan began".to_owned()
    } else {
        planned.notes.push("it goes on where the last run was interrupted".to_owned());
        return known;
    };
    planned.notes.push(format!("the position of the last run is dropped: {reason}"));
    start
}

/// What names a scan: everything that its pages and its records depend on.
fn scan_id(
    selected: &Selected,
    series: &[Series],
    reading: (Option<DateTime<Utc>>, bool),
    inputs: &Inputs,
) -> String {
    let requests = series.iter().map(|series| series.first.to_string()).collect::<Vec<_>>();
    let bookmark = inputs.state.bookmark(selected.stream);
    let bookmark = bookmark.filter(|_| selected.method == Method::Incremental);
    let end = inputs.config.end_date.filter(|_| selected.method == Method::Incremental);
    let Config { endpoint, modes, .. } = inputs.config;
    let (schema, is_all) = (selected.schema.to_string(), selected.method == Method::FullTable);
    let emitted = (schema, is_all, bookmark, reading, end);
    // A stand-in has another address every time.
    let endpoint = if inputs.config.is_loopback() { "loopback" } else { endpoint };
    fingerprint((endpoint, modes, requests, emitted))
}
