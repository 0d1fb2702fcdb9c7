//! What answers say of quotas and of when to come back: nobody waits longer than an hour for it.

use std::time::Duration;

use tap_incident::api::client::asked;
use tap_incident::api::limit::Limiter;
use tap_incident::base::retry::Retry;
use tap_incident::base::time::parse_time;
use tap_incident::sources::SOURCES;

use crate::made::split;

const HOUR: Duration = Duration::from_secs(3_600);
/// What floating point and whole nanoseconds make of no wait at all.
const MOMENT: Duration = Duration::from_micros(1);
/// A run asks so often at most, here.
const MOST: usize = 200;

/// The first bytes say which source and how much is left to others. Then comes a line for each answer, of
/// fields with tabs between them: quotas, what is left, `Retry-After`, and what else happens.
pub fn check(bytes: &[u8]) {
    let ([source, reserve], rest) = split(bytes);
    let source = SOURCES[usize::from(source) % SOURCES.len()];
    let mut limiter = Limiter::new(&source.quotas, reserve);
    let endpoints = ["/v2/incidents", "/v2/alerts", "", source.streams[0].path];
    let sent_at = parse_time("2026-11-20T12:00:00Z").unwrap();
    let mut now = Duration::ZERO;
    for line in rest.split(|byte| *byte == b'\n').take(MOST) {
        let fields = line.split(|byte| *byte == b'\t').collect::<Vec<_>>();
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        let event = field(3).first().copied().unwrap_or_default();
        let endpoint = endpoints[usize::from(event) % endpoints.len()];
        let header = text(field(0));
        let asked = asked(text(field(2)), sent_at);
        limiter.take(endpoint, now);
        limiter.learn(endpoint, header, text(field(1)).parse().ok(), now);
        if event & 4 > 0 {
            limiter.close(endpoint, header, asked.unwrap_or_default(), now);
        }
        check_wait(&limiter, &endpoints, now);
        check_patience(asked);
        if event & 8 > 0 {
            now = now.saturating_add(limiter.until(endpoint, now));
        }
        now = now.saturating_add(Duration::from_millis(u64::from(event) << (event & 31)));
    }
}

/// Nobody waits longer than an hour, and who has waited as often as that takes may go.
fn check_wait(limiter: &Limiter, endpoints: &[&str], now: Duration) {
    for endpoint in endpoints {
        let wait = limiter.until(endpoint, now);
        assert!(wait <= HOUR, "{wait:?} for {endpoint}: {limiter:?}");
        let later = limiter.until(endpoint, now.saturating_add(wait));
        let is_cut = wait == HOUR || now.checked_add(wait).is_none();
        assert!(later < MOMENT || is_cut, "{later:?} after {wait:?}: {limiter:?}");
    }
}

/// A request is repeated as often and as long as was asked for.
fn check_patience(asked: Option<Duration>) {
    let mut attempts = Retry { most: 3, patience: HOUR }.attempts();
    let mut waited = Duration::ZERO;
    while let Some(wait) = attempts.wait(Duration::ZERO, asked) {
        assert!(wait >= asked.unwrap_or_default());
        waited += wait;
    }
    assert!(waited <= HOUR, "{waited:?}");
}

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or_default()
}
