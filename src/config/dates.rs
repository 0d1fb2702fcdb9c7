//! The dates between which something has to have changed to be read.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Map, Value};

use crate::base::cut;
use crate::base::time::parse_time;

/// Where what is read begins and ends.
pub(super) fn dates(
    values: &Map<String, Value>,
    problems: &mut Vec<String>,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let start = time(values, "start_date", problems);
    let end = time(values, "end_date", problems);
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        let (start, end) = (&values["start_date"], &values["end_date"]);
        problems.push(format!("`start_date` {start} is not before `end_date` {end}"));
    }
    (start, end)
}

fn time(
    values: &Map<String, Value>,
    name: &str,
    problems: &mut Vec<String>,
) -> Option<DateTime<Utc>> {
    let text = values.get(name)?.as_str()?;
    match parse_time(text) {
        Some(time) if YEARS.contains(&time.year()) => return Some(time),
        Some(_) => problems.push(format!(
            "`{name}` is {text:?}, but must lie between the years {} and {}",
            YEARS.start(),
            YEARS.end()
        )),
        None => problems.push(format!(
            "`{name}` is {:?}, but must be a date or a timestamp with its time zone, like \
             2026-01-31 or 2026-01-31T00:00:00Z",
            cut::text(text)
        )),
    }
    None
}

/// Years in which somebody may have changed something.
const YEARS: RangeInclusive<i32> = 1970..=9999;
