//! Bad input and a bad API: what is said in the last line, and the exit code.

use crate::support::{Ran, Tap, concurrency, serve, stand_in, stand_in_with};
use serde_json::{Value, json};
use stand_in::{Action, Fault, NOW, Options, StandIn, Workspace};
use tap_incident::sources::incident_io::INCIDENT_IO;

/// What every failure has in common: one clear last line, with what to do.
fn failed(ran: &Ran, code: u8, says: &str) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    assert!(ran.last_line().starts_with("ERROR "), "{}", ran.last_line());
    assert!(ran.last_line().contains(says), "{}", ran.last_line());
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// What the last line says when one of the streams that are read by default failed.
fn first_of_all(failure: &str) -> String {
    let selected = INCIDENT_IO.streams.iter().filter(|stream| stream.is_default).count();
    format!("1 of {selected} streams failed; the first: {failure}")
}

fn with_fault(path: &str, action: Action) -> StandIn {
    let stand_in = stand_in();
    stand_in.fault(Fault::always(path, action));
    stand_in
}

#[test]
fn a_missing_key_is_named_with_where_to_put_it() {
    let ran = Tap::bare().run();
    failed(&ran, 2, "`api_key` is missing; set it in a config file or as TAP_INCIDENT_API_KEY");
    assert!(ran.lines.is_empty());
}

#[test]
fn malformed_json_is_an_error_in_each_of_the_three_files() {
    for (flag, what) in [("--config", "config"), ("--catalog", "catalog"), ("--state", "state")] {
        let ran = Tap::of(&stand_in()).file(flag, "{\"half\": ").run();
        failed(&ran, 2, &format!("{what} file `"));
        assert!(ran.last_line().contains("line 1 column"), "{}", ran.last_line());
    }
}

#[test]
fn a_file_that_does_not_exist_is_an_error_with_its_path() {
    let ran = Tap::of(&stand_in()).arg("--state").arg("/nowhere/state.json").run();
    failed(&ran, 2, "state file `/nowhere/state.json`: No such file or directory");
}

#[test]
fn an_error_is_one_line_whatever_it_quotes() {
    let ran = Tap::of(&stand_in()).arg("--state").arg("/nowhere/a\nb\r\nc").run();
    failed(&ran, 2, "state file `/nowhere/a b  c`");
    assert_eq!(ran.stderr.matches('\n').count(), 1);
}

#[test]
fn wrong_types_are_errors_in_each_of_the_three_files() {
    let stand_in = stand_in();
    failed(&Tap::of(&stand_in).file("--config", "[1]").run(), 2, "config file");
    failed(&Tap::of(&stand_in).file("--catalog", r#"{"streams": 3}"#).run(), 2, "no catalog");
    failed(&Tap::of(&stand_in).file("--state", "[]").run(), 2, "a state is a JSON object");
    let bookmarks = json!({"bookmarks": []});
    failed(&Tap::of(&stand_in).state(&bookmarks).run(), 2, "`bookmarks` is [], not an object");
    let bookmark = json!({"bookmarks": {"incidents": {"updated_at": "last week"}}});
    failed(&Tap::of(&stand_in).state(&bookmark).run(), 2, "`bookmarks.incidents.updated_at`");
}

#[test]
fn every_problem_of_a_config_is_in_one_message() {
    let config = json!({
        "endpoint": "http://example.com",
        "max_retries": "many",
        "start_date": "31.12.2025",
        "incident_modes": ["standard", "live"],
        "log_format": 3,
        "api_kye": "x",
    });
    let ran = Tap::bare().file("--config", &config.to_string()).run();
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn contradictions_are_errors() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).set("start_date", "2026-02-01").set("end_date", "2026-02-01");
    failed(&tap.run(), 2, "is not before `end_date`");
    let tap = Tap::of(&stand_in).set("api_key_file", "/nowhere");
    failed(&tap.run(), 2, "`api_key` and `api_key_file` are both set");
    let tap = Tap::of(&stand_in).arg("--catalog").arg("a").arg("--properties").arg("b");
    failed(&tap.run(), 2, "cannot be used with");
}

#[test]
fn an_unknown_setting_is_a_warning_with_the_nearest_one() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).file("--config", r#"{"log_fromat": "json"}"#);
    let ran = tap.only(&["severities"]).run().ok();
    assert!(ran.stderr.contains("no setting `log_fromat`; did you mean `log_format`?"));
}

