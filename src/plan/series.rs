//! The requests of a stream: one series for each mode where the API takes one mode at a time, and for
//! each window; with the filter over time. Pure.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{Extent, Filter, Inputs};
use crate::base::time::{format_time, moved};
use crate::source::request::{Request, Series};
use crate::source::stream::{Granularity, Modes, Stream, Windows};
use crate::source::window::Window;
use crate::source::{Filters, Paging};

/// Of a sample, this many records a page.
const SAMPLE_PAGE: u32 = 5;

/// The series of a stream: one for each mode where the API takes one mode at a time, and for each
/// window.
pub(super) fn series(
    stream: &Stream,
    filter: Filter,
    window: Window,
    inputs: &Inputs,
) -> Vec<Series> {
    let mut request = plain(stream, inputs);
    let documented = stream.fixed.iter().chain(filter).copied();
    for (name, value) in documented.chain(inputs.offer.of(stream)) {
        request = request.with(name, value);
    }
    for (name, value) in inputs.config.filters.iter().filter(|_| stream.takes_filters) {
        request = request.with(name, value);
    }
    if let Some((parameter, value)) = over_time(stream, window) {
        request = request.with(parameter, value);
    }
    let mut series = Vec::new();
    for first in by_mode(stream, request, inputs) {
        series.extend(windows(stream, inputs, &first));
    }
    for series in &mut series {
        series.parts = stream.parts;
        series.settings.clone_from(&inputs.config.places);
    }
    series
}

/// The request for a stream's list, whatever is in it.
pub(super) fn plain(stream: &Stream, inputs: &Inputs) -> Request {
    let request = Request::new(stream.path).posting(stream.posts);
    let paging = stream.source.paging;
    let (Some(page_size), Some(parameter)) = (stream.page_size, paging.size()) else {
        return request;
    };
    let most = match inputs.extent {
        Extent::Whole => inputs.config.page_size,
        Extent::Sample => SAMPLE_PAGE,
    };
    // Pages by offset have to overlap.
    let least = if matches!(paging, Paging::Offset { .. }) { 2 } else { 1 };
    request.pages_of(parameter, page_size.min(most).max(least))
}

/// Of the configured modes, those that the stream may be asked for.
pub(super) fn modes(stream: &Stream, configured: &[String]) -> Vec<String> {
    let mut asked = configured.to_vec();
    match stream.modes {
        Modes::None => asked.clear(),
        Modes::Together(_, known) => asked.retain(|mode| known.contains(&mode.as_str())),
        Modes::OneByOne(..) => {}
    }
    asked
}

fn by_mode(stream: &Stream, mut request: Request, inputs: &Inputs) -> Vec<Request> {
    let modes = modes(stream, &inputs.config.modes);
    match stream.modes {
        Modes::None => vec![request],
        Modes::Together(name, _) => {
            let is_offered = inputs.offer.of(stream).any(|(parameter, _)| parameter == name);
            // Without any mode the API would answer with its own choice of them.
            if modes.is_empty() && !is_offered {
                return Vec::new();
            }
            for mode in modes {
                if !request.has(name, &mode) {
                    request = request.with(name, mode);
                }
            }
            vec![request]
        }
        Modes::OneByOne(name, unnamed) => one_by_one(&request, modes, (name, unnamed)),
    }
}

/// A request for each mode, but one for all that come where no mode is named.
fn one_by_one(
    request: &Request,
    mut modes: Vec<String>,
    (name, unnamed): (&str, &[&str]),
) -> Vec<Request> {
    let mut requests = Vec::new();
    let has_all = unnamed.iter().all(|mode| modes.iter().any(|known| known == mode));
    if has_all && !unnamed.is_empty() {
        modes.retain(|mode| !unnamed.contains(&mode.as_str()));
        requests.push(request.clone());
    }
    for mode in modes {
        requests.push(request.clone().with(name, mode));
    }
    requests
}

/// `first` for each window that the stream is asked for.
fn windows(stream: &Stream, inputs: &Inputs, first: &Request) -> Vec<Series> {
    let today = midnight(inputs.now.date_naive());
    let start = today.checked_sub_days(Days::new(inputs.config.window_days.back));
    let end = today.checked_add_days(Days::new(inputs.config.window_days.ahead));
    let (Some(window), Some(start), Some(end)) = (stream.window, start, end) else {
        return vec![Series::of(first.clone())];
    };
    let (from, to, spans) = match window {
        Windows::Whole(from, to) => (from, to, vec![(start, end)]),
        Windows::Months(from, to) => (from, to, months(start, end)),
    };
    let mut series = Vec::new();
    for (start, end) in spans {
        let first = first.clone().with(from, format_time(start)).with(to, format_time(end));
        series.push(Series { window: Some((start, end)), ..Series::of(first) });
    }
    series
}

