//! Rows that have changed since they were made: every so many-th of a list, each at a moment of its own.
//! Which ones follows from their numbers, so that nothing is kept of them.

use super::time;

/// The property that tells when a row changed.
pub(crate) const UPDATED_AT: &str = "updated_at";
/// The changes lie in so much time before the last of them.
pub(crate) const LASTING: i64 = time::DAY / 24;
/// Neighbours do not change one after the other.
const STRIDE: usize = 7_919;
const SECONDS: usize = 3_600;

/// Which rows of a list have changed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changes {
    /// One of so many.
    pub(crate) every: usize,
    /// When the last one may have changed.
    pub(crate) until: i64,
}

impl Changes {
    /// The numbers of the rows that have changed, of so many.
    pub(crate) fn numbers(self, rows: usize) -> impl Iterator<Item = usize> {
        let every = self.every.max(1);
        (every / 2..rows).step_by(every)
    }

    /// When the row with this number has changed, if it has.
    pub(crate) fn moment(self, number: usize) -> Option<i64> {
        let every = self.every.max(1);
        let seconds = number.wrapping_mul(STRIDE) % SECONDS;
        let back = LASTING / 3_600 * i64::try_from(seconds).unwrap_or_default();
        (number % every == every / 2).then(|| self.until - back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_so_many_has_changed_within_the_hour() {
        let changes = Changes { every: 4, until: 10 * LASTING };
        let numbers: Vec<usize> = changes.numbers(12).collect();
        assert_eq!(numbers, [2, 6, 10]);
        for number in 0..12 {
            let moment = changes.moment(number);
            assert_eq!(moment.is_some(), numbers.contains(&number), "{number}");
            assert!(moment.is_none_or(|moment| (9 * LASTING..=10 * LASTING).contains(&moment)));
        }
    }
}
