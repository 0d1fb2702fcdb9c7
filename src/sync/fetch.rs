//! Worker threads that fetch ahead and hand pages over in order. What is fetched next, and what is
//! handed over, is decided in [`queue`]; here it is done.

mod calls;
pub mod costs;
pub mod list;
mod look;
mod open_list;
pub mod queue;
mod worker;

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::calls::Calls;
use self::costs::Costs;
use self::list::{Choice, Feed, List};
use self::look::{Look, Seen};
use self::queue::{Delivery, Queue};
use self::worker::Worker;
use crate::api::client::{Client, NOTABLE_WAIT};
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::Log;
use crate::base::stop::{LOOK_UP, Stop};
use crate::record::lines::Pool;
use crate::source::taken::Taken;

/// What numbers look like for people.
pub(in crate::sync) use self::look::grouped;

/// Lists being fetched. What is not wanted any more when it is dropped is given up.
pub struct Fetch {
    shared: Arc<Shared>,
    /// Held as long as there is something to see for whoever watches.
    _seen: Option<Sender<()>>,
}

/// What fetching needs beside the lists.
#[derive(Clone)]
pub struct Tools {
    /// The API.
    pub client: Arc<Client>,
    /// Where events go.
    pub log: Arc<Log>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether the run has to end.
    pub stop: Arc<Stop>,
    /// Where the slices of long lists are taken to end.
    pub now: DateTime<Utc>,
}

struct Shared {
    tools: Tools,
    under_way: Mutex<UnderWay>,
    /// What the writer waits for has come: it alone waits here.
    delivered: Condvar,
    /// There may be something to send: idle workers wait here.
    to_send: Condvar,
    /// There may be room for more of a large body: the workers that read one wait here.
    room: Condvar,
    /// What records lie in until they are written.
    pool: Arc<Pool>,
}

struct UnderWay {
    queue: Queue,
    /// Each list: whose records, whether they are written, and whether any more of it is wanted.
    lists: Vec<(&'static str, bool, bool)>,
    /// Of each list.
    costs: Vec<Costs>,
    /// What bodies are read into: as many as there are requests at a time, not as there are threads.
    buffers: Vec<Vec<u8>>,
    /// Who waits.
    calls: Calls,
    /// Whether a worker is asleep until the next request may be sent.
    is_waited_for: bool,
    /// What for, and until when.
    waiting: Option<(String, Duration)>,
    /// So many workers are to end.
    surplus: usize,
    /// Nothing more is wanted.
    is_closed: bool,
    /// A worker has died.
    is_broken: bool,
    /// The end of the last wait that the log has told of.
    announced: Duration,
}

impl Fetch {
    /// Starts to fetch `lists`, so many requests at a time. At most `budget` bytes wait to be written.
    ///
    /// # Errors
    /// [`Error::NoThread`] where the operating system gives none.
    pub fn start(
        tools: Tools,
        lists: Vec<List>,
        most_running: usize,
        budget: usize,
    ) -> Result<Self, Error> {
        let under_way = UnderWay {
            costs: vec![Costs::default(); lists.len()],
            lists: lists
                .iter()
                .map(|list| (list.reader.stream().name, list.reader.is_emitting(), false))
                .collect(),
            queue: Queue::new(lists, most_running, budget),
            buffers: Vec::new(),
            calls: Calls::default(),
            is_waited_for: false,
            waiting: None,
            surplus: 0,
            is_closed: false,
            is_broken: false,
            announced: Duration::ZERO,
        };
        let under_way = Mutex::new(under_way);
        let shared = Arc::new(Shared {
            tools,
            under_way,
            delivered: Condvar::new(),
            to_send: Condvar::new(),
            room: Condvar::new(),
            pool: Arc::default(),
        });
        // Nobody begins before it is known how many there are.
        let mut under_way = shared.lock();
        // One more than there are requests at a time, since one may be asleep.
        for number in 0..=most_running {
            let worker = Worker(Arc::clone(&shared));
            let thread = thread::Builder::new().name(format!("worker-{number}"));
            let Err(error) = thread.spawn(move || worker.work()) else { continue };
            // Looking up a host takes a thread besides.
            let kept = number / 2;
            if kept == 0 {
                under_way.is_closed = true;
                return Err(Error::NoThread(error.to_string()));
            }
            shared.tools.log.tell(&event::fewer_threads(kept, most_running, &error));
            under_way.surplus = number - kept;
            under_way.queue.limit(kept);
            break;
        }
        drop(under_way);
        let seen = watched(&shared);
        Ok(Self { shared, _seen: seen })
    }

    /// What is to be written next of a list; waits until it is there.
    ///
    /// # Errors
    /// [`Error::Bug`] where a worker has died, and what ends the run before its time.
    pub fn take(&self, list: usize) -> Result<Delivery, Error> {
        let mut under_way = self.shared.lock();
        loop {
            self.shared.tools.stop.check()?;
            if under_way.is_broken {
                return Err(Error::Bug("a worker thread has ended".into()));
            }
            let delivery = under_way.queue.take(list);
            self.shared.changed(&mut under_way);
            if let Some(delivery) = delivery {
                return Ok(delivery);
            }
            under_way.calls.is_writer_waiting = true;
            let waited = self.shared.delivered.wait_timeout(under_way, LOOK_UP);
            under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
            under_way.calls.is_writer_waiting = false;
        }
    }