/// The calendar months from that of `start` on, the last one up to `end`. They begin at the first
/// of a month whatever day it is, so that a record keeps its key from run to run.
fn months(start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut month = midnight(start.date_naive().with_day(1).unwrap_or_default());
    let mut months = Vec::new();
    while month < end {
        let next = month.checked_add_months(Months::new(1)).unwrap_or(end);
        months.push((month, next.min(end)));
        month = next;
    }
    months
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The filter for a window of a stream's own list, where it has one: over its changes, or over when its
/// records were created. What the latter compares is not documented: days do either way.
fn over_time(stream: &Stream, window: Window) -> Option<(String, String)> {
    let filters = &stream.source.filters;
    let (field, granularity) = match (stream.times, stream.unfinished) {
        (Some(granularity), _) => (filters.changed, granularity),
        (None, Some(_)) => (filters.created, Granularity::Day),
        (None, None) => return None,
    };
    within(window, (filters, field), granularity)
}

/// The API's filter for a window of a field. Where it compares whole days, in a time zone nobody documents, a
/// day wider at each bounded end; where it compares instants, to the millisecond. A closed window is
/// one range, since gte with lte is refused.
fn within(
    window: Window,
    (filters, field): (&Filters, &str),
    granularity: Granularity,
) -> Option<(String, String)> {
    let (margin, form) = match granularity {
        Granularity::Day => (TimeDelta::days(1), "%Y-%m-%d"),
        Granularity::Instant => (TimeDelta::milliseconds(1), "%Y-%m-%dT%H:%M:%S%.3fZ"),
    };
    let spelled = |time: DateTime<Utc>| time.format(form).to_string();
    let start = window.start.map(|start| spelled(moved(start, -margin)));
    let end = window.end.map(|end| spelled(moved(end, margin)));
    filters.spell(field, start, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;
    use crate::sources::incident_io::INCIDENT_IO;

    const CHANGED: (&Filters, &str) = (&INCIDENT_IO.filters, "updated_at");

    fn window(start: Option<&str>, end: Option<&str>) -> Window {
        Window { start: start.and_then(parse_time), end: end.and_then(parse_time) }
    }

    fn filter(operator: &str, value: &str) -> (String, String) {
        (format!("updated_at[{operator}]"), value.to_owned())
    }

    #[test]
    fn whole_days_are_asked_one_day_wider_at_each_bounded_end() {
        let days = |start, end| within(window(start, end), CHANGED, Granularity::Day);
        let (start, end) = (Some("2026-01-01T00:00:00Z"), Some("2026-02-28T23:59:59Z"));
        assert_eq!(days(None, None), None);
        assert_eq!(days(start, None), Some(filter("gte", "2025-12-31")));
        assert_eq!(days(None, end), Some(filter("lte", "2026-03-01")));
        assert_eq!(days(start, end), Some(filter("date_range", "2025-12-31~2026-03-01")));
    }

    #[test]
    fn instants_are_asked_a_millisecond_wider() {
        let instants = |start, end| within(window(start, end), CHANGED, Granularity::Instant);
        let (start, end) = (Some("2026-01-01T00:00:00.0005Z"), Some("2026-02-28"));
        let both = "2025-12-31T23:59:59.999Z~2026-02-28T00:00:00.001Z";
        assert_eq!(instants(start, end), Some(filter("date_range", both)));
        assert_eq!(instants(start, None), Some(filter("gte", "2025-12-31T23:59:59.999Z")));
    }

    #[test]
    fn months_begin_on_the_first_and_the_last_ends_with_the_window() {
        let time = |text| parse_time(text).unwrap();
        let (october, november) = (time("2026-10-01"), time("2026-11-01"));
        let end = time("2026-11-20");
        assert_eq!(months(time("2026-10-21"), end), [(october, november), (november, end)]);
        assert_eq!(months(time("2026-10-21"), november), [(october, november)]);
        assert_eq!(months(end, end), [(november, end)]);
    }
}
