//! JSON read in place: where its values begin and end. It is checked as strictly as by `serde_json` and
//! nothing of it is decoded, so that records can be copied as the text they are. What is wrong with a
//! text is found here; saying where is left to `serde_json`.

use memchr::memchr2;

use crate::text::Tidy;

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not JSON.
    Syntax,
    /// It is JSON, and not what was promised.
    Contract(Box<str>),
}

impl Flaw {
    /// The text is not as promised.
    #[must_use]
    pub fn contract(problem: impl Into<Box<str>>) -> Self {
        Self::Contract(problem.into())
    }

    /// The same, said of a record by its number.
    #[must_use]
    pub fn of_record(self, number: u64) -> Self {
        match self {
            Self::Syntax => Self::Syntax,
            Self::Contract(problem) => Self::contract(format!("record {number} {problem}")),
        }
    }
}

/// Reads a text from its start.
#[derive(Debug)]
pub struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Values may lie in each other so deep. Targets that build trees have a limit, or crash: those made with
/// `serde_json` take 127 levels, the message around the record included.
const MOST_LEVELS: usize = 120;

impl<'a> Parser<'a> {
    /// A parser at the start of `text`.
    #[must_use]
    pub fn new(text: &'a Tidy) -> Self {
        Self { text: text.as_str(), at: 0, depth: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The first byte of the next token.
    pub fn peek(&mut self) -> Option<u8> {
        // Tidy text has no other blanks.
        while self.byte() == Some(b' ') {
            self.at += 1;
        }
        self.byte()
    }

    /// Enters the object or list that `bracket` opens; not where something else comes.
    ///
    /// # Errors
    /// [`Flaw::Contract`] where there are too many levels.
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

    /// Moves to the next entry of an object or to the next item of a list, or leaves it.
    ///
    /// # Errors
    /// [`Flaw::Syntax`], as for all that follow.
    pub fn next(&mut self, bracket: u8, is_first: &mut bool) -> Result<bool, Flaw> {
        let is_first = std::mem::replace(is_first, false);
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                self.depth -= 1;
                return Ok(false);
            }
            Some(b',') if !is_first => self.at += 1,
            Some(_) if is_first => {}
            _ => return Err(Flaw::Syntax),
        }
        self.peek();
        Ok(true)
    }

    /// Reads a name and its colon if they are this text.
    pub fn name_if(&mut self, label: &str) -> bool {
        let is_this = self.rest().starts_with(label.as_bytes());
        if is_this {
            self.at += label.len();
        }
        is_this
    }

    /// Reads a name and its colon. The name comes as it was sent, without its quotes.
    ///
    /// # Errors
    /// As for [`Parser::next`].
    pub fn name(&mut self) -> Result<&'a str, Flaw> {
        let start = self.at;
        if self.byte() != Some(b'"') {
            return Err(Flaw::Syntax);
        }
        self.string()?;
        let name = self.text.get(start + 1..self.at - 1).ok_or(Flaw::Syntax)?;
        if self.peek() != Some(b':') {
            return Err(Flaw::Syntax);
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads a value and gives its text.
    ///
    /// # Errors
    /// As for [`Parser::open`] and [`Parser::next`].
    pub fn value(&mut self) -> Result<&'a str, Flaw> {
        self.peek();
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at).ok_or(Flaw::Syntax)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// As for [`Parser::open`] and [`Parser::next`].
    pub fn skip(&mut self) -> Result<(), Flaw> {
        let mut is_first = true;
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => {
                self.open(b'{')?;
                while self.next(b'}', &mut is_first)? {
                    self.name()?;
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.open(b'[')?;
                while self.next(b']', &mut is_first)? {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.number(),
        }
    }

    /// Holds the text to have nothing more.
    ///
    /// # Errors
    /// As for [`Parser::next`].
    pub fn end(&mut self) -> Result<(), Flaw> {
        if self.peek().is_none() { Ok(()) } else { Err(Flaw::Syntax) }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn word(&mut self, word: &str) -> Result<(), Flaw> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Flaw::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string from its quote on.
    fn string(&mut self) -> Result<(), Flaw> {
        self.at += 1;
        loop {
            // Tidy text has no control characters, which would have to be looked for too.
            self.at += memchr2(b'"', b'\\', self.rest()).ok_or(Flaw::Syntax)?;
            if self.byte() == Some(b'"') {
                self.at += 1;
                return Ok(());
            }
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        self.at += match self.rest() {
            [_, b'u', digits @ ..] => match digits.first_chunk::<4>() {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return Err(Flaw::Syntax),
            },
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            _ => return Err(Flaw::Syntax),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<(), Flaw> {
        self.at += usize::from(self.byte() == Some(b'-'));
        let (is_zero, start) = (self.byte() == Some(b'0'), self.at);
        self.digits()?;
        if is_zero && self.at > start + 1 {
            return Err(Flaw::Syntax);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Flaw::Syntax) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn read(text: &str) -> Result<(), Flaw> {
        let text = Tidy::new(text).map_err(|_| Flaw::Syntax)?;
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
