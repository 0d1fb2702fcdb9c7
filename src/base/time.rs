//! Times as the API, bookmarks and the config write them.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time, as bookmarks are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub DateTime<Utc>);

/// The first and the last moment that can be written with four digits of a year. What is read lies between
/// them, so that no window or lookback leads out of the calendar of [`chrono`], whose operators panic there.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

/// A timestamp of the API, a bookmark or the config: RFC 3339, or a date for its midnight in UTC.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(written(time.with_timezone(&Utc)));
    }
    let date = text.parse::<NaiveDate>().ok()?;
    (0..=9999).contains(&date.year()).then_some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

/// A time moved by a length, or the last one on the way there that can be written.
#[must_use]
pub fn moved(time: DateTime<Utc>, length: TimeDelta) -> DateTime<Utc> {
    let far = if length < TimeDelta::zero() {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    };
    written(time.checked_add_signed(length).unwrap_or(far))
}

/// The time itself, or the nearest one that can be written: a time zone may lead over the edge.
fn written(time: DateTime<Utc>) -> DateTime<Utc> {
    match time.timestamp() {
        ..FIRST => DateTime::from_timestamp(FIRST, 0).unwrap_or(time),
        FIRST..=LAST => time,
        _ => DateTime::from_timestamp(LAST, 0).unwrap_or(time),
    }
}

/// The text of a bookmark: RFC 3339 in UTC, with as many digits as it needs.
#[must_use]
pub fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match parse_time(&text) {
            Some(time) => Ok(Self(time)),
            None => Err(serde::de::Error::custom(format!("{text:?} is not a time"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_is_read_can_be_written_and_read_again() {
        for text in [
            "0000-01-01T00:00:00Z",
            "0000-01-01T00:00:00+23:59",
            "0001-01-01T00:00:00Z",
            "1969-12-31",
            "9999-12-31",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-23:59",
            "9999-12-31T23:59:60Z",
        ] {
            let time = parse_time(text).unwrap();
            assert_eq!(parse_time(&format_time(time)), Some(time), "{text}");
            for length in [TimeDelta::MIN, -TimeDelta::days(400_000), TimeDelta::MAX] {
                let moved = moved(time, length);
                assert_eq!(parse_time(&format_time(moved)), Some(moved), "{text} {length}");
            }
        }
        for text in ["+262000-01-01", "-0001-12-31", "+10000-01-01", "+10000-01-01T00:00:00Z", ""] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
