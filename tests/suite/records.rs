//! What a page becomes where its values are not what the schema, the request or the targets expect.

use std::collections::HashSet;

use serde_json::{Value, json};
use stand_in::NOW;
use tap_incident::base::error::Error;
use tap_incident::page::{Body, Page, Reader};
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::source::request::{Request, Series};
use tap_incident::source::schema;
use tap_incident::sources::incident_io::INCIDENT_IO;

/// A page of a stream, as a projection has it.
fn read(
    name: &str,
    projection: Projection,
    bound: &[(&'static str, &str)],
    body: &str,
) -> Result<Page, Error> {
    let stream = INCIDENT_IO.named(name).unwrap();
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
    let bound = bound.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let series = Series { bound, ..Series::of(Request::new(stream.path)) };
    let lines = Lines::default().framed((String::new(), "\n".to_owned()));
    let body = Body { text: body.as_bytes(), read_at: NOW };
    reader.read(body, &series, &mut HashSet::new(), lines)
}

/// As the stream's own schema has it.
fn page_of(name: &str, bound: &[(&'static str, &str)], body: &str) -> Result<Page, Error> {
    let schema = schema::embedded(INCIDENT_IO.named(name).unwrap()).unwrap();
    read(name, Projection::new(&schema, &schema, &schema), bound, body)
}

/// As another schema has it than ours.
fn severities(schema: &Value, ours: &Value, body: &str) -> Result<Page, Error> {
    read("severities", Projection::new(schema, schema, ours), &[], body)
}

fn text(page: &Page) -> String {
    String::from_utf8(page.lines.pieces().collect::<Vec<_>>().concat()).unwrap()
}

fn schema(fields: &Value) -> Value {
    let mut schema = json!({"properties": {"id": {"type": "string"}}});
    schema["properties"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    schema
}

#[test]
fn half_a_surrogate_pair_and_a_number_without_end_reach_no_target() {
    let schema = schema(&json!({"t": {"type": "string"}, "map": {"type": "object"}}));
    let body = r#"{"severities":[{"id":"1","t":"a\ud800",
        "map":{"\udfff":[1e400,"\ud83d\ude00"]}}]}"#;
    let page = severities(&schema, &Value::Null, body).unwrap();
    let expected = "{\"id\":\"1\",\"t\":\"a\u{fffd}\",\
        \"map\":{\"\u{fffd}\":[null,\"\\ud83d\\ude00\"]}}\n";
    assert_eq!((text(&page).as_str(), page.values_nulled), (expected, 3));
}

#[test]
fn half_a_surrogate_pair_reaches_no_target_in_the_name_of_a_field_that_is_known() {
    let field = json!({"type": ["null", "object"], "properties": {"\u{fffd}": {"type": "string"}}});
    let known = schema(&json!({"\u{fffd}": field, "a": {}}));
    let body = r#"{"severities":[{"\ud800":{"\udfff":"x"},"id":"1","a":2}]}"#;
    let page = severities(&known, &Value::Null, body).unwrap();
    assert_eq!(text(&page), "{\"\u{fffd}\":{\"\u{fffd}\":\"x\"},\"id\":\"1\",\"a\":2}\n");
    let selected = schema(&json!({"a": {}}));
    let page = read("severities", Projection::new(&selected, &known, &Value::Null), &[], body);
    assert_eq!(text(&page.unwrap()), "{\"id\":\"1\",\"a\":2}\n");
}

#[test]
fn what_is_not_sent_or_null_is_no_value_that_does_not_fit() {
    let time = json!({"type": ["null", "string"], "format": "date-time"});
    let schema = schema(&json!({"at": time, "n": {"type": ["null", "integer"]}}));
    for sent in ["", r#","at":null,"n":null"#, r#","at":"""#] {
        let body = format!(r#"{{"severities":[{{"id":"1"{sent}}}]}}"#);
        let page = severities(&schema, &Value::Null, &body).unwrap();
        assert_eq!(text(&page), "{\"id\":\"1\",\"at\":null,\"n\":null}\n");
        assert_eq!((page.values_nulled, page.nulled.len()), (0, 0), "{sent}");
    }
}

#[test]
fn of_a_field_of_several_types_each_comes() {
    let inner = json!({"a": {"type": ["null", "integer"]}});
    let schema = schema(&json!({
        "o": {"type": ["null", "string", "object"], "properties": inner},
        "l": {"type": ["null", "array", "integer"], "items": {"type": ["null", "string"]}},
    }));
    for (sent, expected, nulled) in [
        (r#""o":"x","l":5"#, r#""o":"x","l":5"#, 0),
        (r#""o":{"a":5,"b":6},"l":["x"]"#, r#""o":{"a":5},"l":["x"]"#, 0),
        (r#""o":"\ud800","l":5.0"#, "\"o\":\"\u{fffd}\",\"l\":5.0", 1),
        (r#""o":5,"l":5.5"#, r#""o":null,"l":null"#, 2),
        (r#""o":null,"l":null"#, r#""o":null,"l":null"#, 0),
    ] {
        let body = format!(r#"{{"severities":[{{"id":"1",{sent}}}]}}"#);
        let page = severities(&schema, &Value::Null, &body).unwrap();
        assert_eq!(text(&page), format!("{{\"id\":\"1\",{expected}}}\n"));
        assert_eq!(page.values_nulled, nulled, "{sent}");
    }
}

#[test]
fn a_name_with_a_nul_is_unknown() {
    let page = severities(
        &schema(&json!({})),
        &Value::Null,
        r#"{"severities":[{"i\u0000d":"2","id":"1"}]}"#,
    );
    let page = page.unwrap();
    assert_eq!(text(&page), "{\"id\":\"1\"}\n");
    assert_eq!(page.unknown.into_iter().collect::<Vec<_>>(), ["id\u{fffd}"]);
}

#[test]
fn what_ours_never_emits_no_other_schema_brings_in() {
    let ours = json!({"properties": {"id": {"type": "string"}, "images": {"type": "array",
        "items": {"type": "object", "properties":
            {"id": {"type": "string"}, "url": {"inclusion": "unsupported"}}}}}});
    for images in [
        json!({}),
        json!({"type": "array"}),
        json!({"type": "object", "properties": {"id": {}, "url": {}}}),
        json!({"type": "array", "items": {}}),
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"items": {"properties": {"id": {}, "url": {}}}}),
    ] {
        let schema = schema(&json!({ "images": images }));
        for sent in [r#"[{"id":"I","url":"S"}]"#, r#"{"id":"I","url":"S"}"#, r#"["S"]"#] {
            let body = format!(r#"{{"severities":[{{"id":"1","images":{sent}}}]}}"#);
            let page = severities(&schema, &ours, &body).unwrap();
            assert!(!text(&page).contains('S'), "{images}: {}", text(&page));
        }
    }
}

#[test]
fn added_columns_are_read_beside_whatever_else_there_is() {
    let body = r#"{"metadata":{"x":1e999,"data_synced_at":"2026-01-01T00:00:00\u005a"},
        "incident_participant_workloads":[{"user":{"name":"\ud800","id":"U"},"workload":{}}]}"#;
    let page = page_of("incident_participant_workloads", &[("incident_id", "I")], body);
    let line = serde_json::from_str::<Value>(&text(&page.unwrap())).unwrap();
    assert_eq!(line["user_id"], "U");
    assert_eq!(line["data_synced_at"], "2026-01-01T00:00:00Z");
    let body = body.replace("2026-01-01T00:00:00\\u005a", "");
    let page = page_of("incident_participant_workloads", &[("incident_id", "I")], &body);
    let line = serde_json::from_str::<Value>(&text(&page.unwrap())).unwrap();
    assert_eq!(line["data_synced_at"], Value::Null);
    for misfit in ["5", "1e999", "\"\\ud800\"", "[1e999]"] {
        let body = body.replace("\"\"}", &format!("{misfit}}}"));
        let page = page_of("incident_participant_workloads", &[("incident_id", "I")], &body);
        let page = page.unwrap();
        assert!(text(&page).contains("\"data_synced_at\":null"), "{misfit}");
        assert!(page.nulled.contains("data_synced_at"), "{misfit}");
    }
}

#[test]
fn of_a_field_that_comes_twice_and_is_left_out_the_last_counts() {
    let ours =
        schema::embedded(INCIDENT_IO.named("incident_participant_workloads").unwrap()).unwrap();
    let mut selected = ours.clone();
    selected["properties"].as_object_mut().unwrap().remove("user");
    let body = r#"{"metadata":{},"incident_participant_workloads":[
        {"user":{"id":"U","id":"V"},"workload":{},"user":{"id":"W","id":"X"}}]}"#;
    let projection = Projection::new(&selected, &ours, &ours);
    let page = read("incident_participant_workloads", projection, &[("incident_id", "I")], body);
    assert!(text(&page.unwrap()).contains(r#""user_id":"X""#));
}

#[test]
fn a_row_of_another_parent_is_an_error_that_names_both() {
    let body = r#"{"incident_attachments":[{"id":"1","incident_id":"P3"}]}"#;
    let read = |parent| page_of("incident_attachments", &[("incident_id", parent)], body);
    assert_eq!(read("P3").unwrap().emitted, 1);
    let error = read("P4").unwrap_err().to_string();
    assert!(error.contains(r#"has `incident_id` "P3" where "P4" was asked for"#), "{error}");
    // What belongs to a group names no alert.
    let body = r#"{"alert_notes":[{"id":"1","alert_group_id":"G","alert_id":null}]}"#;
    assert_eq!(page_of("alert_notes", &[("alert_group_id", "G")], body).unwrap().emitted, 1);
    assert!(page_of("alert_notes", &[("alert_group_id", "H")], body).is_err());
}

#[test]
fn of_rows_that_share_a_key_only_the_same_are_one() {
    let row = |note: &str| {
        format!(
            r#"{{"fingerprint":"F","user":{{"id":"U","name":"{note}"}},"start_at":"2026-01-01T00:00:00Z","end_at":"2026-01-02T00:00:00Z"}}"#
        )
    };
    let list = [row("a"), row("b"), row("a")].join(",");
    let body =
        format!(r#"{{"schedule_entries":{{"final":[{list}],"overrides":[],"scheduled":null}}}}"#);
    let page = page_of("schedule_entries", &[("schedule_id", "S")], &body).unwrap();
    assert_eq!((page.emitted, page.sharing_keys), (2, 1), "{}", text(&page));
}
