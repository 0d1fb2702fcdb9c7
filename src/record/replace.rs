//! What is written in place of a value that does not fit. Seldom used, so kept out of the way.

use std::ops::Range;

use super::Written;
use super::leaf::{Fit, Leaf};
use super::projection::Field;
use crate::json;

impl Written<'_> {
    /// Looks at all of a value, and replaces what targets cannot take.
    #[cold]
    pub(super) fn check(&mut self, leaf: Leaf, place: Range<usize>, is_odd: bool, field: &Field) {
        let text = self.text.get(place.clone()).unwrap_or_default();
        match leaf.fit(text) {
            Fit::Good if is_odd => {
                let (mended, count) = json::mended(text);
                self.note_nulled(field, count);
                self.replace(place, &mended);
            }
            Fit::Good => {}
            Fit::Empty => self.replace(place, "null"),
            Fit::Bad => {
                self.note_nulled(field, u64::from(!leaf.is_kept_elsewhere()));
                self.replace(place, "null");
            }
        }
    }

    pub(super) fn note_nulled(&mut self, field: &Field, count: u64) {
        self.values_nulled += count;
        if count > 0 {
            self.nulled.insert(field.path.to_string());
        }
    }

    /// Writes something else in place of a piece of the text.
    pub(super) fn replace(&mut self, piece: Range<usize>, other: &str) {
        self.leave_out(piece.clone());
        let start = self.out.len();
        self.push(other);
        self.replaced.push((piece, start..self.out.len()));
    }
}
