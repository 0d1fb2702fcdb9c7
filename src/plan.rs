//! Config, catalog and state become what to fetch: for each stream its series of requests and the
//! window of what is emitted. Pure; nothing is fetched here.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::catalog::{Method, Selected, Selection};
use crate::config::Config;
use crate::page::Window;
use crate::request::Request;
use crate::state::State;
use crate::stream::{Modes, REPLICATION_KEY, Stream};

/// What to fetch for one stream.
#[derive(Debug, PartialEq)]
pub struct Planned {
    /// The stream, its method and its schemas.
    pub selected: Selected,
    /// The first request of each series of pages.
    pub series: Vec<Request>,
    /// What is emitted, by `updated_at`.
    pub window: Window,
    /// What the log should say before it starts.
    pub notes: Vec<String>,
}

/// The plan of a run, in the order of reading.
#[must_use]
pub fn plan(selection: Selection, config: &Config, state: &State) -> Vec<Planned> {
    selection.streams.into_iter().map(|selected| planned(selected, config, state)).collect()
}

fn planned(selected: Selected, config: &Config, state: &State) -> Planned {
    let stream = selected.stream;
    let is_bounded = config.start_date.is_some() || config.end_date.is_some();
    let mut notes = Vec::new();
    let window = match selected.method {
        Method::FullTable => {
            if is_bounded {
                notes.push("start_date and end_date do not bound a full-table stream".to_owned());
            }
            Window::default()
        }
        Method::Incremental => {
            let bookmark = state.bookmark(stream.name);
            if let (Some(bookmark), Some(start)) = (bookmark, config.start_date)
                && start != bookmark
            {
                notes.push(format!("the bookmark {bookmark} counts, not start_date {start}"));
            }
            Window { start: bookmark.or(config.start_date), end: config.end_date }
        }
    };
    let series = series(stream, config, window);
    if series.is_empty() {
        notes.push(format!("it has none of the incident_modes {:?}", config.incident_modes));
    }
    Planned { selected, series, window, notes }
}

/// The first requests of a stream: one for each mode where the API takes one mode at a time.
fn series(stream: &Stream, config: &Config, window: Window) -> Vec<Request> {
    let mut request = Request::new(stream.path);
    if let Some(page_size) = stream.page_size {
        request = request.with("page_size", page_size.to_string());
    }
    for (name, value) in stream.fixed {
        request = request.with(*name, *value);
    }
    if let Some((operator, value)) = days(window) {
        request = request.with(format!("{REPLICATION_KEY}[{operator}]"), value);
    }
    let modes = config.incident_modes.iter();
    match stream.modes {
        Modes::None => vec![request],
        Modes::Together(name, known) => {
            let modes = modes.filter(|mode| known.contains(&mode.as_str())).collect::<Vec<_>>();
            // Without any mode the API would answer with its own choice of them.
            if modes.is_empty() {
                return Vec::new();
            }
            vec![modes.into_iter().fold(request, |request, mode| request.with(name, mode))]
        }
        Modes::OneByOne(name) => modes.map(|mode| request.clone().with(name, mode)).collect(),
    }
}

/// The API's filter for a window where it compares whole days in a time zone nobody documents: a
/// day wider at each bounded end. A closed window is one range, since gte with lte is refused.
fn days(window: Window) -> Option<(&'static str, String)> {
    let before = |time: DateTime<Utc>| time.date_naive().checked_sub_days(Days::new(1));
    let after = |time: DateTime<Utc>| time.date_naive().checked_add_days(Days::new(1));
    let text = |day: NaiveDate| day.format("%Y-%m-%d").to_string();
    match (window.start.and_then(before), window.end.and_then(after)) {
        (None, None) => None,
        (Some(start), None) => Some(("gte", text(start))),
        (None, Some(end)) => Some(("lte", text(end))),
        (Some(start), Some(end)) => Some(("date_range", format!("{}~{}", text(start), text(end)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::parse_time;

    fn window(start: Option<&str>, end: Option<&str>) -> Window {
        Window { start: start.and_then(parse_time), end: end.and_then(parse_time) }
    }

    #[test]
    fn whole_days_are_asked_one_day_wider_at_each_bounded_end() {
        let (start, end) = (Some("2026-01-01T00:00:00Z"), Some("2026-02-28T23:59:59Z"));
        assert_eq!(days(window(None, None)), None);
        assert_eq!(days(window(start, None)), Some(("gte", "2025-12-31".into())));
        assert_eq!(days(window(None, end)), Some(("lte", "2026-03-01".into())));
        let both = ("date_range", "2025-12-31~2026-03-01".into());
        assert_eq!(days(window(start, end)), Some(both));
    }
}
