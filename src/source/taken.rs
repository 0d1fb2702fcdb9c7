//! What is taken of a parent for the requests of its children.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::base::time::parse_time;

/// The values of one parent, in the order of the bindings. The first one names it; where more is taken than
/// that, the last one says when it changed. Every table of streams is held to that order by a test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Taken<T = String>(pub Vec<T>);

impl<T: AsRef<str>> Taken<T> {
    /// What names the parent.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.first().map(AsRef::as_ref)
    }

    /// When it changed last, where its children follow that.
    #[must_use]
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.0.last().and_then(|value| parse_time(value.as_ref()))
    }

    /// Whether nothing was taken: of a list that has no parents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, with texts of its own.
    #[must_use]
    pub fn to_owned(&self) -> Taken {
        Taken(self.0.iter().map(|value| value.as_ref().to_owned()).collect())
    }
}
