//! What is read out of a body, and what is wrong with one.

use serde_json::{Value, json};

use super::*;
use crate::source::request::Request;
use crate::sources::incident_io::INCIDENT_IO;

/// The records of a body read as a page of severities with this schema.
fn read(schema: &Value, body: impl AsRef<[u8]>) -> Result<Page, Error> {
    let stream = INCIDENT_IO.named("severities").unwrap();
    let projection = Projection::new(schema, schema, &Value::Null);
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
    let first = Request::new(stream.path);
    let series = Series::of(first);
    let lines = Lines::default().framed((String::new(), "\n".to_owned()));
    let body = Body { text: body.as_ref(), read_at: DateTime::UNIX_EPOCH };
    reader.read(body, &series, &mut HashSet::new(), lines)
}

fn text(page: &Page) -> String {
    String::from_utf8(page.lines.pieces().collect::<Vec<_>>().concat()).unwrap()
}

fn lines(schema: &Value, body: &str) -> String {
    text(&read(schema, body).unwrap())
}

fn schema(fields: &Value) -> Value {
    let mut schema = json!({"properties": {"id": {"type": "string"}}});
    schema["properties"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    schema
}

#[test]
fn numbers_arrive_as_they_were_sent() {
    let schema = schema(&json!({"n": {"type": ["null", "number"]}}));
    let body = r#"{"severities": [{"id": "1", "n": 1234567.8901234567},
        {"id": "2", "n": 1.0}, {"id": "3", "n": 1E40}, {"id": "4", "n": 9007199254740993}]}"#;
    let expected = "{\"id\":\"1\",\"n\":1234567.8901234567}\n{\"id\":\"2\",\"n\":1.0}\n\
                    {\"id\":\"3\",\"n\":1E40}\n{\"id\":\"4\",\"n\":9007199254740993}\n";
    assert_eq!(lines(&schema, body), expected);
}

#[test]
fn an_integer_beyond_64_bits_becomes_null_and_is_noted() {
    let schema = schema(&json!({"n": {"type": ["null", "integer"]}}));
    let body = r#"{"severities": [{"id": "1", "n": 9223372036854775807},
        {"id": "2", "n": 9223372036854775808}, {"id": "3", "n": -9223372036854775809}]}"#;
    let page = read(&schema, body).unwrap();
    let lines = text(&page);
    assert!(lines.starts_with("{\"id\":\"1\",\"n\":9223372036854775807}\n"), "{lines}");
    assert_eq!(lines.matches("null").count(), 2);
    assert_eq!(page.nulled.into_iter().collect::<Vec<_>>(), ["n"]);
}

#[test]
fn an_empty_time_becomes_null_and_an_empty_text_stays() {
    let schema = schema(&json!({
        "at": {"type": ["null", "string"], "format": "date-time"},
        "name": {"type": ["null", "string"]},
    }));
    let body = r#"{"severities":[{"id":"1","at":"","name":""}]}"#;
    assert_eq!(lines(&schema, body), "{\"id\":\"1\",\"at\":null,\"name\":\"\"}\n");
}

#[test]
fn a_pretty_printed_body_gives_one_line_per_record() {
    let schema = schema(&json!({"map": {"type": ["null", "object"]}, "list": {"type":
        ["null", "array"], "items": {"type": ["null", "object"], "properties": {"a": {}}}}}));
    let body = "{\n \"severities\": [\n {\n \"id\": \"1\",\n \"map\": {\n \"k y\": [\n1 ]\n},
        \"list\": [ { \"a\": [1,\r\n2] }, null, {} ] } ]\n}";
    assert_eq!(
        lines(&schema, body),
        "{\"id\":\"1\",\"map\":{\"k y\":[1]},\"list\":[{\"a\":[1,2]},null,{}]}\n"
    );
}

#[test]
fn a_nul_is_taken_out_of_texts_and_makes_no_name_that_of_another() {
    let schema = schema(&json!({"map": {"type": ["null", "object"]}, "t": {}}));
    let body = r#"{"severities": [{"id": "1", "t": "a\u0000b", "map": {"k\u0000": "\u0000"}}]}"#;
    assert_eq!(lines(&schema, body), "{\"id\":\"1\",\"t\":\"ab\",\"map\":{\"k\u{fffd}\":\"\"}}\n");
}

