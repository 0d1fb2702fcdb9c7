//! The only module that talks to the API: sends a request, repeats it as [`crate::base::retry`] says,
//! learns for [`crate::api::limit`], and tells errors apart.

mod alone;
mod asked;
mod body;
mod certificate;
mod failure;
mod kept;
mod resolver;
mod said;
mod transport;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ureq::http::{HeaderMap, HeaderValue, Response, StatusCode};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

pub use self::asked::asked;
pub use self::body::{BODY, Room};
pub use self::failure::{Failure, Passing};
use self::failure::{Timeouts, broken, refusal, short_enough};
use self::kept::Kept;
use self::transport::{Fresh, agent, was_closed};
use crate::api::limit::Limiter;
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::{Level, Log};
use crate::base::retry::{Attempts, Retry};
use crate::base::stop::Stop;
use crate::config::Config;
use crate::source::request::Request;
use crate::source::{Errors, Key};

/// A connection to the API; its idle connections are shared between threads.
pub struct Client {
    agent: Agent,
    endpoint: String,
    /// Headers of every request, the one with the key among them; without that where no key is needed.
    headers: Vec<(&'static str, HeaderValue)>,
    errors: Errors,
    /// The headers in which answers tell quotas, and what is left.
    quota_headers: Option<(&'static str, &'static str)>,
    retry: Retry,
    timeouts: Timeouts,
    /// Bytes of a body at most: one that never ends would fill the memory.
    max_body: usize,
    clock: Arc<dyn Clock>,
    log: Arc<Log>,
    stop: Arc<Stop>,
    limiter: Mutex<Limiter>,
    requests: AtomicU64,
    /// Those that the log has counted.
    counted: AtomicU64,
    retries: AtomicU64,
    /// Whether JSON has come.
    has_answered: AtomicBool,
    kept: Kept,
    /// Whether anybody was there, the API or something on the way.
    is_reached: AtomicBool,
    /// Whether the log has told that a header about quotas makes no sense.
    is_oddity_told: AtomicBool,
}

/// A 200.
#[derive(Debug)]
pub struct Answer {
    /// The API's clock, where it sent a usable `Date`.
    pub date: Option<DateTime<Utc>>,
    /// Our clock when the request was sent.
    pub sent_at: DateTime<Utc>,
    /// Our clock when the body was complete.
    pub received_at: DateTime<Utc>,
}

/// So many characters are shown of a header that makes no sense.
const SHOWN: usize = 60;
/// A wait that is not shorter is worth a line in the log.
pub const NOTABLE_WAIT: Duration = Duration::from_secs(3);

/// So often a host is looked for where nobody has ever answered: for some four seconds.
const FIRST_ATTEMPTS: u32 = 4;

impl Client {
    /// A client with the config's endpoint, key and timeouts.
    ///
    /// # Errors
    /// [`Error::Config`] for a proxy that cannot be used.
    pub fn new(
        config: &Config,
        clock: Arc<dyn Clock>,
        log: Arc<Log>,
        stop: Arc<Stop>,
    ) -> Result<Self, Error> {
        Ok(Self {
            agent: agent(config, &clock, &log)?,
            endpoint: config.endpoint.clone(),
            headers: headers(config),
            errors: config.source.errors,
            quota_headers: config.source.quotas.headers,
            retry: config.retry,
            timeouts: Timeouts {
                connect: config.connect_timeout,
                first_byte: config.first_byte_timeout,
                whole: config.request_timeout,
            },
            max_body: config.max_body,
            clock,
            log,
            stop,
            limiter: Mutex::new(
                Limiter::new(&config.source.quotas, config.rate_limit_reserve_percent)
                    .of_key(config.requests_per_minute),
            ),
            requests: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            has_answered: AtomicBool::new(false),
            kept: Kept::default(),
            is_reached: AtomicBool::new(false),
            is_oddity_told: AtomicBool::new(false),
        })
    }

    /// Requests sent so far, repeats included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Those of them that the log has not counted yet, and counts now.
    pub fn uncounted(&self) -> u64 {
        let requests = self.requests();
        requests - self.counted.swap(requests, Ordering::Relaxed)
    }

    /// Whether anybody has been there so far.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Relaxed)
    }

    /// Keeps an answer for whoever asks the same, so that nothing is asked for twice.
    pub fn keep(&self, request: &Request, answer: Answer, body: Vec<u8>) {
        self.kept.keep(request, answer, body);
    }

    /// Repeats so far.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// After a failure that may pass, of an attempt that `took` so long: how long to wait before the next.
    /// Where a quota is used up nobody else takes from it meanwhile.
    ///
    /// # Errors
    /// What it comes to where there is no patience left.
    pub fn again(
        &self,
        request: &Request,
        attempts: &mut Option<Attempts>,
        took: Duration,
        passing: Passing,
    ) -> Result<Duration, Error> {
        let attempts = attempts.get_or_insert_with(|| self.retry.attempts());
        let wait = attempts.wait(took, passing.retry_after);
        // Where pages come from the start, there is no API at this address: patience does not help.
        let is_elsewhere = self.errors == Errors::Plain
            && passing.is_no_answer()
            && !self.has_answered.load(Ordering::Relaxed)
            && attempts.is_worth_another();
        // Nor where nobody has been there since the run began: a mistyped host is told of within seconds.
        let is_nowhere =
            passing.is_of_nobody() && !self.is_reached() && attempts.failed() >= FIRST_ATTEMPTS;
        let is_hopeless = is_elsewhere || is_nowhere;
        let Some(wait) = wait.filter(|_| !is_hopeless) else {
            return Err(passing.into_error(&self.endpoint, attempts.failed()));
        };
        self.close(request, &passing, wait);
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.log.tell(&event::retry(request, attempts.failed() + 1, wait, &passing.reason()));
        Ok(wait)
    }

