//! Positions in a list, as stretches that do not touch: where the rows can be that a request asks for,
//! so that the others are not looked at.

use std::ops::Range;

/// Stretches of positions in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<Range<usize>>);

impl Places {
    /// These stretches, in any order and with overlaps.
    pub(crate) fn of(mut stretches: Vec<Range<usize>>) -> Self {
        stretches.retain(|stretch| !stretch.is_empty());
        stretches.sort_by_key(|stretch| stretch.start);
        let mut places: Vec<Range<usize>> = Vec::new();
        for stretch in stretches {
            match places.last_mut() {
                Some(last) if last.end >= stretch.start => last.end = last.end.max(stretch.end),
                _ => places.push(stretch),
            }
        }
        Self(places)
    }

    /// The positions that are among these and in a stretch.
    pub(crate) fn within(self, stretch: &Range<usize>) -> Self {
        let shared = self.0.into_iter().map(|own| {
            let start = own.start.max(stretch.start);
            start..own.end.min(stretch.end).max(start)
        });
        Self(shared.filter(|own| !own.is_empty()).collect())
    }

    /// The positions that both have.
    pub(crate) fn shared(&self, other: &Self) -> Self {
        Self::of(other.0.iter().flat_map(|stretch| self.clone().within(stretch).0).collect())
    }

    /// Each position.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().cloned().flatten()
    }
}

impl From<Range<usize>> for Places {
    fn from(stretch: Range<usize>) -> Self {
        Self::of(vec![stretch])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_put_in_order_and_joined() {
        let places = Places::of(vec![7..9, 1..3, 5..5, 2..4, 4..5]);
        assert_eq!(places, Places(vec![1..5, 7..9]));
        assert_eq!(places.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 7, 8]);
    }

    #[test]
    fn two_share_what_is_in_both() {
        let (one, other) = (Places::of(vec![0..4, 6..9]), Places::of(vec![2..7, 8..20]));
        assert_eq!(one.shared(&other), Places::of(vec![2..4, 6..7, 8..9]));
        assert_eq!(one.within(&(3..7)), Places::of(vec![3..4, 6..7]));
        assert_eq!(Places::from(4..4), Places::default());
    }
}