#[test]
fn an_unknown_stream_is_a_warning_and_an_error_when_nothing_else_is_selected() {
    let stand_in = stand_in();
    let unknown = json!({"tap_stream_id": "runbooks", "metadata": [
        {"breadcrumb": [], "metadata": {"selected": true}}]});
    let mut known = unknown.clone();
    known["tap_stream_id"] = "severities".into();
    let catalog = json!({"streams": [unknown.clone(), known]}).to_string();
    let ran = Tap::of(&stand_in).file("--catalog", &catalog).run().ok();
    assert!(ran.stderr.contains("WARNING the catalog selects `runbooks`"), "{}", ran.stderr);
    assert_eq!(ran.records("severities").len(), 4);
    let catalog = json!({"streams": [unknown]}).to_string();
    let ran = Tap::of(&stand_in).file("--catalog", &catalog).run();
    failed(&ran, 2, "selects no stream of this tap");
}

#[test]
fn another_taps_state_is_carried_forward() {
    let state = json!({"bookmarks": {"issues": {"cursor": [1, 2]}}, "currently_syncing": null,
        "run_began_at": null});
    let ran = Tap::of(&stand_in()).only(&["severities"]).state(&state).run().ok();
    assert_eq!(ran.state(), state);
}

#[test]
fn log_based_replication_is_an_error_and_incremental_where_it_is_not_offered_a_warning() {
    let stand_in = stand_in();
    let ask = |method: &'static str| {
        Tap::of(&stand_in).catalog(&["users"], move |entry| {
            entry["metadata"][0]["metadata"]["replication-method"] = method.into();
        })
    };
    failed(&ask("LOG_BASED").run(), 2, "replication method `LOG_BASED`");
    let ran = ask("INCREMENTAL").run().ok();
    assert!(ran.stderr.contains("INCREMENTAL is not offered; it is read in full"));
}

#[test]
fn a_wrong_host_is_told_of_within_seconds_and_worth_another_run() {
    let tap = Tap::bare().set("api_key", "k").set("endpoint", "http://localhost:1");
    failed(&tap.run(), 5, "no answer from `http://localhost:1` after 4 attempts");
}

#[test]
fn a_wrong_path_is_not() {
    let stand_in = stand_in();
    let endpoint = format!("{}/api", stand_in.url());
    failed(&Tap::of(&stand_in).set("endpoint", &endpoint).run(), 4, "there is nothing at");
}

#[test]
fn html_with_status_200_breaks_the_contract() {
    let stand_in = with_fault("", Action::Html(200));
    failed(&Tap::of(&stand_in).run(), 4, "the API's answer is not as promised: it is HTML");
    let stand_in = with_fault("/v2/users", Action::Html(200));
    let ran = Tap::of(&stand_in).run();
    failed(&ran, 4, "stream `users`, page 1: the API's answer is not as promised: it is HTML");
}

#[test]
fn an_unknown_key_ends_the_run_at_once() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).set("api_key", "wrong-key").run();
    failed(&ran, 3, "the API does not accept the key (401");
    assert!(stand_in.requests().len() <= concurrency());
    assert!(ran.lines.is_empty());
}

#[test]
fn a_key_revoked_while_it_reads_ends_the_run_at_once() {
    let stand_in = with_fault("/v2/users", Action::Status(401));
    let ran = Tap::of(&stand_in).run();
    failed(&ran, 3, "stream `users`");
    assert_eq!(ran.records("teams").len(), 0);
    assert_eq!(ran.records("severities").len(), 4);
    assert_eq!(ran.state()["currently_syncing"], "users");
}

