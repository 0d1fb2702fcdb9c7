//! What a catalog that comes back selects: streams, fields and how to read them.

use crate::support::{Ran, Tap, stand_in};
use serde_json::{Value, json};

/// A run with a catalog of these entries.
fn with_catalog(entries: &Value) -> Ran {
    let catalog = json!({"streams": entries}).to_string();
    Tap::of(&stand_in()).file("--catalog", &catalog).run()
}

/// An entry with this metadata of the stream itself.
fn entry(stream: &str, root: &Value) -> Value {
    json!({"tap_stream_id": stream, "metadata": [{"breadcrumb": [], "metadata": root}]})
}

/// The streams that were announced, in order.
fn announced(ran: &Ran) -> Vec<String> {
    let schemas = ran.messages().into_iter().filter(|message| message["type"] == "SCHEMA");
    schemas.map(|message| crate::support::text(&message["stream"])).collect()
}

#[test]
fn selected_may_be_text_or_at_the_top_level_and_the_metadata_wins() {
    let top_level = json!({"tap_stream_id": "users", "selected": true});
    let mut refused = entry("teams", &json!({"selected": false}));
    refused["selected"] = true.into();
    let ran = with_catalog(&json!([
        top_level,
        refused,
        entry("severities", &json!({"selected": "True"})),
        entry("incident_types", &json!({"selected": "false"})),
        entry("incident_roles", &json!({"selected-by-default": true})),
        entry("custom_fields", &json!({})),
        entry("runbooks", &json!({"selected-by-default": true})),
    ]))
    .ok();
    assert_eq!(announced(&ran), ["severities", "incident_roles", "users"], "the table's order");
    assert!(!ran.stderr.contains("runbooks"), "nobody asked for it");
}

#[test]
fn a_stream_that_a_catalog_lists_twice_is_read_once() {
    let severities = entry("severities", &json!({"selected": true}));
    let ran = with_catalog(&json!([severities, severities])).ok();
    assert_eq!(announced(&ran), ["severities"]);
    assert_eq!(ran.records("severities").len(), 4);
    assert!(
        ran.stderr.contains("WARNING the catalog selects `severities` twice"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_wrong_in_a_catalog_is_said_with_its_place_and_value() {
    let users = |part: &str, value: Value| {
        let mut users = entry("users", &json!({"selected": true}));
        *users.pointer_mut(part).unwrap() = value;
        json!([entry("severities", &json!({})), users])
    };
    let listless = json!([{"tap_stream_id": "users", "selected": true,
        "schema": {"properties": ["id"]}}]);
    for (entries, expected) in [
        (
            users("/metadata/0/metadata/selected", json!("yes")),
            "streams[1].metadata[0].metadata.selected: invalid value: \"yes\", expected true or false",
        ),
        (
            users("/metadata/0/breadcrumb", json!("properties")),
            "streams[1].metadata[0].breadcrumb: invalid type: string \"properties\"",
        ),
        (users("/tap_stream_id", json!(7)), "streams[1].tap_stream_id: invalid type: integer `7`"),
        (listless, "the `properties` of the schema of `users` are no object but [\"id\"]"),
    ] {
        let ran = with_catalog(&entries);
        assert_eq!(ran.code, 2, "{expected}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        assert!(ran.lines.is_empty());
    }
}

#[test]
fn null_is_what_is_not_there() {
    let mut roots = vec![json!({"tap_stream_id": "users", "selected": true, "metadata": null})];
    let root = json!({"breadcrumb": [], "metadata": null});
    roots.push(json!({"tap_stream_id": "severities", "selected": "true", "metadata": [root]}));
    assert_eq!(announced(&with_catalog(&roots.into()).ok()), ["severities", "users"]);
}

#[test]
fn a_choice_for_a_field_that_is_not_there_is_told_of() {
    let mut users = entry("users", &json!({"selected": true}));
    let choose =
        |field: &str| json!({"breadcrumb": ["properties", field], "metadata": {"selected": false}});
    let choices = [choose("emial"), choose("name")];
    users["metadata"].as_array_mut().unwrap().extend(choices);
    let ran = with_catalog(&json!([users])).ok();
    let said =
        "stream `users`: the catalog chooses what is no field of its schema: properties.emial";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!ran.stderr.contains("properties.name"), "{}", ran.stderr);
    assert!(ran.schema("users")["properties"].get("name").is_none());
}

#[test]
fn properties_is_the_older_name_of_catalog() {
    let catalog = json!({"streams": [entry("severities", &json!({"selected": true}))]});
    let ran = Tap::of(&stand_in()).file("--properties", &catalog.to_string()).run().ok();
    assert_eq!(announced(&ran), ["severities"]);
}

#[test]
fn the_replication_method_may_be_at_the_top_level_and_the_metadata_wins() {
    let method = |root: &str, top_level: &str| {
        let mut entry = entry("incidents", &json!({"selected": true, "replication-method": root}));
        if root.is_empty() {
            entry["metadata"][0]["metadata"]["replication-method"] = Value::Null;
        }
        entry["replication_method"] = top_level.into();
        let ran = with_catalog(&json!([entry])).ok();
        let schema = ran.of_type("SCHEMA", "incidents").next().unwrap();
        schema["bookmark_properties"].clone()
    };
    assert_eq!(method("", "FULL_TABLE"), Value::Null);
    assert_eq!(method("", "INCREMENTAL"), json!(["updated_at"]));
    assert_eq!(method("INCREMENTAL", "FULL_TABLE"), json!(["updated_at"]));
    assert_eq!(method("FULL_TABLE", "INCREMENTAL"), Value::Null);
}

#[test]
fn a_schema_without_the_key_gets_it_and_one_without_properties_is_ours() {
    let mut slim = entry("incidents", &json!({"selected": true}));
    slim["schema"] =
        json!({"type": "object", "properties": {"name": {"type": ["null", "string"]}}});
    let mut empty = entry("severities", &json!({"selected": true}));
    empty["schema"] = json!({});
    let ran = with_catalog(&json!([slim, empty])).ok();
    let names = |stream: &str| ran.schema(stream)["properties"].as_object().unwrap().len();
    assert_eq!((names("incidents"), names("severities")), (3, 6));
    assert!(ran.records("incidents").iter().all(|incident| incident["id"].is_string()));
    assert!(ran.schema("incidents")["properties"]["updated_at"].is_object());
}

#[test]
fn a_field_is_left_out_where_the_catalog_says_so_in_any_way() {
    let mut severities = entry("severities", &json!({"selected": true}));
    let field =
        |name: &str, says: &Value| json!({"breadcrumb": ["properties", name], "metadata": says});
    severities["metadata"].as_array_mut().unwrap().extend([
        field("name", &json!({"inclusion": "unsupported", "selected": true})),
        field("rank", &json!({"selected-by-default": false})),
        field("description", &json!({"selected": "false", "selected-by-default": true})),
        field("created_at", &json!({"selected": true, "selected-by-default": false})),
    ]);
    let ran = with_catalog(&json!([severities])).ok();
    let schema = ran.schema("severities");
    let names = schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names, ["created_at", "id", "updated_at"]);
    assert!(ran.records("severities").iter().all(|record| record.as_object().unwrap().len() == 3));
}
