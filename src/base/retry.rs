//! When to try again, and how long to wait first. Pure: nothing here sleeps or reads a clock.
//! The intervals are those of the `backoff` crate, used nowhere else.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// How often, and for how long in all, one request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Repeats after the first attempt.
    pub most: u32,
    /// Waiting in all, for one request.
    pub patience: Duration,
}

/// The attempts at one request.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    intervals: ExponentialBackoff,
    failed: u32,
    waited: Duration,
}

impl Retry {
    /// Starts counting for a request.
    #[must_use]
    pub fn attempts(self) -> Attempts {
        let intervals = ExponentialBackoff {
            initial_interval: FIRST_INTERVAL,
            current_interval: FIRST_INTERVAL,
            multiplier: 2.0,
            max_interval: LONGEST_INTERVAL,
            // Patience is counted here, without a clock.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Attempts { retry: self, intervals, failed: 0, waited: Duration::ZERO }
    }
}

const FIRST_INTERVAL: Duration = Duration::from_millis(500);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// A request that another may stand for is repeated so often.
const SAME_REQUEST: u32 = 2;

impl Attempts {
    /// Attempts so far, once [`Attempts::wait`] was asked after each failure.
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Whether it has failed as often as the same request is worth, where another may do instead.
    #[must_use]
    pub fn is_worth_another(&self) -> bool {
        self.failed >= SAME_REQUEST.min(self.retry.most)
    }

    /// Counts again from the start, for another request in place of this one; what was waited stays.
    pub fn renew(&mut self) {
        self.failed = 0;
        self.intervals.reset();
    }

    /// After a failure: how long to wait before the next attempt, or that there is none. `asked`
    /// is what the API said in `Retry-After`; we never come back sooner.
    pub fn wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failed += 1;
        if self.failed > self.retry.most {
            return None;
        }
        let own = self.intervals.next_backoff().unwrap_or(LONGEST_INTERVAL);
        let wait = own.max(asked.unwrap_or_default());
        self.waited = self.waited.saturating_add(wait);
        (self.waited <= self.retry.patience).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { most: 8, patience: Duration::from_secs(900) };

    #[test]
    fn waits_grow_and_end_after_the_last_retry() {
        let mut attempts = RETRY.attempts();
        let waits = std::iter::from_fn(|| attempts.wait(None)).collect::<Vec<_>>();
        assert_eq!(waits.len(), 8);
        assert!(waits[0] >= Duration::from_millis(250) && waits[0] <= Duration::from_millis(750));
        assert!(waits[7] > waits[0] * 10, "{waits:?}");
    }

    #[test]
    fn no_wait_of_ours_is_longer_than_a_minute_and_a_half() {
        let retry = Retry { most: 40, patience: Duration::MAX };
        let mut attempts = retry.attempts();
        let waits = std::iter::from_fn(|| attempts.wait(None)).collect::<Vec<_>>();
        assert_eq!(waits.len(), 40);
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(90)), "{waits:?}");
        assert!(waits[20..].iter().all(|wait| *wait >= Duration::from_secs(30)), "{waits:?}");
    }

    #[test]
    fn the_api_is_never_asked_again_sooner_than_it_said() {
        let mut attempts = RETRY.attempts();
        assert!(attempts.wait(Some(Duration::from_secs(42))) >= Some(Duration::from_secs(42)));
    }

    #[test]
    fn our_own_interval_counts_where_the_api_asks_for_less() {
        let mut attempts = RETRY.attempts();
        assert!(attempts.wait(Some(Duration::ZERO)) >= Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_wait_beyond_our_patience_is_not_begun() {
        let mut attempts = RETRY.attempts();
        assert_eq!(attempts.wait(Some(Duration::from_secs(901))), None);
    }

    #[test]
    fn no_retries_means_one_attempt() {
        let mut attempts = Retry { most: 0, ..RETRY }.attempts();
        assert_eq!((attempts.wait(None), attempts.failed()), (None, 1));
    }
}
