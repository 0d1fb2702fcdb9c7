//! The text of a state file: a plan is made with it, and what is written again is the same.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tap_incident::api::offer::Offer;
use tap_incident::base::error::Error;
use tap_incident::base::time::parse_time;
use tap_incident::bookmark::cap::Cap;
use tap_incident::bookmark::position::Position;
use tap_incident::bookmark::validity::Sight;
use tap_incident::config::Config;
use tap_incident::config::args::Args;
use tap_incident::plan::{Extent, Inputs, Plan, plan};
use tap_incident::singer::catalog::{Method, Selected, Selection};
use tap_incident::singer::state::State;
use tap_incident::source::Source;
use tap_incident::source::stream::Stream;
use tap_incident::sources::SOURCES;

use crate::choices::Choices;
use crate::made::split;

/// The first bytes say which source and which settings, and whether the rest is a state or makes one.
pub fn check(bytes: &[u8]) {
    let ([form, setting], rest) = split(bytes);
    let source = SOURCES[usize::from(form >> 1) % SOURCES.len()];
    let text = if form & 1 == 0 {
        String::from_utf8_lossy(rest).into_owned()
    } else {
        author(source, &mut Choices::of(rest.to_vec())).to_string()
    };
    let Ok(state) = read(source, &text) else { return };
    check_printed(source, &state);
    for config in configs(source).iter().skip(usize::from(setting) % 4).take(1) {
        check_plans(config, state.clone());
    }
}

fn read(source: &Source, text: &str) -> Result<State, Error> {
    State::parse(source, (text, "state.json"), &mut Vec::new())
}

/// What is printed is read again, as the same.
fn check_printed(source: &Source, state: &State) {
    let printed = serde_json::to_string(state.as_map()).unwrap();
    let again = read(source, &printed);
    assert_eq!(again.as_ref(), Ok(state), "{printed}");
}

/// Plans can be made of it, even where each position is of the scan that is planned.
fn check_plans(config: &Config, mut state: State) {
    let input = state.clone();
    let source = config.source;
    let now = parse_time("2026-11-20T12:00:00.5Z").unwrap();
    if !config.is_backfill {
        state.clamp(source.streams, now, config.lookback / 2);
        assert_eq!(state.clamp(source.streams, now, config.lookback / 2), [""; 0], "twice");
        check_printed(source, &state);
    }
    let first = planned(config, &state, now);
    for list in &first.lists {
        if let Some(known) = state.position(list.stream) {
            let position =
                Position { scan: list.position.scan.clone(), at: list.position.at, ..known };
            state.set_position(list.stream, &position);
        }
    }
    planned(config, &state, now);
    check_printed(source, &state);
    end(&mut state, source, now);
    state.forget_complete(&input);
    check_printed(source, &state);
}

/// Writes what the end of each scan leaves.
fn end(state: &mut State, source: &'static Source, now: DateTime<Utc>) {
    for stream in source.streams {
        let before = state.bookmark(stream);
        state.advance(stream, now, Cap::at(now));
        assert!(state.bookmark(stream) >= before, "{} moved back", stream.name);
        state.set_full_scan(stream, now, Cap::at(now));
        let recent = state.recent(stream);
        state.set_recent(stream, &recent.iter().copied().collect::<Vec<_>>());
        assert_eq!(state.recent(stream), recent, "{}", stream.name);
        state.set_validity(stream, &state.validity(stream));
        assert!(state.moved(stream).is_none_or(|(at, _)| at >= DateTime::<Utc>::MIN_UTC));
    }
    state.set_currently_syncing(None);
}

fn planned(config: &Config, state: &State, now: DateTime<Utc>) -> Plan {
    let (sight, offer) = (Sight::default(), Offer::default());
    let extent = Extent::Whole;
    let inputs = Inputs { config, state, now, extent, sight: &sight, offer: &offer };
    plan(selection(config.source), &inputs)
}

/// All streams, with no more fields than they need, each in the way in which more is kept of it.
fn selection(source: &'static Source) -> Selection {
    let selected = |stream: &'static Stream| {
        let of = |name: &'static str| (name.to_owned(), json!({"type": "string"}));
        let names = stream.key.iter().copied().chain(stream.replication_key());
        let properties = names.map(of).collect::<serde_json::Map<_, _>>();
        let schema = json!({"type": "object", "properties": properties});
        let method = match stream.replication_key() {
            Some(_) => Method::Incremental,
            None => Method::FullTable,
        };
        Selected { stream, method, known: schema.clone(), schema }
    };
    Selection { streams: source.streams.iter().map(selected).collect(), ..Selection::default() }
}