#[test]
fn a_value_of_another_type_than_the_schemas_becomes_null() {
    let object = json!({"type": ["null", "object"], "properties": {"a": {}}});
    let schema = schema(&json!({"o": object, "l": {"type": ["null", "array"], "items": object}}));
    for value in ["\"x\\n\"", "true", "-7", "18446744073709551615", "[1,{\"b\":2}]", "null"] {
        let body = format!(r#"{{"severities":[{{"id":"1","o":{value},"l":{value}}}]}}"#);
        let page = read(&schema, &body).unwrap();
        // A list for the list is one, with items that are none.
        let list = if value.starts_with('[') { "[null,{}]" } else { "null" };
        let expected = format!("{{\"id\":\"1\",\"o\":null,\"l\":{list}}}\n");
        assert_eq!(text(&page), expected);
        assert_eq!(page.nulled.is_empty(), value == "null");
    }
}

#[test]
fn an_unknown_field_is_noted_with_its_path_and_left_out() {
    let schema = schema(&json!({"o": {"type": ["null", "object"], "properties": {"a": {}}}}));
    let page = read(&schema, r#"{"severities":[{"id":"1","x":1,"o":{"a":1,"y":[]}}]}"#);
    let page = page.unwrap();
    assert_eq!(text(&page), "{\"id\":\"1\",\"o\":{\"a\":1}}\n");
    assert_eq!(page.unknown.into_iter().collect::<Vec<_>>(), ["o.y", "x"]);
}

#[test]
fn an_empty_or_absent_cursor_is_the_end() {
    let schema = schema(&json!({}));
    for meta in [
        "",
        r#", "pagination_meta": {"after": ""}"#,
        r#", "pagination_meta": {}"#,
        r#", "pagination_meta": null"#,
    ] {
        let page = read(&schema, format!(r#"{{"severities": []{meta}}}"#)).unwrap();
        assert_eq!((page.after, page.received), (None, 0));
    }
}

#[test]
fn null_reads_as_a_list_without_records() {
    let schema = schema(&json!({}));
    let page = read(&schema, r#"{"severities": null, "pagination_meta": {"after": "x"}}"#);
    let page = page.unwrap();
    assert_eq!((page.after.as_deref(), page.received), (Some("x"), 0));
}

#[test]
fn names_beside_the_records_are_read_as_they_are_meant() {
    let body = r#"{"sever\u0069ties":[{"id":"1"}],
        "pagination\u005fmeta":{"\u0061fter":"x","total_record_count":"many"}}"#;
    let page = read(&schema(&json!({})), body).unwrap();
    assert_eq!((page.after.as_deref(), page.received, page.total), (Some("x"), 1, None));
}

#[test]
fn a_body_that_is_not_utf_8_is_an_error_that_says_where() {
    let body = b"{\"severities\":[{\"id\":\"\xc3\"}]}";
    let error = read(&schema(&json!({})), body).unwrap_err().to_string();
    assert!(error.contains("it is not UTF-8"), "{error}");
    assert!(error.contains("from index 22"), "{error}");
}

#[test]
fn what_is_wrong_with_a_body_is_said() {
    let schema = schema(&json!({}));
    let said = |body: &str| read(&schema, body).unwrap_err().to_string();
    let messages = [
        said("<html>"),
        said(r#"{"severities": [{"id": "1"}"#),
        said(r#"{"severity": []}"#),
        said(r#"{"severities": [{"id": "1"}], "sever\u0069ties": []}"#),
        said(r#"{"severities": [], "pagination_meta": {}, "pagination\u005fmeta": {}}"#),
        said(r#"{"severities": [], "pagination_meta": ["x", 1]}"#),
        said(r#"{"severities": [], "pagination_meta": "x"}"#),
        said(r#"{"severities": [], "pagination_meta": {"after": 5}}"#),
        said(r#"{"severities": [], "pagination_meta": {"after": "x", "aft\u0065r": null}}"#),
        said(&format!(
            r#"{{"severities": [], "pagination_meta": {{"after": ["{}"]}}}}"#,
            "x".repeat(100)
        )),
        said(r#"{"severities": [{"id": "1"}, {"id": null}]}"#),
        said(r#"{"severities": [{"id": {"a": 1}}]}"#),
        said(r#"{"severities": [{"id": "1", "id": "2"}]}"#),
        said(r#"{"severities": [[]]}"#),
        said(&format!(r#"{{"severities":[{{"id":"1"}},{{"id":"2","x":{}"#, "[".repeat(200))),
        said(r#"{"severities": []} trailing"#),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}
