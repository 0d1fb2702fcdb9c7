//! JSON as text: what has to be taken out of a value before it can be part of a line.

/// Appends `raw` to `out` without blanks and line breaks between tokens, which would cut a line in
/// two, and without NUL characters in strings, which Postgres does not take. `raw` is valid JSON.
pub fn tidy(raw: &str, out: &mut Vec<u8>) {
    let is_untidy = raw.contains(['\n', '\r']) || raw.contains(NUL);
    if !is_untidy {
        out.extend_from_slice(raw.as_bytes());
        return;
    }
    let mut in_string = false;
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => {
                in_string = !in_string;
                1
            }
            '\\' if rest.starts_with(NUL) => {
                rest = rest.get(NUL.len()..).unwrap_or_default();
                continue;
            }
            // A backslash and what it escapes, so that `\\u0000` stays what it is.
            '\\' => 2,
            ' ' | '\t' | '\n' | '\r' if !in_string => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            other => other.len_utf8(),
        };
        let (head, tail) = rest.split_at_checked(token).unwrap_or((rest, ""));
        out.extend_from_slice(head.as_bytes());
        rest = tail;
    }
}

/// A NUL character as JSON writes it; as itself it is not valid in JSON.
pub const NUL: &str = "\\u0000";

#[cfg(test)]
mod tests {
    fn tidied(raw: &str) -> String {
        let mut out = Vec::new();
        super::tidy(raw, &mut out);
        String::from_utf8(out).unwrap()
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
    fn tidy_text_is_copied_as_it_is() {
        assert_eq!(tidied(r#"{"a": 1.0, "b": "\ud800"}"#), r#"{"a": 1.0, "b": "\ud800"}"#);
    }
}