    /// Closes the quota that is used up, if it is that, unless for longer than anybody would wait.
    fn close(&self, request: &Request, passing: &Passing, wait: Duration) {
        if let Some(quotas) = passing.quotas.as_ref().filter(|_| wait <= self.retry.patience) {
            self.limiter().close(request.endpoint(), quotas, wait, self.clock.elapsed());
        }
    }

    /// Says that a request waits, and what for.
    pub fn announce(&self, wait: Duration, reason: &str) {
        self.log.tell(&event::waiting(wait, reason));
    }

    /// The API's quota, as far as it is known: whoever sends a request takes from it.
    pub fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `request` once. The body is read into a buffer that an earlier one has grown: large
    /// buffers that come and go leave holes in the memory. A large one asks for `room` while it is read.
    ///
    /// # Errors
    /// Every status but 200, and no answer at all.
    pub fn attempt(
        &self,
        request: &Request,
        body: &mut Vec<u8>,
        room: Room,
    ) -> Result<Answer, Failure> {
        if let Some(answer) = self.kept.take(request, body) {
            return Ok(answer);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.log.tells(Level::Debug) {
            self.log.tell(&event::request(request));
        }
        let sent_at = self.clock.now();
        short_enough(request)?;
        let response = match self.send(request, false) {
            // No failure of the API's: it may close a connection that nobody uses whenever it likes.
            Err(error) if was_closed(&error) => {
                self.requests.fetch_add(1, Ordering::Relaxed);
                self.log.tell(&event::request_again(request, &error));
                self.send(request, true)
            }
            other => other,
        };
        let broken = |error| broken(&error, &self.endpoint, &self.timeouts);
        let response = response.map_err(broken);
        if !matches!(&response, Err(Failure::Passing(passing)) if passing.is_of_nobody()) {
            self.is_reached.store(true, Ordering::Relaxed);
        }
        let (head, sent) = response?.into_parts();
        let quotas = self.learn(request, &head.headers);
        let (date, is_ok) = (date(&head.headers), head.status == StatusCode::OK);
        self.read(request, (sent, &head.headers), body, (is_ok, room))?;
        let received_at = self.clock.now();
        if is_ok {
            let first = body.trim_ascii_start().first();
            if first.is_some_and(|first| b"{[".contains(first)) {
                self.has_answered.store(true, Ordering::Relaxed);
            }
            return Ok(Answer { date, sent_at, received_at });
        }
        let of_head = (head.status.as_u16(), &head.headers, date.unwrap_or(received_at));
        let mut failure = refusal(request, self.errors, of_head, body);
        if let Failure::Passing(passing) = &mut failure
            && head.status == StatusCode::TOO_MANY_REQUESTS
        {
            passing.quotas = Some(quotas.to_owned());
        }
        Err(failure)
    }

    /// Sends `request` over a connection that is left from another, or over a new one.
    fn send(&self, request: &Request, is_fresh: bool) -> Result<Response<Body>, ureq::Error> {
        let address = format!("{}{request}", self.endpoint);
        let Some(body) = request.body() else {
            let mut call = self.agent.get(address);
            for (header, value) in &self.headers {
                call = call.header(*header, value);
            }
            return if is_fresh { call.fresh().call() } else { call.call() };
        };
        let mut call = self.agent.post(address);
        for (header, value) in &self.headers {
            call = call.header(*header, value);
        }
        if is_fresh { call.fresh().send(body) } else { call.send(body) }
    }

    /// Learns what an answer says of the API's quota; the header that tells it.
    fn learn<'a>(&self, request: &Request, headers: &'a HeaderMap) -> &'a str {
        let (limits, remaining) = match self.quota_headers {
            Some((limits, remaining)) => (text(headers, limits), text(headers, remaining)),
            None => (None, None),
        };
        let limits = limits.unwrap_or_default();
        let remaining = remaining.and_then(|text| text.parse().ok());
        let (endpoint, now) = (request.endpoint(), self.clock.elapsed());
        let makes_sense = self.limiter().learn(endpoint, limits, remaining, now);
        if !makes_sense && !self.is_oddity_told.swap(true, Ordering::Relaxed) {
            let header = limits.chars().take(SHOWN).collect::<String>();
            self.log.tell(&event::odd_quota(request, &header));
        }
        limits
    }
}

/// The headers of every request. The key lies in one place, which is wiped with the last request.
fn headers(config: &Config) -> Vec<(&'static str, HeaderValue)> {
    let mut headers = Vec::new();
    if let Some(Key { header, before, .. }) = config.key {
        let key = config.api_key.expose();
        let mut text = Zeroizing::new(Vec::with_capacity(before.len() + key.len()));
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(key.as_bytes());
        // The config has held the key to letters that a header takes.
        if let Ok(mut value) = HeaderValue::from_maybe_shared(Bytes::from_owner(text)) {
            value.set_sensitive(true);
            headers.push((header, value));
        }
    }
    let fixed = config.source.headers.iter();
    headers.extend(fixed.map(|(header, value)| (*header, HeaderValue::from_static(value))));
    headers
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(text(headers, "date")?).ok()?;
    Some(date.with_timezone(&Utc))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
