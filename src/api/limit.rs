//! How fast to go: the API's token buckets, learned from its headers, less what is left to the
//! organisation's other tools. Pure: it is told the time and says how long to wait.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::source::{Quota, Quotas};

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
    /// Requests that may be made at `at`.
    tokens: f64,
    at: Duration,
    /// The API refused a request: until when none is sent.
    closed_until: Duration,
}

/// The bucket that every request takes from.
const KEY: &str = "";
/// How many seconds a quota of the source's table takes to refill.
const MINUTE: f64 = 60.0;

impl Limiter {
    /// Full buckets, of which `reserve_percent` is left to others.
    #[must_use]
    pub fn new(quotas: &Quotas, reserve_percent: u8) -> Self {
        let share = f64::from(100_u8.saturating_sub(reserve_percent)) / 100.0;
        let mut buckets = BTreeMap::new();
        for (name, Quota(requests)) in quotas.paths.iter().copied().chain([(KEY, quotas.key)]) {
            let bucket = Bucket::new((f64::from(requests), MINUTE), share, Duration::ZERO);
            buckets.insert(name.to_owned(), bucket);
        }
        Self { share, buckets }
    }

    /// The same with so many requests of the key a minute, until an answer says otherwise; without a number
    /// with those of the source.
    #[must_use]
    pub fn of_key(mut self, requests: Option<u32>) -> Self {
        if let Some(requests) = requests {
            self.set(KEY, (f64::from(requests), MINUTE), Duration::ZERO);
        }
        self
    }

    /// How long it is until a request to `endpoint` may be sent.
    #[must_use]
    pub fn until(&self, endpoint: &str, now: Duration) -> Duration {
        let mut wait = Duration::ZERO;
        for (name, bucket) in &self.buckets {
            if name == KEY || name == endpoint {
                wait = wait.max(bucket.until(self.share, now));
            }
        }
        wait
    }

    /// Counts a request to `endpoint`.
    pub fn take(&mut self, endpoint: &str, now: Duration) {
        for (name, bucket) in &mut self.buckets {
            if name == KEY || name == endpoint {
                bucket.refill(self.share, now);
                bucket.tokens -= 1.0;
            }
        }
    }

    /// Learns from the header in which an answer tells quotas: the one that binds, then every limit with its
    /// window, like `60, 1200;window=60, 60;window=60`. The largest is the key's, a smaller one the
    /// endpoint's. `remaining` is what the binding one has left: others may have taken from it. Whether the
    /// header makes sense; what does not is ignored.
    pub fn learn(
        &mut self,
        endpoint: &str,
        header: &str,
        remaining: Option<u32>,
        now: Duration,
    ) -> bool {
        let mut limits = header.split(',').filter_map(limit).collect::<Vec<_>>();
        limits.sort_by(|one, other| (other.0 / other.1).total_cmp(&(one.0 / one.1)));
        let mut limits = limits.into_iter();
        if let Some(limit) = limits.next() {
            self.set(KEY, limit, now);
        }
        if let Some(limit) = limits.next_back() {
            self.set(endpoint, limit, now);
        }
        let share = self.share;
        if let (Some(remaining), Some(bucket)) = (remaining, self.binding(endpoint, header)) {
            bucket.refill(share, now);
            let reserve = bucket.quota * (1.0 - share);
            bucket.tokens = bucket.tokens.min(f64::from(remaining) - reserve);
        }
        // The first part is the quota that binds, mostly without a window.
        let is_plain = |part: &str| part.trim().parse::<u32>().is_ok_and(|quota| quota > 0);
        header.split(',').enumerate().all(|(number, part)| {
            limit(part).is_some() || (number == 0 && (header.is_empty() || is_plain(part)))
        })
    }

    /// Learns that the API refused a request, and for how long it will: an hour at most is believed.
    pub fn close(&mut self, endpoint: &str, header: &str, wait: Duration, now: Duration) {
        if let Some(bucket) = self.binding(endpoint, header) {
            let until = now.saturating_add(wait.min(LONGEST_WAIT));
            bucket.closed_until = bucket.closed_until.max(until);
        }
    }

    /// The bucket that a header is about: the key's, where its quota is the one that binds.
    fn binding(&mut self, endpoint: &str, header: &str) -> Option<&mut Bucket> {
        let quota = header.split(',').next().and_then(|first| first.trim().parse::<u32>().ok());
        let of_key = self.buckets.get(KEY).map(|bucket| bucket.quota);
        let is_of_key = quota.map(f64::from) == of_key || !self.buckets.contains_key(endpoint);
        self.buckets.get_mut(if is_of_key { KEY } else { endpoint })
    }

