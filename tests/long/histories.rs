//! Whatever happens to rows between runs and while they are read, and wherever runs are killed: after
//! one run that nobody disturbs, a target that keeps the last record of each key has every row that
//! there is, as it is, and besides these only rows that have been deleted or that the key may not see
//! any more. Of full tables it takes two runs, and of changes without a trace a full scan.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::clocks::{Wait, WrongClock};
use crate::plot::{History, Plot, Reading, Round, YEAR, any_history};
use crate::rows::{
    ATTACHMENTS, Access, CONTENTS, DOCUMENTS, INCIDENTS, KINDS, Key, LINKS, NOTES, RUNS, SESSIONS,
    SMALL_PAGES, UPDATES, Version, WORKLOADS, is_looked_at,
};
use crate::support::{Ran, Tap, try_many};
use crate::target::Target;
use crate::world::{Change, Stage, What};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};
use tap_incident::base::clock::Clock;
use tap_incident::source::openapi::Openapi;
use tap_incident::sources::incident_io::INCIDENT_IO;

/// Half the lookback, in microseconds: clocks differ by no more, and rows are no later.
const HALF: i64 = 300_000_000;
/// Streams by what can be asked of them, as numbers of [`KINDS`].
const INCREMENTAL: [usize; 5] = [0, 1, 2, 3, 4];
const FULL: [usize; 4] = [5, 6, 7, 8];
const CALLS: [usize; 3] = [0, 9, 10];
const SCHEDULES: [usize; 2] = [11, 12];
/// What belongs to incidents or alerts, and what finishes or is edited later.
const TIED: [usize; 10] =
    [0, 1, UPDATES, LINKS, ATTACHMENTS, NOTES, RUNS, DOCUMENTS, CONTENTS, WORKLOADS];
const ALL: [usize; 20] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/// Rows a page, and whether answers are dated. On the last one pages are as large as asked.
const STAGES: [(usize, bool); 7] =
    [(1, true), (2, true), (3, true), (7, true), (1, false), (3, false), (1_000, true)];

fn stages() -> Vec<Stage> {
    let document = Openapi::embedded(&INCIDENT_IO).unwrap();
    STAGES.iter().map(|(cap, has_date)| Stage::new(document.as_value(), *cap, *has_date)).collect()
}

/// What `--discover` prints of the streams of histories, with what these look at only.
fn discovered() -> &'static [Value] {
    static ENTRIES: OnceLock<Vec<Value>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let mut catalog = tap_incident::singer::catalog::discover(&INCIDENT_IO).unwrap();
        let Value::Array(entries) = catalog["streams"].take() else { return Vec::new() };
        let of = |kind: &crate::rows::Kind| {
            let mut entry = entries.iter().find(|entry| entry["stream"] == kind.stream)?.clone();
            let properties = entry["schema"]["properties"].as_object_mut()?;
            properties.retain(|name, _| is_looked_at(kind, name));
            let metadata = entry["metadata"].as_array_mut()?;
            metadata.retain(|item| {
                let name = item["breadcrumb"].get(1).and_then(Value::as_str);
                name.is_none_or(|name| is_looked_at(kind, name))
            });
            Some(entry)
        };
        KINDS.iter().map(|kind| of(kind).unwrap()).collect()
    })
}

/// The catalog of a history's streams, incremental where they can be.
fn catalog(history: &History, reading: Reading) -> String {
    let of = |kind: &usize| {
        let mut entry = discovered()[*kind].clone();
        let root = &mut entry["metadata"][0]["metadata"];
        root["selected"] = true.into();
        let is_full = reading == Reading::FullTable || history.full.contains(kind);
        let method = if is_full { "FULL_TABLE" } else { "INCREMENTAL" };
        root["replication-method"] = method.into();
        entry
    };
    json!({"streams": history.kinds.iter().map(of).collect::<Vec<_>>()}).to_string()
}

/// A run of a history, without what happens around it.
fn run(stage: &Stage, history: &History, round: &Round, target: &Target) -> Ran {
    let off = TimeDelta::microseconds(round.off);
    let clock = WrongClock { right: Arc::clone(&stage.clock), off };
    let tap = Tap::of(&stage.stand_in)
        .set("concurrency", &round.concurrency.to_string())
        .set("incident_modes", "standard,test")
        .clock(Arc::new(clock))
        .file("--catalog", &catalog(history, round.reading))
        .state(&target.state);
    let Reading::Backfill { ago, length } = round.reading else { return tap.run().ok() };
    let half_days = |count: u32| TimeDelta::hours(12 * i64::from(count));
    let start = stage.clock.now() - half_days(ago);
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let tap = tap.arg("--backfill").set("start_date", &text(start));
    let tap = match length {
        Some(length) => tap.set("end_date", &text(start + half_days(length))),
        None => tap,
    };
    tap.run().ok()
}

