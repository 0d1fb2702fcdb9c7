//! Stretches of time that a request asks for: the operators of time filters, whole days or exact, and the
//! windows of on-call schedules and of availability.

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::query::{Filter, Query, Request, hash};
use super::refusal::Refusal;
use super::time::{self, DAY};

/// Availability is answered for at most so many days.
const MOST_DAYS: i64 = 366;
/// One page of schedule entries covers so many days.
const PAGE_DAYS: i64 = 14;
const MILLISECOND: i64 = 1_000;
const SECOND: i64 = 1_000 * MILLISECOND;

/// From one moment up to but without another, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Window {
    /// Whether a moment lies in the window.
    pub(crate) fn holds(self, moment: i64) -> bool {
        (self.from..self.until).contains(&moment)
    }

    /// The window of `gte`, `lte` or `date_range`, of whole days in a zone or exact to the millisecond.
    pub(crate) fn of_filter(filter: &Filter, days: Option<FixedOffset>) -> Result<Self, Refusal> {
        let name = &filter.name;
        let ([operator], [value]) = (filter.keys.as_slice(), filter.values.as_slice()) else {
            return Err(Refusal::invalid(name, format!("{name} takes one operator and one value")));
        };
        let everything = Self { from: i64::MIN, until: i64::MAX };
        let bound = |text: &str| bound(name, text, days);
        match operator.as_str() {
            "gte" => Ok(Self { from: bound(value)?.from, ..everything }),
            "lte" => Ok(Self { until: bound(value)?.until, ..everything }),
            "date_range" => {
                let malformed = || Refusal::invalid(name, format!("{name} must be from~to"));
                let (from, to) = value.split_once('~').ok_or_else(malformed)?;
                let (from, to) = (bound(from)?, bound(to)?);
                if to.from < from.from {
                    return Err(Refusal::invalid(name, format!("{name} ends before it starts")));
                }
                Ok(Self { from: from.from, until: if days.is_some() { to.until } else { to.from } })
            }
            _ => {
                let message = format!("{name} takes the operators gte, lte and date_range");
                Err(Refusal::invalid(name, message))
            }
        }
    }
}

/// The day or the millisecond that a bound names.
fn bound(name: &str, text: &str, days: Option<FixedOffset>) -> Result<Window, Refusal> {
    if let Some(midnight) = time::midnight(text) {
        let east = days.map_or(0, |zone| i64::from(zone.local_minus_utc()) * SECOND);
        let from = midnight - east;
        return Ok(Window { from, until: from + if days.is_some() { DAY } else { MILLISECOND } });
    }
    match time::moment(text) {
        Some(_) if days.is_some() => {
            Err(Refusal::invalid(name, format!("{name} must be a date, not a timestamp")))
        }
        Some(moment) => {
            let from = moment - moment.rem_euclid(MILLISECOND);
            Ok(Window { from, until: from + MILLISECOND })
        }
        None => Err(Refusal::invalid(name, format!("{name} must be a date or a timestamp"))),
    }
}

/// Answers availability: the window comes back as it was asked for.
pub(crate) fn availability(mut body: Value, query: &Query) -> Result<Value, Refusal> {
    let (start, end) = (query.one("start_at"), query.one("end_at"));
    let moment = |text: Option<&str>| text.and_then(time::moment);
    let (Some(from), Some(until)) = (moment(start), moment(end)) else {
        return Err(Refusal::required("start_at"));
    };
    if until <= from || until - from > MOST_DAYS * DAY {
        return Err(Refusal::invalid("end_at", "the window must be of at most 366 days"));
    }
    if let Some(inner) = body.get_mut("availability").and_then(Value::as_object_mut) {
        inner.insert("start_at".to_owned(), json!(start));
        inner.insert("end_at".to_owned(), json!(end));
    }
    Ok(body)
}

/// Answers schedule entries: those that overlap a page of 14 days, and where the next page starts.
pub(crate) fn schedule_entries(
    mut body: Value,
    query: &Query,
    request: &Request,
    now: i64,
) -> Result<Value, Refusal> {
    let (window, ends_at) = entry_window(query, now)?;
    let page = Window { until: window.until.min(window.from + PAGE_DAYS * DAY), ..window };
    let moment = |entry: &Value, name: &str| entry.get(name)?.as_str().and_then(time::moment);
    let groups = body.get_mut("schedule_entries").and_then(Value::as_object_mut);
    for group in groups.into_iter().flat_map(|groups| groups.values_mut()) {
        let Some(entries) = group.as_array_mut() else { continue };
        entries.retain(|entry| {
            let start = moment(entry, "start_at").unwrap_or(i64::MIN);
            let end = moment(entry, "end_at").unwrap_or(i64::MAX);
            start < page.until && end > page.from
        });
    }
    if let Some(members) = body.as_object_mut() {
        members.remove("pagination_meta");
        if page.until < window.until {
            let after = entry_cursor(query, page.until, window.until, ends_at);
            members.insert("pagination_meta".to_owned(), next_entries(&after, query, request));
        }
    }
    Ok(body)
}

/// The window that is left to answer, and whether the request gives its end.
fn entry_window(query: &Query, now: i64) -> Result<(Window, bool), Refusal> {
    let (start, end) = (query.one("entry_window_start"), query.one("entry_window_end"));
    let given_end = end.and_then(time::moment);
    let window = match start {
        None => Window { from: now, until: given_end.unwrap_or(now + PAGE_DAYS * DAY) },
        Some(text) => match time::moment(text) {
            Some(from) => Window { from, until: given_end.unwrap_or(from + PAGE_DAYS * DAY) },
            None => read_entry_cursor(query, text).ok_or_else(|| {
                let message =
                    "entry_window_start is neither a timestamp nor a cursor of this window";
                Refusal::invalid("entry_window_start", message)
            })?,
        },
    };
    if window.until < window.from {
        return Err(Refusal::invalid("entry_window_end", "the window ends before it starts"));
    }
    Ok((window, end.is_some()))
}

/// The cursor names its schedule and its end, so that neither can be exchanged.
fn entry_cursor(query: &Query, from: i64, until: i64, ends_at: bool) -> String {
    let owner = format!("{:?} {ends_at}", query.one("schedule_id"));
    format!("{:016x}+{from}/{until}=", hash(&owner))
}

fn read_entry_cursor(query: &Query, text: &str) -> Option<Window> {
    let (_, rest) = text.strip_suffix('=')?.split_once('+')?;
    let (from, until) = rest.split_once('/')?;
    let window = Window { from: from.parse().ok()?, until: until.parse().ok()? };
    let end = query.one("entry_window_end").map(time::moment);
    let is_same_end = end.is_none_or(|end| end == Some(window.until));
    let expected = entry_cursor(query, window.from, window.until, end.is_some());
    (is_same_end && expected == text).then_some(window)
}

fn next_entries(after: &str, query: &Query, request: &Request) -> Value {
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let others = ["schedule_id", "entry_window_end"].into_iter().filter_map(|name| {
        let value = query.one(name)?;
        Some(format!("{name}={}&", encoded(value)))
    });
    let (host, path, others) = (&request.host, request.path(), others.collect::<String>());
    let url = format!("http://{host}{path}?{others}entry_window_start={}", encoded(after));
    json!({"after": after, "after_url": url})
}
