//! Reading one page from a sequence: as many rows as fit, and whether more follow.

use serde_json::Value;

use super::places::Places;
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
    /// Reads at most `size` rows of these places that pass.
    pub(crate) fn read(
        sequence: &Sequence,
        places: &Places,
        size: usize,
        passes: &dyn Fn(&Row<'_>) -> bool,
    ) -> Self {
        let mut page = Self::default();
        for at in places.iter() {
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

    /// Counts all rows of these places that pass, if the sequence is not too long for that.
    pub(crate) fn count(
        &mut self,
        sequence: &Sequence,
        places: &Places,
        passes: &dyn Fn(&Row<'_>) -> bool,
    ) {
        if sequence.len() <= MOST_COUNTED {
            let rows = places.iter().filter_map(|at| sequence.row(at));
            self.count = Some(rows.filter(|row| passes(row)).count());
        }
    }
}