#[test]
fn a_stream_that_may_not_be_read_is_skipped_and_named_in_the_last_line() {
    let forbidden = vec!["/v2/schedules".to_owned()];
    let stand_in = stand_in_with(Options { forbidden, ..Options::default() });
    let ran = Tap::of(&stand_in).run().ok();
    assert!(ran.counts().starts_with("WARNING done "), "{}", ran.counts());
    let names = "(schedules, schedule_entries, schedule_overrides, schedule_replicas, \
                 schedule_sync_rules)";
    assert!(ran.counts().ends_with(&format!("not_permitted=5 {names}")), "{}", ran.counts());
    assert!(
        ran.stderr.contains("stream `schedule_overrides` is skipped: its parent `schedules`: it")
    );
    assert!(ran.stderr.contains("stream `schedules` is skipped: it needs `schedules.view` (403"));
    assert_eq!(ran.records("workflows").len(), 4);
    let tap = Tap::of(&stand_in).set("forbidden_streams", "fail");
    failed(&tap.run(), 3, &first_of_all("stream `schedules`"));
}

#[test]
fn a_key_that_may_read_nothing_is_an_error() {
    let forbidden = vec!["/v1/severities".to_owned(), "/v2/users".to_owned()];
    let stand_in = stand_in_with(Options { forbidden, ..Options::default() });
    let ran = Tap::of(&stand_in).only(&["severities", "users"]).run();
    failed(&ran, 3, "the key may read none of the selected streams: severities, users");
}

#[test]
fn a_403_of_a_proxy_is_not_taken_for_the_apis() {
    let stand_in = with_fault("/v2/users", Action::Html(403));
    failed(&Tap::of(&stand_in).only(&["users", "teams"]).run(), 4, "stream `users`");
}

#[test]
fn a_403_after_the_first_page_fails_its_stream() {
    let stand_in = stand_in_with(Options { page_cap: Some(10), ..Options::default() });
    let (skip, times) = (1, usize::MAX);
    let action = Action::Status(403);
    stand_in.fault(Fault { path: "/v2/incident_updates".into(), skip, times, action });
    let ran = Tap::of(&stand_in).only(&["severities", "incident_updates"]).run();
    failed(&ran, 3, "stream `incident_updates`, page 1: the key may not read it (403");
    assert_eq!(ran.records("incident_updates").len(), 10, "what came first was written");
}

#[test]
fn the_exit_code_is_that_of_the_first_failure() {
    for (first, second, code) in [(500, 404, 5), (404, 500, 4)] {
        let stand_in = with_fault("/v2/users", Action::Status(first));
        stand_in.fault(Fault::always("/v2/alerts", Action::Status(second)));
        let ran = Tap::of(&stand_in).only(&["users", "teams", "alerts"]).run();
        failed(&ran, code, "2 of 3 streams failed; the first: stream `users`");
        assert!(!ran.records("teams").is_empty());
    }
}

#[test]
fn a_404_of_a_proxy_is_not_taken_for_a_deleted_record() {
    let stand_in = stand_in();
    let (skip, times, action) = (2, 1, Action::Html(404));
    stand_in.fault(Fault { path: "/v3/alert_routes".into(), skip, times, action });
    let ran = Tap::of(&stand_in).only(&["alert_routes"]).run();
    failed(&ran, 4, "the API does not take the request `/v3/alert_routes/");
}

#[test]
fn an_error_of_the_api_comes_with_its_request_id() {
    let stand_in = with_fault("/v2/users", Action::Status(500));
    let ran = Tap::of(&stand_in).only(&["users"]).run();
    failed(&ran, 5, ", request ");
}

#[test]
fn a_500_that_stays_fails_its_stream_and_the_others_are_read() {
    let stand_in = with_fault("/v2/users", Action::Status(500));
    let ran = Tap::of(&stand_in).run();
    failed(&ran, 5, &first_of_all("stream `users`: the API could not answer"));
    assert_eq!(ran.records("users").len(), 0);
    assert_eq!(ran.records("incidents").len(), 29);
    assert!(ran.state()["bookmarks"]["incidents"].is_object());
}

