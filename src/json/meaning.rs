//! What a piece of JSON means, read where it is needed and no further. A text that the parser has gone
//! over reads in one way here, whatever else stands in it: half a surrogate pair is U+FFFD.

use std::borrow::Cow;

use super::escape::escape;
use super::{Flaw, Parser};

/// The text of a string; nothing of another value.
#[must_use]
pub fn text(raw: &str) -> Option<Cow<'_, str>> {
    raw.strip_prefix('"')?.strip_suffix('"').map(unescaped)
}

/// The text of a string or a name without its quotes.
#[must_use]
pub fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return raw.into();
    }
    serde_json::from_str(&format!("\"{}\"", whole(raw))).map_or(raw.into(), Cow::Owned)
}

/// The names and values of an object; none of another value.
#[must_use]
pub fn entries(raw: &str) -> Vec<(Cow<'_, str>, &str)> {
    let (mut parser, mut entries) = (Parser::of(raw), Vec::new());
    let mut read = || -> Result<(), Flaw> {
        let mut is_more = parser.open(b'{')? && parser.first(b'}');
        while is_more {
            let name = unescaped(parser.name()?);
            entries.push((name, parser.value()?));
            is_more = parser.more(b'}')?;
        }
        Ok(())
    };
    // What is no JSON is said where the records are read.
    let _ = read();
    entries
}

/// The items of a list; none of another value.
#[must_use]
pub fn items(raw: &str) -> Vec<&str> {
    let (mut parser, mut items) = (Parser::of(raw), Vec::new());
    let mut read = || -> Result<(), Flaw> {
        let mut is_more = parser.open(b'[')? && parser.first(b']');
        while is_more {
            items.push(parser.value()?);
            is_more = parser.more(b']')?;
        }
        Ok(())
    };
    let _ = read();
    items
}

/// The value at a JSON pointer through objects. Of several of one name it is the last, as most
/// readers have it.
#[must_use]
pub fn at<'a>(raw: &'a str, pointer: &str) -> Option<&'a str> {
    pointer.split('/').skip(1).try_fold(raw, |raw, name| {
        entries(raw).into_iter().rfind(|(known, _)| known == name).map(|(_, value)| value)
    })
}

/// A value as every target reads it, and how much of it is not as it was sent: numbers that no float
/// holds are null, halves of surrogate pairs U+FFFD.
#[must_use]
pub fn mended(raw: &str) -> (String, u64) {
    let (mut parser, mut mended, mut count) = (Parser::of(raw), String::new(), 0);
    while let Some(byte) = parser.peek() {
        let start = parser.at;
        let is_read = match byte {
            b'"' => parser.string(),
            b'-' | b'0'..=b'9' => parser.number(),
            _ => Err(Flaw::syntax()),
        };
        if is_read.is_err() {
            // A bracket, a comma, a colon, or a letter of a word.
            parser.at = start + 1;
        }
        let piece = raw.get(start..parser.at).unwrap_or_default();
        if parser.odd_at <= start {
            mended.push_str(piece);
        } else if byte == b'"' {
            mended.push_str(&whole(piece));
            count += 1;
        } else if piece.parse().is_ok_and(f64::is_finite) {
            mended.push_str(piece);
        } else {
            mended.push_str("null");
            count += 1;
        }
    }
    (mended, count)
}

/// The same string without halves of surrogate pairs.
fn whole(raw: &str) -> String {
    let (mut whole, mut rest) = (String::new(), raw);
    while let Some((plain, special)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        whole.push_str(plain);
        let (length, is_half) = escape(special.as_bytes()).unwrap_or((1, false));
        let (escaped, after) = special.split_at_checked(length).unwrap_or((special, ""));
        whole.push_str(if is_half { "\u{fffd}" } else { escaped });
        rest = after;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_the_character_for_what_nobody_can_read() {
        for (raw, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00\ud83d\ude00\ud83d\u0041""#, "\u{fffd}😀\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00\\ud83d\n""#, "\u{fffd}😀\\ud83d\n"),
        ] {
            assert_eq!(text(raw).unwrap(), expected, "{raw}");
            assert_eq!(serde_json::from_str::<String>(&mended(raw).0).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_mended_is_counted_and_all_else_stays() {
        let raw = r#"{"a\udead":[1e400,-1E+999,1e5,"1e400",true,null],"b":"\"\ud800\"","c":-0.0}"#;
        let expected = "{\"a\u{fffd}\":[null,null,1e5,\"1e400\",true,null],\
            \"b\":\"\\\"\u{fffd}\\\"\",\"c\":-0.0}";
        assert_eq!(mended(raw), (expected.to_owned(), 4));
        assert_eq!(mended(&"9".repeat(310)), ("null".to_owned(), 1));
        assert_eq!(mended(&"9".repeat(300)), ("9".repeat(300), 0));
    }

    #[test]
    fn a_pointer_finds_its_value_beside_whatever_else_there_is() {
        let raw = r#"{"x":1e999,"\ud800":2,"a":1,"\u0061":{"b c":[ 3,{"d":4} ]}}"#;
        assert_eq!(at(raw, "/a/b c"), Some(r#"[ 3,{"d":4} ]"#));
        assert_eq!((at(raw, "/a/x"), at(raw, "/x/y")), (None, None));
        assert_eq!(items(at(raw, "/a/b c").unwrap()), ["3", r#"{"d":4}"#]);
        assert_eq!((at("7", ""), text("7")), (Some("7"), None));
    }
}
