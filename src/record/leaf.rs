//! Values that are copied as they were sent, where they are of a type that their column takes. Looked at
//! is no more than the first byte and, of times and numbers, their form: most values are what the schema
//! says.

use chrono::{DateTime, Datelike};
use serde_json::Value;

/// What a column of plain values takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    types: u8,
    takes_texts: bool,
    form: Form,
}

/// Values that targets are particular about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// RFC 3339, of the years 1 to 9999; an empty text is none.
    DateTime,
    /// Whole, of 64 bits.
    Integer,
    /// Finite.
    Number,
}

/// What a value turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It can be copied.
    Good,
    /// It means that there is none.
    Empty,
    /// Targets do not take it.
    Bad,
}

const NULL: u8 = 1;
const BOOLEAN: u8 = 2;
const NUMBER: u8 = 4;
const STRING: u8 = 8;
const ARRAY: u8 = 16;
const OBJECT: u8 = 32;
const ANY: u8 = u8::MAX;

impl Leaf {
    /// What `schema` takes; anything where it names no type.
    pub(super) fn of(schema: &Value) -> Self {
        let kinds = match schema.get("type") {
            None => return Self { types: ANY, takes_texts: true, form: Form::Plain },
            Some(Value::Array(kinds)) => kinds.as_slice(),
            Some(kind) => std::slice::from_ref(kind),
        };
        let types =
            kinds.iter().filter_map(Value::as_str).fold(NULL, |types, kind| types | bit(kind));
        let has = |wanted: &str| kinds.iter().any(|kind| kind == wanted);
        let is_time = schema.get("format").is_some_and(|format| format == "date-time");
        let form = match () {
            () if is_time && types == NULL | STRING => Form::DateTime,
            () if has("number") => Form::Number,
            () if has("integer") => Form::Integer,
            () => Form::Plain,
        };
        let takes_texts = form == Form::Plain && types & STRING != 0;
        Self { types, takes_texts, form }
    }

    /// Takes nothing but null.
    pub(super) fn none() -> Self {
        Self { types: NULL, takes_texts: false, form: Form::Plain }
    }

    /// Whether anything may be copied.
    pub(super) fn takes_anything(self) -> bool {
        self.types == ANY
    }

    /// Whether every text can be copied.
    #[inline]
    pub(super) fn takes_texts(self) -> bool {
        self.takes_texts
    }

    /// Whether it is a value as nearly all of its column are.
    #[inline]
    pub(super) fn is_usual(self, text: &[u8]) -> bool {
        match (self.form, text.first()) {
            (_, Some(b'n')) => true,
            (Form::Plain, Some(first)) => self.types & class(*first) != 0,
            (Form::DateTime, _) => is_usual_time(text),
            (Form::Integer | Form::Number, _) => is_short_integer(text),
            (Form::Plain, None) => false,
        }
    }

    /// What a value is that is not usual.
    #[cold]
    pub(super) fn fit(self, text: &str) -> Fit {
        let first = text.bytes().next().unwrap_or_default();
        if self.types & class(first) == 0 {
            return Fit::Bad;
        }
        let is_number = class(first) == NUMBER;
        let is_good = match self.form {
            _ if class(first) == NULL => true,
            Form::DateTime if text == "\"\"" => return Fit::Empty,
            Form::DateTime => is_time(text),
            Form::Integer if is_number => is_integer(text),
            Form::Number if is_number => text.parse::<f64>().is_ok_and(f64::is_finite),
            Form::Plain | Form::Integer | Form::Number => true,
        };
        if is_good { Fit::Good } else { Fit::Bad }
    }
}

fn bit(kind: &str) -> u8 {
    match kind {
        "boolean" => BOOLEAN,
        "number" | "integer" => NUMBER,
        "string" => STRING,
        "array" => ARRAY,
        "object" => OBJECT,
        _ => NULL,
    }
}

/// The type of a value by its first byte.
#[inline]
fn class(first: u8) -> u8 {
    match first {
        b'"' => STRING,
        b'n' => NULL,
        b't' | b'f' => BOOLEAN,
        b'{' => OBJECT,
        b'[' => ARRAY,
        _ => NUMBER,
    }
}

/// Eighteen digits always fit into 64 bits.
fn is_short_integer(text: &[u8]) -> bool {
    text.len() < 19 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
}

/// Whether a number is whole, however it is written, and of 64 bits.
fn is_integer(text: &str) -> bool {
    let is_within =
        |number: f64| number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse::<i64>().is_ok() || (!is_plain && text.parse::<f64>().is_ok_and(is_within))
}

/// Whether it is a time as the API writes nearly all of them: `"2026-01-31T01:02:03.456Z"`. All bytes
/// of its seconds are compared at once, since records are full of times.
#[inline]
fn is_usual_time(text: &[u8]) -> bool {
    let Some((head, rest)) = text.split_first_chunk::<20>() else { return false };
    let (Some(minutes), Some(seconds)) = (head.first_chunk(), head.last_chunk()) else {
        return false;
    };
    let minutes = u128::from_le_bytes(*minutes) ^ u128::from_le_bytes(*b"\"0000-00-00T00:0");
    let seconds = u32::from_le_bytes(*seconds) ^ u32::from_le_bytes(*b"0:00");
    // Where a byte is above its most, its highest bit is set after this.
    let is_above = (minutes.wrapping_add(MINUTES_ROOM) | minutes) & HIGHEST != 0
        || (seconds.wrapping_add(SECONDS_ROOM) | seconds) & 0x8080_8080 != 0;
    if is_above {
        return false;
    }
    let [_, y1, y2, y3, y4, _, m1, m2, _, d1, d2, _, h1, h2, ..] = minutes.to_le_bytes();
    // Days that not every month has are looked at more closely.
    let (month, day) = (10 * m1 + m2, 10 * d1 + d2);
    (y1 | y2 | y3 | y4) != 0
        && matches!(month, 1..=12)
        && matches!(day, 1..=30)
        && (month != 2 || day < 29)
        && 10 * h1 + h2 < 24
        && is_end(rest)
}

