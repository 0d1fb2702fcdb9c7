//! JSON as text: what has to be taken out of a body before its values can be parts of lines.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::value::RawValue;

/// A NUL character as JSON writes it; as itself it is not valid in JSON.
const NUL: &str = "\\u0000";

/// JSON, or what may be JSON, that can be copied into a line: without control characters, a line break
/// among them, which would cut the line in two, and without NUL characters in strings, which Postgres
/// does not take.
#[derive(Debug)]
pub struct Tidy<'a>(Cow<'a, str>);

impl<'a> Tidy<'a> {
    /// Tidies a body. Hardly any needs it: most are looked through and stay what they are.
    ///
    /// # Errors
    /// Where it is untidy and not JSON.
    pub fn new(body: &'a str) -> Result<Self, serde_json::Error> {
        // A body may well end in a line break.
        let body = body.trim_end_matches([' ', '\t', '\n', '\r']);
        let least = |part: &[u8]| part.iter().fold(u8::MAX, |least, byte| least.min(*byte));
        let has_control = |part: &[u8]| least(part) < b' ';
        let bytes = body.as_bytes();
        if !bytes.chunks(1 << 14).any(has_control) && memmem::find(bytes, NUL.as_bytes()).is_none()
        {
            return Ok(Self(body.into()));
        }
        // Without its blanks, what is no JSON may look as if it were.
        let json: &RawValue = serde_json::from_str(body)?;
        Ok(Self(without_blanks_and_nuls(json.get()).into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn without_blanks_and_nuls(json: &str) -> String {
    let mut tidy = String::with_capacity(json.len());
    let (mut rest, mut in_string, mut has_nul) = (json, false, false);
    while let Some(place) = rest.find(if in_string { STRING_ENDS } else { TOKEN_ENDS }) {
        let (plain, special) = rest.split_at(place);
        tidy.push_str(plain);
        // A backslash goes with what it escapes, so that `\\u0000` stays what it is.
        let (kept, length) = match special.as_bytes() {
            [b'"', after @ ..] => {
                // Without its NUL a name might be that of another field.
                if std::mem::take(&mut has_nul) && is_colon_next(after) {
                    tidy.push(char::REPLACEMENT_CHARACTER);
                }
                in_string = !in_string;
                (1, 1)
            }
            [b'\\', ..] if special.starts_with(NUL) => {
                has_nul = true;
                (0, NUL.len())
            }
            [b'\\', ..] => (2, 2),
            _ => (0, 1),
        };
        tidy.push_str(special.get(..kept).unwrap_or_default());
        rest = special.get(length..).unwrap_or_default();
    }
    tidy + rest
}

fn is_colon_next(text: &[u8]) -> bool {
    text.iter().find(|byte| !b" \t\n\r".contains(byte)) == Some(&b':')
}

/// What is not simply copied within a string, and outside of strings.
const STRING_ENDS: &[char] = &['"', '\\'];
const TOKEN_ENDS: &[char] = &['"', ' ', '\t', '\n', '\r'];

#[cfg(test)]
mod tests {
    fn tidied(body: &str) -> String {
        super::Tidy::new(body).unwrap().0.into_owned()
    }

    #[test]
    fn line_breaks_between_tokens_go_and_those_in_strings_stay() {
        assert_eq!(
            tidied("{\r\n \"a b\": [1,\n\t2, \"x\\ny \\\" z\"]\n}"),
            r#"{"a b":[1,2,"x\ny \" z"]}"#
        );
    }

    #[test]
    fn a_nul_goes_and_an_escaped_backslash_before_u0000_stays() {
        assert_eq!(tidied(r#""a\u0000b""#), r#""ab""#);
        assert_eq!(tidied(r#""a\\u0000b""#), r#""a\\u0000b""#);
        assert_eq!(tidied(r#""é\\\u0000🚢""#), r#""é\\🚢""#);
    }

    #[test]
    fn a_body_without_any_of_that_stays_as_it_is() {
        let body = "{\"a\": 1.0, \"b\": \"\\ud800\"}\r\n";
        let tidy = super::Tidy::new(body).unwrap();
        assert!(matches!(tidy.0, super::Cow::Borrowed(same) if same == body.trim()));
    }

    #[test]
    fn a_form_feed_is_no_white_space() {
        assert!(super::Tidy::new("{}\u{c}").is_err());
    }

    #[test]
    fn what_is_no_json_does_not_become_json() {
        assert!(super::Tidy::new("[1\n2]").is_err());
    }
}
