//! `--about`, the settings that stand in for a catalog, and where settings come from besides.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tap_incident::config::about::CAPABILITIES;
use tap_incident::config::settings::settings;
use tap_incident::sources::SOURCES;

use crate::support::{Ran, Tap, stand_in};

fn about(form: &str) -> String {
    let ran = Tap::bare().arg("--about").arg(&format!("--format={form}")).run().ok();
    assert_eq!(ran.stderr, "");
    ran.lines.join("\n")
}

#[test]
fn about_has_exactly_the_keys_that_meltano_reads() {
    let about: Value = serde_json::from_str(&about("json")).unwrap();
    let mut keys = about.as_object().unwrap().keys().collect::<Vec<_>>();
    keys.sort();
    assert_eq!(
        keys,
        [
            "capabilities",
            "description",
            "name",
            "sdk_version",
            "settings",
            "supported_python_versions",
            "version",
        ]
    );
    assert_eq!(about["name"], "tap-incident");
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["capabilities"], json!(CAPABILITIES));
    assert_eq!(about["settings"], settings(SOURCES[0]));
    for (name, setting) in about["settings"]["properties"].as_object().unwrap() {
        assert!(setting["title"].is_string() && setting["description"].is_string(), "{name}");
        assert!(setting["type"].is_string(), "{name}");
    }
    let key = &about["settings"]["properties"]["api_key"];
    assert_eq!((&key["secret"], &key["writeOnly"]), (&json!(true), &json!(true)));
    assert_eq!(key["title"], "API key");
}

#[test]
fn about_is_text_or_markdown_for_people_and_says_every_setting() {
    let (text, markdown) = (about("text"), about("markdown"));
    for name in settings(SOURCES[0])["properties"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("  {name} (")), "{name}");
        assert!(markdown.contains(&format!("| `{name}` |")), "{name}");
    }
    assert!(text.starts_with("Name: tap-incident\n"));
    assert!(markdown.starts_with("# tap-incident "));
    let other = Tap::bare().arg("--about").set("source", "signalfx").run().ok();
    assert!(other.lines.iter().any(|line| line.starts_with("  realm (")));
}

