//! Where a long list is cut, so that its parts can be read side by side: by when records were created, at moments
//! that follow from the data alone. Pure. Reading the parts is left to [`crate::sync::pager`].

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::base::time::{format_time, moved};
use crate::source::Source;
use crate::source::stream::{Granularity, Stream};

/// A stretch of time in which records were created: from one moment on, before another. Without a bound it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// The first moment that is in it.
    pub from: Option<DateTime<Utc>>,
    /// The first moment that is not.
    pub until: Option<DateTime<Utc>>,
}

/// What the first page of a slice tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// When its records were created, in their order.
    pub created: &'a [DateTime<Utc>],
    /// How many records the API says there are.
    pub total: Option<u64>,
}

/// How a list is cut.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// What the filter compares.
    granularity: Granularity,
    source: &'static Source,
}

impl Cut {
    /// How the list of a stream is cut, where the API has a filter for it.
    #[must_use]
    pub fn of(stream: &Stream) -> Option<Self> {
        stream.times.map(|granularity| Self { granularity, source: stream.source })
    }

    /// The field that is filtered.
    #[must_use]
    pub fn field(self) -> &'static str {
        self.source.filters.created
    }
}

/// How many pages a slice should have. With fewer, too many of them are half empty; with more, everybody
/// waits for the last slice.
const PAGES: f64 = 10.0;
/// Into how many parts a slice is cut at most. What its first page tells may not hold for the rest of it,
/// and each part is cut again where it turns out to be long.
const MOST_PARTS: f64 = 16.0;
/// Where nobody knows how far a list reaches back, each stretch is this many times as long as the one
/// after it.
const GROWTH: f64 = 4.0;

impl Slice {
    /// The parameter and the value of the filter that asks for this slice.
    #[must_use]
    pub fn filter(self, cut: Cut) -> Option<(String, String)> {
        let (from, until) = match cut.granularity {
            // Both ends of a range of days are in it.
            Granularity::Day => (self.from.map(day), self.until.map(day_before)),
            Granularity::Instant => (self.from.map(format_time), self.until.map(format_time)),
        };
        cut.source.filters.spell(cut.field(), from, until)
    }

    /// How many records that were created then are in it for certain: days may be those of another
    /// time zone than ours, and instants are compared to the millisecond.
    #[must_use]
    pub fn holds(self, created: &[DateTime<Utc>], cut: Cut) -> u64 {
        let margin = match cut.granularity {
            Granularity::Day => TimeDelta::days(1),
            Granularity::Instant => TimeDelta::seconds(1),
        };
        let mut held = 0;
        for time in created {
            let is_after_start = self.from.is_none_or(|from| from <= moved(*time, -margin));
            let is_before_end = self.until.is_none_or(|until| moved(*time, margin) < until);
            held += u64::from(is_after_start && is_before_end);
        }
        held
    }

    /// The slices that together are this one, oldest first; none where it is not worth cutting.
    /// `now` is where a slice without an end is taken to end.
    #[must_use]
    pub fn cut(self, found: Found, cut: Cut, now: DateTime<Utc>) -> Vec<Self> {
        let mut bounds = self.bounds(found, cut, now).unwrap_or_default();
        for bound in &mut bounds {
            *bound = rounded(*bound, cut.granularity);
        }
        bounds.retain(|bound| self.from.is_none_or(|from| from < *bound));
        bounds.retain(|bound| self.until.is_none_or(|until| *bound < until));
        bounds.dedup();
        if bounds.is_empty() {
            return Vec::new();
        }
        let mut parts = Vec::with_capacity(bounds.len() + 1);
        let mut from = self.from;
        for bound in bounds {
            parts.push(Self { from, until: Some(bound) });
            from = Some(bound);
        }
        parts.push(Self { from, until: self.until });
        parts
    }