#[test]
fn fail_fast_ends_at_the_first_failure_with_a_true_state() {
    let stand_in = with_fault("/v2/users", Action::Status(500));
    let ran = Tap::of(&stand_in).arg("--fail-fast").run();
    failed(&ran, 5, "stream `users`");
    assert_eq!(ran.records("incidents").len(), 0);
    assert_eq!(ran.state()["bookmarks"], json!({}));
}

#[test]
fn a_failed_stream_keeps_its_bookmark() {
    let stand_in = stand_in_with(Options { page_cap: Some(10), ..Options::default() });
    stand_in.fault(Fault {
        path: "/v2/incidents".into(),
        skip: 1,
        times: usize::MAX,
        action: Action::Status(503),
    });
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-10-01T00:00:00Z"}}});
    let ran = Tap::of(&stand_in).documented().only(&["incidents"]).state(&state).run();
    failed(&ran, 5, "stream `incidents`, page 1");
    assert!(!ran.records("incidents").is_empty(), "what came first was written");
    let bookmark = &ran.state()["bookmarks"]["incidents"];
    assert_eq!(bookmark["updated_at"], state["bookmarks"]["incidents"]["updated_at"]);
}

#[test]
fn a_repeated_cursor_is_an_error() {
    let stand_in = stand_in_with(Options { page_cap: Some(10), ..Options::default() });
    stand_in.fault(Fault {
        path: "/v2/alerts".into(),
        skip: 1,
        times: 9,
        action: Action::SameCursor,
    });
    let ran = Tap::of(&stand_in).only(&["alerts"]).run();
    failed(&ran, 4, "a second time");
}

#[test]
fn a_top_level_list_that_is_not_there_fails() {
    let stand_in = with_fault("/v2/users", Action::Status(404));
    failed(
        &Tap::of(&stand_in).only(&["users", "teams"]).run(),
        4,
        "there is nothing at `/v2/users",
    );
}

#[test]
fn a_list_of_details_that_is_not_there_fails_too() {
    let stand_in = with_fault("/v3/alert_routes", Action::Status(404));
    let ran = Tap::of(&stand_in).only(&["alert_routes"]).run();
    failed(&ran, 4, "there is nothing at `/v3/alert_routes?");
    assert!(!ran.stderr.contains("deleted while they were read"), "{}", ran.stderr);
}

#[test]
fn a_record_without_its_key_is_an_error_that_says_which() {
    let mut workspace = Workspace::with_months(1).unwrap();
    workspace.edit("/v2/users", |rows| {
        rows[2].as_object_mut().unwrap().remove("id");
    });
    let ran = Tap::of(&serve(workspace, Options::default())).only(&["users"]).run();
    failed(&ran, 4, "lacks its key `id`");
    assert_eq!(ran.records("users").len(), 0, "a broken page leaves nothing behind");
}

#[test]
fn an_incident_without_a_time_counts_as_changed_and_is_told_of() {
    for time in [json!(null), json!("yesterday"), json!(1_795_176_000)] {
        let mut workspace = Workspace::with_months(1).unwrap();
        workspace.edit("/v2/incidents", |rows| rows[2]["updated_at"] = time);
        let body = json!({"incidents": workspace.rows("/v2/incidents")}).to_string();
        let stand_in = serve(workspace, Options::default());
        stand_in.fault(Fault::always("/v2/incidents", Action::Body(body)));
        let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-20T12:00:00Z"}}});
        let ran = Tap::of(&stand_in).only(&["incidents"]).state(&state).run().ok();
        let records = ran.records("incidents");
        assert!(records.iter().any(|record| record["updated_at"].is_null()), "{}", ran.stderr);
        let line = "records that do not say when they changed, and so count as changed: 1";
        assert!(ran.stderr.contains(line), "{}", ran.stderr);
    }
}

