//! What the records of a parent give to its children, and nothing else of them: a few bytes each,
//! kept together in one text.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Values for the parameters of a child's requests, in the order of the parents; each combination
/// once, however often the parent came.
#[derive(Debug, Default)]
pub struct Bindings {
    text: String,
    /// Where each value ends in `text`, and after which values a new parent begins.
    ends: Vec<u32>,
    width: usize,
    seen: HashSet<u64>,
}

impl Bindings {
    /// Keeps the values of one parent, unless they are known.
    pub fn add(&mut self, values: &[String]) {
        let mut hasher = DefaultHasher::new();
        values.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        self.width = values.len();
        for value in values {
            self.text.push_str(value);
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        }
    }

    /// How many parents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The values of each parent.
    pub fn iter(&self) -> impl Iterator<Item = Vec<&str>> {
        let mut start = 0;
        self.ends.chunks(self.width.max(1)).map(move |ends| {
            let mut values = Vec::with_capacity(ends.len());
            for end in ends.iter().map(|end| *end as usize) {
                values.push(self.text.get(start..end).unwrap_or_default());
                start = end;
            }
            values
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_combination_is_kept_once_and_in_order() {
        let mut bindings = Bindings::default();
        for values in [["a", "b"], ["ab", ""], ["a", "b"], ["c", "🚢"]] {
            bindings.add(&values.map(str::to_owned));
        }
        let kept = bindings.iter().collect::<Vec<_>>();
        assert_eq!(kept, [vec!["a", "b"], vec!["ab", ""], vec!["c", "🚢"]]);
        assert_eq!((bindings.len(), bindings.is_empty()), (3, false));
    }

    #[test]
    fn none_are_none() {
        assert_eq!(Bindings::default().iter().count(), 0);
    }
}
