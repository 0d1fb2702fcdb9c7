//! Lists that are paged by offset and change while they are read: no record is lost that was there all the
//! time, or the run says that it is not known.

use std::collections::BTreeSet;

use crate::chosen::lines;
use crate::support::try_many;
use proptest::prelude::*;
use serde_json::{Value, json};
use stand_in::NOW;
use tap_incident::api::client::Answer;
use tap_incident::base::error::Error;
use tap_incident::page::Reader;
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::source::request::{Request, Series};
use tap_incident::source::slice::Slice;
use tap_incident::sources::signalfx::SIGNALFX;
use tap_incident::sync::pager::{Pager, Step};

/// A list, newest first, and a server that gives pages of it.
#[derive(Debug, Clone)]
struct Server {
    rows: Vec<usize>,
    /// Rows that were there all the time.
    steady: BTreeSet<usize>,
    born: usize,
    /// At most so many rows a page.
    cap: usize,
    ignores_offset: bool,
    /// Numbers that decide what happens.
    luck: u64,
}

/// What happens to a list.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A new row at its head, or at its end.
    Born,
    Added,
    /// A row is gone.
    Gone,
    /// A row is gone, and a new one stands at the head.
    Superseded,
    /// A row moves to the head.
    Risen,
}

const EVENTS: [Event; 5] =
    [Event::Born, Event::Added, Event::Gone, Event::Superseded, Event::Risen];
/// No request may reach further (the vendor's newer pages).
const CEILING: usize = 10_000;

impl Server {
    fn of(rows: usize, cap: usize, luck: u64) -> Self {
        let all = (0..rows).collect::<Vec<_>>();
        Self {
            steady: all.iter().copied().collect(),
            rows: all,
            born: rows,
            cap,
            ignores_offset: false,
            luck,
        }
    }

    /// A number below `count`: splitmix64.
    fn roll(&mut self, count: usize) -> usize {
        self.luck = self.luck.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.luck;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % count.max(1)
    }

    fn happen(&mut self, event: Event) {
        let at = self.roll(self.rows.len());
        if matches!(event, Event::Gone | Event::Superseded) && !self.rows.is_empty() {
            let gone = self.rows.remove(at);
            self.steady.remove(&gone);
        }
        match event {
            Event::Born | Event::Superseded => {
                self.rows.insert(0, self.born);
                self.born += 1;
            }
            Event::Added => {
                self.rows.push(self.born);
                self.born += 1;
            }
            Event::Risen if !self.rows.is_empty() => {
                let risen = self.rows.remove(at);
                self.rows.insert(0, risen);
            }
            Event::Risen | Event::Gone => {}
        }
    }

    /// The answer to a request.
    fn answer(&self, request: &str) -> String {
        let parameter = |name: &str| {
            let (_, rest) = request.split_once(&format!("{name}="))?;
            rest.split('&').next()?.parse::<usize>().ok()
        };
        let (limit, offset) = (parameter("limit").unwrap(), parameter("offset").unwrap_or(0));
        assert!(offset + limit <= CEILING, "{request} reaches beyond the ceiling");
        let offset = if self.ignores_offset { 0 } else { offset };
        let page = self.rows.iter().skip(offset).take(limit.min(self.cap));
        let page = page.map(|row| json!({"id": row.to_string()})).collect::<Vec<_>>();
        Value::from(page).to_string()
    }
}

/// What came of a list.
#[derive(Debug, Default)]
struct Came {
    rows: Vec<usize>,
    requests: usize,
    error: Option<Error>,
    is_at_ceiling: bool,
}

impl Came {
    fn lost(&self, server: &Server) -> usize {
        let rows = self.rows.iter().copied().collect::<BTreeSet<_>>();
        server.steady.difference(&rows).count()
    }
}

