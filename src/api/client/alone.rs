//! A request by itself, outside of the lists that workers fetch: what is asked before anything is read. It
//! waits for its turn and for its repeats, and a run that has to end does not wait for it.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use super::failure::whole;
use super::{Answer, Client, Failure, NOTABLE_WAIT};
use crate::base::error::Error;
use crate::base::stop::LOOK_UP;
use crate::source::request::Request;

/// A 200 with its body, or why there is none.
type Answered = Result<(Answer, Vec<u8>), Error>;

impl Client {
    /// Sends `request` until it is answered or there is no more patience; the answer and its body.
    ///
    /// # Errors
    /// Every status but 200 has its [`Error`]; no answer at all is [`Error::Unreachable`].
    pub fn get(self: &Arc<Self>, request: &Request) -> Answered {
        self.aside(request, |client, request| {
            let mut attempts = None;
            loop {
                client.await_turn(request);
                client.stop.check()?;
                let began = client.clock.elapsed();
                match client.turn(request) {
                    Ok(answer) => return Ok(answer),
                    Err(Failure::Final(error)) => return Err(error),
                    Err(Failure::Passing(passing)) => {
                        let took = client.clock.elapsed().saturating_sub(began);
                        client.clock.sleep(client.again(request, &mut attempts, took, passing)?);
                    }
                }
            }
        })
    }

    /// Sends `request` once, for an answer that can be done without.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn once(self: &Arc<Self>, request: &Request) -> Answered {
        self.aside(request, |client, request| {
            client.await_turn(request);
            client.turn(request).map_err(|failure| match failure {
                Failure::Final(error) => error,
                Failure::Passing(passing) => {
                    client.close(request, &passing, passing.retry_after.unwrap_or_default());
                    passing.into_error(&client.endpoint, 1)
                }
            })
        })
    }

    /// Lets a thread of its own send a request, so that a run that has to end need not wait for the answer.
    fn aside(
        self: &Arc<Self>,
        request: &Request,
        send: fn(&Self, &Request) -> Answered,
    ) -> Answered {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, request) = (Arc::clone(self), request.clone());
        let sending = move || {
            // Where nobody waits for it any more it is not wanted.
            let _ = sender.send(send(&client, &request));
        };
        let thread = thread::Builder::new().name("ask".to_owned());
        thread.spawn(sending).map_err(|error| Error::NoThread(error.to_string()))?;
        loop {
            match receiver.recv_timeout(LOOK_UP) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) => self.stop.check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Bug("a thread that sent a request has ended".to_owned()));
                }
            }
        }
    }

    /// Waits until the rate limit lets `request` through.
    fn await_turn(&self, request: &Request) {
        let wait = self.limiter().until(request.endpoint(), self.clock.elapsed());
        if wait >= NOTABLE_WAIT {
            self.announce(wait, &format!("for the rate limit of {}", request.endpoint()));
        }
        self.clock.sleep(wait);
        self.limiter().take(request.endpoint(), self.clock.elapsed());
    }

    fn turn(&self, request: &Request) -> Result<(Answer, Vec<u8>), Failure> {
        let mut body = Vec::new();
        let answer = self.attempt(request, &mut body, &|_| true)?;
        whole(&body)?;
        Ok((answer, body))
    }
}
