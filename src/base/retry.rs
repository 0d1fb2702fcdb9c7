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
    /// What the repeats of one request may take in all: its waits, and its attempts that failed.
    pub patience: Duration,
}

/// The attempts at one request.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    intervals: ExponentialBackoff,
    failed: u32,
    spent: Duration,
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
        Attempts { retry: self, intervals, failed: 0, spent: Duration::ZERO }
    }
}

const FIRST_INTERVAL: Duration = Duration::from_millis(500);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// A request that another may stand for is repeated so often.
const SAME_REQUEST: u32 = 2;
/// What the API asks for is made longer by up to this part of it, and by so much at most: those whom it
/// has told the same do not all come back at one moment.
const SPREAD: f64 = 0.1;
const LONGEST_SPREAD: Duration = Duration::from_secs(5);

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

    /// Counts again from the start, for another request in place of this one; what was spent stays.
    pub fn renew(&mut self) {
        self.failed = 0;
        self.intervals.reset();
    }

    /// After a failure: how long to wait before the next attempt, or that there is none. `took` is how
    /// long the attempt was under way, `asked` what the API said in `Retry-After`; we never come back
    /// sooner.
    pub fn wait(&mut self, took: Duration, asked: Option<Duration>) -> Option<Duration> {
        self.failed += 1;
        self.spent = self.spent.saturating_add(took);
        if self.failed > self.retry.most {
            return None;
        }
        let usual = self.intervals.current_interval;
        let own = self.intervals.next_backoff().unwrap_or(LONGEST_INTERVAL);
        // It lies between half and one and a half of the usual one.
        let chance = (own.as_secs_f64() / usual.as_secs_f64() - 0.5).clamp(0.0, 1.0);
        let spread = |asked: Duration| asked.mul_f64(SPREAD).min(LONGEST_SPREAD).mul_f64(chance);
        let asked = asked.map(|asked| asked.saturating_add(spread(asked)));
        let wait = own.max(asked.unwrap_or_default());
        self.spent = self.spent.saturating_add(wait);
        (self.spent <= self.retry.patience).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { most: 8, patience: Duration::from_secs(900) };

    #[test]
    fn waits_grow_and_end_after_the_last_retry() {
        let mut attempts = RETRY.attempts();
        let waits = std::iter::from_fn(|| attempts.wait(Duration::ZERO, None)).collect::<Vec<_>>();
        assert_eq!(waits.len(), 8);
        assert!(waits[0] >= Duration::from_millis(250) && waits[0] <= Duration::from_millis(750));
        assert!(waits[7] > waits[0] * 10, "{waits:?}");
    }

    #[test]
    fn no_wait_of_ours_is_longer_than_a_minute_and_a_half() {
        let retry = Retry { most: 40, patience: Duration::MAX };
        let mut attempts = retry.attempts();
        let waits = std::iter::from_fn(|| attempts.wait(Duration::ZERO, None)).collect::<Vec<_>>();
        assert_eq!(waits.len(), 40);
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(90)), "{waits:?}");
        assert!(waits[20..].iter().all(|wait| *wait >= Duration::from_secs(30)), "{waits:?}");
    }

    #[test]
    fn the_api_is_never_asked_again_sooner_than_it_said() {
        let mut attempts = RETRY.attempts();
        assert!(
            attempts.wait(Duration::ZERO, Some(Duration::from_secs(42)))
                >= Some(Duration::from_secs(42))
        );
    }

    #[test]
    fn our_own_interval_counts_where_the_api_asks_for_less() {
        let mut attempts = RETRY.attempts();
        assert!(
            attempts.wait(Duration::ZERO, Some(Duration::ZERO)) >= Some(Duration::from_millis(250))
        );
    }

    #[test]
    fn a_wait_beyond_our_patience_is_not_begun() {
        let mut attempts = RETRY.attempts();
        assert_eq!(attempts.wait(Duration::ZERO, Some(Duration::from_secs(901))), None);
    }

    #[test]
    fn what_the_api_asks_for_is_spread_a_little_and_never_made_shorter() {
        for (asked, longest) in [(1, 1_100), (20, 22_000), (400, 405_000)] {
            let asked = Duration::from_secs(asked);
            let waits = std::iter::repeat_with(|| {
                RETRY.attempts().wait(Duration::ZERO, Some(asked)).unwrap()
            });
            let waits = waits.take(50).collect::<Vec<_>>();
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*least >= asked && *most <= Duration::from_millis(longest), "{waits:?}");
            assert!(least < most, "{waits:?}");
        }
    }

    #[test]
    fn attempts_that_fail_late_use_up_our_patience_too() {
        let hours = Retry { most: 8, patience: Duration::from_secs(900) };
        let mut attempts = hours.attempts();
        let waits = std::iter::from_fn(|| attempts.wait(Duration::from_secs(300), None));
        assert_eq!(waits.count(), 2, "the third would end after more than 900 seconds");
    }

    #[test]
    fn no_retries_means_one_attempt() {
        let mut attempts = Retry { most: 0, ..RETRY }.attempts();
        assert_eq!((attempts.wait(Duration::ZERO, None), attempts.failed()), (None, 1));
    }
}
