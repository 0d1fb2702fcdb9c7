//! What holds whatever comes: any division into pages gives the same records, no change is lost
//! between runs, any body that is no page is an error, and of one that is comes out what a plain reader
//! finds in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::body::Author;
use crate::choices::any_choices;
use crate::chosen::{Chosen, comparable, lines, page, streams};
use crate::support::{Ran, Tap, stand_in, stand_in_with, text, try_many};
use crate::twist::{any_field, any_twists};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use stand_in::{Action, Fault, NOW, Options, Workspace, standing_at};
use tap_incident::base::time::{format_time, parse_time};
use tap_incident::page::Reader;
use tap_incident::record::Projection;
use tap_incident::singer::catalog::Selected;
use tap_incident::source::request::{Request, Series};
use tap_incident::sources::incident_io::INCIDENT_IO;

/// So many cases, and no file of failures beside the tests: what fails is printed whole.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any JSON, a few levels deep. Object keys are free of NUL, which is taken out of what is emitted.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("a\0b\nc")),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            any_object(inner).prop_map(Value::from),
        ]
    })
}

fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[^\0]{0,6}", value, 0..5)
        .prop_map(|entries| entries.into_iter().collect())
}

/// Any object with a key, as a record of the API.
fn any_record() -> impl Strategy<Value = Value> {
    with_id(any::<u32>().prop_map(|id| id.to_string().into()))
}

fn with_id(id: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (any_object(any_json()), id).prop_map(|(mut record, id)| {
        record.insert("id".into(), id);
        record.into()
    })
}

/// Streams of many rows: one list, several modes, an incremental one, and one with details.
const LONG: [&str; 8] = [
    "alert_routes",
    "users",
    "incidents",
    "incident_updates",
    "actions",
    "escalations",
    "workflow_runs",
    "alerts",
];

fn all_of(ran: &Ran) -> BTreeMap<&'static str, Vec<Value>> {
    let sorted = |stream| {
        let mut records = ran.records(stream);
        // Where a long list is cut depends on its pages, and the order of a part on nothing known.
        records.sort_by_key(|record| text(&record["id"]));
        records
    };
    LONG.iter().map(|stream| (*stream, sorted(stream))).collect()
}

#[test]
fn any_division_into_pages_gives_the_same_records() {
    let whole = all_of(&Tap::of(&stand_in()).only(&LONG).run().ok());
    assert!(whole.values().all(|records| records.len() > 3));
    proptest!(cases(8), |(page_cap in 1..70_usize)| {
        let capped = stand_in_with(Options { page_cap: Some(page_cap), ..Options::default() });
        prop_assert_eq!(&all_of(&Tap::of(&capped).only(&LONG).run().ok()), &whole);
    });
}

/// A change of an incident: which one, and when.
type Change = (usize, DateTime<Utc>);

/// A run and what happens around it.
#[derive(Debug, Clone)]
struct Round {
    /// Incidents that change in the hour before it, and how many seconds before.
    before: Vec<(usize, i64)>,
    /// Incidents that change while it reads: at which page, and how many milliseconds after it began.
    during: Vec<(usize, usize, i64)>,
}

const INCIDENTS: usize = 29;

fn any_round() -> impl Strategy<Value = Round> {
    // At the very moment at which it begins, too.
    let seconds = prop_oneof![1 => Just(0), 3 => 0..3_600_i64];
    let milliseconds = prop_oneof![1 => Just(0), 3 => 0..60_000_i64];
    let before = prop::collection::vec((0..INCIDENTS, seconds), 0..4);
    let during = prop::collection::vec((0..8_usize, 0..INCIDENTS, milliseconds), 0..4);
    (before, during).prop_map(|(before, during)| Round { before, during })
}

/// Changes an incident as the API would: `updated_at` never goes back.
fn change(workspace: &mut Workspace, (row, time): Change) {
    workspace.edit("/v2/incidents", |rows| {
        let known = parse_time(&text(&rows[row]["updated_at"])).unwrap();
        rows[row]["updated_at"] = format_time(known.max(time)).into();
    });
}

