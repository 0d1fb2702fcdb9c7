//! One list under way: which pager comes next, and what its pagers have fetched. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::list::{Choice, Feed, List, Place};
use crate::bookmark::position::Position;
use crate::record::bindings::{Bindings, Latest};
use crate::source::slice::Slice;
use crate::source::stream::Parent;
use crate::source::taken::Taken;
use crate::sync::pager::{Broken, Fetched, Pager};

/// A list under way.
#[derive(Debug)]
pub(super) struct OpenList {
    pub(super) list: List,
    pub(super) pagers: BTreeMap<Place, Slot>,
    /// Where the pagers are whose request may be sent: few, while hundreds have pages that nobody has taken.
    pub(super) to_send: BTreeSet<Place>,
    /// The place of the next pager, where there is one to come.
    pub(super) next: Option<Place>,
    /// The parent up to which an interrupted run has read everything but what it has set aside.
    skipped: Option<Taken>,
    /// The parents that it has set aside.
    set_aside: Vec<String>,
    /// How many parents that are, once it has come.
    known: usize,
    /// So many records a page are asked for at most: larger ones kept failing.
    pub(super) page_size: u32,
    /// Bytes of its largest page so far.
    pub(super) largest: Option<usize>,
    /// Whether the API has answered with something of it.
    pub(super) is_tried: bool,
    /// Whether the writer is deciding what a failure means.
    pub(super) is_judged: bool,
    /// How it is read, where it could be read in two ways, and that is decided.
    pub(super) choice: Option<Choice>,
}

/// A pager, and what it has fetched that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Nothing while its request is under way, or when it has ended.
    pub(super) pager: Option<Pager>,
    pub(super) pages: VecDeque<Box<Fetched>>,
    pub(super) broken: Option<Broken>,
    pub(super) is_running: bool,
}

/// What a feed has given.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) bindings: Bindings,
    pub(super) is_complete: bool,
    /// Of parents that come again with other times: all of them so far.
    latest: Option<Latest>,
}

impl Given {
    /// Nothing yet of a parent.
    pub(super) fn of(parent: &Parent) -> Self {
        let latest = parent.may_come_again().then(Latest::default);
        Self { latest, ..Self::default() }
    }

    /// Keeps what a record gives.
    pub(super) fn add(&mut self, values: &[String]) {
        match &mut self.latest {
            Some(latest) => latest.note(values),
            None => self.bindings.add(values),
        }
    }

    /// Nothing more will come. Only now is the latest time known of what may come again.
    pub(super) fn complete(&mut self) {
        for values in self.latest.take().into_iter().flat_map(Latest::into_values) {
            self.bindings.add(&values);
        }
        self.is_complete = true;
    }
}

/// What a page is taken for before the first one of its list came.
const LIKELY_PAGE: usize = 1 << 19;
/// What a page is taken for at least: others may be larger than those that came.
const LEAST_PAGE: usize = 1 << 16;
/// So many pagers of a list wait to be written at most, however small they are.
const MOST_PAGERS: usize = 4_096;
/// So many of them wait to be sent again: an API in trouble is not asked for all there is.
const MOST_PUT_OFF: usize = 512;

impl OpenList {
    pub(super) fn new(list: List) -> Self {
        let mut open = Self {
            pagers: BTreeMap::new(),
            to_send: BTreeSet::new(),
            next: Some(Place::default()),
            skipped: None,
            set_aside: Vec::new(),
            known: 0,
            page_size: u32::MAX,
            largest: None,
            is_tried: false,
            is_judged: false,
            choice: None,
            list,
        };
        if let Some(upto) = open.list.upto.take() {
            open.end_at(&upto);
            return open;
        }
        let Some(start) = open.list.start.take() else { return open };
        if !start.parent.is_empty() {
            (open.skipped, open.set_aside) = (Some(start.parent), start.set_aside);
            return open;
        }
        let Some(series) = open.list.series.get(start.series).cloned() else { return open };
        let slice = start.slice();
        let pager = Pager::new(series, slice, open.list.cut);
        let rest = slice.until.map(|until| pager.over(Slice { from: Some(until), until: None }));
        let pager = match &start.after {
            Some(cursor) => pager.after(cursor, open.list.reader.stream().cursor, start.received),
            None => pager,
        };
        for (number, pager) in [Some(pager), rest].into_iter().flatten().enumerate() {
            let place = Place { series: start.series, slice: vec![number], ..Place::default() };
            open.add(place, pager);
        }
        open.next = Some(Place { series: start.series + 1, ..Place::default() });
        open
    }

