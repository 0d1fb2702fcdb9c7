//! Values at and beyond their bounds: numbers, times, files, and what others write.

use std::path::Path;

use serde_json::{Value, json};
use stand_in::{Options, Workspace};

use crate::support::{Ran, Tap, serve, stand_in};

/// A run that ends with exit code 2 and says that.
fn refused(ran: &Ran, says: &str) {
    assert_eq!(ran.code, 2, "{says}: {}", ran.stderr);
    assert!(ran.last_line().contains(says), "{says}: {}", ran.stderr);
}

const NUMBERS: [&str; 15] = [
    "lookback_seconds",
    "child_lookback_days",
    "full_scan_days",
    "resume_max_hours",
    "schedule_window_days_back",
    "schedule_window_days_ahead",
    "concurrency",
    "page_size",
    "buffer_megabytes",
    "connect_timeout",
    "request_timeout",
    "max_retries",
    "max_retry_seconds",
    "rate_limit_reserve_percent",
    "requests_per_minute",
];

#[test]
fn a_number_that_is_negative_or_huge_is_an_error_with_its_range() {
    let wild =
        ["-1", "-9223372036854775808", "9223372036854775807", "18446744073709551615", "1e300"];
    for name in NUMBERS {
        for number in wild.iter().chain(&["99999999999999999999999", "1.5", "-0.5", "NaN"]) {
            let ran = Tap::bare().set("api_key", "k").set(name, number).run();
            refused(&ran, &format!("`{name}` is "));
            assert!(ran.last_line().contains("must be a whole number from "), "{}", ran.stderr);
        }
        for number in wild {
            let config = format!(r#"{{"api_key": "k", "{name}": {number}}}"#);
            refused(&Tap::bare().file("--config", &config).run(), &format!("`{name}` is "));
        }
    }
}

#[test]
fn a_year_in_which_nobody_changed_anything_is_an_error() {
    for name in ["start_date", "end_date"] {
        for time in ["0000-01-01", "0001-01-01T00:00:00Z", "1969-12-31"] {
            let ran = Tap::bare().set("api_key", "k").set(name, time).run();
            refused(
                &ran,
                &format!("`{name}` is \"{time}\", but must lie between the years 1970 and"),
            );
        }
        for time in ["10000-01-01", "+10000-01-01", "+262000-01-01", "2026-13-01", "now"] {
            let ran = Tap::bare().set("api_key", "k").set(name, time).run();
            refused(&ran, &format!("`{name}` is \"{time}\", but must be a date or a timestamp"));
        }
    }
}

#[test]
fn a_start_in_the_future_is_warned_about_and_an_end_there_is_not() {
    let stand_in = stand_in();
    let tap = || Tap::of(&stand_in).only(&["severities"]);
    let ahead = tap().set("start_date", "2030-01-01").run().ok();
    let warned = |line: &str| line.starts_with("WARNING") && line.contains("in the future");
    assert!(ahead.stderr.lines().any(warned), "{}", ahead.stderr);
    assert!(!tap().set("end_date", "2030-01-01").run().ok().stderr.contains("future"));
}

#[test]
fn capitals_change_nothing_in_words_that_are_known() {
    let stand_in = stand_in();
    let tap = || Tap::of(&stand_in).only(&["severities"]);
    for level in ["WARNING", "Warning", " warning "] {
        assert!(!tap().set("log_level", level).run().ok().stderr.contains("INFO"), "{level}");
        let flag = tap().arg("--log-level").arg(level).run().ok();
        assert!(!flag.stderr.contains("INFO"), "{level}");
    }
    let file = tap().file("--config", r#"{"log_format": "JSON", "log_level": "INFO"}"#).run().ok();
    assert!(file.last_line().starts_with('{'), "{}", file.stderr);
    let unknown = Tap::bare().set("api_key", "k").set("log_level", "loud").run();
    refused(
        &unknown,
        r#"`log_level` is "loud", but must be one of ["debug","info","warning","error"]"#,
    );
}

/// Times that a clock, a human or an importer may have written.
const TIMES: [&str; 8] = [
    "0000-01-01T00:00:00Z",
    "0000-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "1970-01-01",
    "2026-11-20T12:00:00.123456789Z",
    "9999-12-31",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59-23:59",
];

#[test]
fn a_state_with_any_time_is_gone_on_with() {
    let stand_in = stand_in();
    for time in TIMES {
        for (lookback, start) in [("1", "1970-01-01"), ("604800", "9999-12-31T23:59:59Z")] {
            let bookmark = json!({"updated_at": time, "full_scan_at": time, "parents_at": time,
                "parents": "", "scan": {"of": "x", "at": time, "cap": time, "newest": time,
                    "from": time, "until": time, "series": 1}});
            let names = ["incidents", "incident_updates", "actions"];
            let bookmarks = names.map(|name| (name.to_owned(), bookmark.clone()));
            let bookmarks = bookmarks.into_iter().collect::<serde_json::Map<_, _>>();
            let state = json!({"bookmarks": bookmarks, "currently_syncing": "incidents",
                "run_began_at": time});
            let tap = Tap::of(&stand_in).only(&names).state(&state).set("start_date", start);
            let ran =
                tap.set("lookback_seconds", lookback).set("child_lookback_days", "3650").run();
            let after = ran.ok().state();
            // What was written can be read again.
            Tap::of(&stand_in).only(&names).state(&after).run().ok();
        }
    }
    let state = json!({"bookmarks": {"incidents": {"updated_at": "+262000-01-01"}}});
    refused(&Tap::of(&stand_in).state(&state).run(), "`bookmarks.incidents.updated_at`");
}

#[test]
fn records_of_any_time_are_read_in_slices_too() {
    for time in TIMES {
        for place in [0, 5] {
            let mut workspace = Workspace::with_months(1).unwrap();
            workspace.edit("/v2/incidents", |rows| {
                rows[place]["created_at"] = time.into();
                rows[place]["updated_at"] = time.into();
            });
            let options = Options { page_cap: Some(2), ..Options::default() };
            let ran = Tap::of(&serve(workspace, options)).only(&["incidents"]).run();
            assert!(!ran.stderr.contains("panicked") && ran.code != 1, "{time}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_config_in_utf_16_is_read_and_an_empty_file_is_named() {
    let (stand_in, folder) = (stand_in(), tempfile::tempdir().unwrap());
    let path = folder.path().join("config.json");
    let text = format!("\u{feff}{}", json!({"endpoint": stand_in.url(), "api_key": "demo-key"}));
    let bytes = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    std::fs::write(&path, bytes).unwrap();
    let tap = || Tap::bare().arg("--config").arg(path.to_str().unwrap());
    tap().only(&["severities"]).run().ok();
    std::fs::write(&path, "\n").unwrap();
    refused(&tap().run(), "config.json`: it is empty");
    refused(&Tap::of(&stand_in).file("--catalog", "").run(), "it is empty");
    let ran = Tap::of(&stand_in).only(&["severities"]).file("--state", " \n").run().ok();
    assert!(ran.stderr.contains("is empty: everything is read from its start"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_file_with_the_key_that_everybody_may_read_is_warned_about() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (stand_in, folder) = (stand_in(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    let write = |path: &Path, text: &str, mode| {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    symlink(path("key-644"), path("mounted")).unwrap();
    write(&path("key-644"), "demo-key", 0o644);
    write(&path("key-640"), "demo-key", 0o640);
    write(&path("key-444"), "demo-key", 0o444);
    for (name, is_warned) in
        [("key-644", true), ("key-640", false), ("key-444", false), ("mounted", false)]
    {
        let tap = Tap::bare().set("endpoint", &stand_in.url()).only(&["severities"]);
        let ran = tap.set("api_key_file", path(name).to_str().unwrap()).run().ok();
        let warning = format!("every account of this computer may read `{}`", path(name).display());
        assert_eq!(ran.stderr.contains(&warning), is_warned, "{name}: {}", ran.stderr);
    }
    for (text, is_warned) in [(r#"{"api_key": "demo-key"}"#, true), ("{}", false)] {
        write(&path("config"), text, 0o644);
        let tap = Tap::bare().set("endpoint", &stand_in.url());
        let ran = tap.arg("--config").arg(path("config").to_str().unwrap()).run();
        assert_eq!(ran.stderr.contains("chmod 600 it"), is_warned, "{}", ran.stderr);
    }
}

#[test]
fn what_a_terminal_obeys_or_hides_reaches_no_line_of_the_log() {
    let name = "x\u{1b}[31m\u{202e}\u{200b}\u{9b}y";
    for format in ["text", "json"] {
        let config = json!({name: 1, "log_format": format}).to_string();
        let ran = Tap::bare().file("--config", &config).arg("--state").arg(name).run();
        assert_eq!(ran.code, 2);
        for character in name.chars().filter(|character| !character.is_ascii_graphic()) {
            assert!(!ran.stderr.contains(character), "{format}: {:?}", ran.stderr);
        }
    }
    let ran = Tap::bare().arg(&format!("--{name}{}", "z".repeat(9_000))).run();
    assert!(!ran.stderr.contains('\u{1b}') && ran.stderr.len() < 1_000, "{:?}", ran.stderr);
}

#[test]
fn an_id_that_makes_too_long_an_address_fails_its_stream_only() {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v3/alert_routes", |rows| rows[0]["id"] = "x".repeat(20_000).into());
    let stand_in = serve(workspace, Options::default());
    let ran = Tap::of(&stand_in).only(&["severities", "alert_routes", "teams"]).run();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.last_line().contains("makes an address of 200"), "{}", ran.last_line());
    assert!(ran.stderr.lines().all(|line| line.len() < 1_500));
    assert!(!ran.records("severities").is_empty() && !ran.records("teams").is_empty());
}

#[test]
fn a_record_that_a_target_may_refuse_is_told_of_once() {
    for (bytes, records, then) in [
        (3_900_000, 0, ""),
        (4_100_000, 2, "targets may be slow with them"),
        (20_100_000, 2, "Stitch refuses one above 20 MB, and other targets may too"),
    ] {
        let mut workspace = Workspace::with_months(1).unwrap();
        workspace.edit("/v1/severities", |rows| {
            for row in &mut rows[..2] {
                row["description"] = "x".repeat(bytes).into();
            }
        });
        let ran = Tap::of(&serve(workspace, Options::default())).only(&["severities"]).run().ok();
        let told = ran.stderr.lines().filter(|line| line.contains("records above 4 MB"));
        let told = told.collect::<Vec<_>>();
        assert_eq!(told.len(), usize::from(records > 0), "{}", ran.stderr);
        if let [line] = told.as_slice() {
            assert!(line.contains(&format!("records above 4 MB: {records}")), "{line}");
            assert!(line.contains(then), "{line}");
        }
    }
}

#[test]
fn of_a_catalog_with_thousands_of_unknown_streams_the_first_are_named() {
    let mut streams = Vec::new();
    for number in 0..10_000 {
        streams.push(json!({"tap_stream_id": format!("x{number}"), "selected": true}));
    }
    let ran = |streams: &Vec<Value>| {
        let catalog = json!({"streams": streams}).to_string();
        Tap::of(&stand_in()).file("--catalog", &catalog).run()
    };
    let nothing = ran(&streams);
    refused(&nothing, "the catalog selects 9980 more that are left out");
    assert!(nothing.stderr.len() < 3_000, "{}", nothing.stderr.len());
    streams.push(json!({"tap_stream_id": "severities", "selected": true}));
    let ran = ran(&streams).ok();
    assert_eq!(ran.stderr.matches("which is no stream of this tap").count(), 20);
}

#[test]
fn thousands_of_patterns_and_of_streams_are_no_work() {
    let mut streams = Vec::new();
    for number in 0..2_000 {
        streams.push(json!({"tap_stream_id": format!("x{number}"),
            "schema": {"properties": {"id": {}, "name": {}}}}));
    }
    streams.push(json!({"tap_stream_id": "severities",
        "schema": {"properties": {"id": {}, "name": {}}}}));
    let patterns = (0..2_000).map(|number| format!("x{number}.id,!x{number}.name,*.id"));
    let patterns = patterns.collect::<Vec<_>>().join(",");
    let catalog = json!({"streams": streams}).to_string();
    let tap = Tap::bare().arg("--test=schema").file("--catalog", &catalog);
    let ran = tap.arg("--select").arg(&patterns).run().ok();
    assert_eq!(ran.schema("severities")["properties"].as_object().unwrap().len(), 1);
}
