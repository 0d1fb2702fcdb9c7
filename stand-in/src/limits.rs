//! Token buckets, refilled all the time, and the headers that tell about them. Pure: the moment of a
//! request is given.

use std::time::Duration;

/// How many requests a minute the stand-in takes before it answers 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the key, whatever is asked for.
    pub per_key: u32,
    /// For the list of incidents, which is also limited by the key.
    pub incidents: u32,
}

impl Default for Limits {
    /// The API's own limits: 1,200 a minute, 60 for incidents.
    fn default() -> Self {
        Self { per_key: 1_200, incidents: 60 }
    }
}

/// A bucket that holds a minute's requests.
#[derive(Debug)]
struct Bucket {
    limit: u32,
    tokens: f64,
    seen: Duration,
}

/// The buckets of a running stand-in.
#[derive(Debug)]
pub(crate) struct Buckets {
    per_key: Bucket,
    incidents: Bucket,
    is_strict: bool,
}

/// What the buckets say of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// The limit with the least left, and the others that apply.
    pub(crate) limit: u32,
    per_key: u32,
    incidents: Option<u32>,
    pub(crate) remaining: u32,
    /// How long until the binding bucket is full again.
    full_in: u64,
    /// Seconds until a request will pass, when this one did not.
    pub(crate) wait: Option<u64>,
}

impl Buckets {
    /// Buckets of these limits; without any nothing is ever refused.
    pub(crate) fn new(limits: Option<Limits>) -> Self {
        let Limits { per_key, incidents } = limits.unwrap_or_default();
        let bucket = |limit| Bucket { limit, tokens: f64::from(limit), seen: Duration::ZERO };
        let (per_key, incidents) = (bucket(per_key), bucket(incidents));
        Self { per_key, incidents, is_strict: limits.is_some() }
    }

    /// Takes one request out of the buckets it belongs to.
    pub(crate) fn take(&mut self, path: &str, elapsed: Duration) -> Allowance {
        if !self.is_strict {
            // Nothing is counted, so every request finds full buckets.
            *self = Self::new(None);
        }
        let is_incidents = path == "/v2/incidents";
        self.per_key.refill(elapsed);
        self.incidents.refill(elapsed);
        let has_room =
            self.per_key.tokens >= 1.0 && (!is_incidents || self.incidents.tokens >= 1.0);
        let mut wait = if is_incidents { self.incidents.wait() } else { 0 };
        wait = wait.max(self.per_key.wait());
        if has_room {
            self.per_key.tokens -= 1.0;
            if is_incidents {
                self.incidents.tokens -= 1.0;
            }
        }
        let of_incidents = is_incidents && self.incidents.tokens <= self.per_key.tokens;
        let binding = if of_incidents { &self.incidents } else { &self.per_key };
        Allowance {
            limit: binding.limit,
            per_key: self.per_key.limit,
            incidents: is_incidents.then_some(self.incidents.limit),
            remaining: binding.remaining(),
            full_in: binding.full_in(),
            wait: (!has_room).then_some(wait.max(1)),
        }
    }
}

impl Bucket {
    fn per_second(&self) -> f64 {
        f64::from(self.limit) / 60.0
    }

    fn refill(&mut self, elapsed: Duration) {
        let added = elapsed.saturating_sub(self.seen).as_secs_f64() * self.per_second();
        self.tokens = (self.tokens + added).min(f64::from(self.limit));
        self.seen = self.seen.max(elapsed);
    }

    fn remaining(&self) -> u32 {
        (0..=self.limit).rev().find(|count| f64::from(*count) <= self.tokens).unwrap_or(0)
    }

    fn wait(&self) -> u64 {
        seconds((1.0 - self.tokens) / self.per_second())
    }

    fn full_in(&self) -> u64 {
        seconds((f64::from(self.limit) - self.tokens) / self.per_second())
    }
}

/// Whole seconds, rounded up.
fn seconds(exact: f64) -> u64 {
    Duration::try_from_secs_f64(exact)
        .map_or(0, |exact| exact.as_secs() + u64::from(exact.subsec_nanos() > 0))
}

impl Allowance {
    /// The headers of an answer sent at this second since 1970.
    pub(crate) fn headers(&self, now: i64) -> Vec<(String, String)> {
        let lower = self.incidents.map(|limit| format!(", {limit};window=60")).unwrap_or_default();
        let limit = format!("{}, {};window=60{lower}", self.limit, self.per_key);
        let used = self.limit.saturating_sub(self.remaining);
        let reset = now.saturating_add_unsigned(self.full_in);
        let header = |name: &str, value: String| (format!("X-RateLimit-{name}"), value);
        vec![
            header("Limit", limit),
            header("Remaining", self.remaining.to_string()),
            header("Used", used.to_string()),
            header("Reset", reset.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_empties_and_refills_all_the_time() {
        let mut buckets = Buckets::new(Some(Limits { per_key: 1_200, incidents: 2 }));
        let mut wait = |millis| buckets.take("/v2/incidents", at(millis)).wait;
        assert_eq!([wait(0), wait(0), wait(0), wait(29_000)], [None, None, Some(30), Some(1)]);
        assert_eq!([wait(30_000), wait(30_000)], [None, Some(30)]);
    }

    #[test]
    fn the_key_s_limit_holds_for_everything() {
        let mut buckets = Buckets::new(Some(Limits { per_key: 1, incidents: 60 }));
        assert_eq!(buckets.take("/v2/users", at(0)).wait, None);
        assert_eq!(buckets.take("/v2/alerts", at(0)).wait, Some(60));
    }

    #[test]
    fn without_limits_nothing_is_refused_but_the_headers_are_sent() {
        let mut buckets = Buckets::new(None);
        let last = (0..2_000).map(|_| buckets.take("/v2/incidents", at(0))).last().unwrap();
        assert_eq!(last.wait, None);
        let headers = last.headers(1_000);
        let expected = [
            ("Limit", "60, 1200;window=60, 60;window=60"),
            ("Remaining", "59"),
            ("Used", "1"),
            ("Reset", "1001"),
        ];
        let expected =
            expected.map(|(name, value)| (format!("X-RateLimit-{name}"), value.to_owned()));
        assert_eq!(headers, expected);
    }
}
