//! One list under way: which chain comes next, and what its chains have fetched. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::queue::{Feed, List, Place};
use crate::record::bindings::Bindings;
use crate::source::request::{Request, Series};
use crate::source::slice::Slice;
use crate::source::taken::Taken;
use crate::sync::chain::{Broken, Chain, Fetched};

/// A list under way.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) list: List,
    pub(super) chains: BTreeMap<Place, Lot>,
    /// The place of the next chain, where there is one to come.
    pub(super) next: Option<Place>,
    /// The parent up to which everything was read by an interrupted run,
    skipped: Option<Taken>,
    /// but for these.
    set_aside: Vec<String>,
    /// How many parents that are, once it has come.
    known: usize,
    /// So many records a page are asked for at most: larger ones kept failing.
    pub(super) page_size: u32,
    /// Whether the API has answered with something of it.
    pub(super) is_tried: bool,
    /// Whether the writer is deciding what a failure means.
    pub(super) is_judged: bool,
}

/// A chain, and what it has fetched that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Lot {
    /// Nothing while its request is under way, or when it has ended.
    pub(super) chain: Option<Chain>,
    pub(super) pages: VecDeque<Box<Fetched>>,
    pub(super) broken: Option<Broken>,
    pub(super) is_running: bool,
}

#[derive(Debug, Default)]
pub(super) struct Fed {
    pub(super) bindings: Bindings,
    pub(super) is_complete: bool,
}

/// So many chains of a list wait to be written at most, however small they are.
const MOST_CHAINS: usize = 512;
impl Lane {
    pub(super) fn new(list: List) -> Self {
        let mut lane = Self {
            chains: BTreeMap::new(),
            next: Some(Place::default()),
            skipped: None,
            set_aside: Vec::new(),
            known: 0,
            page_size: u32::MAX,
            is_tried: false,
            is_judged: false,
            list,
        };
        let Some(start) = lane.list.start.take() else { return lane };
        if !start.parent.is_empty() {
            (lane.skipped, lane.set_aside) = (Some(start.parent), start.set_aside);
            return lane;
        }
        let Some(series) = lane.list.series.get(start.series).cloned() else { return lane };
        let slice = start.slice();
        let chain = Chain::new(series, slice, lane.list.cut);
        let rest = slice.until.map(|until| chain.over(Slice { from: Some(until), until: None }));
        let chain = match &start.after {
            Some(cursor) => chain.after(cursor, lane.list.reader.stream().cursor, start.received),
            None => chain,
        };
        for (number, chain) in [Some(chain), rest].into_iter().flatten().enumerate() {
            let place = Place { series: start.series, slice: vec![number], ..Place::default() };
            lane.chains.insert(place, Lot::of(chain));
        }
        lane.next = Some(Place { series: start.series + 1, ..Place::default() });
        lane
    }

    /// Whether more may be asked for. A child is asked for one parent first: where the key may not
    /// read it, or its address is wrong, one request tells as much as hundreds.
    pub(super) fn is_open(&self) -> bool {
        let is_pending = |lot: &Lot| lot.is_running || lot.broken.is_some();
        let is_child = !self.list.parents.is_empty();
        !is_child || self.is_tried || !(self.is_judged || self.chains.values().any(is_pending))
    }

    /// Makes sure that there is a chain whose request may be sent, if there is one to come.
    pub(super) fn prepare(&mut self, feeds: &BTreeMap<Feed, Fed>, now: Duration) {
        let is_due = |lot: &Lot| lot.chain.as_ref().is_some_and(|chain| chain.not_before <= now);
        while self.chains.len() < MOST_CHAINS && !self.chains.values().any(is_due) {
            let Some(place) = self.advance(feeds) else { return };
            if let Some(chain) = self.chain(&place, feeds) {
                self.chains.insert(place, Lot::of(chain));
            }
        }
    }

