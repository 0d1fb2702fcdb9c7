//! The key, taken out of whatever is printed: whole or its beginning, since what others send is cut before
//! it is shown; as it is, percent-encoded, with the escapes of JSON or of HTML, or as base64.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// A word of a few letters is no key, and would be found everywhere. So many of a key give nothing away.
const SHORTEST: usize = 8;
const INSTEAD: &str = "[api_key]";

/// What is not to be printed.
#[derive(Default)]
pub struct Redaction {
    /// The key, and what base64 makes of it, wherever it stands in what is encoded.
    forms: Vec<String>,
}

impl Redaction {
    /// For this key; nothing where it is too short to be one.
    #[must_use]
    pub fn of(key: &str) -> Self {
        if key.len() < SHORTEST {
            return Self::default();
        }
        let mut forms = vec![key.to_owned()];
        for before in ["", " ", "  "] {
            // Of the first and the last letters it depends on what stands beside.
            let text = format!("{before}{key}");
            for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&text);
                let own = (before.len() * 8).div_ceil(6)..encoded.len() - 1;
                forms.extend(encoded.get(own).map(str::to_owned));
            }
        }
        forms.retain(|form| form.len() >= SHORTEST);
        Self { forms }
    }

    /// A text without it.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = String::new();
        let (mut at, mut shown_to) = (0, 0);
        while at < text.len() {
            let found = self.forms.iter().filter_map(|form| beginning(form, text.get(at..)?)).max();
            if let Some(length) = found {
                shown.push_str(text.get(shown_to..at).unwrap_or_default());
                shown.push_str(INSTEAD);
                at += length;
                shown_to = at;
            } else {
                at += 1;
            }
        }
        if shown_to == 0 {
            return text.into();
        }
        shown.push_str(text.get(shown_to..).unwrap_or_default());
        shown.into()
    }
}

/// How much of `text` is the beginning of `form`, in whichever way each letter is written.
fn beginning(form: &str, text: &str) -> Option<usize> {
    let (mut letters, mut length) = (0, 0);
    for letter in form.bytes() {
        let rest = text.as_bytes().get(length..).unwrap_or_default();
        let Some(taken) = spelled(letter, rest) else { break };
        letters += 1;
        length += taken;
    }
    (letters >= SHORTEST).then_some(length)
}

/// How many bytes a text spends on this letter at its start: as it is, or escaped for an address, for JSON
/// or for HTML, and maybe once more by whoever quoted that.
fn spelled(letter: u8, text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'&' => entity(letter, text).or_else(|| (letter == b'&').then_some(1)),
        first if *first == letter => Some(1),
        b'%' => {
            let mut length = 1;
            while text.get(length..).is_some_and(|rest| rest.starts_with(b"25")) {
                length += 2;
            }
            begins(text, length, &format!("{letter:02x}"))
        }
        b'\\' => {
            let length = text.iter().take_while(|byte| **byte == b'\\').count();
            let is_plain = text.get(length) == Some(&letter);
            let plain = is_plain.then_some(length + 1);
            plain.or_else(|| begins(text, length, &format!("u{letter:04x}")))
        }
        _ => None,
    }
}

/// Where what begins there ends, in capitals or small letters.
fn begins(text: &[u8], at: usize, what: &str) -> Option<usize> {
    let end = at + what.len();
    text.get(at..end)?.eq_ignore_ascii_case(what.as_bytes()).then_some(end)
}

/// How long the HTML is that stands for this letter.
fn entity(letter: u8, text: &[u8]) -> Option<usize> {
    let name = match letter {
        b'&' => "amp",
        b'<' => "lt",
        b'>' => "gt",
        b'"' => "quot",
        b'\'' => "apos",
        _ => "",
    };
    let spellings = [
        format!("&{name};"),
        format!("&#{letter};"),
        format!("&#{letter:02};"),
        format!("&#{letter:03};"),
        format!("&#x{letter:x};"),
        format!("&#x{letter:04x};"),
    ];
    spellings.iter().find_map(|spelling| begins(text, 0, spelling))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "inc_live+a/b=c~0123456789";

    fn shown(text: &str) -> String {
        Redaction::of(KEY).apply(text).into_owned()
    }

    #[test]
    fn a_key_is_not_shown_whole_or_in_part() {
        assert_eq!(shown(&format!("é {KEY}, {KEY}")), "é [api_key], [api_key]");
        assert_eq!(shown("cut: inc_live+a/\""), "cut: [api_key]\"");
        assert_eq!(shown("inc_liv is a word"), "inc_liv is a word");
        assert_eq!(Redaction::of("short").apply("short"), "short");
    }

    #[test]
    fn a_key_is_found_however_it_is_written() {
        assert_eq!(shown("?k=inc%5flive%2Ba%2fb%3Dc~0123456789&x"), "?k=[api_key]&x");
        assert_eq!(shown(r#"{"k":"inc\u005flive+a\u002fb=c~0123456789"}"#), r#"{"k":"[api_key]"}"#);
        assert_eq!(shown("k=inc_live%252ba%252Fb%253Dc~0123456789&x"), "k=[api_key]&x");
        assert_eq!(shown(r"inc\\u005Flive+a\/b x inc_live+a\\/b=c"), "[api_key] x [api_key]");
        assert_eq!(shown("<b>inc_live&#43;a&#x2F;b&#061;c~0123456789</b>"), "<b>[api_key]</b>");
        assert_eq!(Redaction::of("a&b<c>d&e").apply("a&amp;b&lt;c&gt;d&e"), "[api_key]");
        for before in ["", "x", "user:", "Bearer "] {
            for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                let encoded = engine.encode(format!("{before}{KEY}!"));
                let text = shown(&encoded);
                let rest = text.replace(INSTEAD, "").len();
                assert!(text.contains(INSTEAD) && rest < encoded.len() - 25, "{before}: {text}");
            }
        }
    }
}
