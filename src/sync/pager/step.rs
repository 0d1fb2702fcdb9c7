//! What came of an answer.

use chrono::{DateTime, Utc};

use super::Pager;
use crate::base::error::Error;
use crate::page::Page;
use crate::source::slice::Slice;
use crate::source::taken::Taken;

/// What a page takes beside its text.
const PAGE_OVERHEAD: usize = 1 << 10;

/// What came of an answer.
#[derive(Debug)]
pub enum Step {
    /// A page.
    Page(Box<Fetched>),
    /// The list is long: its slices are to be read instead, each by a pager of its own.
    Cut(Vec<Pager>),
    /// The API has forgotten the cursor, or gave fewer records than it has: the list is read again
    /// from its start, because of this.
    Again(Error),
    /// It ends here.
    Broken(Broken),
}

/// A page and what is known of its answer.
#[derive(Debug)]
pub struct Fetched {
    /// The records.
    pub page: Page,
    /// Our clock when the request was sent.
    pub sent_at: DateTime<Utc>,
    /// The API's clock.
    pub date: Option<DateTime<Utc>>,
    /// Whether it is the last page of its pager.
    pub is_last: bool,
    /// How many records of its pager have come so far.
    pub received: u64,
    /// The slice that the pager reads.
    pub slice: Slice,
    /// Whose records these are: what was taken of the parent.
    pub parent: Taken,
    /// After the last page: how many records came and how many the API counts, where it does.
    pub counted: Option<(u64, u64)>,
    /// The same where those are more.
    pub shortfall: Option<(u64, u64)>,
    /// So many records of a list are given at most, and the list may have more.
    pub ceiling: Option<u32>,
}

/// Why a series ended early.
#[derive(Debug)]
pub struct Broken {
    /// What went wrong.
    pub error: Error,
    /// Whether it was its first request that failed.
    pub is_first: bool,
    /// Whether an answer came, and was not as promised.
    pub is_answered: bool,
    /// Whose records were asked for: what was taken of the parent.
    pub parent: Taken,
}

impl Fetched {
    /// The memory that it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let bound = self.page.bound.iter().flat_map(|(_, values)| values);
        let bound = bound.map(|value| value.len() + PAGE_OVERHEAD / 16).sum::<usize>();
        self.page.lines.memory() + bound + PAGE_OVERHEAD
    }
}