    /// Reads only what lies before a position of the list.
    fn end_at(&mut self, upto: &Position) {
        self.next = None;
        let series = self.list.series.iter().take(upto.series + 1).cloned().enumerate();
        for (number, series) in series.collect::<Vec<_>>() {
            let place = |part| Place { series: number, slice: vec![part], ..Place::default() };
            let pager = Pager::new(series, Slice::default(), self.list.cut);
            if number < upto.series {
                self.add(place(0), pager);
                continue;
            }
            let slice = upto.slice();
            if slice.from.is_some() {
                let before = pager.over(Slice { from: None, until: slice.from });
                self.add(place(0), before);
            }
            if let Some(cursor) = &upto.after {
                let within = pager.over(slice).upto(cursor);
                self.add(place(1), within);
            }
        }
    }

    /// Decides how the list is read that can be read in two ways, once it is known how many parents changed.
    pub(super) fn choose(&mut self, feeds: &BTreeMap<Feed, Given>) {
        let Some(pages) = self.list.whole else { return };
        let mut all = Vec::new();
        for (_, feed) in &self.list.parents {
            let given = feeds.get(feed).filter(|given| given.is_complete);
            let Some(given) = given else { return };
            all.push(given);
        }
        let mut parents = 0;
        for given in all {
            for record in 0..given.bindings.len() {
                parents += u64::from(self.is_wanted(Some(given), record));
            }
        }
        if parents > pages {
            return self.read_whole(parents);
        }
        self.list.whole = None;
        self.choice = Some(Choice { parents, pages, is_whole: false });
    }

    /// Reads the whole list, of which so many parents changed.
    pub(super) fn read_whole(&mut self, parents: u64) {
        let Some(pages) = self.list.whole.take() else { return };
        self.choice = Some(Choice { parents, pages, is_whole: true });
        self.list.parents.clear();
        (self.skipped, self.next) = (None, Some(Place::default()));
    }

    /// Adds a pager whose request may be sent.
    pub(super) fn add(&mut self, place: Place, pager: Pager) {
        self.to_send.insert(place.clone());
        self.pagers.insert(place, Slot { pager: Some(pager), ..Slot::default() });
    }

    /// Whether the request of the pager at this place may be sent.
    fn is_due(&self, place: &Place, now: Duration) -> bool {
        let pager = self.pagers.get(place).and_then(|slot| slot.pager.as_ref());
        pager.is_some_and(|pager| pager.not_before <= now)
    }

    /// How many bytes a page may turn out to have.
    pub(super) fn likely_page(&self) -> usize {
        self.largest.map_or(LIKELY_PAGE, |largest| largest.max(LEAST_PAGE))
    }

    /// Whether more may be asked for. A child is asked for one parent first: where the key may not
    /// read it, or its address is wrong, one request tells as much as hundreds.
    pub(super) fn is_open(&mut self, feeds: &BTreeMap<Feed, Given>) -> bool {
        self.choose(feeds);
        if self.list.whole.is_some() {
            return false;
        }
        if !self.is_trying() {
            return true;
        }
        // The first one is put off only for a while, and what became of others is judged after it.
        let is_first_broken = self.pagers.values().next().is_some_and(|slot| slot.broken.is_some());
        !(self.is_judged || is_first_broken || self.pagers.values().any(|slot| slot.is_running))
    }

