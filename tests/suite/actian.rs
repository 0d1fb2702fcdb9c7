//! What is peculiar to Actian: a tenant in the path, bodies made of parents' rows, alerts without an id.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Ran, Tap, sample_of};
use serde_json::{Value, json};
use stand_in::{ACTIAN_TENANT, Action, Fault, Options, Readings, Seen, StandIn};
use tap_incident::sources::actian::ACTIAN;

const ALERTS: &str = "configuration/alerts/by_filters";
const BASE: &str = "/api/backend/harbour%20works%2F7";

fn served() -> StandIn {
    sample_of(&ACTIAN, Options::default())
}

fn tap(stand_in: &StandIn) -> Tap {
    Tap::over(&ACTIAN, stand_in)
}

fn all(stand_in: &StandIn) -> Ran {
    tap(stand_in).arg("--select").arg("*").run().ok()
}

/// The requests for paths that end so.
fn asked(stand_in: &StandIn, end: &str) -> Vec<Seen> {
    let mut requests = stand_in.requests();
    requests.retain(|seen| seen.target.split('?').next().unwrap().ends_with(end));
    requests
}

#[test]
fn all_lies_under_the_tenant_and_every_request_is_of_json() {
    let stand_in = served();
    all(&stand_in);
    for Seen { target, headers, .. } in stand_in.requests() {
        assert!(target.starts_with(&format!("{BASE}/")), "{target}");
        let has = |name: &str, value: &str| headers.contains(&(name.into(), value.into()));
        assert!(has("content-type", "application/json") && has("x-tlm-key", "demo-key"));
    }
}

#[test]
fn an_incident_with_references_is_asked_for_with_each_of_them_once_in_their_order() {
    let stand_in = served();
    stand_in.edit(|workspace| {
        workspace.edit("/incidents/{id}", |rows| {
            let row = rows.iter_mut().find(|row| row["id"] == 1311).unwrap();
            row["asset_id"] = "a\"1".into();
            let at = |time, name| json!({"metric_time": time, "violation_name": name});
            row["history"] = json!([
                {"alert_refs": [at("2026-01-02T00:00:00Z", "B"), at("2026-01-01T00:00:00Z", "A")]},
                {"alert_refs": null},
                {"alert_refs": [at("2026-01-02T00:00:00Z", "A"), {"metric_time": null}, {}]},
            ]);
        });
    });
    let ran = all(&stand_in);
    let bodies = asked(&stand_in, ALERTS);
    let expected = concat!(
        r#"{"sources":["a\"1"],"upload_dates":["2026-01-02T00:00:00Z","2026-01-01T00:00:00Z"],"#,
        r#""violation_names":["B","A"]}"#
    );
    assert!(bodies.iter().any(|seen| seen.body == expected), "{bodies:?}");
    assert!(bodies.iter().all(|seen| seen.method == "POST" && !seen.body.contains("[]")));
    // Those without references, and without an asset, are not asked for: an empty list may filter nothing.
    let details = ran.records("incident_details");
    assert!(bodies.len() < details.len(), "{} of {}", bodies.len(), details.len());
}

#[test]
fn alerts_are_told_apart_by_all_that_they_are() {
    let ran = all(&served());
    let alerts = ran.records("incident_alerts");
    let key =
        |alert: &Value| (alert["incident_id"].as_i64().unwrap(), alert["alert_key"].to_string());
    let keys = alerts.iter().map(key).collect::<BTreeSet<_>>();
    assert_eq!(keys.len(), alerts.len());
    let is_other = |alert: &&Value| alert["description"].is_null();
    let texts =
        alerts.iter().filter(is_other).filter(|alert| alert["description_text"].is_string());
    assert!(texts.count() > 0, "a description that is a text is kept as one");
    assert!(ran.counts().contains(" values_nulled=0 "), "{}", ran.counts());
}

#[test]
fn numbers_of_incidents_stay_numbers() {
    let ran = all(&served());
    for (stream, field) in
        [("incidents", "id"), ("incident_details", "id"), ("incident_alerts", "incident_id")]
    {
        let records = ran.records(stream);
        assert!(records.iter().all(|record| record[field].is_u64()), "{stream}");
        assert_eq!(ran.schema(stream)["properties"][field]["type"], "integer");
    }
    assert!(ran.records("incidents").iter().any(|row| row["id"] == 4_294_967_311_u64));
}

