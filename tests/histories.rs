//! Whatever happens to rows between runs and while they are read, and wherever runs are killed: after
//! one run that nobody disturbs, a target that keeps the last record of each key has every row that
//! there is, as it is, and besides these only rows that have been deleted.

#![cfg(test)]

mod support;
#[path = "support/plot.rs"]
mod plot;
#[path = "support/target.rs"]
mod target;
#[path = "support/world.rs"]
mod world;

use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use plot::{History, Plot, Round, any_history};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};
use support::{Ran, Tap, try_many};
use tap_incident::openapi::Document;
use target::Target;
use world::{
    Change, FULL, INCREMENTAL, KINDS, Key, SMALL_PAGES, Stage, Version, Wait, What, WrongClock,
};

/// Half the lookback, in microseconds: clocks differ by no more, and rows are no later.
const HALF: i64 = 300_000_000;

/// Rows a page, and whether answers are dated. On the last one pages are as large as asked.
const STAGES: [(usize, bool); 7] =
    [(1, true), (2, true), (3, true), (7, true), (1, false), (3, false), (1_000, true)];

fn stages() -> Vec<Stage> {
    let document = Document::checked_in().unwrap();
    STAGES.iter().map(|(cap, has_date)| Stage::new(document.as_value(), *cap, *has_date)).collect()
}

/// The catalog of these streams, incremental where they can be.
fn catalog(kinds: &[usize]) -> String {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| tap_incident::catalog::discover().unwrap());
    let names = kinds.iter().map(|kind| KINDS[*kind].stream).collect::<Vec<_>>();
    let is_chosen = |entry: &&Value| names.contains(&entry["stream"].as_str().unwrap());
    let chosen = whole["streams"].as_array().unwrap().iter().filter(is_chosen);
    let mut streams = chosen.cloned().collect::<Vec<_>>();
    for entry in &mut streams {
        let root = &mut entry["metadata"][0]["metadata"];
        root["selected"] = true.into();
        if INCREMENTAL.contains(&kinds[0]) {
            root["replication-method"] = "INCREMENTAL".into();
            root["replication-key"] = "updated_at".into();
        }
    }
    json!({ "streams": streams }).to_string()
}

/// One run that is not killed.
fn run(stage: &Stage, catalog: &str, target: &Target, (off, concurrency): (i64, u8)) -> Ran {
    let clock = WrongClock { right: Arc::clone(&stage.clock), off: TimeDelta::microseconds(off) };
    Tap::of(&stage.stand_in)
        .set("concurrency", &concurrency.to_string())
        .set("incident_modes", "standard,test")
        .clock(Arc::new(clock))
        .file("--catalog", catalog)
        .state(&target.state)
        .run()
        .ok()
}

/// Tells a history up to the last run that is disturbed, and gives the number of versions of rows
/// that there were before the first run of those at its end that were killed.
fn tell(stage: &Stage, history: &History) -> (Target, u32) {
    let catalog = catalog(&history.kinds);
    let mut target = Target::default();
    stage.reset(&history.all_rows());
    let mut pending = None;
    for round in &history.rounds {
        stage.clock.wait(round.wait);
        round.before.iter().for_each(|change| stage.happen(change));
        pending = Some(pending.unwrap_or(stage.versions()));
        stage.expect(&round.during);
        let ran = run(stage, &catalog, &target, (round.off, round.concurrency));
        stage.catch_up();
        target.load(&ran, round.cut.as_ref());
        pending = pending.filter(|_| round.cut.is_some());
    }
    (target, pending.unwrap_or(stage.versions()))
}

/// One run more, while nothing changes.
fn end(stage: &Stage, history: &History, target: &mut Target) {
    stage.clock.wait(Wait::Micros(1_000_000));
    let last = history.rounds.last().unwrap();
    let ran = run(stage, &catalog(&history.kinds), target, (last.off, last.concurrency));
    target.load(&ran, None);
}

