//! What the records of a parent give to its children, and nothing else of them: a few bytes each,
//! kept together in one text.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::base::time::parse_time;
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

/// Parents that come several times, with times that differ: of each the latest.
#[derive(Debug, Default)]
pub struct Latest {
    places: HashMap<String, usize>,
    values: Vec<Vec<String>>,
}

impl Latest {
    /// Keeps what names a parent and when it changed, unless a later time is known.
    pub fn note(&mut self, values: &[String]) {
        let (Some(id), Some(time)) = (values.first(), values.last()) else { return };
        let place = *self.places.entry(id.clone()).or_insert(self.values.len());
        match self.values.get_mut(place).and_then(|known| known.last_mut()) {
            None => self.values.push(values.to_vec()),
            Some(known) if parse_time(known) < parse_time(time) => known.clone_from(time),
            Some(_) => {}
        }
    }

    /// The values of each, in the order in which they first came.
    #[must_use]
    pub fn into_values(self) -> Vec<Vec<String>> {
        self.values
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
    fn what_comes_again_is_kept_once_with_its_latest_time() {
        let mut latest = Latest::default();
        for values in [
            ["b", "2026-01-02T00:00:00Z"],
            ["a", "2026-01-01T00:00:00Z"],
            ["b", "2026-01-02T00:00:00.5Z"],
            ["a", "2025-01-01T00:00:00Z"],
            ["b", ""],
        ] {
            latest.note(&values.map(str::to_owned));
        }
        let expected = [["b", "2026-01-02T00:00:00.5Z"], ["a", "2026-01-01T00:00:00Z"]];
        assert_eq!(latest.into_values(), expected);
    }

    #[test]
    fn none_are_none() {
        assert_eq!(Bindings::default().get(0), None);
    }
}
