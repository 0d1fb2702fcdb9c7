//! One of the threads that fetch: takes a request from the queue, sends it, and puts back what came of it.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::costs::Hold;
use super::queue::{Growth, Next, Work};
use super::{Shared, Tools, UnderWay};
use crate::api::client::{BODY, Failure, Passing};
use crate::base::error::Error;
use crate::base::event;
use crate::base::stop::LOOK_UP;
use crate::record::lines::Lines;
use crate::sync::pager::{Broken, Step};

/// One thread that fetches.
pub(super) struct Worker(pub(super) Arc<Shared>);

impl Worker {
    pub(super) fn work(&self) {
        let mut next = self.next(self.0.lock());
        while let Some((mut work, mut body)) = next {
            let step = self.send(&mut work, &mut body);
            // Whoever puts an answer back takes the next request: nobody has to be woken for it.
            next = self.next(self.put(*work, step, body));
        }
    }

    /// Sends a request; what came of it, or nothing where it is to be sent again.
    fn send(&self, work: &mut Work, body: &mut Vec<u8>) -> Option<Step> {
        let Tools { client, clock, now, .. } = &self.0.tools;
        let began = clock.elapsed();
        let room = |growth| self.has_room(work, growth);
        let answer = client.attempt(work.pager.request(), body, &room);
        let took = clock.elapsed().saturating_sub(began);
        let answer = match answer {
            Ok(answer) => Ok((answer, body.as_slice())),
            Err(Failure::Final(error)) => Err(error),
            Err(Failure::Passing(passing)) => match self.repeat(work, took, passing) {
                Ok(()) => return None,
                Err(error) => Err(error),
            },
        };
        match work.pager.step(answer, &work.reader, Lines::new(&self.0.pool), *now) {
            Step::Broken(broken) => self.broken(work, took, broken),
            step => Some(step),
        }
    }

    /// An answer that is no JSON is asked for again; all else is for the writer to judge.
    fn broken(&self, work: &mut Work, took: Duration, mut broken: Broken) -> Option<Step> {
        if let Error::Garbled(problem) = broken.error {
            let passing = Passing::answer(Error::Garbled(problem));
            match self.repeat(work, took, passing) {
                Ok(()) => return None,
                Err(error) => broken.error = error,
            }
        }
        Some(Step::Broken(broken))
    }

    /// Puts a request off that may succeed later; where its page keeps failing, for a smaller one.
    fn repeat(&self, work: &mut Work, took: Duration, passing: Passing) -> Result<(), Error> {
        let Tools { client, clock, log, .. } = &self.0.tools;
        // What nobody waits for any more is not worth a line after the last one of the log.
        let mut under_way = self.0.lock();
        if under_way.is_closed || !under_way.queue.is_wanted(work) {
            return Ok(());
        }
        let (name, pager) = (work.reader.stream().name, &mut work.pager);
        if let Some(smaller) = pager.smaller_pages().filter(|_| passing.is_of_a_gateway()) {
            let (request, reason) = (pager.request(), passing.reason());
            log.tell(&event::smaller_pages(name, request, &reason, smaller));
            pager.limit(smaller);
        }
        let mut attempts = pager.attempts.take();
        let wait = client.again(pager.request(), &mut attempts, took, passing)?;
        pager.attempts = attempts;
        pager.not_before = clock.elapsed().saturating_add(wait);
        under_way.charge(work.list, |costs| costs.retries += 1);
        Ok(())
    }

