//! Records that come into another series without a change of theirs: a parent that is converted from one mode
//! to another takes its records along, whose times may stay. To see that, the mode of each parent is
//! remembered from scan to scan, but for the usual one.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chrono::{DateTime, Utc};

use crate::source::taken::Taken;

/// What the last scan knew of the parents of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Hashes of parents, and of the value that each had.
    known: BTreeMap<u64, u8>,
    /// Where nothing is known at all: what changed from then on may have moved while it was read.
    unknown_since: Option<DateTime<Utc>>,
    usual: &'static str,
    /// The values of which records are read.
    wanted: Vec<String>,
}

/// Bytes of a parent's hash in a state, and of its value's.
const PARENT_BYTES: usize = 6;
const BYTES: usize = PARENT_BYTES + 1;
/// So many parents are remembered.
const MOST: usize = 20_000;

impl Moved {
    /// What a state says, if it says something, for a scan that begins at `now`. The value `usual` is not
    /// remembered, and only records of `wanted` are of interest.
    #[must_use]
    pub fn new(
        text: Option<&str>,
        now: DateTime<Utc>,
        usual: &'static str,
        wanted: Vec<String>,
    ) -> Self {
        // Of another release, or mended by hand: as if nothing were known.
        let bytes = text.and_then(|text| BASE64.decode(text).ok());
        let unknown_since = bytes.is_none().then_some(now);
        let mut known = BTreeMap::new();
        for entry in bytes.unwrap_or_default().chunks_exact(BYTES) {
            let (parent, value) = entry.split_at(PARENT_BYTES);
            let parent = parent.iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte));
            known.extend(value.first().map(|value| (parent, *value)));
        }
        Self { known, unknown_since, usual, wanted }
    }

    /// Whether the records of a parent are to be read: its value is another one than before. `parent` has
    /// its id, its value, and when it changed last.
    #[must_use]
    pub fn has_moved(&self, parent: &Taken<&str>) -> bool {
        let [id, value, _] = parent.0[..] else { return false };
        let has_moved = match self.unknown_since {
            Some(since) => parent.changed_at().is_some_and(|time| time >= since),
            None => self.known.get(&hash_of(id)).copied() != self.remembered(value),
        };
        has_moved && self.wanted.iter().any(|wanted| wanted == value)
    }

    /// Notes what a parent has now.
    pub fn note(&mut self, parent: &Taken) {
        let [id, value, ..] = &parent.0[..] else { return };
        self.known.remove(&hash_of(id));
        if let Some(value) = self.remembered(value)
            && self.known.len() < MOST
        {
            self.known.insert(hash_of(id), value);
        }
    }

    /// What a state keeps.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES * self.known.len());
        for (parent, value) in &self.known {
            let [_, _, parent @ ..] = parent.to_be_bytes();
            bytes.extend::<[u8; PARENT_BYTES]>(parent);
            bytes.push(*value);
        }
        BASE64.encode(bytes)
    }

    /// How a value is remembered, if it is.
    fn remembered(&self, value: &str) -> Option<u8> {
        let [.., last] = hash(value).to_be_bytes();
        (value != self.usual).then_some(last)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn hash_of(parent: &str) -> u64 {
    hash(parent) >> (8 * (size_of::<u64>() - PARENT_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;

    const BEFORE: &str = "2026-01-01T00:00:00Z";
    const AFTER: &str = "2026-01-03T00:00:00Z";

    fn moved(text: Option<&str>) -> Moved {
        let now = parse_time("2026-01-02T00:00:00Z").unwrap();
        Moved::new(text, now, "standard", vec!["standard".to_owned(), "retrospective".to_owned()])
    }

    #[test]
    fn a_parent_has_moved_when_its_value_is_another_one() {
        let mut before = moved(None);
        for (id, value) in [
            ("A", "test"),
            ("B", "standard"),
            ("C", "retrospective"),
            ("D", "test"),
            ("D", "standard"),
        ] {
            before.note(&Taken([id, value, BEFORE].map(str::to_owned).to_vec()));
        }
        let now = moved(Some(&before.text()));
        let has_moved = |id, value| now.has_moved(&Taken(vec![id, value, BEFORE]));
        assert!(has_moved("A", "standard") && has_moved("A", "retrospective"));
        assert!(has_moved("B", "retrospective") && has_moved("C", "standard"));
        assert!(has_moved("E", "retrospective"), "a new one, whose records are few");
        assert!(!has_moved("B", "standard") && !has_moved("D", "standard"));
        assert!(!has_moved("B", "test"), "nobody wants those");
        assert!(!has_moved("C", "retrospective") && !has_moved("E", "standard"));
    }

    #[test]
    fn where_nothing_is_known_a_parent_may_have_moved_that_changed_while_it_was_read() {
        for text in [None, Some("%")] {
            assert!(!moved(text).has_moved(&Taken(vec!["A", "retrospective", BEFORE])));
            assert!(moved(text).has_moved(&Taken(vec!["A", "standard", AFTER])));
        }
        assert!(moved(Some("")).has_moved(&Taken(vec!["A", "retrospective", BEFORE])));
        assert!(!moved(Some("")).has_moved(&Taken(vec!["A", "standard", AFTER])));
    }
}
