//! One of the threads that fetch: takes a request from the queue, sends it, and puts back what came of it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::queue::{Growth, Next, Work};
use super::{Shared, Tools};
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
        let Tools { client, clock, now, .. } = &self.0.tools;
        while let Some((mut work, mut body)) = self.next() {
            let began = clock.elapsed();
            let room = |growth| self.has_room(&work, growth);
            let answer = client.attempt(work.pager.request(), &mut body, &room);
            let took = clock.elapsed().saturating_sub(began);
            let answer = match answer {
                Ok(answer) => Ok((answer, body.as_slice())),
                Err(Failure::Final(error)) => Err(error),
                Err(Failure::Passing(passing)) => match self.repeat(&mut work, took, passing) {
                    Ok(()) => {
                        self.put(*work, None, body);
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            let step = work.pager.step(answer, &work.reader, Lines::new(&self.0.pool), *now);
            let step = match step {
                Step::Broken(broken) => self.broken(&mut work, took, broken),
                step => Some(step),
            };
            self.put(*work, step, body);
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
                Growth::Granted => return true,
                Growth::Unwanted => return false,
                // Somebody else may have to send what the writer waits for.
                Growth::NotYet => under_way = self.0.wait(under_way),
            }
        }
        false
    }

    fn put(&self, work: Work, step: Option<Step>, mut body: Vec<u8>) {
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
        under_way.queue.put(work, step);
        self.0.changed.notify_all();
    }

    /// The next request, and a buffer for its answer; waits until there is one, and ends where
    /// nothing more is wanted.
    fn next(&self) -> Option<(Box<Work>, Vec<u8>)> {
        let shared = &self.0;
        let Tools { client, clock, stop, .. } = &shared.tools;
        let mut under_way = shared.lock();
        while !(under_way.is_closed || stop.is_set()) {
            if under_way.surplus > 0 {
                under_way.surplus -= 1;
                break;
            }
            let next = under_way.queue.next(&mut client.limiter(), clock.elapsed());
            match next {
                Next::Send(work) => {
                    // There may be more to send, or somebody has to take over the waiting.
                    shared.changed.notify_all();
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
                    under_way.is_waited_for = true;
                    let reason = hold.to_string();
                    shared.announce(&mut under_way, wait, &reason);
                    under_way.waiting = Some((reason, clock.elapsed().saturating_add(wait)));
                    drop(under_way);
                    let wait = wait.min(LOOK_UP);
                    clock.sleep(wait);
                    under_way = shared.lock();
                    under_way.charge(hold.list, |costs| costs.wait(&hold, wait));
                    under_way.is_waited_for = false;
                }
                Next::Wait(..) | Next::Nothing => under_way = shared.wait(under_way),
            }
        }
        None
    }
}

impl Drop for Worker {
    /// Nobody would hand over what a worker that died had taken.
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().is_broken = true;
            self.0.changed.notify_all();
        }
    }
}