/// Whether a run reads anything, and so the state is its own: of a backfill only some streams can be
/// read.
fn leaves_state(round: &Round) -> bool {
    matches!(round.reading, Reading::Backfill { .. })
}

/// Tells a history up to the last run that is disturbed, and gives the number of versions of rows
/// that there were before the first run of those at its end that were killed.
fn tell(stage: &Stage, history: &History) -> (Target, u32) {
    let mut target = Target::default();
    stage.reset(&history.all_rows(), history.access);
    let mut pending = None;
    for round in &history.rounds {
        stage.clock.wait(round.wait);
        round.before.iter().for_each(|change| stage.happen(change));
        let since = pending.unwrap_or(stage.versions());
        stage.expect(&round.during);
        let ran = run(stage, history, round, &target);
        stage.catch_up();
        let before = target.state.clone();
        target.may_move_back = round.is_far_off();
        target.load(&ran, round.cut.as_ref());
        if leaves_state(round) {
            let is_left = target.state == before || before == json!({});
            target.complain_unless(is_left, "a backfill has changed the state");
        } else {
            pending = round.cut.as_ref().map(|_| since);
        }
    }
    (target, pending.unwrap_or(stage.versions()))
}

/// One run more, while nothing changes; gives the moment of it.
fn end(stage: &Stage, history: &History, target: &mut Target) -> DateTime<Utc> {
    stage.clock.wait(Wait::Micros(1_000_000));
    let last = history.last();
    let now = stage.clock.now() + TimeDelta::microseconds(last.off);
    let ran = run(stage, history, &last, target);
    // What a clock that was far ahead had left.
    target.may_move_back = history.rounds.iter().any(Round::is_far_off);
    target.load(&ran, None);
    now
}

/// What is wrong with a target that should have everything as it is, but for these rows.
fn complaints(
    stage: &Stage,
    history: &History,
    target: &Target,
    (now, but): (DateTime<Utc>, &BTreeSet<Key>),
) -> Vec<String> {
    let truth = stage.truth(&history.kinds, now);
    let is_wrong = |(key, row): &(&Key, &Version)| target.rows.get(key) != Some(row);
    let wrong = truth
        .iter()
        .filter(|(key, _)| !but.contains(key))
        .filter(is_wrong)
        .map(|(key, row)| format!("{key:?} is {row:?}, not {:?}", target.rows.get(key)));
    let never_was = |key: &&Key| stage.birth(key).is_none();
    let invented = target.rows.keys().filter(never_was).map(|key| format!("{key:?} never was"));
    wrong.chain(invented).chain(target.complaints.clone()).collect()
}

/// The rows that the target lacks although they were there before anything was read of what the
/// last run completed.
fn missing(
    stage: &Stage,
    history: &History,
    target: &Target,
    (now, since): (DateTime<Utc>, u32),
) -> Vec<Key> {
    let traceless = stage.traceless(&history.kinds, now);
    let is_old = |key: &Key| stage.birth(key).is_some_and(|birth| birth <= since);
    let is_missing =
        |key: &Key| is_old(key) && !traceless.contains(key) && !target.rows.contains_key(key);
    stage.truth(&history.kinds, now).into_keys().filter(is_missing).collect()
}

/// Tells so many histories.
fn tell_many(cases: u32, plot: Plot, check: impl Fn(&Stage, &History) -> TestCaseResult) {
    let name = format!("histories of {plot:?}");
    let stages = stages();
    let histories = any_history(plot, &STAGES);
    try_many((cases, 500), &name, &histories, |history| check(&stages[history.stage], &history));
}

/// After one run at the end, everything is there as it is. A full table that was killed is completed
/// first, as it was when it was begun; the next run brings what has changed since.
fn is_whole(stage: &Stage, history: &History) -> TestCaseResult {
    let (mut target, since) = tell(stage, history);
    let mut now = end(stage, history, &mut target);
    if !history.full.is_empty() {
        let missing = missing(stage, history, &target, (now, since));
        prop_assert!(missing.is_empty(), "{missing:#?}\nstates {:#?}", target.states);
        now = end(stage, history, &mut target);
    }
    let others = history.kinds.iter().copied().filter(|kind| !history.full.contains(kind));
    let traceless = stage.traceless(&others.collect::<Vec<_>>(), now);
    let found = complaints(stage, history, &target, (now, &traceless));
    prop_assert!(found.is_empty(), "{found:#?}\nstates {:#?}", target.states);
    if traceless.is_empty() {
        return Ok(());
    }
    // Everything is read again by then.
    stage.clock.wait(Wait::Micros(31 * 24 * 3_600_000_000));
    let now = end(stage, history, &mut target);
    let found = complaints(stage, history, &target, (now, &BTreeSet::new()));
    prop_assert!(found.is_empty(), "after a month {found:#?}\nstates {:#?}", target.states);
    Ok(())
}