    /// The place of the next chain, where it is known already.
    fn advance(&mut self, feeds: &BTreeMap<Feed, Fed>) -> Option<Place> {
        loop {
            let place = self.next.clone()?;
            let Some((_, feed)) = self.list.parents.get(place.parent) else {
                let has_parents = !self.list.parents.is_empty();
                if has_parents || place.series >= self.list.series.len() {
                    self.next = None;
                    return None;
                }
                self.next = Some(Place { series: place.series + 1, ..place.clone() });
                return Some(place);
            };
            let given = feeds.get(feed);
            if !self.skip(given) {
                return None;
            }
            let place = self.next.clone()?;
            let known = given.map_or(0, |fed| fed.bindings.len()).min(self.list.most_parents);
            if place.record < known && !self.is_wanted(given, place.record) {
                self.next = Some(Place { record: place.record + 1, series: 0, ..place });
            } else if place.record < known && place.series < self.list.series.len() {
                self.next = Some(Place { series: place.series + 1, ..place.clone() });
                return Some(place);
            } else if place.record < known {
                self.next = Some(Place { record: place.record + 1, series: 0, ..place });
            } else if given.is_some_and(|fed| fed.is_complete) {
                self.known = 0;
                self.next = Some(Place { parent: place.parent + 1, record: 0, ..place });
            } else {
                return None;
            }
        }
    }

    /// Whether a parent lies in the window of this list, and was not read by an interrupted run.
    fn is_wanted(&self, given: Option<&Fed>, record: usize) -> bool {
        // Mostly nothing of it is needed.
        let parent = || given.and_then(|fed| fed.bindings.get(record)).unwrap_or_default();
        if record < self.known {
            // Everything was read up to here, but for those that were set aside.
            let parent = parent();
            let id = parent.id().unwrap_or_default();
            return self.set_aside.iter().any(|aside| aside == id);
        }
        if self.list.moved.as_ref().is_some_and(|moved| !moved.has_moved(&parent())) {
            return false;
        }
        let Some(window) = self.list.parents_changed else { return true };
        parent().changed_at().is_none_or(|time| window.contains(time))
    }

    /// Goes on after the parent that an interrupted run had come to; false where it has not come
    /// yet. Where it is gone, the list is read from its start.
    fn skip(&mut self, given: Option<&Fed>) -> bool {
        let Some(skipped) = &self.skipped else { return true };
        let Some(fed) = given else { return false };
        let next = self.next.as_ref().map_or(0, |next| next.record);
        for record in next..fed.bindings.len() {
            if fed.bindings.get(record).is_some_and(|parent| parent.id() == skipped.id()) {
                self.known = record + 1;
                let first = if self.set_aside.is_empty() { self.known } else { 0 };
                self.next = Some(Place { record: first, ..Place::default() });
                self.skipped = None;
                return true;
            }
        }
        self.next = Some(Place { record: fed.bindings.len(), ..Place::default() });
        if fed.is_complete {
            self.next = Some(Place::default());
            self.skipped = None;
        }
        fed.is_complete
    }

    fn chain(&self, place: &Place, feeds: &BTreeMap<Feed, Fed>) -> Option<Chain> {
        let template = self.list.series.get(place.series)?;
        let Some((parent, feed)) = self.list.parents.get(place.parent) else {
            return Some(Chain::new(template.clone(), Slice::default(), self.list.cut));
        };
        let values = feeds.get(feed)?.bindings.get(place.record)?;
        let names = parent.bindings.iter().map(|binding| binding.parameter);
        let bound = names.zip(values.0.into_iter().map(str::to_owned)).collect::<Vec<_>>();
        let asked = bound.iter().zip(parent.bindings).filter(|(_, binding)| binding.is_asked);
        let ask =
            |request: Request, ((name, value), _): (&(&str, String), _)| request.bound(name, value);
        let first = asked.fold(template.first.clone(), ask);
        let series = Series { first, bound, window: template.window };
        Some(Chain::new(series, Slice::default(), self.list.cut))
    }

    pub(super) fn is_at_end(&mut self, feeds: &BTreeMap<Feed, Fed>) -> bool {
        self.prepare(feeds, Duration::MAX);
        self.chains.is_empty() && self.next.is_none()
    }
}

impl Lot {
    pub(super) fn of(chain: Chain) -> Self {
        Self { chain: Some(chain), ..Self::default() }
    }
}
