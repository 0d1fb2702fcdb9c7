//! What every source promises: one is chosen, its rows survive bad weather and come again in full, and
//! nothing of another source is taken for its own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::support::{Ran, Tap, sample_of, text, try_many};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, StandIn};
use tap_incident::source::Source;
use tap_incident::sources::SOURCES;

/// The sources that are not the default.
fn others() -> &'static [&'static Source] {
    &SOURCES[1..]
}

/// The records of each stream by their keys, without the time of reading; each key comes once, or with the
/// same record.
fn rows(source: &Source, ran: &Ran) -> BTreeMap<&'static str, BTreeMap<String, Value>> {
    let mut rows = BTreeMap::new();
    for stream in source.streams {
        let mut of_stream = BTreeMap::new();
        for mut record in ran.records(stream.name) {
            record.as_object_mut().unwrap().remove("read_at");
            let key = stream.key.iter().map(|name| record[name].to_string()).collect::<String>();
            let known = of_stream.insert(key, record.clone());
            assert!(known.is_none_or(|known| known == record), "{}", stream.name);
        }
        rows.insert(stream.name, of_stream);
    }
    rows
}

fn all(source: &'static Source, stand_in: &StandIn) -> Tap {
    Tap::over(source, stand_in).arg("--select").arg("*")
}

#[test]
fn a_source_is_chosen_by_flag_or_file_or_environment_in_this_order() {
    let names = |tap: Tap| {
        let catalog: Value =
            serde_json::from_str(&tap.arg("--discover").run().ok().lines.concat()).unwrap();
        catalog["streams"].as_array().unwrap().len()
    };
    let actian = r#"{"source": "actian"}"#;
    assert_eq!(names(Tap::bare()), SOURCES[0].streams.len());
    assert_eq!(names(Tap::bare().set("source", "signalfx")), 2);
    assert_eq!(names(Tap::bare().set("source", "")), SOURCES[0].streams.len());
    assert_eq!(names(Tap::bare().set("source", "signalfx").file("--config", actian)), 5);
    let flag = Tap::bare().file("--config", actian).arg("--source").arg("signalfx");
    assert_eq!(names(flag), 2);
}

