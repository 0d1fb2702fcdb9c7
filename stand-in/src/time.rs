//! Timestamps as the API writes them: RFC 3339 in UTC with up to six fraction digits. Times are whole
//! microseconds since 1970 here, so that moving and comparing them is plain arithmetic.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};

/// One day in microseconds.
pub(crate) const DAY: i64 = 86_400_000_000;

/// The moment a timestamp names, or nothing if the text is not one.
pub(crate) fn moment(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// The first moment of a day written as `YYYY-MM-DD`, in UTC.
pub(crate) fn midnight(text: &str) -> Option<i64> {
    let day = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// Whether a text has the form that the API gives to timestamps; cheap enough to ask of every text.
pub(crate) fn looks_like_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    (20..=27).contains(&bytes.len())
        && bytes.last() == Some(&b'Z')
        && bytes.get(4) == Some(&b'-')
        && bytes.get(10) == Some(&b'T')
        && bytes.get(13) == Some(&b':')
}

/// How many digits follow the decimal point of a timestamp.
pub(crate) fn fraction_digits(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count())
}

/// Writes a moment with so many fraction digits; what lies beyond them is cut off, not rounded.
pub(crate) fn timestamp(moment: i64, digits: usize) -> String {
    let Some(time) = DateTime::from_timestamp_micros(moment) else { return String::new() };
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    if digits > 0 {
        let fraction = format!(".{:06}", moment.rem_euclid(1_000_000));
        text.extend(fraction.chars().take(digits.min(6) + 1));
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_with_its_own_number_of_digits() {
        for text in
            ["2026-10-23T00:00:00Z", "2026-10-23T01:02:03.004Z", "2026-10-23T01:02:03.000406Z"]
        {
            let again = timestamp(moment(text).unwrap(), fraction_digits(text));
            assert_eq!(again, text);
        }
    }

    #[test]
    fn other_texts_are_not_taken_for_timestamps() {
        for text in [
            "",
            "2026-10-23",
            "tea at 10:00, not 11:00 in Zürich",
            "2026/10/23T00:00:00Z",
            "2026-10-23T00:00:00+01:00",
            "2026-10-23T00:00:00Z is when it began, says Z",
        ] {
            assert!(!looks_like_timestamp(text), "{text}");
        }
        assert!(looks_like_timestamp("2026-10-23T00:00:00Z"));
        assert!(looks_like_timestamp("2026-10-23T00:00:00.123456Z"));
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        assert_eq!(midnight("2026-10-23"), moment("2026-10-23T00:00:00Z"));
        assert_eq!(midnight("2026-1-3"), None);
        assert_eq!(midnight("2026-13-01"), None);
    }
}
