//! Bad weather: nothing is lost, nothing comes twice. Each kind of fault is a row of [`table`]; here is what
//! does not fit into it.

mod bodies;
mod kind;
mod statuses;
mod table;
mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Ran, Tap, count, sample_of, stand_in, stand_in_with, unlimited};
use stand_in::{Action, Fault, Options, StandIn};
use tap_incident::sources::incident_io::INCIDENT_IO;
use tap_incident::sources::signalfx::SIGNALFX;

/// A stand-in whose alerts come in many pages.
fn many_pages() -> StandIn {
    stand_in_with(Options { page_cap: Some(10), ..Options::default() })
}

/// Alerts read through a fault on page `skip + 1`, compared with those read without.
fn survives(skip: usize, times: usize, action: Action) -> Duration {
    let (calm, rough) = (many_pages(), many_pages());
    rough.fault(Fault { path: "/v2/alerts".into(), skip, times, action });
    let expected = Tap::of(&calm).only(&["alerts"]).run().ok().column("alerts", "id");
    let ran = Tap::of(&rough).only(&["alerts"]).run().ok();
    assert_eq!(ran.column("alerts", "id"), expected);
    assert_eq!(count(&rough, "/v2/alerts"), count(&calm, "/v2/alerts") + times);
    assert!(ran.stderr.contains(&format!("retries={times}")), "{}", ran.stderr);
    ran.waited
}

#[test]
fn a_server_error_is_tried_again_on_any_page() {
    // Half of the first interval is the shortest wait, and two slices may wait it at once.
    for skip in [0, 3, 5] {
        let waited = survives(skip, 2, Action::Status(503));
        assert!(waited >= Duration::from_millis(250), "{waited:?}");
    }
}

#[test]
fn a_request_that_fails_twice_is_waited_for_twice_and_longer() {
    let stand_in = many_pages();
    let action = Action::Status(503);
    stand_in.fault(Fault { path: "/v2/alerts".into(), skip: 0, times: 2, action });
    // Nothing is known yet that could be asked for beside it.
    let ran = Tap::of(&stand_in).only(&["alerts"]).set("concurrency", "1").run().ok();
    assert!(ran.waited >= Duration::from_millis(250 + 500), "{:?}", ran.waited);
}

#[test]
fn a_rate_limit_is_waited_out() {
    // Never sooner than asked, and up to a tenth later, so that not all come back at once.
    let waited = survives(2, 1, Action::RetryAfter { seconds: 17 });
    assert!((17.0..18.8).contains(&waited.as_secs_f64()), "{waited:?}");
}