/// The highest bit of each byte.
const HIGHEST: u128 = u128::MAX / 0xFF * 0x80;
/// What has to be added to a byte to reach its highest bit from one more than it may be: a mark may be 0,
/// a digit as much as stands here.
const MINUTES_ROOM: u128 = room(*b"0999909909909905");
const SECONDS_ROOM: u32 = {
    let [a, b, c, d, ..] = room(*b"9059000000000000").to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
};

const fn room(most: [u8; 16]) -> u128 {
    u128::MAX / 0xFF * 0x7F - (u128::from_le_bytes(most) - u128::MAX / 0xFF * b'0' as u128)
}

/// Whether a time ends so after its seconds: in UTC, with a fraction or without.
#[inline]
fn is_end(rest: &[u8]) -> bool {
    match rest {
        b"Z\"" => true,
        [b'.', digits @ .., b'Z', b'"'] => {
            (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Whether a JSON string is a time that targets take. A leap second is none of those.
fn is_time(text: &str) -> bool {
    let Ok(time) = serde_json::from_str::<String>(text) else { return false };
    let is_usual = time.get(10..11) == Some("T") && time.get(17..19) != Some("60");
    // A minus sign may be a character of its own for `chrono`.
    is_usual
        && time.is_ascii()
        && DateTime::parse_from_rfc3339(&time).is_ok_and(|time| {
            let year = time.to_utc().year();
            (1..=9999).contains(&time.year()) && (1..=9999).contains(&year)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fit(schema: &Value, text: &str) -> Fit {
        let leaf = Leaf::of(schema);
        let fit = leaf.fit(text);
        let is_text = text.starts_with('"');
        if (is_text && leaf.takes_texts()) || leaf.is_usual(text.as_bytes()) {
            assert_eq!(fit, Fit::Good, "{text}: the first look takes no more than the second");
        }
        fit
    }

    #[test]
    fn a_value_fits_where_its_column_takes_its_type() {
        let values = ["null", "true", "-1", "\"x\"", "[1]", "{\"a\":1}"];
        for (kind, fitting) in [
            ("boolean", "true"),
            ("integer", "-1"),
            ("number", "-1"),
            ("string", "\"x\""),
            ("array", "[1]"),
            ("object", "{\"a\":1}"),
        ] {
            for value in values {
                let is_good = value == "null" || value == fitting;
                let expected = if is_good { Fit::Good } else { Fit::Bad };
                assert_eq!(
                    fit(&json!({"type": ["null", kind]}), value),
                    expected,
                    "{kind} {value}"
                );
                assert_eq!(fit(&json!({}), value), Fit::Good);
            }
        }
    }

    #[test]
    fn numbers_fit_where_databases_hold_them() {
        let integer = json!({"type": ["null", "integer"]});
        for good in ["0", "-9223372036854775808", "9223372036854775807", "5.0", "1e3"] {
            assert_eq!(fit(&integer, good), Fit::Good, "{good}");
        }
        let forty = "1".repeat(40);
        for bad in ["5.5", "1e19", "1e400", "9223372036854775808", "9223372036854775808.0", &forty]
        {
            assert_eq!(fit(&integer, bad), Fit::Bad, "{bad}");
        }
        let number = json!({"type": ["null", "number"]});
        for good in ["0.1", "1e308", &forty, "9007199254740993"] {
            assert_eq!(fit(&number, good), Fit::Good, "{good}");
        }
        assert_eq!(fit(&number, "-1e400"), Fit::Bad);
    }

    #[test]
    fn a_time_that_looks_usual_is_one_whatever_byte_is_put_where() {
        let time = json!({"type": ["null", "string"], "format": "date-time"});
        let usual = "\"2026-01-23T01:02:03.456Z\"";
        assert!(Leaf::of(&time).is_usual(usual.as_bytes()));
        for place in 1..usual.len() - 1 {
            for byte in 0..=u8::MAX {
                let mut text = usual.as_bytes().to_vec();
                text[place] = byte;
                let is_usual = Leaf::of(&time).is_usual(&text);
                let is_time = str::from_utf8(&text).is_ok_and(is_time);
                assert!(is_time || !is_usual, "{:?}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn times_fit_where_they_are_times() {
        let time = json!({"type": ["null", "string"], "format": "date-time"});
        assert_eq!(fit(&time, "\"\""), Fit::Empty);
        for good in [
            "2026-01-31T01:02:03Z",
            "2026-02-28T23:59:59.123456789Z",
            "2024-02-29T00:00:00+05:30",
            "0001-01-02T00:00:00Z",
            "2026-01-31T01:02:03\\u005a",
        ] {
            assert_eq!(fit(&time, &format!("\"{good}\"")), Fit::Good, "{good}");
        }
        for bad in [
            "yesterday",
            "2026-01-31",
            "2026-01-31T01:02:03",
            "2026-02-30T01:02:03Z",
            "2026-13-01T01:02:03Z",
            "2026-01-01T24:02:03Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01 01:02:03Z",
            "2026-01-01T01:02:03.Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "2026-01-01T00:00:00\u{2212}05:00",
        ] {
            assert_eq!(fit(&time, &format!("\"{bad}\"")), Fit::Bad, "{bad}");
        }
        assert_eq!(fit(&time, "1767225600"), Fit::Bad);
    }
}