/// Reads a list in pages of so many rows, while `happen` changes it before each request.
fn read(server: &mut Server, limit: u32, mut happen: impl FnMut(&mut Server)) -> Came {
    let stream = SIGNALFX.named("alert_muting_rules").unwrap();
    let schema = json!({"properties": {"id": {"type": "string"}}});
    let projection = Projection::new(&schema, &schema, &schema);
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
    let first = Request::new(stream.path).pages_of("limit", limit);
    let mut pager = Pager::new(Series::of(first), Slice::default(), None);
    let mut came = Came::default();
    loop {
        happen(server);
        came.requests += 1;
        assert!(came.requests < 100_000, "there is no end of it");
        let body = server.answer(&pager.request().to_string());
        let answer = Answer { date: None, sent_at: NOW, received_at: NOW };
        let step = pager.step(Ok((answer, body.as_bytes())), &reader, Lines::default(), NOW);
        match step {
            Step::Page(fetched) => {
                for line in lines(&fetched.page).lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    came.rows.push(line["record"]["id"].as_str().unwrap().parse().unwrap());
                }
                came.is_at_ceiling |= fetched.ceiling.is_some();
                if fetched.is_last {
                    return came;
                }
            }
            Step::Broken(broken) => {
                came.error = Some(broken.error);
                return came;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Holds what came to be whole, or to be told as not whole.
fn check(came: &Came, server: &Server) -> Result<(), String> {
    let distinct = came.rows.iter().collect::<BTreeSet<_>>().len();
    if distinct != came.rows.len() {
        return Err(format!("{} rows came twice", came.rows.len() - distinct));
    }
    let is_told = came.error.is_some() || came.is_at_ceiling;
    match came.lost(server) {
        0 => Ok(()),
        _ if is_told => Ok(()),
        lost => Err(format!("{lost} rows were lost in {} requests", came.requests)),
    }
}

#[test]
fn a_list_that_stands_still_is_whole_and_takes_few_requests() {
    for rows in [0, 1, 50, 999, 1_000, 1_001, 12_000] {
        for (cap, limit) in
            [(1, 1_000), (3, 1_000), (20, 1_000), (40, 1_000), (50, 1_000), (5_000, 1_000)]
        {
            let mut server = Server::of(rows, cap, 1);
            let came = read(&mut server, limit, |_| {});
            let whole = rows.min(CEILING);
            assert_eq!(came.error, None, "{rows} rows, {cap} a page");
            assert_eq!(came.rows, (0..whole).collect::<Vec<_>>(), "{rows} rows, {cap} a page");
            assert_eq!(came.is_at_ceiling, rows >= CEILING);
            // Pages of a few rows cannot overlap: the whole list is read once more.
            let pages = whole.div_ceil(cap.min(1_000)).max(1);
            let most = if cap < 4 { 2 * pages + 2 } else { pages * 13 / 10 + 2 };
            let requests = came.requests;
            assert!(requests <= most, "{rows} rows, {cap} a page: {requests} for {pages}");
        }
    }
}

#[test]
fn a_list_beyond_the_ceiling_is_told_as_short() {
    for (rows, cap, tenths) in [(10_050, 1_000, 5), (12_000, 1_000, 25), (12_000, 40, 2)] {
        let mut server = Server::of(rows, cap, 7);
        let came = read(&mut server, 1_000, churn(tenths));
        assert_eq!(check(&came, &server), Ok(()));
        assert!(came.error.is_none() && came.rows.len() >= 9_900, "{}", came.rows.len());
        assert!(came.is_at_ceiling, "{rows} rows, {} requests", came.requests);
    }
}

#[test]
fn an_offset_that_is_ignored_is_told_unless_the_list_is_complete() {
    for (rows, is_complete) in [(0, true), (1, true), (50, true), (999, true), (1_000, false)] {
        let mut server = Server { ignores_offset: true, ..Server::of(rows, 5_000, 1) };
        let came = read(&mut server, 1_000, |_| {});
        assert_eq!(came.rows.len(), rows);
        match came.error {
            None => assert!(is_complete, "{rows}"),
            Some(Error::Contract(problem)) => {
                assert!(!is_complete && problem.contains("offset 9000"), "{problem}");
            }
            Some(other) => panic!("{other}"),
        }
    }
}

#[test]
fn more_rows_may_leave_than_pages_overlap_by() {
    for gone in [11, 30, 99, 150] {
        let (mut server, mut requests) = (Server::of(600, 100, 1), 0);
        let came = read(&mut server, 100, |server| {
            requests += 1;
            // Pages overlap by ten rows.
            if requests == 4 {
                for row in server.rows.drain(..gone) {
                    server.steady.remove(&row);
                }
            }
        });
        assert_eq!(came.error, None);
        assert_eq!(came.lost(&server), 0, "{gone} rows left");
    }
}

/// How often something happens before a request: in tenths.
fn churn(tenths: usize) -> impl FnMut(&mut Server) {
    move |server| {
        let rest = usize::from(server.roll(10) < tenths % 10);
        for _ in 0..tenths / 10 + rest {
            let event = EVENTS[server.roll(EVENTS.len())];
            server.happen(event);
        }
    }
}

#[test]
fn no_row_is_lost_that_was_there_all_the_time() {
    let rows = prop_oneof![
        Just(0_usize),
        Just(1),
        2..60_usize,
        Just(999),
        Just(1_000),
        Just(1_001),
        900..1_100_usize,
    ];
    let caps = prop_oneof![Just(1_usize), Just(2), Just(20), Just(40), 3..200_usize, Just(9_999)];
    let limits = prop_oneof![Just(100_u32), Just(1_000), 2..300_u32];
    let cases = (rows, caps, limits, 0..40_usize, any::<bool>(), any::<u64>());
    try_many((120, 4_000), "offsets", &cases, |(rows, cap, limit, tenths, ignores, luck)| {
        // Thousands of pages of a long list show no more than those of a short one.
        let cap = cap.max(rows / 50);
        let limit = limit.max(u32::try_from(rows / 50).unwrap());
        let ignores_offset = ignores && luck % 8 == 0;
        let mut server = Server { ignores_offset, ..Server::of(rows, cap, luck) };
        let is_complete = !server.ignores_offset || rows < cap.min(limit as usize) / 2;
        let came = read(&mut server, limit, churn(tenths));
        if is_complete {
            prop_assert_eq!(check(&came, &server), Ok(()));
        }
        Ok(())
    });
}

/// So many runs over a list of 937 rows in pages of 100, of which a server gives `cap`: how many lost rows
/// in silence, how many did not end, and how many requests the others took on average.
fn measured(cap: usize, tenths: usize) -> (usize, usize, f64) {
    let (mut lossy, mut unsettled, mut requests) = (0, 0, 0);
    for luck in 0..300 {
        let mut server = Server::of(937, cap, luck);
        let came = read(&mut server, 100, churn(tenths));
        lossy += usize::from(check(&came, &server).is_err());
        unsettled += usize::from(came.error.is_some());
        requests += came.requests;
    }
    (lossy, unsettled, f64::from(u32::try_from(requests).unwrap()) / 300.0)
}

#[test]
fn change_costs_few_requests() {
    for (cap, tenths, most) in [(100, 0, 13.0), (100, 5, 15.0), (100, 25, 30.0), (40, 25, 60.0)] {
        let (lossy, unsettled, requests) = measured(cap, tenths);
        assert_eq!((lossy, unsettled), (0, 0), "{cap} a page, {tenths} tenths of a change");
        assert!(requests <= most, "{cap} a page, {tenths} tenths of a change: {requests} requests");
    }
}
