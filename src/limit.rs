//! How fast to go: the API's token buckets, learned from its headers, less what is left to the
//! organisation's other tools. Pure: it is told the time and says how long to wait.

use std::collections::BTreeMap;
use std::time::Duration;

/// The buckets of a key, as far as they are known.
#[derive(Debug)]
pub struct Limiter {
    /// What part of each bucket is ours.
    share: f64,
    /// By endpoint; the key's own under [`KEY`].
    buckets: BTreeMap<String, Bucket>,
}

/// A quota that refills continuously.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    quota: f64,
    window: f64,
    /// Requests that may be made at `at`; below zero those that are waiting.
    tokens: f64,
    at: Duration,
}

/// The bucket that every request takes from.
const KEY: &str = "";
/// What the API gives a key until it says otherwise: quota and window in seconds (API document).
const KEY_LIMIT: (f64, f64) = (1_200.0, 60.0);
/// Endpoints with a bucket of their own: the same (seen live).
const ENDPOINT_LIMITS: [(&str, (f64, f64)); 1] = [("/v2/incidents", (60.0, 60.0))];

impl Limiter {
    /// Full buckets, of which `reserve_percent` is left to others.
    #[must_use]
    pub fn new(reserve_percent: u8) -> Self {
        let share = f64::from(100_u8.saturating_sub(reserve_percent)) / 100.0;
        let limits = ENDPOINT_LIMITS.into_iter().chain([(KEY, KEY_LIMIT)]);
        let bucket =
            |(quota, window)| Bucket { quota, window, tokens: quota * share, at: Duration::ZERO };
        let buckets = limits.map(|(name, limit)| (name.to_owned(), bucket(limit))).collect();
        Self { share, buckets }
    }

    /// Takes a place for a request to `endpoint` and says how long to wait for it.
    pub fn wait(&mut self, endpoint: &str, now: Duration) -> Duration {
        let mut wait = 0.0_f64;
        for (name, bucket) in &mut self.buckets {
            if name == KEY || name == endpoint {
                wait = wait.max(bucket.take(self.share, now));
            }
        }
        Duration::from_secs_f64(wait)
    }

    /// Learns from `X-RateLimit-Limit`: the quota that binds, then every limit with its window,
    /// like `60, 1200;window=60, 60;window=60`. The largest is the key's, a smaller one the
    /// endpoint's.
    pub fn learn(&mut self, endpoint: &str, header: &str, now: Duration) {
        let mut limits = header.split(',').filter_map(limit).collect::<Vec<_>>();
        limits.sort_by(|one, other| (other.0 / other.1).total_cmp(&(one.0 / one.1)));
        let mut limits = limits.into_iter();
        if let Some(limit) = limits.next() {
            self.set(KEY, limit, now);
        }
        if let Some(limit) = limits.next_back() {
            self.set(endpoint, limit, now);
        }
    }

    fn set(&mut self, name: &str, (quota, window): (f64, f64), now: Duration) {
        let fresh = Bucket { quota, window, tokens: quota * self.share, at: now };
        let bucket = self.buckets.entry(name.to_owned()).or_insert(fresh);
        if (bucket.quota, bucket.window) != (quota, window) {
            // What was taken stays taken.
            let taken = bucket.quota * self.share - bucket.tokens;
            *bucket = Bucket { tokens: quota * self.share - taken, at: bucket.at, ..fresh };
        }
    }
}

impl Bucket {
    /// Takes a token, if need be one that is not there yet; seconds until it is.
    fn take(&mut self, share: f64, now: Duration) -> f64 {
        let rate = (self.quota * share / self.window).max(f64::MIN_POSITIVE);
        let passed = now.saturating_sub(self.at).as_secs_f64();
        // At least one request may be made at a time, however small the share.
        let most = (self.quota * share).max(1.0);
        self.tokens = (self.tokens + passed * rate).min(most) - 1.0;
        self.at = now.max(self.at);
        (-self.tokens / rate).clamp(0.0, MOST_SECONDS)
    }
}

/// A wait is never longer than that, whatever a header says.
const MOST_SECONDS: f64 = 3_600.0;

/// Quota and window of `1200;window=60`.
fn limit(text: &str) -> Option<(f64, f64)> {
    let (quota, parameters) = text.trim().split_once(';')?;
    let window = parameters.split(';').find_map(|part| part.trim().strip_prefix("window="))?;
    let (quota, window) = (quota.parse::<u32>().ok()?, window.parse::<u32>().ok()?);
    (quota > 0 && window > 0).then(|| (f64::from(quota), f64::from(window)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits of so many requests to `endpoint` at one moment.
    fn waits(limiter: &mut Limiter, endpoint: &str, count: usize, now: Duration) -> Vec<Duration> {
        (0..count).map(|_| limiter.wait(endpoint, now)).collect()
    }

    #[test]
    fn a_burst_is_free_and_what_comes_after_is_paced() {
        let mut limiter = Limiter::new(20);
        let waits = waits(&mut limiter, "/v2/alerts", 976, Duration::ZERO);
        assert!(waits[..960].iter().all(Duration::is_zero), "80 % of 1,200");
        assert_eq!(waits[975], SECOND, "then 16 a second");
    }

    #[test]
    fn incidents_have_a_bucket_of_their_own_that_slows_nobody_else() {
        let mut limiter = Limiter::new(20);
        let incidents = waits(&mut limiter, "/v2/incidents", 56, Duration::ZERO);
        assert_eq!((incidents[47], incidents[55]), (Duration::ZERO, 10 * SECOND));
        assert_eq!(limiter.wait("/v2/alerts", Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_bucket_fills_again_while_time_passes_and_never_beyond_its_quota() {
        let mut limiter = Limiter::new(0);
        waits(&mut limiter, "/v2/incidents", 60, Duration::ZERO);
        assert_eq!(limiter.wait("/v2/incidents", SECOND), Duration::ZERO);
        assert_eq!(limiter.wait("/v2/incidents", SECOND), SECOND);
        let later = waits(&mut limiter, "/v2/incidents", 61, 1_000 * SECOND);
        assert_eq!((later[59], later[60]), (Duration::ZERO, SECOND));
    }

    #[test]
    fn limits_are_learned_for_the_key_and_for_an_endpoint() {
        let mut limiter = Limiter::new(0);
        let header = "60, 600;window=60, 60;window=60";
        limiter.learn("/v2/workflow_runs", header, Duration::ZERO);
        assert_eq!(waits(&mut limiter, "/v2/workflow_runs", 61, Duration::ZERO)[60], SECOND);
        let other = waits(&mut limiter, "/v2/users", 549, Duration::ZERO);
        assert_eq!(other[548], SECOND, "600 less 61, then 10 a second");
    }

    #[test]
    fn what_was_taken_stays_taken_when_a_limit_changes() {
        let mut limiter = Limiter::new(0);
        waits(&mut limiter, "/v2/users", 100, Duration::ZERO);
        limiter.learn("/v2/users", "600, 600;window=60", Duration::ZERO);
        let rest = waits(&mut limiter, "/v2/users", 501, Duration::ZERO);
        assert_eq!((rest[499], rest[500].is_zero()), (Duration::ZERO, false));
    }

    #[test]
    fn a_header_that_makes_no_sense_changes_nothing() {
        for header in ["", "60", "a;window=60", "0;window=60", "60;window=0", "60;per=60", ";;,"] {
            let mut limiter = Limiter::new(0);
            limiter.learn("/v2/users", header, Duration::ZERO);
            assert_eq!(limiter.buckets, Limiter::new(0).buckets, "{header}");
        }
    }
}