#[test]
fn when_to_come_again_may_be_told_in_the_body_alone() {
    for (status, at) in [
        (429, "2026-11-20T12:00:17Z"),
        (429, "Fri, 20 Nov 2026 12:00:17 UTC"),
        (503, "2026-11-20T12:00:17Z"),
    ] {
        let body = format!(r#"{{"rate_limit": {{"retry_after": "{at}"}}}}"#);
        let waited = survives(2, 1, Action::StatusBody(status, body));
        assert!((17.0..18.8).contains(&waited.as_secs_f64()), "{status} {at}: {waited:?}");
    }
}

#[test]
fn a_wait_that_is_longer_than_our_patience_is_told_and_not_begun() {
    let stand_in = many_pages();
    stand_in.fault(Fault::always("/v2/alerts", Action::RetryAfter { seconds: 7_200 }));
    let ran = Tap::of(&stand_in).only(&["alerts", "users"]).run();
    assert_eq!((ran.code, ran.waited), (5, Duration::ZERO), "{}", ran.stderr);
    assert!(ran.last_line().contains("it asks to wait 7200 seconds"), "{}", ran.stderr);
    assert!(!ran.records("users").is_empty(), "others are read meanwhile");
}

/// Updates of incidents, whose first pages have no rows.
fn with_empty_pages(times: usize) -> (Ran, StandIn) {
    let stand_in = many_pages();
    let path = "/v2/incident_updates".to_owned();
    stand_in.fault(Fault { path, skip: 0, times, action: Action::EmptyPage });
    (Tap::of(&stand_in).only(&["incident_updates"]).run(), stand_in)
}

#[test]
fn forty_nine_empty_pages_in_a_row_are_waited_for() {
    let expected = with_empty_pages(0).0.ok().column("incident_updates", "id");
    assert!(!expected.is_empty());
    assert_eq!(with_empty_pages(49).0.ok().column("incident_updates", "id"), expected);
}

#[test]
fn a_list_of_empty_pages_without_an_end_breaks_the_contract() {
    let (ran, stand_in) = with_empty_pages(usize::MAX);
    assert_eq!((ran.code, count(&stand_in, "/v2/incident_updates")), (4, 50), "{}", ran.stderr);
    assert!(ran.last_line().contains("50 pages in a row have no records"), "{}", ran.stderr);
}

/// Incidents of which a page lacks a row whenever the list is read, up to twice.
fn short_twice(options: Options) -> StandIn {
    let stand_in = unlimited(stand_in_with(Options { page_cap: Some(10), ..options }));
    for skip in [0, 2] {
        let path = "/v2/incidents*after=".to_owned();
        stand_in.fault(Fault { path, skip, times: 1, action: Action::ThinPage });
    }
    stand_in
}

#[test]
fn a_list_that_came_short_is_read_from_its_start_by_the_next_run() {
    let stand_in = short_twice(Options::default());
    let failed = Tap::of(&stand_in).only(&["incidents"]).run();
    assert_eq!(failed.code, 5, "{}", failed.stderr);
    let next = Tap::of(&stand_in).only(&["incidents"]).state(&failed.state()).run().ok();
    let whole = Tap::of(&many_pages()).only(&["incidents"]).run().ok();
    assert_eq!(next.column("incidents", "id"), whole.column("incidents", "id"));
}

/// Alerts whose newest slice is empty, so many times, although the list's first page has shown rows of it.
fn with_empty_slice(times: usize) -> (Ran, StandIn) {
    let stand_in = stand_in_with(Options { page_cap: Some(20), ..Options::default() });
    let path = "/v2/alerts*created_at%5Bgte%5D".to_owned();
    let action = Action::Body(r#"{"alerts": []}"#.to_owned());
    stand_in.fault(Fault { path, skip: 0, times, action });
    (Tap::of(&stand_in).only(&["alerts"]).run(), stand_in)
}

#[test]
fn a_slice_that_comes_without_the_rows_that_it_has_is_read_again() {
    let (ran, _) = with_empty_slice(1);
    let expected = Tap::of(&many_pages()).only(&["alerts"]).run().ok().column("alerts", "id");
    assert_eq!(ran.ok().column("alerts", "id"), expected);
}

#[test]
fn a_filter_that_takes_away_what_was_there_without_it_breaks_the_contract_in_every_run() {
    let (failed, stand_in) = with_empty_slice(usize::MAX);
    let next = Tap::of(&stand_in).only(&["alerts"]).state(&failed.state()).run();
    for ran in [failed, next] {
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert!(ran.last_line().contains("it gave 0 records for `/v2/alerts?"), "{}", ran.stderr);
    }
}

#[test]
fn patience_has_an_end() {
    let stand_in = many_pages();
    stand_in.fault(Fault::always("/v2/alerts", Action::RetryAfter { seconds: 400 }));
    // One at a time: nobody else waits, which would move the clock while a request is on its way.
    let ran = Tap::of(&stand_in).only(&["alerts"]).set("concurrency", "1").run();
    // Each of the two waits may come out up to five seconds longer than asked.
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!((800.0..=810.0).contains(&ran.waited.as_secs_f64()), "{:?}", ran.waited);
}

#[test]
fn no_usable_date_is_warned_about_and_our_clock_counts() {
    let stand_in = many_pages();
    stand_in.fault(Fault::always("/v2/incidents", Action::NoDate));
    let ran = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert!(ran.stderr.contains("no usable Date"), "{}", ran.stderr);
    assert!(ran.state()["bookmarks"]["incidents"]["updated_at"].is_string());
}

#[test]
fn a_long_list_is_paced_before_the_api_has_to_refuse() {
    // 29 incidents two by two, of 60 requests a minute.
    let stand_in = stand_in_with(Options { page_cap: Some(2), ..Options::default() });
    let read = |reserve: &str| {
        let tap = Tap::of(&stand_in).set("rate_limit_reserve_percent", reserve);
        tap.documented().only(&["incidents"]).run().ok()
    };
    assert_eq!(read("0").waited, Duration::ZERO);
    let reserved = read("90");
    assert_eq!(
        reserved.waited.as_millis().div_ceil(1_000),
        90,
        "6 at once, then one every ten seconds"
    );
    let said = "waiting seconds=10.0 for the rate limit of /v2/incidents";
    assert!(reserved.stderr.contains(said), "{}", reserved.stderr);
}

#[test]
fn requests_are_paced_by_the_setting_where_the_api_tells_no_quota() {
    // The stand-in of incident.io tells 1,200 with its first answer, and that of SignalFx nothing.
    for (source, is_paced) in [(&SIGNALFX, true), (&INCIDENT_IO, false)] {
        let stand_in = sample_of(source, Options::default());
        let tap = Tap::over(source, &stand_in).set("rate_limit_reserve_percent", "0");
        let streams = source.streams.iter().take(2).map(|stream| stream.name).collect::<Vec<_>>();
        let tap = tap.set("concurrency", "1").only(&streams);
        let ran = tap.set("requests_per_minute", "1").run().ok();
        let minutes = if is_paced { stand_in.requests().len() - 1 } else { 0 };
        assert_eq!(ran.waited.as_millis().div_ceil(1_000), 60 * minutes as u128, "{}", ran.stderr);
        assert!(stand_in.requests().len() > 1, "{}", source.name);
    }
}

/// How large the pages were that a list was asked for, in the order of asking.
fn page_sizes(stand_in: &StandIn, path: &str) -> Vec<u32> {
    let requests = stand_in.requests();
    let of_list = requests.iter().filter(|seen| seen.target.starts_with(path));
    let values = of_list.filter_map(|seen| seen.target.split("page_size=").nth(1));
    values.map(|value| value.split('&').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn pages_that_keep_failing_are_asked_for_in_halves() {
    for status in [502, 503, 504] {
        let (calm, rough) = (stand_in(), stand_in());
        // Nothing larger than 60 comes through.
        for size in [250, 125, 62] {
            let path = format!("/v2/incidents*page_size={size}");
            rough.fault(Fault::always(&path, Action::Status(status)));
        }
        let expected = Tap::of(&calm).documented().only(&["incidents"]).run().ok();
        let ran = Tap::of(&rough).documented().only(&["incidents"]).run().ok();
        assert_eq!(ran.column("incidents", "id"), expected.column("incidents", "id"));
        let mut sizes = page_sizes(&rough, "/v2/incidents");
        sizes.dedup();
        assert_eq!(sizes, [250, 125, 62, 31]);
        assert!(ran.stderr.contains("is read in pages of 31"), "{}", ran.stderr);
    }
}

#[test]
fn pages_in_the_middle_of_a_list_may_be_what_fails() {
    let (calm, rough) = (many_pages(), many_pages());
    for (skip, size) in [(2, 250), (2, 125)] {
        let path = format!("/v2/incident_updates*page_size={size}");
        rough.fault(Fault { path, skip, times: usize::MAX, action: Action::Status(504) });
    }
    let ids = |stand_in: &StandIn| {
        let ran = Tap::of(stand_in).only(&["incident_updates"]).run().ok();
        ran.column("incident_updates", "id").into_iter().collect::<BTreeSet<_>>()
    };
    // The stand-in takes a cursor only with the page size that it was given for.
    assert_eq!(ids(&rough), ids(&calm));
    let mut sizes = page_sizes(&rough, "/v2/incident_updates");
    sizes.dedup();
    assert_eq!(sizes, [250, 125, 62]);
}

#[test]
fn pages_of_ten_that_keep_failing_end_the_stream() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incidents", Action::Status(504)));
    let ran = Tap::of(&stand_in).documented().only(&["incidents"]).run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    let sizes = page_sizes(&stand_in, "/v2/incidents");
    assert_eq!(sizes.iter().filter(|size| **size == 10).count(), 8);
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
}

#[test]
fn other_failures_leave_pages_as_they_are() {
    let stand_in = stand_in();
    stand_in.fault(Fault {
        path: "/v2/incidents".into(),
        skip: 0,
        times: 6,
        action: Action::Status(500),
    });
    Tap::of(&stand_in).documented().only(&["incidents"]).run().ok();
    assert!(page_sizes(&stand_in, "/v2/incidents").iter().all(|size| *size == 250));
}

#[test]
fn a_page_has_as_many_records_as_page_size_allows() {
    let stand_in = stand_in();
    Tap::of(&stand_in)
        .documented()
        .only(&["incidents", "schedules"])
        .set("page_size", "40")
        .run()
        .ok();
    assert!(page_sizes(&stand_in, "/v2/incidents").iter().all(|size| *size == 40));
    assert!(page_sizes(&stand_in, "/v2/schedules").iter().all(|size| *size == 25));
}