/// What a series of runs left behind.
#[derive(Default)]
struct History {
    /// Each change, and the first run that may tell of it.
    changes: Vec<(Change, usize)>,
    /// Id and `updated_at` of what each run emitted.
    emitted: Vec<Vec<(String, DateTime<Utc>)>>,
    /// When each run began, and its bookmark.
    bookmarks: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Runs the tap an hour apart, each run with the last state, while incidents change.
fn history(rounds: &[Round], page_cap: usize) -> (Vec<String>, History) {
    let waiting = Arc::new(Mutex::new(Vec::<(usize, Change)>::new()));
    let pending = Arc::clone(&waiting);
    let stand_in = stand_in_with(Options {
        page_cap: Some(page_cap),
        // Ahead of the tap's clock, so that the tap's own is the earlier one.
        clock: standing_at(NOW + TimeDelta::days(30)),
        on_request: Some(Box::new(move |target: &str, workspace: &mut Workspace| {
            if !target.starts_with("/v2/incidents") {
                return;
            }
            for (page, due) in pending.lock().unwrap().iter_mut() {
                match page.checked_sub(1) {
                    Some(left) => *page = left,
                    None => change(workspace, *due),
                }
            }
        })),
        ..Options::default()
    });
    let (mut ids, mut history, mut state) = (Vec::new(), History::default(), json!({}));
    stand_in.edit(|workspace| {
        let rows = workspace.rows("/v2/incidents");
        ids = rows.iter().map(|row| text(&row["id"])).collect();
    });
    for (number, round) in rounds.iter().enumerate() {
        let begins = NOW + TimeDelta::hours(i64::try_from(number).unwrap());
        for (row, seconds) in &round.before {
            let due = (*row, begins - TimeDelta::seconds(*seconds));
            stand_in.edit(|workspace| change(workspace, due));
            history.changes.push((due, number));
        }
        for (page, row, after) in &round.during {
            let due = (*row, begins + TimeDelta::milliseconds(*after));
            waiting.lock().unwrap().push((*page, due));
            history.changes.push((due, number));
        }
        let ran = Tap::of(&stand_in).at(begins).only(&["incidents"]).state(&state).run().ok();
        // What was due on a page that never came happens after the run.
        for (_, due) in waiting.lock().unwrap().drain(..) {
            stand_in.edit(|workspace| change(workspace, due));
        }
        state = ran.state();
        let bookmark = parse_time(&text(&state["bookmarks"]["incidents"]["updated_at"])).unwrap();
        history.bookmarks.push((begins, bookmark));
        let records = ran.records("incidents");
        let emitted = records
            .iter()
            .map(|record| (text(&record["id"]), parse_time(&text(&record["updated_at"])).unwrap()));
        history.emitted.push(emitted.collect());
    }
    (ids, history)
}

#[test]
fn every_change_is_read_by_the_next_run_at_the_latest_and_no_bookmark_moves_back() {
    let rounds = prop::collection::vec(any_round(), 1..4);
    proptest!(cases(12), |(mut rounds in rounds, page_cap in 4..12_usize)| {
        // The last run has nobody change anything, so that whatever was missed shows.
        rounds.push(Round { before: Vec::new(), during: Vec::new() });
        let (ids, history) = history(&rounds, page_cap);
        for pair in history.bookmarks.windows(2) {
            prop_assert!(pair[0].1 <= pair[1].1, "moved back: {pair:?}");
        }
        for (begun, bookmark) in &history.bookmarks {
            prop_assert!(bookmark <= begun, "{bookmark} is later than the scan, {begun}");
        }
        for ((row, time), first) in &history.changes {
            // A change while a run reads may be told by that run or by the next.
            let runs = history.emitted.iter().skip(*first).take(2);
            let is_told = runs.flatten().any(|(id, told)| *id == ids[*row] && told >= time);
            prop_assert!(is_told, "{} at {time} is lost; bookmarks {:?}", ids[*row],
                history.bookmarks);
        }
    });
}

/// Whether a body is a page of users: a list of objects that each have a key.
fn is_page(body: &str) -> bool {
    let body = serde_json::from_str::<Value>(body).unwrap_or_default();
    let has_text = |id: &str| id.chars().any(|character| character != '\0');
    let is_record = |record: &Value| record["id"].as_str().is_some_and(has_text);
    match body.get("users") {
        Some(Value::Null) => true,
        Some(Value::Array(users)) => users.iter().all(is_record),
        _ => false,
    }
}

/// Any JSON, bare or where records or cursor belong, and any text at all.
fn any_body() -> impl Strategy<Value = String> {
    let users = |value: Value| json!({ "users": value });
    let meta = |value: Value| json!({"users": [], "pagination_meta": value});
    let cursor = |value: Value| json!({"users": [], "pagination_meta": {"after": value}});
    let json = prop_oneof![
        any_json(),
        any_json().prop_map(users),
        prop::collection::vec(any_json(), 1..3).prop_map(move |list| users(list.into())),
        prop::collection::vec(any_record(), 0..3).prop_map(move |list| users(list.into())),
        with_id(any_json()).prop_map(move |record| users(json!([record]))),
        with_id(Just(Value::Null)).prop_map(move |record| users(json!([record]))),
        any_json().prop_map(meta),
        any_json().prop_map(cursor),
    ];
    let json = json.prop_map(|body| body.to_string());
    prop_oneof![
        3 => json.clone(),
        // Cut anywhere.
        1 => (json, any::<prop::sample::Index>()).prop_map(|(body, at)| {
            body.chars().take(at.index(body.len())).collect()
        }),
        1 => any::<String>(),
    ]
}

#[test]
fn any_body_is_a_page_or_an_error_of_the_contract() {
    let is_wrong_meta = |body: &str| body.contains("pagination_meta");
    proptest!(cases(32), |(body in any_body())| {
        let stand_in = stand_in();
        stand_in.fault(Fault::always("/v2/users", Action::Body(body.clone())));
        let ran = Tap::of(&stand_in).only(&["users"]).run();
        prop_assert!(ran.code == 0 || ran.code == 4, "{}", ran.stderr);
        prop_assert!(ran.code == 4 || is_page(&body), "{}", ran.stderr);
        prop_assert!(ran.code == 0 || !is_page(&body) || is_wrong_meta(&body), "{}", ran.stderr);
        prop_assert!(ran.code == 0 || ran.last_line().starts_with("ERROR 1 of 1 streams failed"));
        // Each line is a message: a page that turns out broken leaves no half line behind.
        prop_assert!(ran.messages().iter().all(|message| message["type"].is_string()));
        prop_assert!(ran.code == 0 || ran.records("users").is_empty());
    });
}

#[test]
fn any_bytes_are_a_page_or_an_error() {
    let stream = INCIDENT_IO.named("severities").unwrap();
    let schema = json!({"properties": {"id": {"type": "string"}}});
    let projection = Projection::new(&schema, &schema, &Value::Null);
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
    let series = Series::of(Request::new(stream.path));
    let pieces = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(vec![
            "{\"severities\":[",
            "{\"id\":\"1\"}",
            ",",
            "]",
            "}",
            "\"",
            "\\u0"
        ])
        .prop_map(|piece: &str| piece.as_bytes().to_vec()),
    ];
    proptest!(cases(1_000), |(pieces in prop::collection::vec(pieces, 0..12))| {
        let body = pieces.concat();
        if let Ok(page) = page(&reader, &series, &body) {
            prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
            prop_assert!(lines(&page).lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        }
    });
}

#[test]
fn of_any_body_comes_out_what_a_plain_reader_finds_in_it() {
    let added = prop::collection::vec(("[^\0]{1,4}", any_field()), 0..3);
    let cases = (any::<Index>(), any_twists(8), added, any_choices(1_500));
    try_many((2_000, 2_000), "bodies", &cases, |(stream, twists, added, choices)| {
        let stream = *stream.get(&streams());
        let chosen = Chosen::of(stream, &twists, &added);
        let Selected { stream, known, .. } = &chosen.selected;
        let mut author = Author { stream, schema: known, choices };
        let body = author.body();
        let text = body.spelled(&mut author.choices);
        let came = chosen.outcome(text.as_bytes()).map(|came| comparable(came, stream));
        let should = chosen.expected(&body).map(|should| comparable(should, stream));
        match (came, should) {
            (Ok(came), Ok(should)) => prop_assert_eq!(came, should, "{}: {}", stream.name, text),
            (Err(_), Err(_)) => {}
            (came, should) => prop_assert!(false, "{}: {text}\n{came:?}\n{should:?}", stream.name),
        }
        Ok(())
    });
}
