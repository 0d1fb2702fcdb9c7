//! Bookmarks: read from the state of the last run, moved while streams are read, written as STATE.
//! Whatever in the input is not ours is carried forward untouched.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::stream::REPLICATION_KEY;

/// The value of STATE messages.
#[derive(Debug, Clone, PartialEq)]
pub struct State(Map<String, Value>);

impl Default for State {
    fn default() -> Self {
        Self(Map::from_iter([("bookmarks".to_owned(), json!({}))]))
    }
}

impl State {
    /// Reads a state file: a bare state, a STATE message, a Meltano export under `singer_state`,
    /// nothing at all, or several lines of which the last counts.
    ///
    /// # Errors
    /// [`Error::File`] where it is none of these, or a bookmark is no time.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let problem =
            |problem: String| Error::File { what: "state", path: path.to_owned(), problem };
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let last_line = text.lines().next_back().unwrap_or(text);
        let value = serde_json::from_str::<Value>(text)
            .or_else(|error| serde_json::from_str(last_line).map_err(|_| error))
            .map_err(|error| problem(error.to_string()))?;
        let Value::Object(mut state) = unwrapped(value) else {
            return Err(problem("a state is a JSON object".into()));
        };
        match state.entry("bookmarks").or_insert_with(|| json!({})) {
            Value::Object(_) => {}
            bookmarks @ Value::Null => *bookmarks = json!({}),
            other => return Err(problem(format!("`bookmarks` is {other}, not an object"))),
        }
        let state = Self(state);
        state.check().map_err(problem)?;
        Ok(state)
    }

    /// The value of a STATE message.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// How far a stream has been read, if it has been.
    #[must_use]
    pub fn bookmark(&self, stream: &str) -> Option<DateTime<Utc>> {
        let bookmark = self.0.get("bookmarks")?.get(stream)?;
        [REPLICATION_KEY, SDK_VALUE]
            .iter()
            .find_map(|key| bookmark.get(key).and_then(Value::as_str))
            .and_then(parse_time)
    }

    /// Moves a stream's bookmark; never backwards.
    pub fn advance(&mut self, stream: &str, to: DateTime<Utc>) {
        if self.bookmark(stream).is_some_and(|bookmark| bookmark >= to) {
            return;
        }
        let Some(Value::Object(bookmarks)) = self.0.get_mut("bookmarks") else { return };
        let bookmark = bookmarks.entry(stream).or_insert(Value::Null);
        if !bookmark.is_object() {
            *bookmark = json!({});
        }
        let Value::Object(bookmark) = bookmark else { return };
        bookmark.insert(REPLICATION_KEY.into(), format_time(to).into());
        // A value of the Meltano SDK's form has been taken over; a key left out would stay in
        // Meltano's store, so it is cleared with null.
        for key in [SDK_VALUE, SDK_KEY] {
            if let Some(value) = bookmark.get_mut(key) {
                *value = Value::Null;
            }
        }
    }

    /// The incident modes that a stream's bookmark is true for, where it says so.
    #[must_use]
    pub fn modes(&self, stream: &str) -> Option<Vec<&str>> {
        let modes = self.0.get("bookmarks")?.get(stream)?.get(MODES)?.as_array()?;
        Some(modes.iter().filter_map(Value::as_str).collect())
    }

    /// Notes the incident modes that a stream's bookmark is true for from now on.
    pub fn set_modes(&mut self, stream: &str, modes: &[String]) {
        let bookmarks = self.0.get_mut("bookmarks").and_then(Value::as_object_mut);
        let bookmark = bookmarks.and_then(|bookmarks| bookmarks.get_mut(stream)?.as_object_mut());
        if let Some(bookmark) = bookmark {
            bookmark.insert(MODES.into(), json!(modes));
        }
    }

    /// Names the stream that is being read, or none.
    pub fn set_currently_syncing(&mut self, stream: Option<&str>) {
        self.0.insert("currently_syncing".into(), stream.into());
    }

    /// Says which bookmark is no time, since starting over in silence would cost hours.
    fn check(&self) -> Result<(), String> {
        let bookmarks = self.0.get("bookmarks").and_then(Value::as_object);
        for (stream, bookmark) in bookmarks.into_iter().flatten() {
            if crate::streams::named(stream).is_none() {
                continue;
            }
            if !(bookmark.is_object() || bookmark.is_null()) {
                return Err(format!("`bookmarks.{stream}` is {bookmark}, not an object"));
            }
            for key in [REPLICATION_KEY, SDK_VALUE] {
                match bookmark.get(key) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(time)) if parse_time(time).is_some() => {}
                    Some(other) => {
                        return Err(format!(
                            "`bookmarks.{stream}.{key}` is {other}, not a time like \
                             2026-01-31T00:00:00Z"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The Meltano SDK's names for a bookmark's value and for the field it is of.
const SDK_VALUE: &str = "replication_key_value";
const SDK_KEY: &str = "replication_key";
/// Where a bookmark names the incident modes it is true for.
const MODES: &str = "incident_modes";

/// The state within a STATE message or a Meltano export.
fn unwrapped(value: Value) -> Value {
    match value {
        Value::Object(mut object) if object.get("type").is_some_and(|kind| kind == "STATE") => {
            object.remove("value").unwrap_or(Value::Null)
        }
        Value::Object(mut object) if object.contains_key("singer_state") => {
            object.remove("singer_state").unwrap_or(Value::Null)
        }
        other => other,
    }
}

/// A timestamp of the API, a bookmark or the config: RFC 3339, or a date for its midnight in UTC.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .ok()
        .or_else(|| Some(text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc()))
}

/// The text of a bookmark: RFC 3339 in UTC, with as many digits as it needs.
#[must_use]
pub fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-01-02T03:04:05.678Z";

    fn bookmark(text: &str) -> Option<String> {
        State::parse(text, "state.json").unwrap().bookmark("incidents").map(format_time)
    }

    #[test]
    fn every_form_of_state_is_read() {
        let ours = format!(r#"{{"bookmarks": {{"incidents": {{"updated_at": "{TIME}"}}}}}}"#);
        let sdk = ours.replace("updated_at", "replication_key_value");
        let message = format!(r#"{{"type": "STATE", "value": {ours}}}"#);
        let export = format!(r#"{{"singer_state": {ours}}}"#);
        let lines = format!("{{\"bookmarks\": {{}}}}\n{ours}\n");
        let pretty = serde_json::from_str::<Value>(&ours).unwrap();
        let pretty = serde_json::to_string_pretty(&pretty).unwrap();
        for form in [ours, sdk, message, export, lines, pretty] {
            assert_eq!(bookmark(&form).as_deref(), Some(TIME), "{form}");
        }
        for form in
            ["", " \n", "{}", r#"{"bookmarks": null}"#, r#"{"bookmarks": {"incidents": {}}}"#]
        {
            assert_eq!(bookmark(form), None, "{form}");
        }
    }

    #[test]
    fn our_bookmark_wins_over_the_sdks_which_is_then_cleared() {
        let text = r#"{"bookmarks": {"incidents": {"updated_at": "2026-03-01T00:00:00Z",
            "replication_key": "updated_at", "replication_key_value": "2026-02-01T00:00:00Z"}}}"#;
        let mut state = State::parse(text, "state.json").unwrap();
        assert_eq!(state.bookmark("incidents"), parse_time("2026-03-01"));
        state.advance("incidents", parse_time("2026-04-01").unwrap());
        let expected = json!({"updated_at": "2026-04-01T00:00:00Z",
            "replication_key": null, "replication_key_value": null});
        assert_eq!(state.as_map()["bookmarks"]["incidents"], expected);
    }

    #[test]
    fn a_bookmark_keeps_its_digits_and_never_moves_back() {
        let mut state = State::default();
        for time in ["2026-01-02T03:04:05.123456Z", "2026-01-01T00:00:00Z"] {
            state.advance("incidents", parse_time(time).unwrap());
        }
        assert_eq!(
            state.as_map()["bookmarks"]["incidents"]["updated_at"],
            "2026-01-02T03:04:05.123456Z"
        );
    }
}
