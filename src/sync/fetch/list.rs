//! A list as the queue needs it, what it gives to others, and the places in it. Plain values.

use std::sync::Arc;

use crate::bookmark::moved::Moved;
use crate::bookmark::position::Position;
use crate::page::Reader;
use crate::source::request::Series;
use crate::source::slice::Cut;
use crate::source::stream::Parent;
use crate::source::window::Window;

/// A list as the queue needs it.
#[derive(Debug)]
pub struct List {
    /// How its pages are read.
    pub reader: Arc<Reader>,
    /// Its series; a child's, for each of its parents.
    pub series: Vec<Series>,
    /// Whether its series may be cut into slices, and how finely the API's filter compares.
    pub cut: Option<Cut>,
    /// Whose records it is asked for, and which feed has them; none of a top-level list.
    pub parents: Vec<(&'static Parent, Feed)>,
    /// Which of those, by when they changed.
    pub parents_changed: Option<Window>,
    /// Which of those, by a value that decides in which series their records are.
    pub moved: Option<Moved>,
    /// How many pages its whole list has, where that can be read instead of asking for each parent.
    pub whole: Option<u64>,
    /// How many parents it is read for at most.
    pub most_parents: usize,
    /// Where to begin, if not at its start.
    pub start: Option<Position>,
    /// Where to end, if not at its end.
    pub upto: Option<Position>,
}

/// How a list is read that can be had as a whole, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// How many parents changed.
    pub parents: u64,
    /// How many pages the whole list had when it was read last; 0 where that is not known.
    pub pages: u64,
    /// Whether the whole list is read.
    pub is_whole: bool,
}

/// What the records of a list give to one kind of child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feed {
    /// The list.
    pub list: usize,
    /// Which kind of child, of those that it feeds.
    pub number: usize,
}

/// Where a pager stands in its list.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the list's parents.
    pub parent: usize,
    /// Which record of that parent.
    pub record: usize,
    /// Which series.
    pub series: usize,
    /// Which slice of it, and which slice of that.
    pub slice: Vec<usize>,
}
