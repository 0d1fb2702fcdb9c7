//! Whose state it is: one of another source is carried along and not used, since streams of two sources may
//! have the same name.

use serde_json::{Map, Value, json};

use crate::source::Source;
use crate::sources::DEFAULT;

/// The source that a state is of; where it says nothing, the one that is read by default.
pub(super) const SOURCE: &str = "source";
/// What other sources had left there.
pub(super) const OTHERS: &str = "other_sources";

/// A state in which nothing of `source` was read.
pub(super) fn empty(source: &Source) -> Map<String, Value> {
    let mut state = Map::new();
    // States of earlier releases name no source.
    if source.name != DEFAULT.name {
        state.insert(SOURCE.into(), source.name.into());
    }
    state
}

/// What of a state is of `source`; all else is carried along.
pub(super) fn own(source: &Source, mut state: Map<String, Value>) -> Map<String, Value> {
    let owner = state.get(SOURCE).and_then(Value::as_str).unwrap_or(DEFAULT.name).to_owned();
    if owner == source.name {
        return state;
    }
    let others = state.remove(OTHERS);
    let mut others = others.and_then(|others| others.as_object().cloned()).unwrap_or_default();
    let mut own = match others.remove(source.name) {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    // Whatever it says there, it is from here on, or the next run would take it for another's.
    own.remove(SOURCE);
    own.extend(empty(source));
    // An empty state is nobody's.
    if !state.is_empty() {
        others.insert(owner, Value::Object(state));
    }
    if !others.is_empty() {
        own.insert(OTHERS.into(), json!(others));
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::SOURCES;

    #[test]
    fn what_is_carried_along_for_a_source_is_its_own_whatever_it_says() {
        for source in SOURCES {
            let other = if source.name == "signalfx" { "actian" } else { "signalfx" };
            for said in [json!({"bookmarks": {}}), json!({"bookmarks": {}, "source": other})] {
                let state = json!({"source": other, "other_sources": {source.name: said}});
                let first = own(source, state.as_object().unwrap().clone());
                assert_eq!(first["other_sources"], json!({other: {"source": other}}));
                assert_eq!(own(source, first.clone()), first);
            }
        }
    }
}
