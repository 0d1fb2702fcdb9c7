//! What a bookmark and a position are true for: whose rows a key saw, of which modes, and which fields
//! of them were written.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::cut;
use crate::source::schema;

/// What a key sees, as the source's own answer says. The API leaves the rest out without an error, so what was
/// read with one key may not be all that another one sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Whose data it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Whether everything is among it.
    #[serde(default, rename = "global_access", skip_serializing_if = "Option::is_none")]
    pub sees_all: Option<bool>,
    /// The teams whose grants the key has; none where it has no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<String>>,
    /// The key's roles. A state does not keep them.
    #[serde(skip)]
    pub roles: Option<Vec<String>>,
}

/// What a bookmark is true for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    /// The modes that were asked for.
    pub modes: Option<Vec<String>>,
    /// What was asked for beyond the API's document: parameters and values.
    pub more: Vec<String>,
    /// What the key saw.
    pub sight: Sight,
    /// The fields that were written.
    pub fields: Option<Fields>,
}

/// Fields that were written, each as the six digits of a hash: their names would make a state of
/// hundreds of kilobytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(pub String);

/// Digits of a hash in hexadecimal.
const DIGITS: usize = 6;

impl Sight {
    /// Why what was read with `self` does not do for whoever reads with `now`; nothing where it does,
    /// or where one of them is not known.
    #[must_use]
    pub fn lacks(&self, now: &Self) -> Option<String> {
        if self.is_elsewhere(now) {
            return Some(format!(
                "it is of another organisation, `{}`",
                cut::text(self.organisation.as_deref().unwrap_or_default())
            ));
        }
        if (self.sees_all, now.sees_all) == (Some(false), Some(true)) {
            return Some("it is of a key that did not see everything".to_owned());
        }
        let (Some(before), Some(now)) = (&self.teams, &now.teams) else { return None };
        let is_wider = now.is_empty() || now.iter().any(|team| !before.contains(team));
        (!before.is_empty() && is_wider).then(|| {
            let teams = cut::list(before.iter().map(String::as_str));
            format!("it is of a key with the grants of the teams {teams} only")
        })
    }

    /// Whether it is the same key's sight as far as both are known.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        agree(self.organisation.as_ref(), other.organisation.as_ref())
            && agree(self.sees_all.as_ref(), other.sees_all.as_ref())
            && agree(self.teams.as_ref(), other.teams.as_ref())
    }

    /// Whether the API may count rows that it does not give to this key.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        let has_all_teams = self.teams.as_ref().is_some_and(Vec::is_empty);
        !(has_all_teams && self.sees_all == Some(true))
    }

    fn is_elsewhere(&self, now: &Self) -> bool {
        let both = self.organisation.as_ref().zip(now.organisation.as_ref());
        both.is_some_and(|(before, now)| before != now)
    }
}

impl Fields {
    /// Those of a schema, at every depth.
    #[must_use]
    pub fn of(schema: &Value) -> Self {
        Self(names(schema).map(|name| digits(&name)).collect())
    }

    /// Fields of a schema that are not among these.
    #[must_use]
    pub fn lack(&self, schema: &Value) -> Vec<String> {
        let known = self.0.as_bytes().chunks(DIGITS).collect::<HashSet<_>>();
        names(schema).filter(|name| !known.contains(digits(name).as_bytes())).collect()
    }
}

fn names(schema: &Value) -> impl Iterator<Item = String> {
    schema::properties(schema).into_iter().map(|(place, _)| schema::dotted(&place))
}

fn digits(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("{:06x}", hasher.finish() >> (64 - 4 * DIGITS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sight(organisation: &str, sees_all: bool, teams: &[&str]) -> Sight {
        Sight {
            organisation: Some(organisation.to_owned()),
            sees_all: Some(sees_all),
            teams: Some(teams.iter().map(|team| (*team).to_owned()).collect()),
            roles: None,
        }
    }

    #[test]
    fn what_was_read_lacks_what_a_key_sees_beyond_it() {
        let narrow = sight("a", false, &["x"]);
        for (now, is_lacking) in [
            (sight("a", false, &["x"]), false),
            (sight("b", false, &["x"]), true),
            (sight("a", true, &["x"]), true),
            (sight("a", false, &["x", "y"]), true),
            (sight("a", false, &["y"]), true),
            (sight("a", false, &[]), true),
            (Sight::default(), false),
        ] {
            assert_eq!(narrow.lacks(&now).is_some(), is_lacking, "{now:?}");
            assert_eq!(Sight::default().lacks(&now), None);
        }
        assert_eq!(sight("a", true, &[]).lacks(&narrow), None, "who sees less lacks nothing");
        assert!(!sight("a", true, &[]).is_like(&narrow));
        assert!(Sight::default().is_like(&narrow));
    }

    #[test]
    fn fields_that_were_selected_since_are_named() {
        let of = |names: &[&str]| {
            let properties = names.iter().map(|name| ((*name).to_owned(), json!({})));
            let inner = json!({"properties": properties.collect::<serde_json::Map<_, _>>()});
            json!({"properties": {"id": {}, "user": inner}})
        };
        let fields = Fields::of(&of(&["name"]));
        assert_eq!(fields.lack(&of(&["name", "email"])), ["user.email"]);
        assert_eq!(fields.lack(&of(&[])), [""; 0]);
    }
}
