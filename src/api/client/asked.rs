//! How long an API asks to wait, in each of the forms in which it says so. Pure.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// How a date is written in HTTP, but for its zone, which is always the same.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S";

/// What a text says: seconds, or a moment that is so far from `now`. One that has passed is no wait.
#[must_use]
pub fn asked(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        let seconds = text.parse().ok()?;
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let wait = moment(text)?.signed_duration_since(now);
    Some(wait.to_std().unwrap_or_default())
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let time = text.strip_suffix("GMT").or_else(|| text.strip_suffix("UTC"))?;
    Some(NaiveDateTime::parse_from_str(time.trim_end(), HTTP_DATE).ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        let now = moment("Thu, 17 Apr 2025 11:17:00 GMT").unwrap();
        asked(text, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn seconds_may_have_blanks_and_fractions() {
        for (text, expected) in [("17", 17.0), (" 17 ", 17.0), ("1.5", 1.5), ("0", 0.0)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn more_seconds_than_there_are_is_as_long_as_can_be() {
        for text in ["18446744073709551615", "18446744073709551616", &"9".repeat(400)] {
            assert!(seconds(text) > Some(1e19), "{text}");
        }
    }

    #[test]
    fn a_moment_comes_in_three_forms() {
        for text in [
            "Thu, 17 Apr 2025 11:17:18 GMT",
            "Thu, 17 Apr 2025 11:17:18 UTC",
            "2025-04-17T11:17:18Z",
            "2025-04-17T13:17:18.000+02:00",
        ] {
            assert_eq!(seconds(text), Some(18.0), "{text}");
        }
    }

    #[test]
    fn a_moment_that_has_passed_is_no_wait() {
        for text in ["Thu, 17 Apr 2025 11:16:59 GMT", "1970-01-01T00:00:00Z"] {
            assert_eq!(seconds(text), Some(0.0), "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for text in ["", "soon", "-1", "NaN", "inf", "1e3", ".", "1.2.3", "17 Apr 2025 11:17:18"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