#[test]
fn a_source_that_nobody_knows_is_told_with_all_that_there_are() {
    let says = r#"config: `source` is "pagerduty", but must be one of ["incident_io", "signalfx", "actian"]"#;
    for tap in [
        Tap::bare().arg("--source").arg("pagerduty").arg("--demo"),
        Tap::bare().set("source", "pagerduty").arg("--discover"),
        Tap::bare().file("--config", r#"{"source": "pagerduty"}"#),
    ] {
        let ran = tap.run();
        assert_eq!(ran.code, 2);
        assert!(ran.last_line().contains(says), "{}", ran.last_line());
    }
    let ran = Tap::bare().file("--config", r#"{"source": 3}"#).run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.last_line().contains("`source` is 3, but"), "{}", ran.last_line());
}

#[test]
fn a_setting_of_another_source_is_told_of() {
    let stand_in = sample_of(SOURCES[1], Options::default());
    let ran = Tap::over(SOURCES[1], &stand_in).set("tenant", "harbour").run().ok();
    let says = "WARNING config: `tenant` is a setting of actian, and `source` is signalfx: it has no effect";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
}

#[test]
fn a_backfill_that_can_read_nothing_is_an_error() {
    for source in others() {
        let stand_in = sample_of(source, Options::default());
        let tap = Tap::over(source, &stand_in).arg("--backfill").set("start_date", "2026-01-01");
        let ran = tap.run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(
            ran.last_line().contains("`--backfill` has nothing to read"),
            "{}",
            ran.last_line()
        );
    }
}

#[test]
fn a_source_without_a_document_on_the_network_has_no_live_catalog() {
    for source in others() {
        let ran =
            Tap::bare().arg("--discover").arg("--live").arg("--source").arg(source.name).run();
        assert_eq!(ran.code, 2);
        let says = format!("{} has no document of its API for `--live` to read", source.title);
        assert!(ran.last_line().contains(&says), "{}", ran.last_line());
    }
}

#[test]
fn the_sample_of_each_source_fills_all_its_streams() {
    for source in SOURCES {
        let ran =
            Tap::bare().arg("--demo").arg("--source").arg(source.name).arg("--select").arg("*");
        let ran = ran.run().ok();
        for (stream, records) in rows(source, &ran) {
            assert!(!records.is_empty(), "{stream}");
        }
        let test =
            Tap::bare().arg("--demo").arg("--source").arg(source.name).arg("--test").run().ok();
        assert!(test.stderr.contains(source.streams[0].name), "{}", test.stderr);
    }
}

#[test]
fn a_second_run_reads_full_tables_again_and_the_state_says_whose_it_is() {
    for source in others() {
        let stand_in = sample_of(source, Options::default());
        let first = all(source, &stand_in).run().ok();
        assert_eq!(first.state()["source"], source.name);
        let second = all(source, &stand_in).state(&first.state()).run().ok();
        assert_eq!(rows(source, &second), rows(source, &first));
        assert_eq!(second.state(), first.state());
    }
}

#[test]
fn a_state_of_another_source_is_carried_along_and_not_used() {
    let theirs = json!({
        "bookmarks": {"incidents": {"updated_at": "2026-11-19T00:00:00.000000Z"}},
        "other": "of the user",
    });
    for source in others() {
        let stand_in = sample_of(source, Options::default());
        let ran = all(source, &stand_in).state(&theirs).run().ok();
        assert!(!ran.records("incidents").is_empty());
        let state = ran.state();
        assert_eq!(state["source"], source.name);
        assert_eq!(state["other_sources"]["incident_io"], theirs);
        let empty = all(source, &stand_in).state(&json!({})).run().ok();
        assert!(empty.state().get("other_sources").is_none(), "{}", empty.state());
        // Whoever goes back finds it again.
        let home = sample_of(SOURCES[0], Options::default());
        let back = Tap::over(SOURCES[0], &home).state(&state).only(&["severities"]).run().ok();
        assert_eq!(back.state()["bookmarks"]["incidents"], theirs["bookmarks"]["incidents"]);
        assert_eq!(back.state()["other"], theirs["other"]);
        assert!(back.state().get("source").is_none());
        assert_eq!(back.state()["other_sources"][source.name]["source"], source.name);
    }
}

#[test]
fn a_catalog_of_another_source_is_told_of() {
    let catalog = tap_incident::singer::catalog::discover(SOURCES[2]).unwrap();
    let stand_in = sample_of(SOURCES[1], Options::default());
    let ran = Tap::over(SOURCES[1], &stand_in).file("--catalog", &catalog.to_string()).run().ok();
    let says = "`incident_summary`, which is a stream of Actian Data Observability, and `source` is \
                signalfx; it is left out: set `source` to `actian` to read it";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    let mut catalog = catalog;
    catalog["streams"].as_array_mut().unwrap().retain(|entry| entry["stream"] != "incidents");
    let ran = Tap::over(SOURCES[1], &stand_in).file("--catalog", &catalog.to_string()).run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("set `source` to `actian`"), "{}", ran.last_line());
    let ran = Tap::bare().set("api_key", "k").arg("--select").arg("alert_muting_rules").run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("set `source` to `signalfx`"), "{}", ran.last_line());
}

