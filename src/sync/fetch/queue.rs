//! What is to be fetched next, and what is there to be written: lists in the order of the plan,
//! pagers in their order within a list, pages in theirs. Pure: it is told the time, and neither
//! sends nor waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::costs::Hold;
use super::list::{Choice, Feed, List, Place};
use super::open_list::{Given, OpenList};
use crate::api::limit::Limiter;
use crate::page::Reader;
use crate::source::taken::Taken;
use crate::sync::failure_policy::ends_the_run;
use crate::sync::pager::{Broken, Fetched, Pager, Step};

/// A request to send, and the pager that it belongs to.
#[derive(Debug)]
pub struct Work {
    /// Which list.
    pub list: usize,
    /// Where the pager stands in it.
    pub place: Place,
    /// How its pages are read.
    pub reader: Arc<Reader>,
    /// The pager itself, out of the queue until its answer is [`Queue::put`] back.
    pub pager: Pager,
    /// How many bytes the answer is taken for.
    expected: usize,
}

/// What a worker is to do.
#[derive(Debug)]
pub enum Next {
    /// Send a request.
    Send(Box<Work>),
    /// Wait that long, for this reason.
    Wait(Duration, Hold),
    /// Wait until something changes.
    Nothing,
}

/// Whether a large body may get larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// There is room.
    Granted,
    /// When something has changed it may ask again.
    NotYet,
    /// Its list was closed.
    Unwanted,
}

/// A body under way that is larger than most.
#[derive(Debug, Default)]
struct Large {
    /// How many bytes it was granted.
    size: usize,
    /// Whether it was told to wait for more.
    is_waiting: bool,
}

/// What the writer gets, in order.
#[derive(Debug)]
pub enum Delivery {
    /// A page of the pager at this place.
    Page(Place, Box<Fetched>),
    /// The pager at this place ended early.
    Broken(Place, Broken),
    /// The list has been read to its end.
    End,
}

/// Lists under way.
#[derive(Debug)]
pub struct Queue {
    lists: Vec<OpenList>,
    feeds: BTreeMap<Feed, Given>,
    /// The list that is being written.
    current: usize,
    /// The last list that is worth reading: the key was refused there.
    last: usize,
    /// Requests at a time.
    most_running: usize,
    running: usize,
    /// Bytes fetched and not yet taken, and how many there may be.
    held: usize,
    budget: usize,
    /// Large bodies under way, whose list is which and who stand where in it.
    large: BTreeMap<(usize, Place), Large>,
    /// Pages fetched and not yet taken.
    waiting: usize,
    /// Bytes that the answers on their way may turn out to have.
    expected: usize,
}

/// So many pages for each request at a time are fetched ahead, however small they are: of a run that
/// is cut, they were for nothing.
const PAGES_AHEAD: usize = 10;
/// More for each, where there are more requests at a time than that: the pages of parents come one after the
/// other, and all the while nothing of their children is taken.
const MANY: usize = 16;
impl Queue {
    /// Reads `lists` in their order, so many requests at a time. At most `budget` bytes wait to be
    /// written; where that is 0, a page is fetched only when the one before has been taken.
    #[must_use]
    pub fn new(lists: Vec<List>, most_running: usize, budget: usize) -> Self {
        let mut feeds = BTreeMap::new();
        for (parent, feed) in lists.iter().flat_map(|list| &list.parents) {
            feeds.insert(*feed, Given::of(parent));
        }
        Self {
            lists: lists.into_iter().map(OpenList::new).collect(),
            feeds,
            current: 0,
            last: usize::MAX,
            most_running,
            running: 0,
            held: 0,
            budget,
            large: BTreeMap::new(),
            waiting: 0,
            expected: 0,
        }
    }

    /// Sends no more than so many requests at a time from now on.
    pub fn limit(&mut self, most_running: usize) {
        self.most_running = self.most_running.min(most_running);
    }

    /// Whether the answer to a request may get larger by so many bytes than it was when last asked, or than
    /// most answers are. What the writer waits for may, and where all others wait one has to go on: else what
    /// the writer waits for next would find no place among those that run.
    pub fn grow(&mut self, work: &Work, growth: usize) -> Growth {
        if !self.is_wanted(work) {
            return Growth::Unwanted;
        }
        let place = (work.list, work.place.clone());
        let mut large = self.large.remove(&place).unwrap_or_default();
        let sizes = self.large.values().map(|other| other.size).sum::<usize>();
        let others = self.large.values().filter(|other| other.is_waiting).count();
        let has_room = self.held + sizes + large.size + growth <= self.budget;
        let is_last = others + 1 >= self.most_running;
        // Nothing else of a list is asked for before the first answer of it has come.
        let is_only = self.lists.get(work.list).is_some_and(OpenList::is_trying);
        large.is_waiting = !(has_room || is_last || is_only || self.is_head(work));
        let answer = if large.is_waiting { Growth::NotYet } else { Growth::Granted };
        large.size += if large.is_waiting { 0 } else { growth };
        self.large.insert(place, large);
        answer
    }

