//! Choices made beforehand, so that a case that fails can be made smaller by leaving some away: where
//! there are none left, the first of all is chosen.

use proptest::prelude::*;

#[derive(Debug, Clone, Default)]
pub struct Choices {
    bytes: Vec<u8>,
    next: usize,
}

pub fn any_choices(most: usize) -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(Choices::of)
}

impl Choices {
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, next: 0 }
    }

    /// A number below `count`, which is at most 256.
    pub fn pick(&mut self, count: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        usize::from(byte) * count / 256
    }

    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.pick(all.len())].clone()
    }
}