#[test]
fn bad_weather_at_any_request_loses_nothing_and_doubles_nothing() {
    for source in others() {
        let calm = sample_of(source, Options::default());
        let expected = rows(source, &all(source, &calm).run().ok());
        let requests = calm.requests().len();
        let weather = [
            Action::Status(500),
            Action::Status(429),
            Action::RetryAfter { seconds: 3 },
            Action::Html(200),
            Action::Html(502),
            Action::CutBody,
            Action::CloseBeforeAnswer,
            Action::Body("{\"half\": ".to_owned()),
            Action::Delay(Duration::from_millis(2)),
        ];
        for skip in 0..requests {
            let rough = sample_of(source, Options::default());
            let action = weather[skip % weather.len()].clone();
            rough.fault(Fault { path: String::new(), skip, times: 2, action: action.clone() });
            let ran = all(source, &rough).run();
            assert_eq!(ran.code, 0, "{action:?} at {skip}: {}", ran.stderr);
            assert_eq!(rows(source, &ran), expected, "{action:?} at {skip}");
        }
    }
}

/// A row that comes, goes or changes between two runs: which list, where in it, and what happens.
type Change = (usize, Index, u8);

/// Lists, the field that names their rows, one that changes, and the stream that has them.
fn lists(source: &Source) -> &'static [[&'static str; 4]] {
    match source.name {
        "signalfx" => &[
            ["/v2/incident", "incidentId", "severity", "incidents"],
            ["/v2/alertmuting", "id", "description", "alert_muting_rules"],
        ],
        _ => &[["/incidents", "id", "severity", "incidents"]],
    }
}

fn make(stand_in: &StandIn, source: &Source, (list, at, what): &Change, number: usize) {
    let lists = lists(source);
    let [path, key, changing, _] = lists[list % lists.len()];
    stand_in.edit(|workspace| {
        workspace.edit(path, |rows| {
            if rows.is_empty() || *what == 0 {
                let mut row = rows.first().cloned().unwrap_or_else(|| json!({"active": true}));
                row[changing] = "LOW".into();
                let id = 5_000_000 + number;
                row[key] = if key == "id" && path == "/incidents" {
                    id.into()
                } else {
                    id.to_string().into()
                };
                rows.insert(0, row);
            } else if *what == 1 {
                rows.remove(at.index(rows.len()));
            } else {
                let row = at.get_mut(rows);
                row[changing] = format!("S{number}").into();
            }
        });
    });
}

#[test]
fn each_run_has_what_is_there_when_it_reads() {
    for source in others() {
        let stand_in = sample_of(source, Options { page_cap: Some(30), ..Options::default() });
        let (last_state, last_number) = (RefCell::new(json!({})), Cell::new(0));
        let changes = prop::collection::vec((0..9_usize, any::<Index>(), 0..3_u8), 0..8);
        let cases = proptest::collection::vec(changes, 3);
        try_many((4, 64), &format!("histories of {}", source.name), &cases, |runs| {
            for changes in runs {
                for change in changes {
                    last_number.set(last_number.get() + 1);
                    make(&stand_in, source, &change, last_number.get());
                }
                let ran = all(source, &stand_in).state(&last_state.borrow()).run().ok();
                *last_state.borrow_mut() = ran.state();
                for [path, key, changing, stream] in lists(source) {
                    let (mut there, mut came) = (BTreeSet::new(), BTreeSet::new());
                    stand_in.edit(|workspace| {
                        let rows = workspace.rows(path);
                        let of = |row: &Value| (row[key].to_string(), text(&row[changing]));
                        there = rows.iter().map(of).collect();
                    });
                    let records = ran.records(stream);
                    came.extend(
                        records.iter().map(|row| (row[key].to_string(), text(&row[changing]))),
                    );
                    prop_assert_eq!(&came, &there, "{}", stream);
                }
            }
            Ok(())
        });
    }
}

#[test]
fn a_failure_that_stays_is_an_exit_code_and_the_other_streams_come() {
    for source in others() {
        for stream in source.streams.iter().filter(|stream| stream.is_default) {
            let stand_in = sample_of(source, Options::default());
            let path = source.address.base.replace("/{tenant}", "").replace("/api/backend", "");
            let path = format!("{path}{}", stream.path);
            stand_in.fault(Fault::always(&path, Action::Status(503)));
            let ran = Tap::over(source, &stand_in).run();
            let read = source.streams.iter().filter(|other| other.is_default);
            assert_eq!(ran.code, 5, "{}: {}", stream.name, ran.stderr);
            for other in read.filter(|other| !other.path.starts_with(stream.path)) {
                assert!(!ran.records(other.name).is_empty(), "{} of {}", other.name, stream.name);
            }
        }
    }
}