    /// Whether as many requests are under way as may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.running >= self.most_running
    }

    /// Whether a large body waits for room.
    #[must_use]
    pub fn is_room_awaited(&self) -> bool {
        self.large.values().any(|large| large.is_waiting)
    }

    /// Whether it is the answer that the writer waits for.
    #[must_use]
    pub fn is_head(&self, work: &Work) -> bool {
        let open = self.lists.get(self.current).filter(|_| work.list == self.current);
        let head = open.and_then(|open| open.pagers.first_key_value());
        head.is_some_and(|(place, slot)| *place == work.place && slot.pages.is_empty())
    }

    /// Whether the list of a request is not closed yet.
    #[must_use]
    pub fn is_wanted(&self, work: &Work) -> bool {
        self.lists.get(work.list).is_some_and(|open| open.pagers.contains_key(&work.place))
    }

    /// Chooses what to send: what will be written first, if its endpoint takes a request now and
    /// there is room for the answer. What the writer waits for needs no room.
    pub fn next(&mut self, limiter: &mut Limiter, now: Duration) -> Next {
        let mut least: Option<(Duration, Hold)> = None;
        if self.is_full() {
            return Next::Nothing;
        }
        // Where what is written next waits for its own rate limit, the others have time to go further.
        let is_far = self.waiting + self.running >= self.most_ahead();
        // Where an answer waits for room already, no other one will find any.
        let has_room = !self.is_room_awaited() && (!is_far || self.is_held_up(limiter, now));
        for number in self.current..self.lists.len().min(self.last.saturating_add(1)) {
            let is_current = number == self.current;
            let Some(open) = self.lists.get_mut(number) else { break };
            // Nobody knows how large an answer will be. It is taken for the largest of its own list: those of
            // children are small, and would have no room if they were taken for pages of their parents.
            let expected = open.likely_page();
            let has_room = has_room && self.held + self.expected + expected <= self.budget;
            if !is_current && !has_room {
                break;
            }
            // A list that waits for its parents does not keep those behind it from being read.
            if !open.is_open(&self.feeds) {
                continue;
            }
            open.prepare(&self.feeds, now);
            // Of what is written next the first page may always be asked for: the writer waits for it, and
            // whatever fills the room would never be taken.
            let head = open.pagers.first_key_value().map(|(place, _)| place.clone());
            for place in &open.to_send {
                let Some(slot) = open.pagers.get_mut(place) else { continue };
                let is_head = is_current && head.as_ref() == Some(place) && slot.pages.is_empty();
                let Some(pager) = slot.pager.as_ref().filter(|_| has_room || is_head) else {
                    continue;
                };
                let endpoint = pager.request().endpoint();
                let pause = pager.not_before.saturating_sub(now);
                let limit = limiter.until(endpoint, now);
                let wait = limit.max(pause);
                if !wait.is_zero() {
                    if least.as_ref().is_none_or(|(least, _)| wait < *least) {
                        let (endpoint, is_repeat) = (endpoint.to_owned(), limit < pause);
                        least = Some((wait, Hold { list: number, endpoint, is_repeat }));
                    }
                    continue;
                }
                // Taken before it is sent: two workers must not both see the last token.
                limiter.take(endpoint, now);
                self.running += 1;
                self.expected += expected;
                slot.is_running = true;
                if let Some(mut pager) = slot.pager.take() {
                    pager.limit(open.page_size);
                    let (place, reader) = (place.clone(), Arc::clone(&open.list.reader));
                    open.to_send.remove(&place);
                    let work = Work { list: number, place, reader, pager, expected };
                    return Next::Send(Box::new(work));
                }
            }
        }
        least.map_or(Next::Nothing, |(wait, hold)| Next::Wait(wait, hold))
    }

    /// So many pages are fetched ahead.
    fn most_ahead(&self) -> usize {
        PAGES_AHEAD * self.most_running * (self.most_running / MANY).max(1)
    }

    /// Whether what is to be written next waits for a rate limit.
    fn is_held_up(&self, limiter: &Limiter, now: Duration) -> bool {
        let head = self.lists.get(self.current).and_then(|open| open.pagers.values().next());
        let pager = head.filter(|head| head.pages.is_empty()).and_then(|head| head.pager.as_ref());
        pager.is_some_and(|pager| !limiter.until(pager.request().endpoint(), now).is_zero())
    }

    /// Takes back a pager with what came of its answer; where it is to be sent again, nothing.
    pub fn put(&mut self, work: Work, step: Option<Step>) {
        self.running -= 1;
        self.expected -= work.expected;
        let Work { list, place, pager, .. } = work;
        self.large.remove(&(list, place.clone()));
        let Some(open) = self.lists.get_mut(list) else { return };
        open.page_size = open.page_size.min(pager.request().page_size().unwrap_or(u32::MAX));
        // The list may have been closed meanwhile.
        let Some(slot) = open.pagers.get_mut(&place) else { return };
        slot.is_running = false;
        match step {
            None | Some(Step::Again(_)) => {
                slot.pager = Some(pager);
                open.to_send.insert(place);
            }
            Some(Step::Broken(broken)) => {
                if ends_the_run(&broken.error) {
                    self.last = self.last.min(list);
                }
                slot.broken = Some(broken);
            }
            Some(Step::Page(fetched)) => {
                open.is_tried = true;
                let size = fetched.memory();
                self.held += size;
                self.waiting += 1;
                open.largest = open.largest.max(Some(size));
                if !fetched.is_last {
                    slot.pager = Some(pager);
                    open.to_send.insert(place);
                }
                slot.pages.push_back(fetched);
            }
            Some(Step::Cut(parts)) => {
                open.pagers.remove(&place);
                for (number, part) in parts.into_iter().enumerate() {
                    let mut place = place.clone();
                    place.slice.push(number);
                    open.add(place, part);
                }
            }
        }
    }

    /// What is to be written next of a list, if it is there already.
    pub fn take(&mut self, list: usize) -> Option<Delivery> {
        self.current = list;
        let Some(open) = self.lists.get_mut(list) else { return Some(Delivery::End) };
        open.is_judged = false;
        open.choose(&self.feeds);
        loop {
            let Some(mut first) = open.pagers.first_entry() else {
                return open.is_at_end(&self.feeds).then_some(Delivery::End);
            };
            let place = first.key().clone();
            let slot = first.get_mut();
            if let Some(fetched) = slot.pages.pop_front() {
                self.held -= fetched.memory();
                self.waiting -= 1;
                return Some(Delivery::Page(place, fetched));
            }
            if slot.pager.is_some() || slot.is_running {
                return None;
            }
            let broken = slot.broken.take();
            first.remove();
            if let Some(broken) = broken {
                open.is_judged = true;
                return Some(Delivery::Broken(place, broken));
            }
        }
    }

    /// Forgets what is left of a list.
    pub fn close(&mut self, list: usize) {
        let Some(open) = self.lists.get_mut(list) else { return };
        open.next = None;
        open.to_send.clear();
        for slot in std::mem::take(&mut open.pagers).into_values() {
            self.waiting -= slot.pages.len();
            self.held -= slot.pages.iter().map(|fetched| fetched.memory()).sum::<usize>();
        }
    }

    /// Adds what a record gives to the children of its list.
    pub fn feed(&mut self, feed: Feed, values: &[String]) {
        self.feeds.entry(feed).or_default().add(values);
    }

    /// Notes that nothing more will come of a feed.
    pub fn complete(&mut self, feed: Feed) {
        self.feeds.entry(feed).or_default().complete();
    }

    /// How a list is read that can be had as a whole, too, once that is decided.
    #[must_use]
    pub fn choice(&self, list: usize) -> Option<Choice> {
        self.lists.get(list)?.choice
    }

    /// Lets a list be read as a whole, whatever changed: its parents are not to be had.
    pub fn read_whole(&mut self, list: usize) {
        if let Some(open) = self.lists.get_mut(list) {
            open.read_whole(0);
        }
    }

    /// How many parents a feed has given so far.
    #[must_use]
    pub fn fed(&self, feed: Feed) -> usize {
        self.feeds.get(&feed).map_or(0, |given| given.bindings.len())
    }

    /// What a feed has given first.
    #[must_use]
    pub fn first(&self, feed: Feed) -> Option<Taken> {
        Some(self.feeds.get(&feed)?.bindings.get(0)?.to_owned())
    }

    /// What was taken of each parent of a list.
    #[must_use]
    pub fn given(&self, list: usize) -> Vec<Taken> {
        let mut parents = Vec::new();
        let Some(open) = self.lists.get(list) else { return parents };
        for given in open.list.parents.iter().filter_map(|(_, feed)| self.feeds.get(feed)) {
            for number in 0..given.bindings.len() {
                parents.extend(given.bindings.get(number).map(|parent| parent.to_owned()));
            }
        }
        parents
    }

    /// Whether a list is asked for once for each of its parents.
    #[must_use]
    pub fn is_child(&self, list: usize) -> bool {
        self.lists.get(list).is_some_and(|open| !open.list.parents.is_empty())
    }

    /// For how many parents a list is read, as far as they are known.
    #[must_use]
    pub fn parents(&self, list: usize) -> usize {
        let parents = self.lists.get(list).map_or(&[][..], |open| &open.list.parents);
        parents.iter().map(|(_, feed)| self.fed(*feed)).sum()
    }
}