    /// Whether everything else of it waits for a first answer.
    pub(super) fn is_trying(&self) -> bool {
        !self.list.parents.is_empty() && !self.is_tried
    }

    /// Makes sure that there is a pager whose request may be sent, if there is one to come.
    pub(super) fn prepare(&mut self, feeds: &BTreeMap<Feed, Given>, now: Duration) {
        while self.pagers.len() < MOST_PAGERS
            && self.to_send.len() < MOST_PUT_OFF
            && !self.to_send.iter().any(|place| self.is_due(place, now))
        {
            if self.is_trying() && self.pagers.values().any(|slot| slot.broken.is_some()) {
                return;
            }
            let Some(place) = self.advance(feeds) else { return };
            if let Some(pager) = self.pager(&place, feeds) {
                self.add(place, pager);
            }
        }
    }

    /// The place of the next pager, where it is known already.
    fn advance(&mut self, feeds: &BTreeMap<Feed, Given>) -> Option<Place> {
        loop {
            let place = self.next.clone().filter(|_| self.list.whole.is_none())?;
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
            let known = given.map_or(0, |given| given.bindings.len()).min(self.list.most_parents);
            if place.record < known && !self.is_wanted(given, place.record) {
                self.next = Some(Place { record: place.record + 1, series: 0, ..place });
            } else if place.record < known && place.series < self.list.series.len() {
                self.next = Some(Place { series: place.series + 1, ..place.clone() });
                return Some(place);
            } else if place.record < known {
                self.next = Some(Place { record: place.record + 1, series: 0, ..place });
            } else if given.is_some_and(|given| given.is_complete) {
                self.known = 0;
                self.next = Some(Place { parent: place.parent + 1, record: 0, ..place });
            } else {
                return None;
            }
        }
    }

    /// Whether a parent lies in the window of this list, and was not read by an interrupted run.
    fn is_wanted(&self, given: Option<&Given>, record: usize) -> bool {
        // Mostly nothing of it is needed.
        let parent = || given.and_then(|given| given.bindings.get(record)).unwrap_or_default();
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
    fn skip(&mut self, given: Option<&Given>) -> bool {
        let Some(skipped) = &self.skipped else { return true };
        let Some(given) = given else { return false };
        let next = self.next.as_ref().map_or(0, |next| next.record);
        for record in next..given.bindings.len() {
            if given.bindings.get(record).is_some_and(|parent| parent.id() == skipped.id()) {
                self.known = record + 1;
                let first = if self.set_aside.is_empty() { self.known } else { 0 };
                self.next = Some(Place { record: first, ..Place::default() });
                self.skipped = None;
                return true;
            }
        }
        self.next = Some(Place { record: given.bindings.len(), ..Place::default() });
        if given.is_complete {
            self.next = Some(Place::default());
            self.skipped = None;
        }
        given.is_complete
    }

    /// The pager for a place; its request asks for the parent that stands there.
    fn pager(&self, place: &Place, feeds: &BTreeMap<Feed, Given>) -> Option<Pager> {
        let template = self.list.series.get(place.series)?;
        let Some((parent, feed)) = self.list.parents.get(place.parent) else {
            return Some(Pager::new(template.clone(), Slice::default(), self.list.cut));
        };
        let values = feeds.get(feed)?.bindings.get(place.record)?;
        let mut series = template.clone();
        series.bound.clear();
        for (binding, value) in parent.bindings.iter().zip(values.0) {
            if binding.is_asked {
                series.first = series.first.bound(binding.parameter, value);
            }
            series.bound.push((binding.parameter, value.to_owned()));
        }
        Some(Pager::new(series, Slice::default(), self.list.cut))
    }

    pub(super) fn is_at_end(&mut self, feeds: &BTreeMap<Feed, Given>) -> bool {
        self.prepare(feeds, Duration::MAX);
        self.pagers.is_empty() && self.next.is_none()
    }
}
