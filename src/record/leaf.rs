//! Values that are copied as they were sent, where they are of a type that their column takes. Looked at
//! is no more than the first byte and, of times and numbers, their form: most values are what the schema
//! says.

use chrono::{DateTime, Datelike};
use serde_json::Value;
use wide::u8x32;

/// What a column of plain values takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    types: u8,
    /// Those of them of which every value can be copied that is not odd and, in a column of integers, has
    /// no fraction.
    sure: u8,
    form: Form,
}

/// Values that targets are particular about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// The same, and another column has what does not fit.
    Kept,
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
            None => return Self { types: ANY, sure: ANY, form: Form::Plain },
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
        let sure = match form {
            Form::DateTime => types & !STRING,
            Form::Plain | Form::Kept | Form::Integer | Form::Number => types,
        };
        Self { types, sure, form }
    }

    /// Takes nothing but null.
    pub(super) fn none() -> Self {
        Self { types: NULL, sure: NULL, form: Form::Plain }
    }

    /// Notes that another column has what does not fit.
    pub(super) fn keep_elsewhere(&mut self) {
        if self.form == Form::Plain {
            self.form = Form::Kept;
        }
    }

    /// Whether another column has what does not fit.
    pub(super) fn is_kept_elsewhere(self) -> bool {
        self.form == Form::Kept
    }

    /// Whether anything may be copied.
    pub(super) fn takes_anything(self) -> bool {
        self.types == ANY
    }

    /// Whether every value can be copied that begins so and is not odd, nor has a fraction that the
    /// column does not take.
    #[inline]
    pub(super) fn takes_all(self, first: u8) -> bool {
        self.sure & class(first) != 0
    }

    /// Whether a number may have a fraction, and any number of digits.
    #[inline]
    pub(super) fn takes_fractions(self) -> bool {
        self.form != Form::Integer
    }

    /// How long the value is that `text` begins with, where it is a time as nearly all of the column
    /// are.
    #[inline]
    pub(super) fn usual_time(self, text: &[u8]) -> Option<usize> {
        if self.form == Form::DateTime { usual_time(text) } else { None }
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
            Form::Plain | Form::Kept | Form::Integer | Form::Number => true,
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

/// Whether a number is whole, however it is written, and of 64 bits.
fn is_integer(text: &str) -> bool {
    let is_within =
        |number: f64| number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse::<i64>().is_ok() || (!is_plain && text.parse::<f64>().is_ok_and(is_within))
}

/// How long the time is that `text` begins with, where it is one as the API writes nearly all of them, of
/// this millennium: `"2026-01-31T01:02:03.456Z"`, with a fraction or without. Records are full of times,
/// so all bytes are compared at once.
#[inline(never)]
fn usual_time(text: &[u8]) -> Option<usize> {
    let block = text.first_chunk()?;
    let distance = u8x32::new(*block) - u8x32::new(*EARLIEST);
    let is_near = distance.min(u8x32::new(FURTHEST)).simd_eq(distance);
    let end = is_near.to_bitmask().trailing_ones() as usize;
    let [_, _, _, _, _, _, m1, m2, _, d1, d2, _, h1, h2, ..] = *block;
    let [month, day, hour] = [[m1, m2], [d1, d2], [h1, h2]].map(u16::from_be_bytes);
    // Days that not every month has are looked at more closely.
    let is_usual = matches!(end, 20 | 22..=30)
        && block.get(end..).is_some_and(|end| end.starts_with(b"Z\""))
        && (pair(*b"01")..=pair(*b"12")).contains(&month)
        && (pair(*b"01")..=pair(*b"30")).contains(&day)
        && (month != pair(*b"02") || day < pair(*b"29"))
        && hour < pair(*b"24");
    is_usual.then_some(end + 2)
}

/// Two digits, in the order of the numbers that they are.
const fn pair(digits: [u8; 2]) -> u16 {
    u16::from_be_bytes(digits)
}

/// What the bytes of such a time are at least, and how far they may be from that.
const EARLIEST: &[u8; 32] = b"\"2000-00-00T00:00:00.00000000000";
const FURTHEST: [u8; 32] = [
    0, 0, 9, 9, 9, 0, 1, 9, 0, 3, 9, 0, 2, 9, 0, 5, 9, 0, 5, 9, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
];

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
    use crate::json::Parser;
    use crate::json::tidy::Tidy;

    fn fit(schema: &Value, text: &str) -> Fit {
        let leaf = Leaf::of(schema);
        let fit = leaf.fit(text);
        let tidy = Tidy::new(text).unwrap();
        let mut parser = Parser::new(&tidy);
        parser.skip().unwrap();
        let takes_number = leaf.takes_fractions() || parser.fraction_at() == 0;
        let is_sure = parser.odd_at() == 0 && leaf.takes_all(text.as_bytes()[0]) && takes_number;
        if is_sure || leaf.usual_time(&followed(text)).is_some() {
            assert_eq!(fit, Fit::Good, "{text}: the first look takes no more than the second");
        }
        fit
    }

    /// A value with as much text after it as is looked at together.
    fn followed(value: &str) -> Vec<u8> {
        format!(r#"{value},"name":"Database down","severity":"#).into()
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
        let length = |text: &str| Leaf::of(&time).usual_time(&followed(text));
        assert_eq!(length(usual), Some(usual.len()));
        for place in 1..usual.len() - 1 {
            for byte in 0..=u8::MAX {
                let mut text = usual.as_bytes().to_vec();
                text[place] = byte;
                let Ok(text) = str::from_utf8(&text) else { continue };
                assert!(is_time(text) || length(text).is_none(), "{text:?}");
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
