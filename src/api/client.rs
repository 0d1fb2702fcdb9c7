//! The only module that talks to the API: sends a request, repeats it as [`crate::base::retry`] says,
//! learns for [`crate::api::limit`], and tells errors apart. ureq's defaults that bite are set here and nowhere else.

mod failure;

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, Proxy};

pub use self::failure::{Failure, Passing, retry_after};
use self::failure::{broken, refusal, whole};
use crate::api::limit::Limiter;
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::log::Log;
use crate::base::retry::{Attempts, Retry};
use crate::config::Config;
use crate::source::request::Request;
use crate::source::{Errors, Key};

/// A connection to the API; its idle connections are shared between threads.
pub struct Client {
    agent: Agent,
    endpoint: String,
    /// Headers of every request, the one with the key among them; without that where no key is needed.
    headers: Vec<(&'static str, String)>,
    errors: Errors,
    /// The headers in which answers tell quotas, and what is left.
    quota_headers: Option<(&'static str, &'static str)>,
    retry: Retry,
    clock: Arc<dyn Clock>,
    log: Arc<Log>,
    limiter: Mutex<Limiter>,
    requests: AtomicU64,
    retries: AtomicU64,
    /// Whether JSON has come.
    has_answered: AtomicBool,
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

/// No answer of the API is that large. Without a limit a body that never ends would fill the memory.
const LARGEST_BODY: u64 = 512 << 20;
/// How much is read or sent at a time. A request has to fit in, and so have the headers of an answer.
const BUFFER: usize = 32 << 10;
/// A wait that is not shorter is worth a line in the log.
pub const NOTABLE_WAIT: Duration = Duration::from_secs(3);

impl Client {
    /// A client with the config's endpoint, key and timeouts.
    #[must_use]
    pub fn new(config: &Config, clock: Arc<dyn Clock>, log: Arc<Log>) -> Self {
        let agent = Agent::config_builder()
            // An error status comes with a body that says why.
            .http_status_as_error(false)
            // A redirect of the API would be news; following it could leak the key.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // There is no timeout by default.
            .timeout_connect(Some(config.connect_timeout))
            .timeout_global(Some(config.request_timeout))
            .max_idle_connections_per_host(config.concurrency + 1)
            .max_idle_connections(config.concurrency + 1)
            // By default each connection holds 256 KiB.
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .user_agent(&config.user_agent)
            // Plain http is loopback: a proxy from the environment would see the key in the clear.
            .proxy(if config.is_loopback() { None } else { Proxy::try_from_env() })
            .build()
            .new_agent();
        Self {
            agent,
            endpoint: config.endpoint.clone(),
            headers: headers(config),
            errors: config.source.errors,
            quota_headers: config.source.quotas.headers,
            retry: config.retry,
            clock,
            log,
            limiter: Mutex::new(Limiter::new(
                &config.source.quotas,
                config.rate_limit_reserve_percent,
            )),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            has_answered: AtomicBool::new(false),
        }
    }

    /// Requests sent so far, repeats included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Repeats so far.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Sends `request` until it is answered or there is no more patience; the answer and its body.
    ///
    /// # Errors
    /// Every status but 200 has its [`Error`]; no answer at all is [`Error::Unreachable`].
    pub fn get(&self, request: &Request) -> Result<(Answer, Vec<u8>), Error> {
        let mut attempts = None;
        loop {
            match self.turn(request) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(passing)) => {
                    self.clock.sleep(self.again(request, &mut attempts, passing)?);
                }
            }
        }
    }

