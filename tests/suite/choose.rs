//! Choosing and trying: `--select`, `--test`, `--discover --live`, and catalogs of other releases.

use crate::support::{Ran, Tap, stand_in, stand_in_with};
use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, StandIn, Workspace};
use tap_incident::source::openapi::Openapi;
use tap_incident::sources::incident_io::INCIDENT_IO;

fn select(patterns: &str) -> Ran {
    Tap::of(&stand_in()).arg("--select").arg(patterns).run()
}

/// Streams that a run announced.
fn streams(ran: &Ran) -> Vec<String> {
    let schemas = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    schemas.map(|message| crate::support::text(&message["stream"])).collect()
}

fn fields(ran: &Ran, stream: &str) -> Vec<String> {
    ran.schema(stream)["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn patterns_take_streams_and_leave_streams_out() {
    assert_eq!(streams(&select("custom_field*").ok()), ["custom_fields", "custom_field_options"]);
    assert_eq!(
        streams(&select("status_page?,status_page_c*s,!*components").ok()),
        ["status_pages"]
    );
    assert_eq!(streams(&select("*.*").ok()).len(), INCIDENT_IO.streams.len());
    let default = INCIDENT_IO.streams.iter().filter(|stream| stream.is_default).count();
    assert_eq!(streams(&select("!alerts,!users.*").ok()).len(), default - 2);
}

#[test]
fn patterns_take_fields_with_all_that_is_in_them_and_leave_fields_out() {
    assert_eq!(fields(&select("users.email").ok(), "users"), ["email", "id"]);
    assert!(!fields(&select("users,!users.email").ok(), "users").contains(&"email".into()));
    let ran = select("incidents.severity,incidents.creator.user.name").ok();
    assert_eq!(fields(&ran, "incidents"), ["creator", "id", "severity", "updated_at"]);
    let schema = ran.schema("incidents");
    assert!(schema.pointer("/properties/severity/properties/rank").is_some());
    let creator = schema.pointer("/properties/creator/properties").unwrap();
    assert_eq!(
        creator,
        &json!({"user": {"type": ["null", "object"],
        "properties": {"name": {"type": ["null", "string"]}}}})
    );
}

#[test]
fn thousands_of_patterns_choose_what_they_name() {
    let names = ["id", "name", "rank", "created_at"];
    let patterns = (0..10_000).map(|index| format!("severities.{}", names[index % 4]));
    let patterns = patterns.collect::<Vec<_>>().join(",");
    let ran = Tap::bare().arg("--test=schema").arg("--select").arg(&patterns).run().ok();
    assert_eq!(fields(&ran, "severities"), ["created_at", "id", "name", "rank"]);
}

#[test]
fn patterns_lie_on_top_of_a_catalog() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).only(&["users", "teams", "alerts"]).arg("--select").arg("!alerts");
    assert_eq!(streams(&tap.run().ok()), ["users", "teams"]);
    let deselect = |entry: &mut Value| {
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            if metadata["breadcrumb"][1] == "email" {
                metadata["metadata"]["selected"] = "false".into();
            }
        }
    };
    let tap = Tap::of(&stand_in).catalog(&["users"], deselect).arg("--select").arg("!teams");
    assert!(!fields(&tap.run().ok(), "users").contains(&"email".into()));
}

#[test]
fn patterns_lie_on_a_catalog_with_null_where_metadata_belongs() {
    let stand_in = stand_in();
    for metadata in [json!(null), json!([{"breadcrumb": [], "metadata": null}])] {
        let mut catalog = tap_incident::singer::catalog::discover(&INCIDENT_IO).unwrap();
        for entry in catalog["streams"].as_array_mut().unwrap() {
            entry["metadata"] = metadata.clone();
        }
        let tap = Tap::of(&stand_in).file("--catalog", &catalog.to_string());
        let ran = tap.arg("--select").arg("users.email").run().ok();
        assert_eq!((streams(&ran), fields(&ran, "users").len()), (vec!["users".into()], 2));
    }
}

#[test]
fn a_pattern_that_means_nothing_is_an_error_with_the_nearest_name() {
    for (pattern, nearest) in
        [("inicdents", "incidents"), ("users,!alert", "alerts"), ("users.emial", "users.email")]
    {
        let ran = select(pattern);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let said = format!("means nothing; the nearest is `{nearest}`");
        assert!(ran.last_line().contains(&said), "{}", ran.last_line());
    }
}

