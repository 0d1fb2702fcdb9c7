//! JSON read in place: where its values begin and end. It is checked as strictly as by `serde_json` and
//! nothing of it is decoded, so that records can be copied as the text they are. What is wrong with a
//! text is found here; saying where is left to `serde_json`.

pub mod tidy;
mod escape;
mod flaw;
mod label;
mod meaning;
mod string;

pub use self::flaw::{Flaw, Problem};
pub use self::label::Label;
pub use self::meaning::{at, entries, items, mended, text, unescaped};
use crate::json::tidy::Tidy;

/// Reads a text from its start.
#[derive(Debug)]
pub struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    fraction_at: usize,
    odd_at: usize,
}

/// Values may lie in each other so deep. Targets that build trees have a limit, or crash: those made with
/// `serde_json` take 127 levels, the message around the record included.
const MOST_LEVELS: usize = 120;

impl<'a> Parser<'a> {
    /// A parser at the start of `text`.
    #[must_use]
    pub fn new(text: &'a Tidy) -> Self {
        Self::of(text.as_str())
    }

    /// The same for a piece of such a text.
    fn of(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, fraction_at: 0, odd_at: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Where the number read last ends that has a fraction, or so many digits that 64 bits may not hold it.
    #[must_use]
    pub fn fraction_at(&self) -> usize {
        self.fraction_at
    }

    /// Where what was read last ends that not every target reads: a string with half a surrogate
    /// pair, or a number that may be too large for a float.
    #[must_use]
    pub fn odd_at(&self) -> usize {
        self.odd_at
    }

    /// The first byte of the next token.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(b' ') => self.after_blanks(),
            byte => byte,
        }
    }

    #[cold]
    fn after_blanks(&mut self) -> Option<u8> {
        // Tidy text has no other blanks.
        while self.byte() == Some(b' ') {
            self.at += 1;
        }
        self.byte()
    }

    /// Enters the object or list that `bracket` opens; not where something else comes.
    ///
    /// # Errors
    /// [`Problem::Contract`] where there are too many levels.
    pub fn open(&mut self, bracket: u8) -> Result<bool, Flaw> {
        if self.peek() != Some(bracket) {
            return Ok(false);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MOST_LEVELS {
            return Err(Flaw::contract(format!("is nested deeper than {MOST_LEVELS} levels")));
        }
        Ok(true)
    }

    /// Moves to the first entry of an object or to the first item of a list, or leaves it.
    #[inline]
    pub fn first(&mut self, bracket: u8) -> bool {
        let is_empty = self.peek() == Some(bracket);
        if is_empty {
            self.leave();
        }
        !is_empty
    }

    /// Moves behind the comma after an entry or an item, or leaves the object or the list.
    ///
    /// # Errors
    /// [`Problem::Syntax`], as for all that follow.
    #[inline]
    pub fn more(&mut self, bracket: u8) -> Result<bool, Flaw> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == bracket => {
                self.leave();
                Ok(false)
            }
            _ => Err(Flaw::syntax()),
        }
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Reads a name and its colon if they are these and come without a blank.
    #[inline]
    pub fn name_if(&mut self, label: &Label) -> bool {
        let is_this = label.is_at(self.at, self.text.as_bytes());
        if is_this {
            self.at += label.as_str().len();
        }
        is_this
    }

    /// Reads a name and its colon. The name comes as it was sent, without its quotes.
    ///
    /// # Errors
    /// As for [`Parser::more`].
    pub fn name(&mut self) -> Result<&'a str, Flaw> {
        if self.peek() != Some(b'"') {
            return Err(Flaw::syntax());
        }
        let start = self.at;
        self.string()?;
        let name = self.text.get(start + 1..self.at - 1).ok_or_else(Flaw::syntax)?;
        if self.peek() != Some(b':') {
            return Err(Flaw::syntax());
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads a value and gives its text.
    ///
    /// # Errors
    /// As for [`Parser::open`] and [`Parser::more`].
    pub fn value(&mut self) -> Result<&'a str, Flaw> {
        self.peek();
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at).ok_or_else(Flaw::syntax)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// As for [`Parser::open`] and [`Parser::more`].
    #[inline]
    pub fn skip(&mut self) -> Result<(), Flaw> {
        // Most values are strings.
        if self.peek() == Some(b'"') { self.string() } else { self.skip_other() }
    }

    /// Reads a value that is most likely no short string.
    ///
    /// # Errors
    /// As for [`Parser::open`] and [`Parser::more`].
    pub fn skip_other(&mut self) -> Result<(), Flaw> {
        match self.peek() {
            Some(b'"') => self.long_string(),
            Some(b'n') => self.word("null"),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'{' | b'[') => self.skip_nested(),
            _ => self.number(),
        }
    }

    #[inline(never)]
    fn skip_nested(&mut self) -> Result<(), Flaw> {
        if self.open(b'{')? {
            let mut is_more = self.first(b'}');
            while is_more {
                self.name()?;
                self.skip()?;
                is_more = self.more(b'}')?;
            }
        } else if self.open(b'[')? {
            let mut is_more = self.first(b']');
            while is_more {
                self.skip()?;
                is_more = self.more(b']')?;
            }
        }
        Ok(())
    }

    /// What has not been read.
    #[must_use]
    pub fn unread(&self) -> &'a [u8] {
        self.rest(self.at)
    }

    /// Moves behind a value of so many bytes.
    pub fn pass(&mut self, length: usize) {
        self.at += length;
    }

    /// Holds the text to have nothing more.
    ///
    /// # Errors
    /// As for [`Parser::more`].
    pub fn end(&mut self) -> Result<(), Flaw> {
        if self.peek().is_none() { Ok(()) } else { Err(Flaw::syntax()) }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self, at: usize) -> &'a [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    #[inline]
    fn word(&mut self, word: &str) -> Result<(), Flaw> {
        if !self.rest(self.at).starts_with(word.as_bytes()) {
            return Err(Flaw::syntax());
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Flaw> {
        let first = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let (is_zero, start) = (self.byte() == Some(b'0'), self.at);
        self.digits()?;
        if is_zero && self.at > start + 1 {
            return Err(Flaw::syntax());
        }
        let has_point = self.byte() == Some(b'.');
        if has_point {
            self.at += 1;
            self.digits()?;
        }
        let has_exponent = matches!(self.byte(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let length = self.at - first;
        if has_exponent || length > DIGITS_OF_A_FLOAT {
            self.odd_at = self.at;
        } else if has_point || length > DIGITS_OF_AN_INTEGER {
            self.fraction_at = self.at;
        }
        Ok(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), Flaw> {
        let count = self.rest(self.at).iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Flaw::syntax()) } else { Ok(()) }
    }
}

/// With more, a number may be too large for a float even without an exponent.
const DIGITS_OF_A_FLOAT: usize = 308;

/// With no more, a whole number always fits into 64 bits.
const DIGITS_OF_AN_INTEGER: usize = 18;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn read(text: &str) -> Result<(), Flaw> {
        let text = Tidy::new(text).map_err(|_| Flaw::syntax())?;
        let mut parser = Parser::new(&text);
        parser.skip()?;
        parser.end()
    }

    /// Holds the parser to say what `serde_json` says.
    fn agrees(text: &str) {
        let theirs = serde_json::from_str::<IgnoredAny>(text);
        assert_eq!(read(text).is_ok(), theirs.is_ok(), "{text:?}: {theirs:?}");
    }

    #[test]
    fn what_is_json_is_what_serde_json_takes() {
        let words = "null nul nulll true tru truE false fals NaN 'a' ] } [ [1 [, [,] [1,] [1,2] [} {] [] {} {,} \
            [1} [[]] [[1,{}],[]] 0 -0 00 01 - -a 1. .1 1.0 1.a 10 1e5 1E+5 1e- 1e 1.e1 -1.5e-3 +1 0x1 \" \"a \"a\" \
            \"\\\" \"\\\\\" \"\\\\\\\" \"\\u00e\" \"\\u00e9\" \"\\u00g9\" \"\\ud800\" \"\\x\" \"\\/\\b\\f\\n\\r\\t\\\"\" \
            \"\u{7f}é🚢\" {\"a\"} {\"a\":} {\"a\":1} {\"a\":1,} {\"a\":1]} {\"a\"1} {\"a\":[{\"b\":{}}]} {a:1} {1:1}";
        words.split_whitespace().for_each(agrees);
        for text in [
            "",
            " ",
            " 1 ",
            "[ ]",
            "{ }",
            "1 2",
            "[1 2]",
            " [\r\n\t1 ] ",
            "{ \"a\" : 1 , \"b\" : [ ] }",
            "\"\n\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\u{feff}1",
            "1\u{a0}",
        ] {
            agrees(text);
        }
    }

    #[test]
    fn a_string_ends_wherever_its_quote_is() {
        for length in 0..40 {
            for special in ["", "\\\"", "\\u00e9", "é", "\u{1}", "\u{80}", "\u{a2}"] {
                let text = format!("\"{}{special}{}\"", "x".repeat(length), "y".repeat(length % 9));
                agrees(&text);
                agrees(&format!("[{text},{text}]"));
            }
        }
    }

    #[test]
    fn as_many_levels_are_read_as_targets_take_and_no_more() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(read(&nested(MOST_LEVELS)), Ok(()));
        let error = read(&nested(MOST_LEVELS + 1)).unwrap_err();
        assert_eq!(error, Flaw::contract("is nested deeper than 120 levels"));
        assert_eq!(read(&nested(1_000_000)), Err(error));
        // Levels that were left do not count.
        assert_eq!(read(&format!("[{},{}]", nested(100), nested(100))), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_json_where_serde_json_takes_it(
            text in r#"[\[\]{},:"\\u0-9a-eE+\-. \n\tntrlsfé🚢\x00-\x1f]{0,12}"#
        ) {
            agrees(&text);
        }

        #[test]
        fn any_string_is_read_to_its_end(text in any::<String>()) {
            agrees(&serde_json::to_string(&text).unwrap());
            agrees(&format!("\"{text}\""));
        }
    }
}