#[test]
fn any_other_json_as_a_body_is_an_error() {
    for body in ["[]", "null", "{}", "3", r#"{"users": {}}"#, r#"{"users": [3]}"#, "{\"users\": ["]
    {
        let stand_in = with_fault("/v2/users", Action::Body(body.into()));
        failed(&Tap::of(&stand_in).only(&["users"]).run(), 4, "stream `users`, page 1");
    }
}

#[test]
fn a_stream_that_failed_says_so_in_its_metrics() {
    let stand_in = with_fault("/v2/users", Action::Status(404));
    let ran = Tap::of(&stand_in).only(&["severities", "users"]).run();
    let timers = ran.stderr.lines().filter(|line| line.contains("_duration"));
    let failed = timers.map(|line| line.contains(r#""status":"failed""#)).collect::<Vec<_>>();
    assert_eq!(failed, [false, true, true], "two streams, then the run");
}

#[test]
fn the_log_comes_as_json_lines_too() {
    let ran = Tap::of(&stand_in()).arg("--log-format").arg("json").only(&["severities"]).run().ok();
    for line in ran.stderr.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["ts"].as_f64(), Some(1_795_176_000.0), "{NOW}");
        assert!(event["level"] == "info" || event["level"] == "warning", "{event}");
    }
    assert!(ran.stderr.contains(r#""metric_info":{"metric":"record_count""#));
}

#[test]
fn a_value_that_would_break_something_later_is_an_error_now() {
    let stand_in = stand_in();
    for (name, value) in [
        ("request_timeout", "9999999999999"),
        ("rate_limit_reserve_percent", "100"),
        ("user_agent", "line\nbreak"),
        ("endpoint", "https://user:pa55@host"),
    ] {
        let ran = Tap::of(&stand_in).set(name, value).run();
        failed(&ran, 2, &format!("`{name}`"));
        assert!(!ran.stderr.contains("pa55"), "{}", ran.stderr);
    }
    let state = json!({"bookmarks": {"incidents": "2026-11-01T00:00:00Z"}});
    failed(&Tap::of(&stand_in).state(&state).run(), 2, "`bookmarks.incidents` is");
}

#[test]
fn a_config_that_is_the_key_itself_is_not_shown() {
    let ran = Tap::bare().file("--config", "\"s3cret-abcdef\"").run();
    failed(&ran, 2, "it is not a JSON object");
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn a_wait_of_centuries_is_not_begun() {
    let stand_in = stand_in();
    stand_in.fault(Fault {
        path: "/v2/users".into(),
        skip: 0,
        times: 2,
        action: Action::Status(503),
    });
    let forever = Action::RetryAfter { seconds: u64::MAX };
    stand_in.fault(Fault { path: "/v2/users".into(), skip: 2, times: 1, action: forever });
    failed(&Tap::of(&stand_in).only(&["users"]).run(), 5, "stream `users`");
}

#[test]
fn a_key_in_the_wrong_setting_is_not_printed() {
    let key = "inc_live_0123456789/abcdef";
    let tap = || Tap::bare().set("api_key", "k");
    let actian = || tap().set("source", "actian").set("tenant", "harbour");
    for tap in [
        Tap::bare().set("api_key_file", key),
        Tap::bare().set("api_key_file", &key.replace('/', "")),
        tap().set("endpoint", &format!("https://api.example/?key={key}")),
        actian().set("endpoint", &format!("https://api.example/api/backend/other?key={key}")),
        actian().set("endpoint", &format!("https://api.example/api/backend/harbour?key={key}")),
    ] {
        let ran = tap.run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!ran.stderr.contains("inc_live"), "{}", ran.stderr);
    }
    let ran = Tap::bare().set("api_key_file", "/tmp/no-such-key").run();
    assert!(ran.stderr.contains("`api_key_file` \"/tmp/no-such-key\" cannot be read"));
}

#[test]
fn what_others_write_gives_a_terminal_no_orders() {
    let stand_in = stand_in();
    let body = "\u{1b}[2Jgone\u{7}".to_owned();
    stand_in.fault(Fault::always("/v1/severities", Action::StatusBody(400, body)));
    let ran = Tap::of(&stand_in).only(&["severities"]).run();
    assert_eq!(ran.code, 4);
    assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{:?}", ran.stderr);
}