#[test]
fn the_output_is_the_same_whatever_the_concurrency() {
    for source in others() {
        let output = |concurrency: &str| {
            let stand_in = sample_of(source, Options { page_cap: Some(20), ..Options::default() });
            let ran = all(source, &stand_in).set("concurrency", concurrency).run().ok();
            rows(source, &ran)
        };
        let one = output("1");
        for concurrency in ["2", "8", "32"] {
            assert_eq!(output(concurrency), one, "{concurrency}");
        }
    }
}

#[test]
fn a_key_that_is_refused_ends_the_run_and_is_not_printed() {
    for source in SOURCES {
        let stand_in = sample_of(source, Options::default());
        let ran = Tap::over(source, &stand_in).set("api_key", "not-this-one").run();
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(!ran.stderr.contains("not-this-one"), "{}", ran.stderr);
        assert!(ran.last_line().contains("hint: check `api_key`"), "{}", ran.last_line());
    }
}

#[test]
fn what_the_key_may_not_read_is_named_and_the_rest_is_read() {
    for (source, forbidden, names) in [
        (SOURCES[1], "/v2/alertmuting", "(alert_muting_rules)"),
        (SOURCES[2], "/incidents/summary", "(incident_summary)"),
    ] {
        let options = Options { forbidden: vec![forbidden.to_owned()], ..Options::default() };
        let stand_in = sample_of(source, options);
        let ran = Tap::over(source, &stand_in).run().ok();
        assert!(ran.counts().contains(&format!("not_permitted=1 {names}")), "{}", ran.counts());
        assert!(!ran.records("incidents").is_empty());
    }
}

#[test]
fn a_run_that_is_cut_anywhere_is_gone_on_with_and_loses_nothing() {
    for source in others() {
        let stand_in = sample_of(source, Options::default());
        let whole = all(source, &stand_in).run().ok();
        let expected = rows(source, &whole);
        for cut in (1..whole.lines.len()).step_by(7) {
            // What a target has loaded, and the last state that it has seen.
            let (loaded, state) = loaded(&whole.lines[..cut]);
            let rest = all(source, &stand_in).state(&state).run().ok();
            let mut arrived = loaded;
            for (stream, records) in rows(source, &rest) {
                arrived.extend(records.into_keys().map(|key| (stream.to_owned(), key)));
            }
            for (stream, records) in &expected {
                for key in records.keys() {
                    assert!(
                        arrived.contains(&((*stream).to_owned(), key.clone())),
                        "{stream} {key} at {cut}"
                    );
                }
            }
        }
    }
}

/// The keys of the rows before the last STATE of these lines, and that state.
fn loaded(lines: &[String]) -> (BTreeSet<(String, String)>, Value) {
    let messages = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = messages.collect::<Vec<_>>();
    let last = messages.iter().rposition(|message| message["type"] == "STATE");
    let Some(last) = last else { return (BTreeSet::new(), json!({})) };
    let (mut keys, mut rows) = (BTreeMap::new(), BTreeSet::new());
    for message in &messages[..last] {
        let stream = message["stream"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().unwrap() {
            "SCHEMA" => drop(keys.insert(stream, message["key_properties"].clone())),
            "RECORD" => {
                let names = keys[&stream].as_array().unwrap().iter();
                let names = names.map(|name| name.as_str().unwrap());
                let key = names.map(|name| message["record"][name].to_string()).collect();
                rows.insert((stream, key));
            }
            _ => {}
        }
    }
    (rows, messages[last]["value"].clone())
}
