//! Where a string ends. Most are short and have no escapes, and are read at once.

use memchr::memchr2;
use wide::u8x32;

use super::escape::escape;
use super::{Flaw, Parser};

impl Parser<'_> {
    /// Reads a string from its quote on.
    #[inline]
    pub(super) fn string(&mut self) -> Result<(), Flaw> {
        if self.short_string() { Ok(()) } else { self.long_string() }
    }

    /// Reads a string if one comes next that is short and has no escapes: most are.
    #[inline]
    pub fn short_string(&mut self) -> bool {
        if self.peek() != Some(b'"') {
            return false;
        }
        let Some(block) = self.rest(self.at + 1).first_chunk() else { return false };
        let end = self.at + 1 + marks(block).trailing_zeros() as usize;
        let is_whole = self.text.as_bytes().get(end) == Some(&b'"');
        if is_whole {
            self.at = end + 1;
        }
        is_whole
    }

    #[inline(never)]
    pub(super) fn long_string(&mut self) -> Result<(), Flaw> {
        self.at += 1;
        loop {
            self.at += next_mark(self.rest(self.at)).ok_or_else(Flaw::syntax)?;
            if self.byte() == Some(b'"') {
                self.at += 1;
                return Ok(());
            }
            let (length, is_half) = escape(self.rest(self.at))?;
            self.at += length;
            if is_half {
                self.odd_at = self.at;
            }
        }
    }
}

/// So many bytes of a string are looked at together.
const BLOCK: usize = 32;

/// Where quotes and backslashes are, a bit for each byte. Tidy text has no control characters, which
/// would have to be looked for too.
#[inline]
fn marks(block: &[u8; BLOCK]) -> u32 {
    let block = u8x32::new(*block);
    let marks = block.simd_eq(u8x32::splat(b'"')) | block.simd_eq(u8x32::splat(b'\\'));
    marks.to_bitmask()
}

/// How far it is to the next quote or backslash: mostly not far.
#[inline]
fn next_mark(text: &[u8]) -> Option<usize> {
    match text.first_chunk().map_or(0, marks) {
        0 => memchr2(b'"', b'\\', text),
        marks => Some(marks.trailing_zeros() as usize),
    }
}