#[test]
fn a_test_reads_one_record_of_every_selected_stream_and_emits_no_state() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).arg("--test").arg("--select").arg("*").run().ok();
    for stream in INCIDENT_IO.streams {
        assert!(!ran.records(stream.name).is_empty(), "{}", stream.name);
        assert!(ran.records(stream.name).len() <= 1, "{}", stream.name);
    }
    assert!(!ran.messages().iter().any(|message| message["type"] == "STATE"));
    assert!(stand_in.requests()[0].target.starts_with("/v1/identity"));
    assert!(stand_in.requests().len() < 100, "{}", stand_in.requests().len());
}

#[test]
fn a_test_says_which_streams_may_not_be_read_and_why() {
    let forbidden = vec!["/v2/schedules".to_owned()];
    let stand_in = stand_in_with(Options { forbidden, ..Options::default() });
    stand_in.fault(Fault::always("/v2/workflows", Action::Html(200)));
    let patterns = "severities,schedules,schedule_overrides,workflows";
    let ran = Tap::of(&stand_in).arg("--test=records").arg("--select").arg(patterns).run();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let start = ran.stderr.find("stream  ").unwrap();
    let table = ran.stderr[start..].lines().take(5).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn a_test_of_schemas_needs_neither_key_nor_network() {
    let ran = Tap::bare().arg("--test=schema").run().ok();
    assert_eq!(streams(&ran).len(), ran.lines.len());
    assert_eq!(
        streams(&ran).len(),
        INCIDENT_IO.streams.iter().filter(|stream| stream.is_default).count()
    );
}

/// An API that documents and sends a field newer than this release.
fn newer() -> StandIn {
    let mut document = Openapi::embedded(&INCIDENT_IO).unwrap().as_value().clone();
    document["components"]["schemas"]["UserWithRolesV2"]["properties"]["mfa_enabled"] =
        json!({"type": "boolean"});
    StandIn::start(&document, Workspace::with_months(1).unwrap(), Options::default()).unwrap()
}

#[test]
fn fields_newer_than_the_release_flow_through_a_live_catalog() {
    let stand_in = newer();
    let live = Tap::bare().set("endpoint", &stand_in.url()).arg("--discover").arg("--live");
    let catalog = live.run().ok().lines.join("\n");
    let tap = Tap::of(&stand_in).file("--catalog", &catalog).arg("--select").arg("users");
    let ran = tap.run().ok();
    assert_eq!(
        ran.schema("users")["properties"]["mfa_enabled"]["type"],
        json!(["null", "boolean"])
    );
    assert!(ran.records("users").iter().any(|user| user["mfa_enabled"].is_boolean()));
    assert!(!ran.stderr.contains("mfa_enabled"), "it is not news any more: {}", ran.stderr);
}

#[test]
fn a_live_catalog_asks_for_the_document_without_a_key_and_keeps_what_it_lacks() {
    let stand_in = stand_in();
    let live = Tap::bare().set("endpoint", &stand_in.url()).arg("--discover").arg("--live");
    let ours = std::fs::read_to_string("catalog.json").unwrap();
    assert_eq!(live.run().ok().lines.join("\n") + "\n", ours);
    let body = r#"{"paths": {}, "components": {"schemas": {}}}"#;
    stand_in.fault(Fault::always("/v1/openapiV3.json", Action::Body(body.into())));
    let live = Tap::bare().set("endpoint", &stand_in.url()).arg("--discover").arg("--live");
    let ran = live.run().ok();
    assert!(ran.stderr.contains("stream `users` keeps this release's schema"), "{}", ran.stderr);
    assert_eq!(ran.lines.join("\n") + "\n", ours);
}

#[test]
fn an_old_catalog_works_and_what_is_new_is_said_once() {
    let stand_in = stand_in();
    let old = |entry: &mut Value| {
        let properties = entry["schema"]["properties"].as_object_mut().unwrap();
        properties.retain(|name, _| name != "seats" && name != "custom_roles");
    };
    let ran = Tap::of(&stand_in).catalog(&["users"], old).run().ok();
    let said = ran.stderr.lines().filter(|line| line.contains("that this release has"));
    let said = said.collect::<Vec<_>>();
    assert_eq!(said.len(), 1, "{}", ran.stderr);
    assert!(said[0].contains("users.custom_roles"), "{}", said[0]);
    assert!(!fields(&ran, "users").contains(&"seats".into()));
    assert_eq!(ran.records("users").len(), 14);
}
