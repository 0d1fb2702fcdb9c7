//! What a clock that was far ahead has left in a state.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{SCAN, State};
use crate::base::time::format_time;
use crate::bookmark::cap::Cap;
use crate::source::stream::Stream;

impl State {
    /// Moves back to `now` what is later by more than clocks may be apart: bookmarks, and when
    /// everything was read last. Positions of such a clock are dropped, since nobody knows what has
    /// changed behind them. What there is to say about it.
    pub fn clamp(
        &mut self,
        streams: &[Stream],
        now: DateTime<Utc>,
        tolerance: TimeDelta,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_ahead = |time: &DateTime<Utc>| *time - now > tolerance;
        for stream in streams {
            if let Some(position) = self.position(stream).filter(|known| is_ahead(&known.at.0)) {
                warnings.push(format!(
                    "state: the position of `{}` is of {}, in the future; it is dropped",
                    stream.name,
                    format_time(position.at.0)
                ));
                self.set(stream, SCAN, Value::Null);
            }
            if let Some(last) = self.full_scan(stream).filter(is_ahead) {
                warnings.push(format!(
                    "state: the last full scan of `{}`, {}, is in the future; it counts from {} on",
                    stream.name,
                    format_time(last),
                    format_time(now)
                ));
                self.set_full_scan(stream, last, Cap::at(now));
            }
            let Some(key) = stream.replication_key() else { continue };
            let Some(bookmark) = self.bookmark(stream).filter(is_ahead) else { continue };
            warnings.push(format!(
                "state: the bookmark of `{}`, {}, is in the future; it is read from {} on",
                stream.name,
                format_time(bookmark),
                format_time(now)
            ));
            self.set_bookmark(stream, key, now);
        }
        warnings
    }
}