    /// Sends `request` once, for an answer that can be done without.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn once(&self, request: &Request) -> Result<(Answer, Vec<u8>), Error> {
        self.turn(request).map_err(|failure| match failure {
            Failure::Final(error) => error,
            Failure::Passing(passing) => passing.into_error(&self.endpoint, 1),
        })
    }

    /// Sends `request` when the rate limit lets it.
    fn turn(&self, request: &Request) -> Result<(Answer, Vec<u8>), Failure> {
        let wait = self.limiter().until(request.endpoint(), self.clock.elapsed());
        if wait >= NOTABLE_WAIT {
            self.announce(wait, &format!("for the rate limit of {}", request.endpoint()));
        }
        self.clock.sleep(wait);
        self.limiter().take(request.endpoint(), self.clock.elapsed());
        let mut body = Vec::new();
        let answer = self.attempt(request, &mut body)?;
        whole(&body)?;
        Ok((answer, body))
    }

    /// After a failure that may pass: how long to wait before the next attempt.
    ///
    /// # Errors
    /// What it comes to where there is no patience left.
    pub fn again(
        &self,
        request: &Request,
        attempts: &mut Option<Attempts>,
        passing: Passing,
    ) -> Result<Duration, Error> {
        let attempts = attempts.get_or_insert_with(|| self.retry.attempts());
        let wait = attempts.wait(passing.retry_after);
        // Where pages come from the start, there is no API at this address: patience does not help.
        let is_elsewhere = self.errors == Errors::Plain
            && passing.is_no_answer()
            && !self.has_answered.load(Ordering::Relaxed)
            && attempts.is_worth_another();
        let Some(wait) = wait.filter(|_| !is_elsewhere) else {
            return Err(passing.into_error(&self.endpoint, attempts.failed()));
        };
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.log.info(&format!(
            "retry path={request} attempt={} wait_seconds={:.1} reason={:?}",
            attempts.failed() + 1,
            wait.as_secs_f64(),
            passing.reason(),
        ));
        Ok(wait)
    }

    /// Says that a request waits, and what for.
    pub fn announce(&self, wait: Duration, reason: &str) {
        self.log.info(&format!("waiting seconds={:.1} {reason}", wait.as_secs_f64()));
    }

    /// The API's quota, as far as it is known: whoever sends a request takes from it.
    pub fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `request` once. The body is read into a buffer that an earlier one has grown: large
    /// buffers that come and go leave holes in the memory.
    ///
    /// # Errors
    /// Every status but 200, and no answer at all.
    pub fn attempt(&self, request: &Request, body: &mut Vec<u8>) -> Result<Answer, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.log.debug(&format!("request path={request}"));
        let sent_at = self.clock.now();
        let response = self.send(request).map_err(|error| broken(&error))?;
        let (head, sent) = response.into_parts();
        self.learn(request, head.status, &head.headers);
        read(sent, body).map_err(|error| broken(&error))?;
        if head.status == StatusCode::OK {
            let first = body.trim_ascii_start().first();
            if first.is_some_and(|first| b"{[".contains(first)) {
                self.has_answered.store(true, Ordering::Relaxed);
            }
            let (date, received_at) = (date(&head.headers), self.clock.now());
            return Ok(Answer { date, sent_at, received_at });
        }
        let head = (head.status.as_u16(), &head.headers);
        Err(refusal(request, self.errors, head, body))
    }

    fn send(&self, request: &Request) -> Result<Response<Body>, ureq::Error> {
        let address = format!("{}{request}", self.endpoint);
        let Some(body) = request.body() else {
            let mut call = self.agent.get(address);
            for (header, value) in &self.headers {
                call = call.header(*header, value);
            }
            return call.call();
        };
        let mut call = self.agent.post(address);
        for (header, value) in &self.headers {
            call = call.header(*header, value);
        }
        call.send(body)
    }

    /// Learns what an answer says of the API's quota.
    fn learn(&self, request: &Request, status: StatusCode, headers: &HeaderMap) {
        let (limits, remaining) = match self.quota_headers {
            Some((limits, remaining)) => (text(headers, limits), text(headers, remaining)),
            None => (None, None),
        };
        let limits = limits.unwrap_or_default();
        let remaining = remaining.and_then(|text| text.parse().ok());
        let (endpoint, now) = (request.endpoint(), self.clock.elapsed());
        let mut limiter = self.limiter();
        limiter.learn(endpoint, limits, remaining, now);
        if status == StatusCode::TOO_MANY_REQUESTS {
            limiter.close(endpoint, limits, retry_after(headers).unwrap_or_default(), now);
        }
    }
}

/// The headers of every request.
fn headers(config: &Config) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(Key { header, before, .. }) = config.key {
        headers.push((header, format!("{before}{}", config.api_key.expose())));
    }
    let fixed = config.source.headers.iter();
    headers.extend(fixed.map(|(header, value)| (*header, (*value).to_owned())));
    headers
}

/// Reads a body to its end, so that the connection can be used again. The limit is on what was
/// inflated, since ureq's own counts what was sent.
fn read(mut body: Body, bytes: &mut Vec<u8>) -> Result<(), ureq::Error> {
    bytes.clear();
    let reader = body.with_config().limit(u64::MAX).reader();
    reader.take(LARGEST_BODY).read_to_end(bytes)?;
    if bytes.len() as u64 == LARGEST_BODY {
        return Err(ureq::Error::BodyExceedsLimit(LARGEST_BODY));
    }
    Ok(())
}

/// The API's clock, as an answer's `Date` has it.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(text(headers, "date")?).ok()?;
    Some(date.with_timezone(&Utc))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
