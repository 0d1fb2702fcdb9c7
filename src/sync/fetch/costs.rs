//! What lists have cost so far: requests, bytes, and time in which none could be sent.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

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
    /// Counts a wait.
    pub fn wait(&mut self, hold: &Hold, waited: Duration) {
        let sum =
            if hold.is_repeat { &mut self.waited_for_repeat } else { &mut self.waited_for_limit };
        *sum += waited;
    }
}

impl AddAssign for Costs {
    fn add_assign(&mut self, other: Self) {
        let Self { requests, retries, bytes, waited_for_limit, waited_for_repeat } = other;
        self.requests += requests;
        self.retries += retries;
        self.bytes += bytes;
        self.waited_for_limit += waited_for_limit;
        self.waited_for_repeat += waited_for_repeat;
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, is_repeat, .. } = self;
        let what = if *is_repeat { "before a repeat to" } else { "for the rate limit of" };
        write!(f, "{what} {endpoint}")
    }
}