/// What is wrong with a target that should have everything as it is.
fn complaints(stage: &Stage, history: &History, target: &Target) -> Vec<String> {
    let truth = stage.truth(&history.kinds);
    let is_wrong = |(key, row): &(&Key, &Version)| target.rows.get(key) != Some(row);
    let wrong = truth
        .iter()
        .filter(is_wrong)
        .map(|(key, row)| format!("{key:?} is {row:?}, not {:?}", target.rows.get(key)));
    let deleted = stage.deleted();
    let never_was = |key: &&Key| !truth.contains_key(*key) && !deleted.contains(*key);
    let invented = target.rows.keys().filter(never_was).map(|key| format!("{key:?} never was"));
    wrong.chain(invented).chain(target.complaints.clone()).collect()
}

/// The rows that the target lacks although they were there before anything was read of what the
/// last run completed.
fn missing(stage: &Stage, history: &History, target: &Target, since: u32) -> Vec<Key> {
    let is_missing = |key: &Key| stage.birth(key) <= since && !target.rows.contains_key(key);
    stage.truth(&history.kinds).into_keys().filter(is_missing).collect()
}

/// Tells so many histories.
fn tell_many(cases: u32, plot: Plot, check: impl Fn(&Stage, &History) -> TestCaseResult) {
    let name = format!("histories of {plot:?}");
    let stages = stages();
    let histories = any_history(plot, stages.len());
    try_many((cases, 500), &name, &histories, |history| check(&stages[history.stage], &history));
}

/// After one run at the end, everything is there as it is.
fn is_whole(stage: &Stage, history: &History) -> TestCaseResult {
    let (mut target, _) = tell(stage, history);
    end(stage, history, &mut target);
    let complaints = complaints(stage, history, &target);
    prop_assert!(complaints.is_empty(), "{complaints:#?}\nstates {:#?}", target.states);
    Ok(())
}

/// A full table that was killed is completed first, as it was when it was begun; the next run
/// brings what has changed since.
fn is_whole_after_two(stage: &Stage, history: &History) -> TestCaseResult {
    let (mut target, since) = tell(stage, history);
    end(stage, history, &mut target);
    let missing = missing(stage, history, &target, since);
    prop_assert!(missing.is_empty(), "{missing:#?}\nstates {:#?}", target.states);
    end(stage, history, &mut target);
    let complaints = complaints(stage, history, &target);
    prop_assert!(complaints.is_empty(), "{complaints:#?}\nstates {:#?}", target.states);
    Ok(())
}

#[test]
fn rows_that_are_on_time_arrive() {
    tell_many(300, Plot::of(INCREMENTAL, 0, &[1, 8]), is_whole);
}

#[test]
fn full_tables_that_are_killed_are_completed() {
    tell_many(300, Plot::of(FULL, 0, &[1, 8]), is_whole_after_two);
}

/// The first row that is read changes once it has been, as late as rows may be, and then the last
/// one, later than the tap's clock, which is as far ahead as clocks may be and alone to go by.
fn to_the_limit(kind: usize) -> History {
    let is_newest_first = SMALL_PAGES.contains(&kind);
    let (first, last) = if is_newest_first { (255, 0) } else { (0, 255) };
    let edit = |place, wait, late| Change { wait, kind, what: What::Edit(place), late };
    let behind = edit(first, Wait::Micros(0), HALF);
    let ahead = edit(last, Wait::Micros(3 * HALF), 0);
    let round = Round {
        wait: Wait::Micros(0),
        before: Vec::new(),
        // The first request is for the key's identity, the second for the first row.
        during: vec![(2, behind), (2, ahead)],
        off: HALF,
        concurrency: 1,
        cut: None,
    };
    let stage = STAGES.iter().position(|stage| *stage == (1, false)).unwrap();
    let rows = vec![(kind, 4, 1), (kind, 2, 2)];
    History { kinds: vec![kind], stage, rows, crowd: 0, rounds: vec![round] }
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
    tell_many(1_000, Plot::of(INCREMENTAL, HALF, &[1]), is_whole);
}

#[test]
fn late_rows_and_wrong_clocks_lose_nothing_with_many_requests_at_a_time() {
    tell_many(1_000, Plot::of(INCREMENTAL, HALF, &[8, 8, 1]), is_whole);
}