#[test]
fn rows_that_are_on_time_arrive() {
    tell_many(300, Plot::of(&INCREMENTAL, 0, &[1, 8]), is_whole);
}

#[test]
fn full_tables_that_are_killed_are_completed() {
    tell_many(200, Plot::of(&FULL, 0, &[1, 8]), is_whole);
}

/// The first row that is read changes once it has been, as late as rows may be, and then the last
/// one, later than the tap's clock, which is as far ahead as clocks may be and alone to go by.
fn to_the_limit(kind: usize) -> History {
    let is_newest_first = SMALL_PAGES.contains(&kind);
    let (first, last) = if is_newest_first { (255, 0) } else { (0, 255) };
    let edit = |place, wait, late| Change { wait, kind, what: What::Edit(place), late };
    let behind = edit(first, Wait::Micros(0), HALF);
    let ahead = edit(last, Wait::Micros(3 * HALF), 0);
    // The first request is for the key's identity, the second for the first row.
    let round = Round { during: vec![(2, behind), (2, ahead)], ..Round::calm(HALF, 1) };
    undated(kind, vec![(kind, 4, 1), (kind, 2, 2)], vec![round])
}

/// A history of one stream on a stage where answers have no date.
fn undated(kind: usize, rows: Vec<(usize, u32, u8)>, rounds: Vec<Round>) -> History {
    let stage = STAGES.iter().position(|stage| *stage == (1, false)).unwrap();
    let access = Access::EVERYTHING;
    History { kinds: vec![kind], full: Vec::new(), stage, access, rows, crowd: 0, rounds }
}

#[test]
fn the_latest_row_under_the_wrongest_clock_arrives() {
    let stages = stages();
    for history in INCREMENTAL.map(to_the_limit) {
        is_whole(&stages[history.stage], &history).unwrap();
    }
}

#[test]
fn late_rows_and_wrong_clocks_lose_nothing_one_request_after_the_other() {
    tell_many(700, Plot::of(&INCREMENTAL, HALF, &[1]), is_whole);
}

#[test]
fn late_rows_and_wrong_clocks_lose_nothing_with_many_requests_at_a_time() {
    tell_many(700, Plot::of(&INCREMENTAL, HALF, &[8, 8, 1]), is_whole);
}

#[test]
fn backfills_and_full_tables_in_between_lose_nothing() {
    let plot = Plot { has_readings: true, ..Plot::of(&INCREMENTAL, HALF, &[1, 8]) };
    tell_many(600, plot, is_whole);
}

#[test]
fn what_a_key_comes_to_see_arrives() {
    let plot = Plot { has_access: true, ..Plot::of(&[0, 1, 3, 6, 9], HALF, &[1, 8]) };
    tell_many(500, plot, is_whole);
}

#[test]
fn clocks_that_were_a_year_off_lose_nothing() {
    let plot = Plot::of(&[0, 1, 2, 3, 4, 9], HALF, &[1, 8]);
    tell_many(600, Plot { most_old: 80, has_years: true, ..plot }, is_whole);
}

/// A call changes without a trace after a full scan by a clock that was a year ahead.
#[test]
fn a_clock_that_was_a_year_ahead_puts_no_full_scan_off() {
    let what = What::Edit(0);
    // The fifth version is odd, and so none of its incident.
    let edit = Change { wait: Wait::Micros(0), kind: SESSIONS, what, late: 0 };
    let next = Round { before: vec![edit], ..Round::calm(0, 1) };
    let rows = [(INCIDENTS, 60), (SESSIONS, 60), (INCIDENTS, 2), (INCIDENTS, 1)];
    let rows = rows.map(|(kind, age)| (kind, age, 0)).to_vec();
    let history = undated(SESSIONS, rows, vec![Round::calm(YEAR, 1), next]);
    is_whole(&stages()[history.stage], &history).unwrap();
}

#[test]
fn calls_and_what_was_said_in_them_arrive_however_they_are_read() {
    tell_many(600, Plot { most_old: 80, ..Plot::of(&CALLS, HALF, &[1, 8]) }, is_whole);
}

#[test]
fn shifts_arrive_as_they_are_after_they_were_split() {
    tell_many(300, Plot { most_old: 80, ..Plot::of(&SCHEDULES, 0, &[1, 8]) }, is_whole);
}

#[test]
fn what_belongs_to_incidents_and_alerts_arrives_however_it_is_read() {
    tell_many(600, Plot { most_old: 80, ..Plot::of(&TIED, HALF, &[1, 8]) }, is_whole);
}

#[test]
fn all_of_this_together_loses_nothing() {
    let plot = Plot::of(&ALL, HALF, &[1, 8]);
    let plot = Plot { most_old: 80, has_readings: true, has_access: true, has_years: true, ..plot };
    tell_many(500, plot, is_whole);
}