    fn set(&mut self, name: &str, limit: (f64, f64), now: Duration) {
        let fresh = Bucket::new(limit, self.share, now);
        let bucket = self.buckets.entry(name.to_owned()).or_insert(fresh);
        if (bucket.quota, bucket.window) != limit {
            // What was taken stays taken.
            let taken = (bucket.quota - fresh.quota) * self.share;
            *bucket = Bucket {
                tokens: bucket.tokens - taken,
                at: bucket.at,
                closed_until: bucket.closed_until,
                ..fresh
            };
        }
    }
}

impl Bucket {
    fn new((quota, window): (f64, f64), share: f64, now: Duration) -> Self {
        Self { quota, window, tokens: quota * share, at: now, closed_until: Duration::ZERO }
    }

    /// Tokens a second that are ours.
    fn rate(&self, share: f64) -> f64 {
        (self.quota * share / self.window).max(f64::MIN_POSITIVE)
    }

    /// How long it is until there is a token.
    fn until(mut self, share: f64, now: Duration) -> Duration {
        self.refill(share, now);
        let seconds = (1.0 - self.tokens) / self.rate(share);
        let seconds = seconds.clamp(0.0, LONGEST_WAIT.as_secs_f64());
        Duration::from_secs_f64(seconds).max(self.closed_until.saturating_sub(now))
    }

    fn refill(&mut self, share: f64, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        // At least one request may be made at a time, however small the share.
        let most = (self.quota * share).max(1.0);
        // A wait that was computed in floating point must not come out a nanosecond too short.
        self.tokens = (self.tokens + passed * self.rate(share) + 1e-9).min(most);
        self.at = now.max(self.at);
    }
}