#[test]
fn an_incident_that_vanished_is_counted_and_one_that_is_another_is_an_error() {
    let stand_in = served();
    let ran = all(&stand_in);
    assert!(ran.counts().contains(" parents_skipped=1 "), "{}", ran.counts());
    let other = |target: &str, body: &mut Value| {
        if target.ends_with("/incidents/1311") {
            body["id"] = 1312.into();
        }
    };
    let stand_in =
        sample_of(&ACTIAN, Options { on_answer: Some(Box::new(other)), ..Options::default() });
    let ran = tap(&stand_in).arg("--select").arg("incident_details").run();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.last_line().contains(r#"has `id` "1312" where "1311" was asked for"#));
}

#[test]
fn lists_may_be_wrapped() {
    let readings = Readings { is_wrapped: true, ..Readings::default() };
    let wrapped = sample_of(&ACTIAN, Options { readings, ..Options::default() });
    let (plain, ran) = (all(&served()), all(&wrapped));
    for stream in ACTIAN.streams {
        assert_eq!(
            ran.column(stream.name, stream.key[0]),
            plain.column(stream.name, stream.key[0])
        );
    }
}

#[test]
fn null_is_a_list_without_rows() {
    let stand_in = served();
    stand_in.fault(Fault::always(&format!("/{ALERTS}"), Action::Body("null".to_owned())));
    assert!(all(&stand_in).records("incident_alerts").is_empty());
}

#[test]
fn a_post_is_repeated_as_a_get_is() {
    let stand_in = served();
    let path = format!("/{ALERTS}");
    stand_in.fault(Fault { path, skip: 2, times: 2, action: Action::Status(503) });
    let ran = all(&stand_in);
    assert!(ran.counts().contains(" retries=2 "), "{}", ran.counts());
    let expected = all(&served());
    assert_eq!(
        ran.column("incident_alerts", "alert_key"),
        expected.column("incident_alerts", "alert_key")
    );
}

#[test]
fn filters_go_to_incidents_and_their_distribution_only() {
    let stand_in = served();
    let config = r#"{"filters": {"severities": ["HIGH", "MEDIUM"], "project_ids": [0, 24]}}"#;
    let ran = tap(&stand_in).file("--config", config).run().ok();
    let severities = ran.column("incidents", "severity");
    assert!(
        !severities.is_empty() && severities.iter().all(|one| one == "HIGH" || one == "MEDIUM")
    );
    let query = "project_ids=0%2C24&severities=HIGH%2CMEDIUM";
    for (end, is_filtered) in [("/incidents", true), ("/distribution", true), ("/summary", false)] {
        let asked = asked(&stand_in, end);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].target.contains(query), is_filtered, "{}", asked[0].target);
    }
    // What is left out on purpose is not missing.
    assert!(ran.counts().contains(" streams_short=0 "), "{}", ran.counts());
    for (filters, says) in [
        (
            r#"{"severity": "HIGH"}"#,
            "`filters` has \"severity\", which is no filter; did you mean `severities`?",
        ),
        (
            r#"{"severities": {"a": 1}}"#,
            "`filters.severities` is {\"a\":1}, but must be a text, a number",
        ),
        (r#""HIGH""#, "`filters` is \"HIGH\", but must be of type object"),
    ] {
        let ran = tap(&stand_in).file("--config", &format!("{{\"filters\": {filters}}}")).run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.last_line().contains(says), "{}", ran.last_line());
    }
    let environment = tap(&stand_in).set("filters", r#"{"severities": "LOW"}"#).run().ok();
    assert!(environment.column("incidents", "severity").iter().all(|one| one == "LOW"));
}

#[test]
fn one_key_of_two_is_needed_and_settings_that_are_missing_are_told_together() {
    let stand_in = served();
    let bare = || Tap::bare().set("source", "actian");
    let ran = bare().run();
    assert_eq!(ran.code, 2);
    for says in
        ["`api_key` or `access_token` is missing", "`tenant` is missing", "`endpoint` is missing"]
    {
        assert!(ran.last_line().contains(says), "{}", ran.last_line());
    }
    let ran = tap(&stand_in).set("access_token", "t").run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("`api_key` and `access_token` are both set; keep one"));
    let token = bare().set("endpoint", &stand_in.url()).set("tenant", ACTIAN_TENANT);
    token.set("access_token", "demo-key").run().ok();
    let last = stand_in.requests().pop().unwrap();
    assert!(last.headers.contains(&("authorization".into(), "Bearer demo-key".into())));
    assert!(!last.headers.iter().any(|(name, _)| name == "x-tlm-key"));
}

#[test]
fn an_endpoint_means_the_same_with_what_was_copied_with_it() {
    let stand_in = served();
    for end in ["", "/", "/api/backend", "/api/backend/", BASE] {
        tap(&stand_in).set("endpoint", &(stand_in.url() + end)).run().ok();
    }
    let other = stand_in.url() + "/api/backend/other";
    let ran = tap(&stand_in).set("endpoint", &other).run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.last_line().contains(r#"`endpoint` ends in "other", which is not what `tenant` says"#)
    );
}

#[test]
fn a_tenant_that_does_not_exist_is_an_error_that_names_it() {
    let stand_in = served();
    let ran = tap(&stand_in).set("tenant", "elsewhere").run();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.last_line().contains("hint: check `tenant` and `endpoint`"), "{}", ran.last_line());
    assert!(ran.last_line().contains("it is HTML"), "{}", ran.last_line());
    // Nobody waits for a page to become an API.
    assert!(ran.waited < Duration::from_secs(10), "{:?}", ran.waited);
}

#[test]
fn the_summary_is_held_against_what_came() {
    let stand_in = served();
    let total = |total: usize| {
        stand_in.edit(|workspace| {
            workspace.edit("/incidents/summary", |rows| rows[0]["total"] = total.into());
        });
        let ran = tap(&stand_in).run().ok();
        let count = ran.records("incidents").len();
        (ran, count)
    };
    let (ran, count) = total(20);
    assert!(ran.stderr.contains(&format!("{count} records came where the API counts 20")));
    assert!(ran.counts().contains(" streams_short=1 "), "{}", ran.counts());
    let (ran, count) = total(3);
    let said = format!("{count} records came where incident_summary counted 3 before");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    let (ran, _) = total(count);
    assert!(ran.counts().contains(" streams_short=0 "), "{}", ran.counts());
    assert!(!ran.stderr.contains("counted"), "{}", ran.stderr);
}

#[test]
fn figures_say_whose_they_are_and_when_they_were_read() {
    let ran = tap(&served()).run().ok();
    let summary = &ran.records("incident_summary")[0];
    assert_eq!(
        (&summary["tenant"], &summary["read_at"]),
        (&json!(ACTIAN_TENANT), &json!("2026-11-20T12:00:00Z"))
    );
    let days = ran.records("incident_distribution");
    assert!(days.iter().all(|day| day["read_at"] == "2026-11-20T12:00:00Z"));
    assert!(days.iter().any(|day| day["counts"].get("").is_some()), "a name may be empty");
}
