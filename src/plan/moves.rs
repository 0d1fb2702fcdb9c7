//! A further scan of a stream whose records come into another series without a change of theirs: of the
//! parents for which that may be. Pure.

use chrono::{DateTime, Utc};

use super::series::{modes, plain};
use super::{Asked, Emitted, Extent, Inputs, Pass, Planned};
use crate::base::time;
use crate::bookmark::moved::Moved;
use crate::singer::catalog::{Method, Selected};
use crate::source::request::Series;
use crate::source::stream::{Moves, Parent, Stream};
use crate::source::window::Window;

/// The scan of those parents.
pub(super) fn moved(own: &Planned, inputs: &Inputs) -> Option<Planned> {
    let emitted = own.emitted.as_ref()?;
    let moves = moves(&emitted.selected, inputs)?;
    let first = plain(own.stream, inputs);
    let wanted = modes(own.stream, &inputs.config.modes);
    let known = inputs.state.moved(own.stream).map(|(_, text)| text);
    let began = time::moved(inputs.now, -inputs.config.lookback);
    let start = moved_since(own.stream, emitted.is_full, inputs);
    Some(Planned {
        asked: Asked {
            parents: parents(moves, inputs),
            parents_changed: Some(Window { start, end: None }),
            series: vec![Series::of(first)],
            cut: None,
            whole: None,
            ..own.asked.clone()
        },
        emitted: Some(Emitted { window: Window::default(), ..emitted.clone() }),
        feeds: Vec::new(),
        pass: Pass::Moved(Moved::new(known, began, moves.usual, wanted)),
        notes: Vec::new(),
        ..own.clone()
    })
}

/// Whose records move: mostly those of the modes that are read are all that there are, and need no list of
/// their own.
pub(super) fn parents(moves: &Moves, inputs: &Inputs) -> &'static [Parent] {
    let mut asked = moves.parents.iter().flat_map(|parent| parent.filter);
    let is_read = asked.all(|(_, mode)| inputs.config.modes.iter().any(|known| known == mode));
    if is_read { moves.in_own_list } else { moves.parents }
}

/// How the records of a stream move, where that matters: what is read in full shows all of them.
pub(super) fn moves(selected: &Selected, inputs: &Inputs) -> Option<&'static Moves> {
    let is_sync = inputs.extent == Extent::Whole && !inputs.config.is_backfill;
    let is_incremental = selected.method == Method::Incremental;
    selected.stream.moves.as_ref().filter(|_| is_sync && is_incremental)
}

/// From when on parents may have changed unnoticed; every one where nothing is known of them, or where the
/// stream itself is read in full.
pub(super) fn moved_since(
    stream: &Stream,
    is_full: bool,
    inputs: &Inputs,
) -> Option<DateTime<Utc>> {
    let (at, _) = inputs.state.moved(stream).filter(|_| !is_full)?;
    Some(time::moved(at.min(inputs.now), -inputs.config.lookback))
}
