//! What the records of a parent give to its children, and nothing else of them: a few bytes each,
//! kept together in one text.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::source::taken::Taken;

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

    /// The values of one parent.
    #[must_use]
    pub fn get(&self, parent: usize) -> Option<Taken<&str>> {
        let first = parent.checked_mul(self.width)?;
        let ends = self.ends.get(first..first.checked_add(self.width)?)?;
        let before = first.checked_sub(1).and_then(|before| self.ends.get(before));
        let mut start = before.map_or(0, |end| *end as usize);
        let mut values = Vec::with_capacity(ends.len());
        for end in ends.iter().map(|end| *end as usize) {
            values.push(self.text.get(start..end).unwrap_or_default());
            start = end;
        }
        (parent < self.len()).then_some(Taken(values))
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
        let kept = (0..4)
            .map_while(|parent| bindings.get(parent))
            .map(|taken| taken.0)
            .collect::<Vec<_>>();
        assert_eq!(kept, [vec!["a", "b"], vec!["ab", ""], vec!["c", "🚢"]]);
        assert_eq!((bindings.len(), bindings.is_empty()), (3, false));
    }

    #[test]
    fn none_are_none() {
        assert_eq!(Bindings::default().get(0), None);
    }
}
