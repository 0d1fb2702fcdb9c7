//! Bookmarks: read from the state of the last run, moved while streams are read, written as STATE.
//! Whatever in the input is not ours is carried forward untouched.

mod clamp;
mod file;
mod owner;
mod foreign;

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::base::cut;
use crate::base::error::Error;
use crate::base::time::{format_time, parse_time};
use crate::bookmark::cap::Cap;
use crate::bookmark::memory::VERSION_BITS;
use crate::bookmark::moved::Moved;
use crate::bookmark::position::Position;
use crate::bookmark::validity::{Fields, Sight, Validity};
use crate::source::Source;
use crate::source::stream::Stream;

/// The value of STATE messages.
#[derive(Debug, Clone, PartialEq)]
pub struct State(Map<String, Value>);

impl State {
    /// A state in which nothing of `source` was read.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        let mut state = owner::empty(source);
        state.insert(BOOKMARKS.into(), json!({}));
        Self(state)
    }

    /// Reads a state file: a bare state, a STATE message, what Meltano keeps, nothing at all, or several
    /// lines of which the last whole one counts. Warnings for the log are added to `warnings`.
    ///
    /// # Errors
    /// [`Error::File`] where it is none of these, or a bookmark is no time.
    pub fn parse(
        source: &Source,
        (text, path): (&str, &str),
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let mut state = owner::own(source, file::read(text, path, warnings)?);
        warnings.extend(foreign::without_bookmarks(&state, path));
        match state.entry(BOOKMARKS).or_insert_with(|| json!({})) {
            Value::Object(_) => {}
            bookmarks @ Value::Null => *bookmarks = json!({}),
            other => {
                let other = cut::text(&other.to_string());
                return Err(unusable(path, format!("`bookmarks` is {other}, not an object")));
            }
        }
        let state = Self(state);
        state.check(source).map_err(|problem| unusable(path, problem))?;
        warnings.extend(state.foreign(source));
        Ok(state)
    }

    /// The value of a STATE message.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// How far a stream has been read, if it has been.
    #[must_use]
    pub fn bookmark(&self, stream: &Stream) -> Option<DateTime<Utc>> {
        let key = stream.replication_key()?;
        self.text(stream, key).or_else(|| self.text(stream, SDK_VALUE)).and_then(parse_time)
    }

    /// What a stream's bookmark is true for, as far as it says so.
    #[must_use]
    pub fn validity(&self, stream: &Stream) -> Validity {
        Validity {
            modes: self.texts(stream, modes_key(stream)),
            more: self.texts(stream, MORE).unwrap_or_default(),
            sight: Sight {
                organisation: self.text(stream, ORGANISATION).map(str::to_owned),
                sees_all: self.get(stream, ACCESS).and_then(Value::as_bool),
                teams: self.texts(stream, TEAMS),
                roles: None,
            },
            fields: self.text(stream, FIELDS).map(|fields| Fields(fields.to_owned())),
        }
    }

    /// A text that the bookmark of a stream has.
    fn text(&self, stream: &Stream, key: &str) -> Option<&str> {
        self.get(stream, key).and_then(Value::as_str)
    }

    /// The texts of a list that the bookmark of a stream has.
    fn texts(&self, stream: &Stream, key: &str) -> Option<Vec<String>> {
        let items = self.get(stream, key)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Hashes of the records around the bookmark that have been written.
    #[must_use]
    pub fn recent(&self, stream: &Stream) -> HashSet<u64> {
        let text = self.text(stream, RECENT).unwrap_or_default();
        // Another release or a human may have written it. Then some records are written again.
        let bytes = BASE64.decode(text).unwrap_or_default();
        let mut versions = HashSet::new();
        for bytes in bytes.chunks(VERSION_BYTES) {
            versions.insert(bytes.iter().fold(0, |version, byte| version << 8 | u64::from(*byte)));
        }
        versions
    }

    /// What is known of a stream's parents whose records may move, and since when.
    #[must_use]
    pub fn moved(&self, stream: &Stream) -> Option<(DateTime<Utc>, &str)> {
        let at = self.text(stream, MOVED_AT).and_then(parse_time)?;
        Some((at, self.text(stream, MOVED)?))
    }

    /// When the last scan of everything began.
    #[must_use]
    pub fn full_scan(&self, stream: &Stream) -> Option<DateTime<Utc>> {
        self.text(stream, FULL_SCAN).and_then(parse_time)
    }

    /// How many pages the whole list of a stream had when it was read last.
    #[must_use]
    pub fn pages(&self, stream: &Stream) -> Option<u64> {
        self.get(stream, FULL_SCAN_PAGES).and_then(Value::as_u64)
    }

    /// Whether anything was read before.
    #[must_use]
    pub fn has_bookmarks(&self) -> bool {
        let bookmarks = self.0.get(BOOKMARKS).and_then(Value::as_object);
        bookmarks.is_some_and(|bookmarks| bookmarks.values().any(|bookmark| !bookmark.is_null()))
    }

    /// What the last complete reading of a full table was of, where versions were wanted.
    #[must_use]
    pub fn version_of(&self, stream: &Stream) -> Option<&str> {
        self.text(stream, VERSION_OF)
    }

    /// How far the last scan of a stream has got.
    #[must_use]
    pub fn position(&self, stream: &Stream) -> Option<Position> {
        // Another release or a human may have written it. Then it is as if there were none.
        serde_json::from_value(self.get(stream, SCAN)?.clone()).ok()
    }

    /// The stream at which a run was interrupted, and when that run began.
    #[must_use]
    pub fn interrupted(&self) -> Option<(&str, Option<DateTime<Utc>>)> {
        let began = self.0.get(BEGAN).and_then(Value::as_str).and_then(parse_time);
        Some((self.0.get(SYNCING)?.as_str()?, began))
    }

    /// Moves a stream's bookmark to the highest value seen, not past the cap of the scan, and never
    /// backwards.
    pub fn advance(&mut self, stream: &Stream, highest: DateTime<Utc>, cap: Cap) {
        let Some(key) = stream.replication_key() else { return };
        let to = cap.limit(highest);
        let to = self.bookmark(stream).map_or(to, |bookmark| bookmark.max(to));
        self.set_bookmark(stream, key, to);
    }

    fn set_bookmark(&mut self, stream: &Stream, key: &str, to: DateTime<Utc>) {
        self.set(stream, key, format_time(to).into());
        // A value of the Meltano SDK's form has been taken over; a key left out would stay in
        // Meltano's store, so it is cleared with null.
        for key in [SDK_VALUE, SDK_KEY] {
            if self.get(stream, key).is_some() {
                self.set(stream, key, Value::Null);
            }
        }
    }

    /// Notes what a stream's bookmark is true for from now on.
    pub fn set_validity(&mut self, stream: &Stream, validity: &Validity) {
        if let Some(modes) = &validity.modes {
            self.set(stream, modes_key(stream), json!(modes));
        }
        // A key left out would stay in Meltano's store.
        if !validity.more.is_empty() || self.get(stream, MORE).is_some() {
            self.set(stream, MORE, json!(validity.more));
        }
        let Sight { organisation, sees_all, teams, roles: _ } = &validity.sight;
        for (key, value) in [
            (ORGANISATION, json!(organisation)),
            (ACCESS, json!(sees_all)),
            (TEAMS, json!(teams)),
            (FIELDS, json!(validity.fields.as_ref().map(|fields| &fields.0))),
        ] {
            if !value.is_null() {
                self.set(stream, key, value);
            }
        }
    }

    /// Notes the records around the bookmark that have been written.
    pub fn set_recent(&mut self, stream: &Stream, versions: &[u64]) {
        let mut bytes = Vec::with_capacity(VERSION_BYTES * versions.len());
        for version in versions {
            let [_, _, version @ ..] = version.to_be_bytes();
            bytes.extend::<[u8; VERSION_BYTES]>(version);
        }
        self.set(stream, RECENT, BASE64.encode(bytes).into());
    }

    /// Notes what is known of a stream's parents whose records may move, up to the beginning of their scan.
    pub fn set_moved(&mut self, stream: &Stream, moved: &Moved, cap: Cap) {
        self.set(stream, MOVED, moved.text().into());
        self.set(stream, MOVED_AT, format_time(cap.moment()).into());
    }

    /// Notes when the last scan of everything began, which may not pass its cap either: a clock that
    /// is a year ahead would put the next one off for a year.
    pub fn set_full_scan(&mut self, stream: &Stream, began: DateTime<Utc>, cap: Cap) {
        self.set(stream, FULL_SCAN, format_time(cap.limit(began)).into());
    }

    /// Notes how many pages the whole list of a stream has.
    pub fn set_pages(&mut self, stream: &Stream, pages: u64) {
        self.set(stream, FULL_SCAN_PAGES, pages.into());
    }

    /// Notes what a complete reading of a full table was of.
    pub fn set_version_of(&mut self, stream: &Stream, of: &str) {
        self.set(stream, VERSION_OF, of.into());
    }

    /// Notes how far the scan of a stream has got.
    pub fn set_position(&mut self, stream: &Stream, position: &Position) {
        let value = serde_json::to_value(position).unwrap_or_default();
        self.set(stream, SCAN, value);
    }

    /// Names the stream that is being read, in a run that began then; or none.
    pub fn set_currently_syncing(&mut self, syncing: Option<(&str, DateTime<Utc>)>) {
        self.0.insert(SYNCING.into(), syncing.map(|(stream, _)| stream).into());
        match syncing {
            Some((_, began)) => drop(self.0.insert(BEGAN.into(), format_time(began).into())),
            None => {
                if let Some(began) = self.0.get_mut(BEGAN) {
                    *began = Value::Null;
                }
            }
        }
    }

    /// Forgets which scans are complete, which only an interrupted run needs to go on. What stood in
    /// `input` is set to null, since Meltano's store keeps a key that is left out.
    pub fn forget_complete(&mut self, input: &Self) {
        let Some(Value::Object(bookmarks)) = self.0.get_mut(BOOKMARKS) else { return };
        bookmarks.retain(|name, bookmark| {
            let is_complete =
                bookmark.get(SCAN).is_some_and(|scan| scan.is_null() || scan["complete"] == true);
            let Value::Object(fields) = bookmark else { return true };
            let before = input.0.get(BOOKMARKS).and_then(|bookmarks| bookmarks.get(name));
            if is_complete && before.is_some_and(|before| before.get(SCAN).is_some()) {
                fields.insert(SCAN.into(), Value::Null);
            } else if is_complete {
                fields.remove(SCAN);
            }
            before.is_some() || !fields.is_empty()
        });
    }

    fn get(&self, stream: &Stream, key: &str) -> Option<&Value> {
        self.0.get(BOOKMARKS)?.get(stream.name)?.get(key)
    }

    fn set(&mut self, stream: &Stream, key: &str, value: Value) {
        let Some(Value::Object(bookmarks)) = self.0.get_mut(BOOKMARKS) else { return };
        let bookmark = bookmarks.entry(stream.name).or_insert(Value::Null);
        if !bookmark.is_object() {
            *bookmark = json!({});
        }
        if let Value::Object(bookmark) = bookmark {
            bookmark.insert(key.into(), value);
        }
    }

    /// Says which bookmark is no time, since starting over in silence would cost hours.
    fn check(&self, source: &Source) -> Result<(), String> {
        let bookmarks = self.0.get(BOOKMARKS).and_then(Value::as_object);
        for (stream, bookmark) in bookmarks.into_iter().flatten() {
            let Some(key) = source.named(stream).map(Stream::replication_key) else { continue };
            if !(bookmark.is_object() || bookmark.is_null()) {
                let bookmark = cut::text(&bookmark.to_string());
                return Err(format!("`bookmarks.{stream}` is {bookmark}, not an object"));
            }
            for key in key.into_iter().chain([SDK_VALUE]) {
                match bookmark.get(key) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(time)) if parse_time(time).is_some() => {}
                    Some(other) => {
                        return Err(format!(
                            "`bookmarks.{stream}.{key}` is {}, not a time like 2026-01-31T00:00:00Z",
                            cut::text(&other.to_string())
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn unusable(path: &str, problem: String) -> Error {
    Error::File { what: "state", path: path.to_owned(), problem }
}

/// Where a bookmark says of which modes it is true.
fn modes_key(stream: &Stream) -> &'static str {
    stream.source.settings.modes.unwrap_or("modes")
}

/// The Meltano SDK's names for a bookmark's value and for the field it is of.
const SDK_VALUE: &str = "replication_key_value";
const SDK_KEY: &str = "replication_key";
/// Where a bookmark says what it is true for: values of filters, what the key saw, and which fields were
/// written. Its modes stand under the name of the setting that chooses them.
const MORE: &str = "filter_values";
const ACCESS: &str = "global_access";
const ORGANISATION: &str = "organisation";
const TEAMS: &str = "teams";
const FIELDS: &str = "fields";
/// The values of parents whose records may move, and up to when they are known.
const MOVED: &str = "parents";
const MOVED_AT: &str = "parents_at";
const RECENT: &str = "recent";
const FULL_SCAN: &str = "full_scan_at";
const FULL_SCAN_PAGES: &str = "full_scan_pages";
const SCAN: &str = "scan";
const VERSION_OF: &str = "version_of";
const BOOKMARKS: &str = "bookmarks";
const SYNCING: &str = "currently_syncing";
/// When the run began that has not ended yet.
const BEGAN: &str = "run_began_at";
/// Bytes of a version, eight letters of the state.
const VERSION_BYTES: usize = VERSION_BITS as usize / 8;

#[cfg(test)]
mod tests;
