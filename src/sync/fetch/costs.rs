//! What lists have cost so far: requests, bytes, and time in which none could be sent.

use std::fmt;
use std::time::Duration;

use crate::sync::pager::Fetched;

/// What a list has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Costs {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Repeats.
    pub retries: u64,
    /// Bytes of the answers, inflated.
    pub bytes: u64,
    /// How long nothing at all could be sent, since the quota of its endpoint was used up.
    pub waited_for_limit: Duration,
    /// How long nothing at all could be sent, since it was too soon to repeat a request of it.
    pub waited_for_repeat: Duration,
    /// Requests under way.
    pub running: u64,
    /// Pages that have come.
    pub pages: u64,
    /// Records that have come.
    pub received: u64,
    /// Records that the API counts, where it does.
    pub total: Option<u64>,
    /// When the first request was sent.
    pub began: Option<Duration>,
}

/// Why nothing can be sent at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The list whose request may be sent first.
    pub list: usize,
    /// The endpoint of that request.
    pub endpoint: String,
    /// Whether it is a repeat that is too soon, rather than a quota that is used up.
    pub is_repeat: bool,
}

impl Costs {
    /// Counts an answer that brought a page.
    pub fn add(&mut self, fetched: &Fetched) {
        self.pages += 1;
        self.received += fetched.page.received;
        self.total = self.total.max(fetched.page.total);
    }

    /// Counts a wait.
    pub fn wait(&mut self, hold: &Hold, waited: Duration) {
        let sum =
            if hold.is_repeat { &mut self.waited_for_repeat } else { &mut self.waited_for_limit };
        *sum += waited;
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, is_repeat, .. } = self;
        let what = if *is_repeat { "before a repeat to" } else { "for the rate limit of" };
        write!(f, "{what} {endpoint}")
    }
}
