//! Reading one page from a sequence: as many rows as fit, and whether more follow.

use std::ops::Range;

use serde_json::Value;

use super::row::Row;
use super::sequence::{Key, Sequence};

/// A sequence up to this length knows how many of its rows match.
const MOST_COUNTED: usize = 10_000;

/// The rows of one page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) positions: Vec<usize>,
    pub(crate) rows: Vec<Value>,
    /// The key of the last row.
    pub(crate) last: Option<Key>,
    pub(crate) is_full: bool,
    pub(crate) has_more: bool,
    pub(crate) count: Option<usize>,
}

impl Page {
    /// Reads at most `size` rows of a range that pass.
    pub(crate) fn read(
        sequence: &Sequence,
        range: Range<usize>,
        size: usize,
        passes: &dyn Fn(&Row<'_>) -> bool,
    ) -> Self {
        let mut page = Self::default();
        for at in range {
            if !sequence.row(at).is_some_and(|row| passes(&row)) {
                continue;
            }
            if page.positions.len() == size {
                page.has_more = true;
                break;
            }
            page.positions.push(at);
        }
        page.is_full = page.positions.len() == size;
        page.last = page.positions.last().and_then(|at| sequence.key(*at));
        page
    }

    /// Counts all rows of a range that pass, if the sequence is not too long for that.
    pub(crate) fn count(
        &mut self,
        sequence: &Sequence,
        range: Range<usize>,
        passes: &dyn Fn(&Row<'_>) -> bool,
    ) {
        if sequence.len() <= MOST_COUNTED {
            let rows = range.filter_map(|at| sequence.row(at));
            self.count = Some(rows.filter(|row| passes(row)).count());
        }
    }
}

/// The positions that two ranges share.
pub(crate) fn overlap(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}