/// Several ways to run.
fn configs(source: &'static Source) -> &'static [Config] {
    static CONFIGS: LazyLock<Vec<Vec<Config>>> =
        LazyLock::new(|| SOURCES.iter().map(|source| made(source)).collect());
    let at = SOURCES.iter().position(|known| known.name == source.name).unwrap();
    &CONFIGS[at]
}

fn made(source: &'static Source) -> Vec<Config> {
    let variables: [&[(&str, &str)]; 4] = [
        &[],
        &[("start_date", "2025-01-01"), ("end_date", "2027-01-01"), ("full_scan_days", "1")],
        &[("lookback_seconds", "604800"), ("child_lookback_days", "3650")],
        &[("start_date", "2025-01-01"), ("rescan_on_new_fields", "true")],
    ];
    let mut configs = Vec::new();
    for (number, variables) in variables.iter().enumerate() {
        let given = [("api_key", "k"), ("tenant", "t"), ("endpoint", "https://127.0.0.1")];
        let given = given.iter().chain(variables.iter());
        let name = |name: &str| format!("TAP_INCIDENT_{}", name.to_uppercase());
        let environment = given.map(|(key, value)| (name(key), (*value).to_owned())).collect();
        let has_times = source.streams.iter().any(|stream| stream.times.is_some());
        let args = Args { backfill: number == 3 && has_times, ..Args::default() };
        configs.push(Config::read(source, &args, &environment, &mut Vec::new()).unwrap());
    }
    configs
}

/// A state as runs leave them, and now and then not.
fn author(source: &Source, choices: &mut Choices) -> Value {
    let mut bookmarks = serde_json::Map::new();
    for _ in 0..choices.pick(6) {
        let stream = &source.streams[choices.pick(source.streams.len())];
        let mut bookmark = serde_json::Map::new();
        for _ in 0..choices.pick(12) {
            let key = stream.replication_key().unwrap_or("updated_at");
            let modes = source.settings.modes.unwrap_or("modes");
            let keys = [
                key,
                "replication_key_value",
                "replication_key",
                modes,
                "filter_values",
                "global_access",
                "organisation",
                "teams",
                "fields",
                "parents",
                "parents_at",
                "recent",
                "full_scan_at",
                "scan",
                "scan",
                "scan",
            ];
            let key = choices.one_of(&keys);
            let value = if key == "scan" { position(choices) } else { value(choices) };
            bookmark.insert(key.to_owned(), value);
        }
        bookmarks.insert(stream.name.to_owned(), bookmark.into());
    }
    let mut state = json!({ "bookmarks": bookmarks });
    if choices.pick(2) > 0 {
        let stream = &source.streams[choices.pick(source.streams.len())];
        state["currently_syncing"] = stream.name.into();
        state["run_began_at"] = value(choices);
    }
    match choices.pick(16) {
        0..=9 => state["source"] = source.name.into(),
        10 => state["source"] = value(choices),
        11 => state["other_sources"] = value(choices),
        12 => state = json!({"singer_state": state}),
        13 => state = json!({"type": "STATE", "value": state}),
        14 => state = json!({"source": "incident_io", "other_sources": {source.name: state}}),
        _ => {}
    }
    state
}

fn position(choices: &mut Choices) -> Value {
    let mut position = json!({"of": "0f", "at": "2026-11-20T11:00:00Z"});
    for _ in 0..choices.pick(8) {
        let keys = [
            "of",
            "at",
            "complete",
            "cap",
            "cap",
            "newest",
            "series",
            "from",
            "until",
            "after",
            "received",
            "parent",
            "set_aside",
            "teams",
        ];
        position[choices.one_of(&keys)] = value(choices);
    }
    position
}

fn value(choices: &mut Choices) -> Value {
    let values = [
        json!("2026-11-20T11:59:00Z"),
        json!("2026-11-19T00:00:00.123456789Z"),
        json!("2026-11-20T23:59:59Z"),
        json!("2025-01-01"),
        json!("2027-02-03T04:05:06+07:00"),
        json!("0001-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!("-262143-01-01"),
        json!("+262142-12-31"),
        json!("2016-12-31T23:59:60Z"),
        json!("yesterday"),
        json!(""),
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(7),
        json!(u64::MAX),
        json!(-1),
        json!(0.1),
        json!([]),
        json!(["standard", "test"]),
        json!(["a", "2026-11-20T11:59:00Z"]),
        json!([["a"], ["b"]]),
        json!({}),
        json!({"a": 1}),
        json!("AAECAwQFBgc"),
        json!("AAECAwQF!"),
        json!("a,b"),
        json!("01F7,test"),
    ];
    choices.one_of(&values)
}
