//! Escapes in strings: how long they are, and which are half of something.

use super::Flaw;

/// How long the escape is that the text begins with, both halves of a surrogate pair together, and
/// whether it is one half alone.
#[inline]
pub(super) fn escape(text: &[u8]) -> Result<(usize, bool), Flaw> {
    match text {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok((2, false)),
        [_, b'u', ..] => code_units(text),
        _ => Err(Flaw::syntax()),
    }
}

/// The same of an escape that stands for a code unit.
fn code_units(text: &[u8]) -> Result<(usize, bool), Flaw> {
    let half = unit(text).ok_or_else(Flaw::syntax)?;
    let other = || text.get(6..).and_then(unit);
    Ok(match half {
        0xD800..=0xDBFF if matches!(other(), Some(0xDC00..=0xDFFF)) => (12, false),
        0xD800..=0xDFFF => (6, true),
        _ => (6, false),
    })
}

/// The code unit that `\uXXXX` stands for.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    let digit = |unit: u32, digit: &u8| Some(unit * 16 + char::from(*digit).to_digit(16)?);
    digits.iter().try_fold(0, digit)
}