    /// Waits until there is room for more of a large body; false where nobody wants it any more.
    fn has_room(&self, work: &Work, growth: usize) -> bool {
        let mut under_way = self.0.lock();
        while !under_way.is_closed {
            match under_way.queue.grow(work, growth) {
                Growth::Granted => {
                    // As long as it waited, others were kept from being sent.
                    self.0.changed(&mut under_way);
                    return true;
                }
                Growth::Unwanted => return false,
                Growth::NotYet => {
                    let waited = self.0.room.wait(under_way);
                    under_way = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        false
    }

    /// Puts back what came of a request, and wakes the writer where that is what it waits for.
    fn put(&self, work: Work, step: Option<Step>, mut body: Vec<u8>) -> MutexGuard<'_, UnderWay> {
        // What a large body took is given back.
        let size = body.len() as u64;
        body.clear();
        body.shrink_to(BODY);
        let mut under_way = self.0.lock();
        under_way.charge(work.list, |costs| {
            costs.bytes += size;
            costs.running -= 1;
            if let Some(Step::Page(fetched)) = &step {
                costs.add(fetched);
            }
        });
        under_way.buffers.push(body);
        if let Some(Step::Again(error)) = &step
            && !under_way.is_closed
        {
            self.0.tools.log.tell(&event::read_again(work.reader.stream().name, error));
        }
        let is_next = under_way.queue.is_head(&work);
        under_way.queue.put(work, step);
        under_way.calls.note();
        if is_next && under_way.calls.is_writer_waiting {
            self.0.delivered.notify_one();
        }
        if under_way.queue.is_room_awaited() {
            self.0.room.notify_all();
        }
        under_way
    }

    /// The next request, and a buffer for its answer; waits until there is one, and ends where
    /// nothing more is wanted.
    fn next<'a>(&'a self, mut under_way: MutexGuard<'a, UnderWay>) -> Option<(Box<Work>, Vec<u8>)> {
        let shared = &self.0;
        let Tools { client, clock, stop, .. } = &shared.tools;
        while !(under_way.is_closed || stop.is_set()) {
            if under_way.surplus > 0 {
                under_way.surplus -= 1;
                break;
            }
            under_way.calls.look();
            let next = under_way.queue.next(&mut client.limiter(), clock.elapsed());
            match next {
                Next::Send(work) => {
                    // There may be more to send, or somebody has to take over the waiting.
                    shared.call(&mut under_way);
                    let now = clock.elapsed();
                    under_way.charge(work.list, |costs| {
                        costs.requests += 1;
                        costs.running += 1;
                        costs.began.get_or_insert(now);
                    });
                    let buffer = under_way.buffers.pop();
                    return Some((work, buffer.unwrap_or_else(|| Vec::with_capacity(BODY))));
                }
                // One waits for all: a moment is not waited for twice.
                Next::Wait(wait, hold) if !under_way.is_waited_for => {
                    under_way = self.sleep(under_way, wait, &hold);
                }
                Next::Wait(..) | Next::Nothing => {
                    // Where all are busy it was not looked what there is.
                    let is_full = under_way.queue.is_full();
                    under_way.calls.found_nothing(is_full);
                    under_way = shared.idle(under_way);
                }
            }
        }
        None
    }

    /// Sleeps until a request may be sent, for all workers that would.
    fn sleep<'a>(
        &'a self,
        mut under_way: MutexGuard<'a, UnderWay>,
        wait: Duration,
        hold: &Hold,
    ) -> MutexGuard<'a, UnderWay> {
        let clock = &self.0.tools.clock;
        under_way.is_waited_for = true;
        under_way.calls.found_nothing(false);
        let reason = hold.to_string();
        self.0.announce(&mut under_way, wait, &reason);
        under_way.waiting = Some((reason, clock.elapsed().saturating_add(wait)));
        drop(under_way);
        let wait = wait.min(LOOK_UP);
        clock.sleep(wait);
        let mut under_way = self.0.lock();
        under_way.charge(hold.list, |costs| costs.wait(hold, wait));
        under_way.is_waited_for = false;
        // Time has passed: another one may be needed, to send or to sleep.
        under_way.calls.note();
        under_way
    }
}

impl Drop for Worker {
    /// Nobody would hand over what a worker that died had taken.
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().is_broken = true;
            self.0.delivered.notify_one();
        }
    }
}
