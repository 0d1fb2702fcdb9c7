//! Which value of a setting counts, where it may come from and in which forms.

use crate::support::{Ran, Tap, stand_in};
use serde_json::Value;

/// Whether the log of a run is JSON lines: the last of the settings that counted.
fn logs_json(ran: &Ran) -> bool {
    ran.last_line().starts_with('{')
}

#[test]
fn a_flag_wins_over_a_file_and_a_file_over_the_environment() {
    let stand_in = stand_in();
    let tap = || Tap::of(&stand_in).set("log_format", "json").only(&["severities"]);
    assert!(logs_json(&tap().run().ok()));
    let text = r#"{"log_format": "text"}"#;
    assert!(!logs_json(&tap().file("--config", text).run().ok()));
    let flag = tap().file("--config", text).arg("--log-format").arg("json");
    assert!(logs_json(&flag.run().ok()));
}

#[test]
fn a_null_in_a_file_leaves_what_was_set_before() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).file("--config", r#"{"endpoint": null, "start_date": null}"#);
    tap.only(&["severities"]).run().ok();
}

#[test]
fn our_own_variable_wins_over_the_vendors() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).variable("INCIDENT_API_KEY", "another-key");
    tap.only(&["severities"]).run().ok();
}

#[test]
fn a_variable_that_nobody_reads_is_told_of() {
    let stand_in = stand_in();
    let variables = ["TAP_INCIDENT_STRAT_DATE", "TAP_INCIDENT__SELECT"];
    let tap = variables.into_iter().fold(Tap::of(&stand_in), |tap, name| tap.variable(name, "x"));
    let ran = tap.only(&["severities"]).run().ok();
    let warnings = ran.stderr.lines().filter(|line| line.starts_with("WARNING config"));
    let warning = "WARNING config: there is no setting `strat_date`; did you mean `start_date`?";
    assert_eq!(warnings.collect::<Vec<_>>(), [warning], "Meltano's own are no mistake");
}

#[test]
fn a_key_may_lie_in_a_file_that_ends_with_a_line_break() {
    let (stand_in, folder) = (stand_in(), tempfile::tempdir().unwrap());
    let path = folder.path().join("key");
    std::fs::write(&path, "demo-key\n").unwrap();
    let tap = Tap::bare().set("endpoint", &stand_in.url());
    tap.set("api_key_file", path.to_str().unwrap()).only(&["severities"]).run().ok();
    std::fs::write(&path, "\n").unwrap();
    let ran = Tap::bare().set("api_key_file", path.to_str().unwrap()).run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("the API key is empty, or has blanks"), "{}", ran.stderr);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_printed() {
    let ran = Tap::bare().file("--config", r#"{"api_key": {"value": "s3cret-key"}}"#).run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("`api_key` is of another type"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3cret-key"), "{}", ran.stderr);
}

#[test]
fn an_endpoint_with_a_user_is_refused() {
    let ran = Tap::bare().set("api_key", "k").set("endpoint", "https://user@example.com").run();
    assert_eq!(ran.code, 2);
}

#[test]
fn the_sample_workspace_needs_no_key_and_no_endpoint_even_where_wrong_ones_are_set() {
    let tap = Tap::bare().set("api_key", "a b").set("endpoint", "ftp://example.com").arg("--demo");
    tap.only(&["severities"]).run().ok();
}

#[test]
fn debug_logs_each_request_and_warning_only_what_is_left_out() {
    let stand_in = stand_in();
    // A key that sees everything is nothing to warn about.
    stand_in.edit(|workspace| {
        workspace.edit("/v1/identity", |rows| rows[0]["teams"] = Value::Null);
    });
    let tap = || Tap::of(&stand_in).only(&["severities"]);
    let debug = tap().arg("--debug").run().ok().stderr;
    assert!(debug.contains("DEBUG request path=/v1/severities"), "{debug}");
    assert!(!tap().run().ok().stderr.contains("DEBUG"));
    assert_eq!(tap().arg("--log-level").arg("warning").run().ok().stderr, "");
}
