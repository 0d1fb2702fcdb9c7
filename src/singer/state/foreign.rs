//! What a state says that this tap has no use for, as another tap or another release may have left it: it
//! is carried along, and told of, since starting over in silence would cost hours.

use serde_json::{Map, Value};

use super::owner::{OTHERS, SOURCE};
use super::{
    ACCESS, BEGAN, BOOKMARKS, FIELDS, FULL_SCAN, MORE, MOVED, MOVED_AT, ORGANISATION, RECENT,
};
use super::{SCAN, SDK_KEY, SDK_VALUE, SYNCING, TEAMS, VERSION_OF};
use super::{State, modes_key};
use crate::base::cut;
use crate::source::Source;
use crate::source::stream::Stream;

/// What a bookmark of ours may have beside the value of its replication key and its modes.
const OURS: [&str; 13] = [
    ACCESS,
    FIELDS,
    FULL_SCAN,
    MORE,
    MOVED,
    MOVED_AT,
    ORGANISATION,
    RECENT,
    SCAN,
    SDK_KEY,
    SDK_VALUE,
    TEAMS,
    VERSION_OF,
];

/// Says so where a state file has no bookmarks at all, but something else.
pub(super) fn without_bookmarks(state: &Map<String, Value>, path: &str) -> Option<String> {
    let ours = [BOOKMARKS, SYNCING, BEGAN, SOURCE, OTHERS];
    let others = state.keys().map(String::as_str).filter(|key| !ours.contains(key));
    let others = others.collect::<Vec<_>>();
    (!state.contains_key(BOOKMARKS) && !others.is_empty()).then(|| {
        format!(
            "state file `{path}` has no `bookmarks`, but {}: this tap did not write it, and everything is \
             read from its start",
            cut::list(others.into_iter())
        )
    })
}

impl State {
    /// Warnings of bookmarks that are of no use to a stream of ours.
    pub(super) fn foreign(&self, source: &Source) -> Vec<String> {
        let mut warnings = Vec::new();
        for stream in source.streams {
            let bookmark = self.0.get(BOOKMARKS).and_then(|bookmarks| bookmarks.get(stream.name));
            let Some(Value::Object(bookmark)) = bookmark else { continue };
            if self.bookmark(stream).is_some() {
                continue;
            }
            let others =
                bookmark.iter().filter(|(key, value)| !value.is_null() && !is_ours(stream, key));
            let others = others.map(|(key, _)| key.as_str()).collect::<Vec<_>>();
            if !others.is_empty() {
                warnings.push(useless(stream, others));
            }
        }
        warnings
    }
}

fn is_ours(stream: &Stream, key: &str) -> bool {
    key == modes_key(stream) || stream.replication_key() == Some(key) || OURS.contains(&key)
}

fn useless(stream: &Stream, others: Vec<&str>) -> String {
    let ours = match stream.replication_key() {
        Some(key) => format!("this tap's bookmark of it is `{key}`"),
        None => "it can only be read in full".to_owned(),
    };
    format!(
        "state: what it has of `{}` ({}) is not used, and the stream is read from its start: {ours}",
        stream.name,
        cut::list(others.into_iter()),
    )
}