    /// Adds what records give to the children of their list.
    pub fn feed(&self, list: usize, bound: &[(usize, Vec<String>)]) {
        if bound.is_empty() {
            return;
        }
        let mut under_way = self.shared.lock();
        for (feed, values) in bound {
            under_way.queue.feed(Feed { list, number: *feed }, values);
        }
        self.shared.changed(&mut under_way);
    }

    /// Notes that nothing more will come of a feed.
    pub fn complete(&self, feed: Feed) {
        let mut under_way = self.shared.lock();
        under_way.queue.complete(feed);
        self.shared.changed(&mut under_way);
    }

    /// How a list is read that can be had as a whole, too, once that is decided.
    #[must_use]
    pub fn choice(&self, list: usize) -> Option<Choice> {
        self.shared.lock().queue.choice(list)
    }

    /// Lets a list be read as a whole that could be read for its parents.
    pub fn read_whole(&self, list: usize) {
        let mut under_way = self.shared.lock();
        under_way.queue.read_whole(list);
        self.shared.changed(&mut under_way);
    }

    /// Forgets what is left of a list.
    pub fn close(&self, list: usize) {
        let mut under_way = self.shared.lock();
        under_way.queue.close(list);
        if let Some((_, _, is_closed)) = under_way.lists.get_mut(list) {
            *is_closed = true;
        }
        self.shared.changed(&mut under_way);
    }

    /// How many parents a feed has given so far.
    #[must_use]
    pub fn fed(&self, feed: Feed) -> usize {
        self.shared.lock().queue.fed(feed)
    }

    /// What a feed has given first.
    #[must_use]
    pub fn first(&self, feed: Feed) -> Option<Taken> {
        self.shared.lock().queue.first(feed)
    }

    /// What was taken of each parent of a list.
    #[must_use]
    pub fn given(&self, list: usize) -> Vec<Taken> {
        self.shared.lock().queue.given(list)
    }

    /// Requests of the run that the log has not counted yet, and counts now.
    #[must_use]
    pub fn uncounted(&self) -> u64 {
        self.shared.tools.client.uncounted()
    }

    /// What a list has cost so far.
    #[must_use]
    pub fn costs(&self, list: usize) -> Costs {
        self.shared.lock().costs.get(list).copied().unwrap_or_default()
    }

    /// For how many parents a list is read, as far as they are known.
    #[must_use]
    pub fn parents(&self, list: usize) -> usize {
        self.shared.lock().queue.parents(list)
    }
}

/// So often the lines of a terminal are drawn.
const DRAWN: Duration = Duration::from_millis(200);

/// Lets a thread draw what is under way, where somebody watches, until what it gives is dropped.
fn watched(shared: &Arc<Shared>) -> Option<Sender<()>> {
    let screen = shared.tools.log.screen()?;
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::clone(shared);
    let draw = move || {
        while receiver.recv_timeout(DRAWN) == Err(RecvTimeoutError::Timeout) {
            let look = shared.lock().look(shared.tools.clock.elapsed());
            screen.show(
                &look.lines().iter().map(|line| shared.tools.log.shown(line)).collect::<Vec<_>>(),
            );
        }
        screen.show(&[]);
    };
    // Without it the run is as good.
    thread::Builder::new().name("screen".to_owned()).spawn(draw).ok().map(|_| sender)
}

impl UnderWay {
    /// What is to be seen of it.
    fn look(&self, elapsed: Duration) -> Look {
        let mut lists = Vec::new();
        for (number, (stream, is_emitted, is_closed)) in self.lists.iter().enumerate() {
            let parents = self.queue.is_child(number).then(|| self.queue.parents(number));
            let costs = self.costs.get(number).copied().unwrap_or_default();
            let (is_emitted, is_closed) = (*is_emitted, *is_closed);
            lists.push(Seen { stream, is_emitted, is_closed, parents, costs });
        }
        let waiting = self.waiting.clone().filter(|_| self.is_waited_for);
        let waiting = waiting.map(|(what, until)| (what, until.saturating_sub(elapsed)));
        Look { lists, elapsed, waiting }
    }

    /// Counts something that a list costs.
    fn charge(&mut self, list: usize, count: impl FnOnce(&mut Costs)) {
        if let Some(costs) = self.costs.get_mut(list) {
            count(costs);
        }
    }
}

impl Drop for Fetch {
    /// The workers end by themselves: one whose answer does not come must not hold up the process.
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.to_send.notify_all();
        self.shared.room.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is waited for, once for each wait.
    fn announce(&self, under_way: &mut UnderWay, wait: Duration, reason: &str) {
        let end = self.tools.clock.elapsed().saturating_add(wait);
        if wait >= NOTABLE_WAIT && end > under_way.announced.saturating_add(NOTABLE_WAIT / 2) {
            under_way.announced = end;
            self.tools.client.announce(wait, reason);
        }
    }

    /// Says that there may be more to send, and more room for what is read.
    fn changed(&self, under_way: &mut UnderWay) {
        under_way.calls.note();
        self.call(under_way);
        if under_way.queue.is_room_awaited() {
            self.room.notify_all();
        }
    }

    /// Calls an idle worker, where there may be something for it to send.
    fn call(&self, under_way: &mut UnderWay) {
        if under_way.calls.calls(under_way.queue.is_full()) {
            self.to_send.notify_one();
        }
    }

    /// Waits until there may be something to send.
    fn idle<'a>(&self, mut under_way: MutexGuard<'a, UnderWay>) -> MutexGuard<'a, UnderWay> {
        under_way.calls.rest();
        let mut under_way = self.to_send.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        under_way.calls.rise();
        under_way
    }
}
