//! What a clock that was far ahead has left in a state.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{SCAN, State};
use crate::base::time::format_time;
use crate::bookmark::cap::Cap;
use crate::source::stream::Stream;

impl State {
    /// Moves back to `now` what is later than that by more than `tolerance`, since clocks are never
    /// quite the same: bookmarks, and when everything was read last. Positions in the future are
    /// dropped, since nobody knows what has changed before them. Returns warnings for the log.
    pub fn clamp(
        &mut self,
        streams: &[Stream],
        now: DateTime<Utc>,
        tolerance: TimeDelta,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        for stream in streams {
            if let Some(position) = self.position(stream)
                && is_ahead(position.at.0, now, tolerance)
            {
                warnings.push(format!(
                    "state: the position of `{}` is of {}, in the future; it is dropped",
                    stream.name,
                    format_time(position.at.0)
                ));
                self.set(stream, SCAN, Value::Null);
            }
            if let Some(last) = self.full_scan(stream)
                && is_ahead(last, now, tolerance)
            {
                warnings.push(format!(
                    "state: the last full scan of `{}`, {}, is in the future; it counts from {} on",
                    stream.name,
                    format_time(last),
                    format_time(now)
                ));
                self.set_full_scan(stream, last, Cap::at(now));
            }
            if let Some(key) = stream.replication_key()
                && let Some(bookmark) = self.bookmark(stream)
                && is_ahead(bookmark, now, tolerance)
            {
                warnings.push(format!(
                    "state: the bookmark of `{}`, {}, is in the future; it is read from {} on",
                    stream.name,
                    format_time(bookmark),
                    format_time(now)
                ));
                self.set_bookmark(stream, key, now);
            }
        }
        warnings
    }
}

fn is_ahead(time: DateTime<Utc>, now: DateTime<Utc>, tolerance: TimeDelta) -> bool {
    time - now > tolerance
}