    /// Where to cut, oldest first.
    fn bounds(self, found: Found, cut: Cut, now: DateTime<Utc>) -> Option<Vec<DateTime<Utc>>> {
        let (first, last) = (*found.created.first()?, *found.created.last()?);
        let (oldest, newest) = (*found.created.iter().min()?, *found.created.iter().max()?);
        let floor = NaiveDate::from_ymd_opt(cut.source.first_year, 1, 1)?
            .and_time(NaiveTime::MIN)
            .and_utc();
        // Listed newest first, without a bound: nobody knows how far back it goes.
        let is_endless = self.from.is_none() && last < first;
        // The empty time before the first record counts too: otherwise a burst at the beginning of a
        // slice would make all of it look as busy.
        let covered = if last < first {
            self.until.unwrap_or(newest).max(newest) - oldest
        } else {
            newest - self.from.unwrap_or(oldest).min(oldest)
        };
        let page = seconds(covered).max(1.0);
        let from = self.from.unwrap_or(if is_endless { floor } else { oldest });
        let until = self.until.unwrap_or(now).max(newest);
        let pages = match found.total {
            Some(total) => {
                let page = u32::try_from(found.created.len()).ok()?;
                f64::from(u32::try_from(total).ok()?) / f64::from(page)
            }
            None => seconds(until - from) / page,
        };
        if pages <= 2.0 * PAGES {
            return None;
        }
        if is_endless {
            return Some(growing(newest, page, floor));
        }
        let parts = (pages / PAGES).ceil();
        // Too many for one cut: the square root, since each part is cut again into as many.
        let parts = if parts > MOST_PARTS { parts.sqrt().ceil().min(MOST_PARTS) } else { parts };
        let step = seconds(until - from) / parts;
        let mut bounds = Vec::new();
        let mut number = 1.0;
        while number < parts {
            bounds.push(moved(from, delta(step * number)));
            number += 1.0;
        }
        Some(bounds)
    }
}

/// Bounds of stretches that grow with their age, oldest first and none before `floor`: of a list of which
/// nobody knows how far back it goes, and of which a page took so many seconds.
fn growing(newest: DateTime<Utc>, page: f64, floor: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut bounds = Vec::new();
    let mut length = PAGES * page;
    let mut bound = moved(newest, -delta(length));
    while floor < bound {
        bounds.push(bound);
        length *= GROWTH;
        bound = moved(newest, -delta(length));
    }
    bounds.reverse();
    bounds
}

/// A bound that the API's filter can name. An API that compares instants may count both ends as part of a
/// range, so that a record of exactly that instant comes twice. Hardly any is created in a millisecond
/// that is as odd as this one.
fn rounded(time: DateTime<Utc>, granularity: Granularity) -> DateTime<Utc> {
    let midnight = time.date_naive().and_time(NaiveTime::MIN).and_utc();
    match granularity {
        Granularity::Day => midnight,
        Granularity::Instant => {
            midnight + TimeDelta::seconds((time - midnight).num_seconds()) + UNUSUAL_FRACTION
        }
    }
}

const UNUSUAL_FRACTION: TimeDelta = TimeDelta::milliseconds(739);

