//! How far a scan has got: what a killed run goes on from. Pure data, as it stands in the state.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::base::time::Moment;
use crate::bookmark::cap::Cap;
use crate::bookmark::validity::Sight;
use crate::source::slice::Slice;
use crate::source::taken::Taken;

/// How far the scan of one stream has got. Everything before it has been written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What is read: requests, fields, method. It belongs to no other scan.
    #[serde(rename = "of")]
    pub scan: String,
    /// When the scan began.
    pub at: Moment,
    /// What the key saw then.
    #[serde(flatten)]
    pub sight: Sight,
    /// Whether it has come to its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub complete: bool,
    /// What the bookmark may not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The latest value of the replication key so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Moment>,
    /// The series to go on with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub series: usize,
    /// The slice of it to go on with, from here on,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// up to here; the slices after it follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The cursor to go on with, in lists whose order is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many records had come before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// The last parent whose records are complete, where the order of parents is documented.
    #[serde(default, skip_serializing_if = "Taken::is_empty")]
    pub parent: Taken,
    /// Parents before that one that could not be read and are to be asked for again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<String>,
}

impl Position {
    /// Whether a scan can go on from here, other than at its start.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        let Self { complete, series, from, after, parent, .. } = self;
        !complete && (*series > 0 || from.is_some() || after.is_some() || !parent.is_empty())
    }

    /// The slice to go on with.
    #[must_use]
    pub fn slice(&self) -> Slice {
        Slice { from: self.from.map(|from| from.0), until: self.until.map(|until| until.0) }
    }
}

/// What names a scan in a state: a hash of everything that it depends on. Another release may have
/// another; a position is then dropped, which costs time and loses nothing.
#[must_use]
pub fn fingerprint(parts: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;

    #[test]
    fn what_is_not_needed_is_not_written() {
        let at = Moment(parse_time("2026-11-20T12:00:00Z").unwrap());
        let position = Position { scan: "0f".into(), at, ..Position::default() };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"of":"0f","at":"2026-11-20T12:00:00Z"}"#);
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
    }

    #[test]
    fn a_position_at_the_start_or_the_end_is_nowhere_to_go_on_from() {
        assert!(!Position::default().is_inside());
        assert!(!Position { series: 2, complete: true, ..Position::default() }.is_inside());
        assert!(Position { series: 2, ..Position::default() }.is_inside());
    }
}