/// A wait is never longer than that, whatever a header says.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Quota and window of `1200;window=60`. No API counts over longer than the longest wait.
fn limit(text: &str) -> Option<(f64, f64)> {
    let (quota, parameters) = text.trim().split_once(';')?;
    let window = parameters.split(';').find_map(|part| part.trim().strip_prefix("window="))?;
    let (quota, window) = (quota.parse::<u32>().ok()?, window.parse::<u32>().ok()?);
    let is_plausible = quota > 0 && window > 0 && u64::from(window) <= LONGEST_WAIT.as_secs();
    is_plausible.then(|| (f64::from(quota), f64::from(window)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::incident_io::INCIDENT_IO;

    const SECOND: Duration = Duration::from_secs(1);
    const ALERTS: &str = "/v2/alerts";
    const INCIDENTS: &str = "/v2/incidents";

    /// How many requests may be sent at one moment.
    fn burst(limiter: &mut Limiter, endpoint: &str, now: Duration) -> usize {
        let mut sent = 0;
        while limiter.until(endpoint, now).is_zero() {
            limiter.take(endpoint, now);
            sent += 1;
        }
        sent
    }

    /// Whether about that long is to be waited.
    fn waits(limiter: &Limiter, endpoint: &str, now: Duration, expected: Duration) -> bool {
        limiter.until(endpoint, now).abs_diff(expected) < Duration::from_micros(1)
    }

    #[test]
    fn a_burst_is_free_and_what_comes_after_is_paced() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 960, "80 % of 1,200");
        assert!(waits(&limiter, ALERTS, Duration::ZERO, SECOND / 16), "16 a second");
        assert_eq!(burst(&mut limiter, ALERTS, 10 * SECOND), 160);
    }

    #[test]
    fn another_quota_of_the_key_holds_until_an_answer_says_otherwise() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20).of_key(Some(6_000));
        assert_eq!(burst(&mut limiter, INCIDENTS, Duration::ZERO), 48, "that of a path stays");
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 4_800 - 48, "80 % of 6,000");
        assert!(waits(&limiter, ALERTS, Duration::ZERO, SECOND / 80), "80 a second");
        limiter.learn(ALERTS, "1200, 1200;window=60", None, Duration::ZERO);
        assert!(waits(&limiter, ALERTS, Duration::ZERO, SECOND * 3_841 / 16), "16 a second");
    }

    #[test]
    fn incidents_have_a_bucket_of_their_own_that_slows_nobody_else() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
        assert_eq!(burst(&mut limiter, INCIDENTS, Duration::ZERO), 48);
        assert!(waits(&limiter, INCIDENTS, Duration::ZERO, SECOND * 5 / 4));
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 960 - 48);
    }

    #[test]
    fn a_bucket_fills_again_while_time_passes_and_never_beyond_its_quota() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
        burst(&mut limiter, INCIDENTS, Duration::ZERO);
        assert_eq!(burst(&mut limiter, INCIDENTS, SECOND), 1);
        assert_eq!(burst(&mut limiter, INCIDENTS, 1_000 * SECOND), 60);
    }

    #[test]
    fn whoever_waits_as_long_as_told_need_not_wait_again() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 37);
        let mut now = Duration::ZERO;
        for _ in 0..3_000 {
            now += limiter.until(ALERTS, now);
            assert_eq!(limiter.until(ALERTS, now), Duration::ZERO);
            limiter.take(ALERTS, now);
        }
    }

    #[test]
    fn limits_are_learned_for_the_key_and_for_an_endpoint() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
        limiter.learn("/v2/runs", "60, 600;window=60, 60;window=60", None, Duration::ZERO);
        assert_eq!(burst(&mut limiter, "/v2/runs", Duration::ZERO), 60);
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 540);
        assert!(waits(&limiter, ALERTS, Duration::ZERO, SECOND / 10), "600 a minute");
    }

    #[test]
    fn what_was_taken_stays_taken_when_a_limit_changes() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
        (0..100).for_each(|_| limiter.take(ALERTS, Duration::ZERO));
        limiter.learn(ALERTS, "600, 600;window=60", None, Duration::ZERO);
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 500);
    }

    #[test]
    fn what_others_have_taken_is_not_there_and_their_share_is_left_to_them() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
        let header = "1200, 1200;window=60";
        limiter.learn(ALERTS, header, Some(241), Duration::ZERO);
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 1, "240 are the reserve");
        limiter.learn(ALERTS, header, Some(1_000), Duration::ZERO);
        assert_eq!(burst(&mut limiter, ALERTS, Duration::ZERO), 0, "never more than our own count");
    }

    #[test]
    fn a_refused_endpoint_is_left_alone_as_long_as_the_api_said() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
        let header = "60, 1200;window=60, 60;window=60";
        limiter.close(INCIDENTS, header, 30 * SECOND, SECOND);
        assert!(waits(&limiter, INCIDENTS, SECOND, 30 * SECOND));
        assert!(waits(&limiter, ALERTS, SECOND, Duration::ZERO));
    }

    #[test]
    fn where_the_key_is_refused_every_endpoint_waits() {
        for header in ["1200, 1200;window=60, 60;window=60", ""] {
            let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
            let endpoint = if header.is_empty() { ALERTS } else { INCIDENTS };
            limiter.close(endpoint, header, 30 * SECOND, Duration::ZERO);
            assert!(waits(&limiter, "/v2/users", Duration::ZERO, 30 * SECOND), "{header}");
        }
    }

    #[test]
    fn no_header_closes_a_bucket_for_ever() {
        let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 20);
        limiter.close(ALERTS, "", Duration::MAX, SECOND);
        assert_eq!(limiter.until("/v2/users", SECOND), LONGEST_WAIT);
        assert_eq!(limiter.until("/v2/users", SECOND + LONGEST_WAIT), Duration::ZERO);
    }

    #[test]
    fn a_header_that_makes_no_sense_changes_nothing() {
        for header in [
            "60, a;window=60",
            "a;window=60",
            "0, 0;window=60",
            "60, 60;window=0",
            "60, 60;per=60",
            "1, 1;window=4294967295",
            "1, 1;window=3601",
            "1, NaN;window=60",
            "1, -1;window=60",
            "1, 1e9;window=60",
            "18446744073709551616, 18446744073709551616;window=60",
            ";;,",
            "nothing",
        ] {
            let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
            assert!(!limiter.learn("/v2/users", header, None, Duration::ZERO), "{header}");
            assert_eq!(limiter.buckets, Limiter::new(&INCIDENT_IO.quotas, 0).buckets, "{header}");
        }
    }

    #[test]
    fn what_makes_sense_is_not_complained_of() {
        for header in
            ["", "60", "60, 1200;window=60, 60;window=60", "1200;window=60", "1, 1;window=3600"]
        {
            let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
            assert!(limiter.learn("/v2/users", header, None, Duration::ZERO), "{header}");
        }
    }

    #[test]
    fn no_number_of_requests_that_are_left_makes_a_wait_longer_than_the_longest() {
        for remaining in [0, 1, u32::MAX] {
            let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 90);
            limiter.learn(ALERTS, "1, 1;window=3600", Some(remaining), Duration::ZERO);
            (0..50).for_each(|_| limiter.take(ALERTS, Duration::ZERO));
            assert_eq!(limiter.until(ALERTS, Duration::ZERO), LONGEST_WAIT);
        }
    }
}