fn day(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

fn day_before(time: DateTime<Utc>) -> String {
    day(moved(time, -TimeDelta::days(1)))
}

fn seconds(length: TimeDelta) -> f64 {
    length.as_seconds_f64()
}

/// A length of time; none longer than from the first year to the last one that can be written, and then some.
fn delta(seconds: f64) -> TimeDelta {
    let most = Duration::from_secs(20_000 * 366 * 86_400);
    let length = Duration::try_from_secs_f64(seconds).unwrap_or(most).min(most);
    TimeDelta::from_std(length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;
    use crate::sources::incident_io::INCIDENT_IO;

    fn by(granularity: Granularity) -> Cut {
        Cut { granularity, source: &INCIDENT_IO }
    }

    fn time(text: &str) -> DateTime<Utc> {
        parse_time(text).unwrap()
    }

    fn slice(from: Option<&str>, until: Option<&str>) -> Slice {
        Slice { from: from.map(time), until: until.map(time) }
    }

    const NOW: &str = "2026-11-20";

    fn cut(slice: Slice, created: &[&str], granularity: Granularity) -> Vec<Slice> {
        let created = created.iter().copied().map(time).collect::<Vec<_>>();
        slice.cut(Found { created: &created, total: None }, by(granularity), time(NOW))
    }

    /// Whether they are one after the other and together are `whole`.
    fn is_partition(whole: Slice, parts: &[Slice]) -> bool {
        let ends = (parts.first().unwrap().from, parts.last().unwrap().until);
        ends == (whole.from, whole.until)
            && parts.windows(2).all(|pair| pair[0].until == pair[1].from)
            && parts.iter().all(|part| part.from.is_none() || part.from != part.until)
    }

    #[test]
    fn days_touch_and_instants_share_their_bounds() {
        let whole = slice(Some("2026-03-01"), Some("2026-03-05"));
        let older = slice(None, Some("2026-03-05"));
        let newer = slice(Some("2026-03-05"), None);
        let instants = "2026-03-01T00:00:00Z~2026-03-05T00:00:00Z";
        for (slice, granularity, parameter, value) in [
            (whole, Granularity::Day, "created_at[date_range]", "2026-03-01~2026-03-04"),
            (whole, Granularity::Instant, "created_at[date_range]", instants),
            (older, Granularity::Day, "created_at[lte]", "2026-03-04"),
            (newer, Granularity::Day, "created_at[gte]", "2026-03-05"),
        ] {
            let filter = slice.filter(by(granularity)).unwrap();
            assert_eq!(filter, (parameter.to_owned(), value.to_owned()));
        }
        assert_eq!(Slice::default().filter(by(Granularity::Day)), None);
    }

    #[test]
    fn a_long_list_is_cut_in_even_parts_from_its_first_record_to_now() {
        let page = ["2025-11-20", "2025-11-21"];
        for granularity in [Granularity::Day, Granularity::Instant] {
            let parts = cut(Slice::default(), &page, granularity);
            assert_eq!(parts.len(), 7, "365 pages, which are 37 slices");
            assert!(is_partition(Slice::default(), &parts));
            assert!(parts[0].until.unwrap() < time("2026-01-12"));
            assert!(parts[6].from.unwrap() > time("2026-09-27"));
        }
    }

    #[test]
    fn a_list_of_newest_first_is_cut_in_stretches_that_grow_with_their_age() {
        let parts = cut(Slice::default(), &["2026-11-20", "2026-11-19"], Granularity::Day);
        let starts = parts.iter().filter_map(|part| part.from).map(|from| from.date_naive());
        let days = starts.map(|start| (time(NOW).date_naive() - start).num_days());
        assert_eq!(days.collect::<Vec<_>>(), [640, 160, 40, 10]);
        assert!(is_partition(Slice::default(), &parts));
    }

    #[test]
    fn a_slice_is_cut_again_where_it_turns_out_long() {
        let whole = slice(Some("2026-01-01"), Some("2026-03-02"));
        for page in [["2026-01-01", "2026-01-02"], ["2026-03-01T23:00:00Z", "2026-03-01"]] {
            let parts = cut(whole, &page, Granularity::Instant);
            assert_eq!(parts.len(), 6, "60 pages");
            assert!(is_partition(whole, &parts));
        }
    }

    #[test]
    fn a_burst_that_a_slice_begins_with_is_not_its_rule() {
        let whole = slice(Some("2026-01-01"), Some("2026-03-02"));
        let storm = ["2026-01-10T01:00:00Z", "2026-01-10T01:10:00Z"];
        assert_eq!(cut(whole, &storm, Granularity::Instant), [], "the only one in ten days");
        let storm = ["2026-02-20T01:10:00Z", "2026-02-20T01:00:00Z"];
        assert_eq!(cut(whole, &storm, Granularity::Instant), []);
    }

    #[test]
    fn a_list_that_is_not_long_or_not_ordered_is_not_cut() {
        let whole = slice(Some("2026-01-01"), Some("2026-03-01"));
        assert_eq!(cut(whole, &["2026-01-01", "2026-01-10"], Granularity::Day), []);
        assert_eq!(cut(whole, &["2026-02-28", "2026-01-02"], Granularity::Day), []);
        assert_eq!(cut(whole, &[], Granularity::Day), []);
        let day = slice(Some("2026-01-01"), Some("2026-01-02"));
        let burst = ["2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z"];
        assert_eq!(cut(day, &burst, Granularity::Day), [], "no filter is finer than a day");
        assert!(is_partition(day, &cut(day, &burst, Granularity::Instant)));
    }

    #[test]
    fn what_lies_near_a_bound_is_in_a_slice_for_nobody_knows() {
        let march = slice(Some("2026-03-01"), Some("2026-03-05"));
        let late = slice(Some("2026-03-04"), None);
        let times = ["2026-03-01T12:00:00Z", "2026-03-02", "2026-03-04", "2026-03-03T23:00:00Z"];
        let times = times.map(time);
        assert_eq!(march.holds(&times, by(Granularity::Day)), 2);
        assert_eq!(march.holds(&times, by(Granularity::Instant)), 4);
        assert_eq!(late.holds(&times, by(Granularity::Instant)), 0);
        assert_eq!(Slice::default().holds(&times, by(Granularity::Day)), 4);
    }

    #[test]
    fn what_the_api_counts_is_believed() {
        let created = [time("2026-01-01"), time("2026-01-02")];
        // The last two are cut in two steps.
        for (total, parts) in [(40, 0), (41, 3), (320, 16), (321, 5), (1_000_000, 16)] {
            let found = Found { created: &created, total: Some(total) };
            let cut = Slice::default().cut(found, by(Granularity::Day), time(NOW));
            assert_eq!(cut.len(), parts, "{total}");
        }
    }
}
