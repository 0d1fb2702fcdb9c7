//! The name of a field as it stands before its value.

use serde_json::Value;

/// A name and its colon, made to be compared fast.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    /// The first bytes, and which of them count.
    head: u128,
    mask: u128,
    /// The last bytes, where there are more.
    tail: u128,
    text: Box<str>,
}

/// Bytes of a label's head, and of its tail.
const HEAD: usize = 16;

impl Label {
    /// The label of a field.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let text = format!("{}:", Value::from(name));
        let (mut head, mut mask) = ([0; HEAD], [0; HEAD]);
        for ((head, mask), byte) in head.iter_mut().zip(&mut mask).zip(text.bytes()) {
            (*head, *mask) = (byte, u8::MAX);
        }
        let [head, mask] = [head, mask].map(u128::from_le_bytes);
        let tail = text.as_bytes().last_chunk().map_or(0, |tail| u128::from_le_bytes(*tail));
        Self { head, mask, tail, text: text.into() }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name as it stands in JSON, without its quotes.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(1..self.text.len() - 2).unwrap_or_default()
    }

    /// Whether the text has it there.
    #[inline]
    pub(super) fn is_at(&self, at: usize, text: &[u8]) -> bool {
        let label = self.text.as_bytes();
        let Some(text) = text.get(at..) else { return false };
        let Some(head) = text.first_chunk() else { return text.starts_with(label) };
        if (u128::from_le_bytes(*head) ^ self.head) & self.mask != 0 {
            return false;
        }
        let Some(more) = label.len().checked_sub(HEAD) else { return true };
        let tail = text.get(more..).and_then(<[u8]>::first_chunk);
        tail.is_some_and(|tail| u128::from_le_bytes(*tail) == self.tail)
            && (more <= HEAD || text.starts_with(label))
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn a_label_is_what_the_text_has_there_wherever_the_text_ends() {
        for name in [
            "",
            "id",
            "é\"",
            "a_name_of_13_b",
            "a_name_of_14_by",
            "a_name_of_29_bytes_that_is_so",
            "a_name_of_30_bytes_that_is_so_",
            "a_name_of_thirty_bytes_and_more",
        ] {
            let label = Label::new(name);
            let text =
                format!("{},{}1, \"and more after the number\": 2", label.as_str(), label.as_str());
            for end in 0..=text.len() {
                let text = &text.as_bytes()[..end];
                for at in 0..=end + 1 {
                    let is_there = text
                        .get(at..)
                        .is_some_and(|rest| rest.starts_with(label.as_str().as_bytes()));
                    assert_eq!(label.is_at(at, text), is_there, "{name} at {at} of {end}");
                }
            }
            let other = Label::new(&format!("{name}x"));
            assert!(!other.is_at(0, text.as_bytes()), "{name}");
        }
    }
}
