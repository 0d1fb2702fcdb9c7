//! The version of a full table: what tells the records of one reading from those of the one before, so that a
//! target can remove those that are gone. Whether it may is decided here before, and in
//! [`crate::sync`] after the reading. Pure.

use super::{Extent, Inputs, asked_modes, asked_more};
use crate::bookmark::position::fingerprint;
use crate::singer::catalog::{Method, Selected};
use crate::source::stream::Stream;

/// The version of one reading of a full table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Milliseconds since 1970.
    pub number: i64,
    /// What the reading is of: another key may see fewer rows, which are not gone for that.
    pub of: String,
    /// Whether the next reading may be compared with this one.
    pub is_comparable: bool,
    /// Why rows may be missing from it that are not gone, where that is known before.
    pub obstacle: Option<&'static str>,
}

/// The version of what is read of a stream; none where versions are off, or nothing is read in full.
pub(super) fn version(selected: &Selected, inputs: &Inputs) -> Option<Version> {
    let is_whole = inputs.extent == Extent::Whole && !inputs.config.is_backfill;
    if !(inputs.config.has_versions && is_whole && selected.method == Method::FullTable) {
        return None;
    }
    let (stream, sight) = (selected.stream, inputs.sight);
    let whose = fingerprint((&sight.organisation, &inputs.config.places));
    let modes = (
        asked_modes(stream, Method::FullTable, inputs),
        asked_more(stream, Method::FullTable, inputs),
    );
    let of = whose.clone() + &fingerprint((sight.sees_all, &sight.teams, &sight.roles, modes));
    let last = inputs.state.version_of(stream);
    // A key that sees less would have the rows removed that it does not see, one run later.
    let is_comparable = last.is_none_or(|last| {
        last == of || last.starts_with(&whose) && !(has_identity(inputs) && sight.is_limited())
    });
    let number = inputs.now.timestamp_millis();
    Some(Version { number, obstacle: obstacle(stream, &of, inputs), of, is_comparable })
}

/// Whether the source says whose key it is.
fn has_identity(inputs: &Inputs) -> bool {
    inputs.config.source.identity.is_some()
}

fn obstacle(stream: &'static Stream, of: &str, inputs: &Inputs) -> Option<&'static str> {
    let (config, sight) = (inputs.config, inputs.sight);
    let last = inputs.state.version_of(stream);
    let is_known = sight.organisation.is_some() && sight.roles.is_some();
    if stream.window.is_some() {
        Some("it is read over a window of days")
    } else if stream.takes_filters && !config.filters.is_empty() {
        Some("it is read with filters")
    } else if config.leaves_modes_out && !asked_modes(stream, Method::FullTable, inputs).is_empty()
    {
        Some("not all modes are read")
    } else if has_identity(inputs) && !is_known {
        Some("it is not known what the key may see")
    } else if last.is_some_and(|last| last != of) {
        Some("the last reading was of a key with other roles, or of other modes")
    } else if last.is_none()
        && has_identity(inputs)
        && sight.is_limited()
        && inputs.state.has_bookmarks()
    {
        Some("the key does not see everything, and what was loaded before may be of another key")
    } else {
        None
    }
}