#[test]
fn about_needs_nothing_and_looks_at_nothing() {
    let tap = Tap::bare().arg("--about").file("--config", r#"{"concurrency": "many"}"#);
    tap.file("--catalog", "no catalog").file("--state", "no state").run().ok();
    let ran = Tap::bare().arg("--about").arg("--format=yaml").run();
    assert_eq!(ran.code, 2);
    let ran = Tap::bare().arg("--format=json").run();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--about"), "{}", ran.stderr);
}

/// The streams that a run announces.
fn streams(ran: &Ran) -> Vec<String> {
    let schemas = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    schemas.map(|message| message["stream"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn select_is_a_setting_too() {
    let stand_in = stand_in();
    for value in ["users.email,severities", r#"["users.email", "severities"]"#] {
        let ran = Tap::of(&stand_in).set("select", value).run().ok();
        assert_eq!(streams(&ran), ["severities", "users"]);
    }
    let config = json!({"select": ["severities", "!severities.rank"]}).to_string();
    let ran = Tap::of(&stand_in).file("--config", &config).run().ok();
    assert_eq!(streams(&ran), ["severities"]);
    assert_eq!(ran.schema("severities")["properties"].get("rank"), None);
    // The flag wins.
    let ran = Tap::of(&stand_in).set("select", "users").arg("--select=severities").run().ok();
    assert_eq!(streams(&ran), ["severities"]);
    let ran = Tap::of(&stand_in).set("select", "sevrities").run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("the nearest is `severities`"), "{}", ran.stderr);
}

/// How a run reads these streams: the property that their bookmarks follow, if any.
fn methods(tap: Tap) -> Vec<(String, bool)> {
    let ran = tap.run().ok();
    let schemas = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    let method = |message: Value| {
        let name = message["stream"].as_str().unwrap().to_owned();
        (name, message.get("bookmark_properties").is_some())
    };
    schemas.map(method).collect()
}

#[test]
fn incremental_reads_what_can_be_by_what_changed() {
    let stand_in = stand_in();
    let tap = |patterns: &str| {
        let tap = Tap::of(&stand_in).set("select", "users,alerts,escalations,incidents");
        if patterns.is_empty() { tap } else { tap.set("incremental", patterns) }
    };
    let incremental = |patterns: &str| {
        let all = methods(tap(patterns)).into_iter();
        all.filter_map(|(name, is)| is.then_some(name)).collect::<Vec<_>>()
    };
    assert_eq!(incremental(""), ["incidents"]);
    assert_eq!(incremental("alerts"), ["incidents", "alerts"]);
    assert_eq!(incremental("*"), ["incidents", "escalations", "alerts"]);
    assert_eq!(incremental("*,!alerts"), ["incidents", "escalations"]);
    assert_eq!(incremental("esc*"), ["incidents", "escalations"]);
}

#[test]
fn a_pattern_of_incremental_that_means_nothing_is_told_of() {
    let stand_in = stand_in();
    for (pattern, says) in [
        ("alrts", "the nearest that can be read so is `alerts`"),
        ("alerts.title", "which is no stream"),
    ] {
        let ran = Tap::of(&stand_in).set("incremental", pattern).run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.last_line().contains(says), "{}", ran.stderr);
    }
    let ran = Tap::of(&stand_in).set("select", "users").set("incremental", "users").run().ok();
    let says = "WARNING stream `users`: INCREMENTAL is not offered; it is read in full";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
}

#[test]
fn what_a_catalog_asks_for_counts_before_incremental() {
    let stand_in = stand_in();
    let method = |place: fn(&mut Value)| {
        let tap = Tap::of(&stand_in).set("incremental", "*").catalog(&["alerts"], place);
        methods(tap).remove(0).1
    };
    // As discovery prints it, nobody has chosen.
    assert!(method(|_| {}));
    assert!(method(|entry| entry["replication_method"] = json!("FULL_TABLE")));
    assert!(!method(|entry| {
        entry["metadata"][0]["metadata"]["replication-method"] = json!("FULL_TABLE");
    }));
    let incidents = |place: fn(&mut Value)| {
        methods(Tap::of(&stand_in).catalog(&["incidents"], place)).remove(0).1
    };
    assert!(incidents(|_| {}));
    assert!(!incidents(|entry| entry["replication_method"] = json!("FULL_TABLE")));
    assert!(!incidents(|entry| {
        entry["metadata"][0]["metadata"]["replication-method"] = json!("FULL_TABLE");
    }));
}

#[test]
fn demo_is_a_setting_too() {
    let ran = Tap::bare().set("demo", "true").set("select", "severities").run().ok();
    assert_eq!(ran.records("severities").len(), 4);
}

/// The program in a folder with this `.env`.
fn in_folder(env: &str, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), env).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-incident"));
    command.args(args).current_dir(&folder).env_clear().envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn a_file_env_is_read_where_the_config_is_the_environment() {
    let env = "# ours\nTAP_INCIDENT_DEMO=true\nexport TAP_INCIDENT_SELECT='severities'\nOTHER=1\n";
    let ran = in_folder(env, &["--config=ENV"], &[]);
    let (stdout, stderr) =
        (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!(ran.status.code(), Some(0), "{stderr}");
    assert_eq!(stdout.matches(r#""type":"RECORD""#).count(), 4);
    // The environment wins, and without ENV the file does not count.
    let ran = in_folder(env, &["--config=ENV"], &[("TAP_INCIDENT_SELECT", "users")]);
    assert!(String::from_utf8(ran.stdout).unwrap().contains(r#""stream":"users""#));
    let ran = in_folder(env, &[], &[]);
    assert_eq!(ran.status.code(), Some(2));
    // A line that is none is not shown: it may be the key.
    let ran = in_folder("TAP_INCIDENT_API_KEY 'inc-secret-key", &["--config=ENV"], &[]);
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        stderr.contains("a line of the file `.env` is not of the form NAME=value")
            && !stderr.contains("inc-secret"),
        "{stderr}"
    );
}

#[test]
fn the_level_of_the_log_has_the_names_that_other_taps_take() {
    let stand_in = stand_in();
    let run = |variables: &[(&str, &str)]| {
        let mut tap = Tap::of(&stand_in).set("select", "severities");
        for (name, value) in variables {
            tap = tap.variable(name, value);
        }
        let ran = tap.run().ok();
        (ran.stderr.contains("DEBUG "), ran.stderr.contains("INFO "))
    };
    assert_eq!(run(&[]), (false, true));
    assert_eq!(run(&[("LOGLEVEL", "DEBUG")]), (true, true));
    assert_eq!(run(&[("TAP_INCIDENT_LOGLEVEL", "critical")]), (false, false));
    assert_eq!(run(&[("LOGLEVEL", "debug"), ("TAP_INCIDENT_LOGLEVEL", "Warning")]), (false, false));
    assert_eq!(
        run(&[("TAP_INCIDENT_LOGLEVEL", "debug"), ("TAP_INCIDENT_LOG_LEVEL", "INFO")]),
        (false, true)
    );
    // What other programs call a level is no mistake of ours.
    assert_eq!(run(&[("LOGLEVEL", "trace")]), (false, true));
}

#[test]
fn log_lines_are_json_where_meltano_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logging.json");
    let config = |formatter: &str| json!({"formatters": {"one": {"()": formatter}}}).to_string();
    let stand_in = stand_in();
    let run = || {
        let tap = Tap::of(&stand_in).set("select", "severities");
        tap.variable("SINGER_SDK_LOG_CONFIG", path.to_str().unwrap()).run().ok()
    };
    std::fs::write(&path, config("singer_sdk.logging.StructuredFormatter")).unwrap();
    let ran = run();
    let lines = ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.collect::<Vec<_>>();
    let of_event =
        |name: &str| lines.iter().find(|line| line["extra"]["event_name"] == name).unwrap();
    let ended = of_event("ended");
    assert_eq!((&ended["level"], &ended["stream_name"]), (&json!("info"), &json!("severities")));
    assert_eq!(ended["extra"]["records"], 4);
    assert_eq!(lines.last().unwrap()["extra"]["event_name"], "closing");
    std::fs::write(&path, config("logging.Formatter")).unwrap();
    assert!(run().stderr.starts_with("INFO "));
    std::fs::remove_file(&path).unwrap();
    assert!(run().stderr.starts_with("INFO "));
}
