//! Catalogs that this release did not print: whatever they say of fields, records validate against
//! the SCHEMA that was emitted, nothing comes that nobody chose, and what does not count is told of.

#![cfg(test)]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Ran, Tap, stand_in};
use tap_incident::demo::StandIn;
use tap_incident::schema;

/// A catalog of another tap of the name, as its makers write them: narrow.
const PUBLISHED: &str = include_str!("catalogs/published.json");

/// What is wrong with the schemas and records of a run.
fn problems(ran: &Ran) -> Vec<String> {
    let mut problems = Vec::new();
    for message in ran.messages().iter().filter(|message| message["type"] == "SCHEMA") {
        let name = message["stream"].as_str().unwrap();
        let validator =
            jsonschema::options().should_validate_formats(true).build(&message["schema"]).unwrap();
        for record in ran.records(name) {
            let errors = validator.iter_errors(&record);
            problems.extend(errors.map(|error| format!("{name}: {error}")));
        }
        for (place, property) in schema::properties(&message["schema"]) {
            if schema::is_unsupported(property) {
                problems.push(format!("{name}: {place:?} is emitted"));
            }
        }
    }
    problems
}

fn warnings(ran: &Ran) -> Vec<&str> {
    let of_catalog = |line: &&str| line.starts_with("WARNING") && line.contains("catalog");
    ran.stderr.lines().filter(of_catalog).collect()
}

/// Adds to what the metadata of an entry says of these fields.
fn choose(entry: &mut Value, choices: &[(&[&str], Value)]) {
    for (place, choice) in choices {
        let mut metadata = entry["metadata"].as_array_mut().unwrap().iter_mut();
        let known = metadata.find(|known| known["breadcrumb"] == json!(place)).unwrap();
        for (name, value) in choice.as_object().unwrap() {
            known["metadata"][name] = value.clone();
        }
    }
}

#[test]
fn records_are_valid_whatever_a_published_catalog_demands() {
    let ran = Tap::of(&stand_in()).file("--catalog", PUBLISHED).run().ok();
    let announced = ran.messages().iter().filter(|message| message["type"] == "SCHEMA").count();
    assert_eq!(announced, 16);
    assert_eq!(problems(&ran), [""; 0]);
    for message in ran.messages().iter().filter(|message| message["type"] == "SCHEMA") {
        let words = message["schema"].as_object().unwrap().keys().collect::<Vec<_>>();
        assert_eq!(words, ["properties", "type"]);
        assert_eq!(message.get("bookmark_properties"), None, "it asks for full tables");
    }
    let fields = |stream: &str| ran.schema(stream)["properties"].clone();
    assert!(fields("incidents").get("slack_team_id").is_none(), "the catalog has it not");
    assert!(fields("incidents").get("postmortem_url").is_some(), "only the catalog has it");
    assert!(fields("alert_sources").get("secret_token").is_none());
    assert_eq!(fields("incident_timestamps")["rank"], json!({"type": ["null", "integer"]}));
    assert!(ran.records("follow_ups").iter().any(|record| record["labels"].is_array()));
    let said = warnings(&ran);
    let of =
        |stream: &str| said.iter().filter(|line| line.contains(&format!("`{stream}`"))).count();
    assert_eq!((of("incidents"), of("users"), of("severities")), (1, 1, 1), "{said:?}");
    assert!(said.iter().all(|line| line.len() < 500), "{said:?}");
    assert!(
        ran.stderr.contains(
            "`custom_field_options`: the catalog says what does not count: \
        `additionalProperties`, `required`, `type` of fields"
        ),
        "{}",
        ran.stderr
    );
}

/// Streams of all kinds of values.
const MIXED: [&str; 6] =
    ["users", "severities", "alert_sources", "schedules", "incidents", "custom_fields"];

/// Something that may be found in a catalog in place of a field.
fn any_schema() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(json!({"type": "string", "format": "date-time"})),
        Just(json!({"type": "string", "pattern": "^x$", "maxLength": 1})),
        Just(json!({"type": "string", "enum": ["nothing"]})),
        Just(json!({"type": ["integer", "null"], "minimum": 99_999_999})),
        Just(json!({"type": ["string", "integer"], "format": "date-time"})),
        Just(json!({"type": "number"})),
        Just(json!({"type": "boolean", "const": "never"})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "String"})),
        Just(json!({"type": 5})),
        Just(json!({"$ref": "#/definitions/nowhere"})),
        Just(json!({"inclusion": "unsupported", "type": "string"})),
        Just(json!({"not": {}})),
        Just(json!({})),
        Just(json!(true)),
        Just(json!(null)),
        Just(json!("string")),
        Just(json!([])),
    ];
    plain.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| json!({"type": "array", "items": inner, "minItems": 9})),
            inner.clone().prop_map(|inner| json!({"type": "array", "items": [inner]})),
            inner.clone().prop_map(|inner| json!({"type": "object", "properties": {"a": inner},
                "required": ["a", "b"], "additionalProperties": false})),
            inner.clone().prop_map(|inner| json!({"anyOf": [inner, {"type": "null"}]})),
            inner.clone().prop_map(|inner| json!({"allOf": [inner]})),
            inner.prop_map(|inner| json!({"oneOf": [{"type": "string"}, inner]})),
        ]
    })
}

/// Something that a catalog says otherwise than ours.
#[derive(Debug, Clone)]
enum Twist {
    /// This in place of a field.
    Replace(Value),
    Remove,
    /// A keyword more.
    Say(&'static str, Value),
    /// A field more, which the API sends, beside this one.
    Add(Value),
    /// The field in other words.
    Wrap(&'static str),
    /// Another key of the entry.
    Key(&'static str, Value),
    Choose(Value),
}

fn any_twist() -> impl Strategy<Value = Twist> {
    let word = prop_oneof![
        Just(("required", json!(["a", "id"]))),
        Just(("additionalProperties", json!(false))),
        Just(("enum", json!(["nothing"]))),
        Just(("type", json!("string"))),
        Just(("type", json!("object"))),
        Just(("items", json!(false))),
        Just(("properties", json!({}))),
        Just(("properties", json!("none"))),
        Just(("format", json!("email"))),
    ];
    let key = prop_oneof![
        Just(("key_properties", json!(["a", 7]))),
        Just(("key_properties", json!("id"))),
        Just(("replication_key", json!(["x"]))),
        Just(("replication_method", json!("full_table"))),
        Just(("replication_method", json!("Incremental"))),
        Just(("is_view", json!({}))),
        Just(("metadata", Value::Null)),
    ];
    let choice = prop_oneof![
        any::<bool>().prop_map(|is_selected| json!({"selected": is_selected})),
        any::<bool>().prop_map(|is_selected| json!({"selected-by-default": is_selected})),
        Just(json!({"inclusion": "unsupported"})),
        Just(json!({"inclusion": "automatic"})),
    ];
    prop_oneof![
        3 => any_schema().prop_map(Twist::Replace),
        1 => Just(Twist::Remove),
        3 => word.prop_map(|(word, value)| Twist::Say(word, value)),
        2 => any_schema().prop_map(Twist::Add),
        2 => prop::sample::select(vec!["anyOf", "oneOf", "allOf"]).prop_map(Twist::Wrap),
        1 => key.prop_map(|(key, value)| Twist::Key(key, value)),
        2 => choice.prop_map(Twist::Choose),
    ]
}

/// Twists an entry at the field that is so many 65,536ths of all away from the first.
fn twist(entry: &mut Value, at: u16, twist: &Twist) {
    let places = schema::properties(&entry["schema"]);
    let places = places.iter().map(|(place, _)| place.iter().map(|part| (*part).to_owned()));
    let places = places.map(Iterator::collect::<Vec<String>>).collect::<Vec<_>>();
    let Some(place) = places.get(usize::from(at) * places.len() / 65_536) else { return };
    let (name, parents) = place.split_last().unwrap();
    let fields = entry["schema"].pointer_mut(&format!("/{}", parents.join("/"))).unwrap();
    let field = &mut fields[name];
    match twist {
        Twist::Replace(other) => *field = other.clone(),
        Twist::Remove => drop(fields.as_object_mut().unwrap().remove(name)),
        Twist::Say(word, value) if field.is_object() => field[*word] = value.clone(),
        Twist::Add(other) => fields["extra"] = other.clone(),
        Twist::Wrap(word) => *field = json!({*word: [field.take(), {"type": "null"}]}),
        Twist::Key(key, value) => entry[*key] = value.clone(),
        Twist::Choose(choice) if entry["metadata"].is_array() => {
            let choice = json!({"breadcrumb": place, "metadata": choice});
            entry["metadata"].as_array_mut().unwrap().push(choice);
        }
        Twist::Say(..) | Twist::Choose(_) => {}
    }
}

/// The sample workspace, with a field of all kinds that no release knows.
fn with_extras() -> StandIn {
    let stand_in = stand_in();
    let kinds = [json!("x"), json!(5.5), json!({"a": [1]}), json!([{"a": 1}, "b"]), json!(true)];
    stand_in.edit(|workspace| {
        for path in ["/v2/users", "/v1/severities", "/v2/schedules", "/v2/alert_sources"] {
            workspace.edit(path, |rows| {
                for (row, kind) in rows.iter_mut().zip(kinds.iter().cycle()) {
                    row["extra"] = kind.clone();
                }
            });
        }
    });
    stand_in
}

#[test]
fn records_are_valid_whatever_a_catalog_says() {
    let stand_in = with_extras();
    let twists =
        prop::collection::vec((any::<prop::sample::Index>(), any::<u16>(), any_twist()), 1..60);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
    proptest!(config, |(twists in twists)| {
        let mut catalog = tap_incident::catalog::discover().unwrap();
        let entries = catalog["streams"].as_array_mut().unwrap();
        entries.retain(|entry| MIXED.contains(&entry["stream"].as_str().unwrap()));
        for entry in entries.iter_mut() {
            entry["selected"] = true.into();
        }
        for (stream, at, change) in &twists {
            twist(stream.get_mut(entries), *at, change);
        }
        let ran = Tap::of(&stand_in).file("--catalog", &catalog.to_string()).run().ok();
        prop_assert_eq!(problems(&ran), Vec::<String>::new());
        for stream in MIXED {
            prop_assert!(!ran.records(stream).is_empty());
        }
        prop_assert!(!ran.lines.iter().any(|line| line.contains("secret_token")));
    });
}

#[test]
fn a_catalog_of_our_own_is_taken_as_it_is() {
    let stand_in = stand_in();
    let meltano = |entry: &mut Value| {
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            let is_selected = metadata["metadata"]["inclusion"] != "unsupported";
            metadata["metadata"]["selected"] = is_selected.into();
        }
        entry["selected"] = true.into();
        entry["replication_method"] = "FULL_TABLE".into();
        entry["metadata"][0]["metadata"]["replication-method"] = "FULL_TABLE".into();
        for name in [
            "replication_key",
            "is_view",
            "database_name",
            "row_count",
            "table_name",
            "stream_alias",
            "database",
            "table",
        ] {
            entry[name] = Value::Null;
        }
        entry["is_view"] = false.into();
        entry["row_count"] = 0.into();
    };
    let all = tap_incident::streams::STREAMS.iter().map(|stream| stream.name).collect::<Vec<_>>();
    let changes: [&dyn Fn(&mut Value); 2] = [&|_| {}, &meltano];
    for change in changes {
        let ran = Tap::of(&stand_in).catalog(&all, change).arg("--test=schema").run().ok();
        assert_eq!(warnings(&ran), [""; 0]);
        assert!(!ran.stderr.contains("that this release has"), "{}", ran.stderr);
    }
}

#[test]
fn what_a_catalog_says_in_vain_is_told_of_in_one_line() {
    let vain = |entry: &mut Value| {
        entry["key_properties"] = json!(["id", "name"]);
        entry["replication_key"] = "created_at".into();
        entry["bookmark_properties"] = json!(["created_at"]);
        entry["stream_alias"] = "people".into();
        entry["metadata"][0]["selected"] = true.into();
        let root = &mut entry["metadata"][0]["metadata"];
        root["forced-replication-method"] = "INCREMENTAL".into();
        root["valid-replication-keys"] = json!(["created_at"]);
        root["start-date"] = "2026-01-01".into();
        choose(
            entry,
            &[
                (&["properties", "name"], json!({"inclusion": "automatic", "selected": false})),
                (&["properties", "role"], json!({"inclusion": "Unsupported"})),
            ],
        );
        entry["schema"]["properties"]["email"] = json!({"type": "string", "selected": false});
    };
    let ran = Tap::of(&stand_in()).catalog(&["users"], vain).arg("--test=schema").run().ok();
    insta::assert_snapshot!(warnings(&ran).join("\n"));
}

#[test]
fn the_replication_method_may_be_empty_and_of_any_case() {
    let stand_in = stand_in();
    let ask = |stream: &str, method: Value, key: &'static str| {
        Tap::of(&stand_in).catalog(&[stream], move |entry| {
            let of = if key.contains('-') { &mut entry["metadata"][0]["metadata"] } else { entry };
            of[key] = method.clone();
        })
    };
    let bookmark = |stream: &str, method: &Value, key: &'static str| {
        let ran = ask(stream, method.clone(), key).arg("--test=schema").run().ok();
        assert_eq!(warnings(&ran), [""; 0]);
        ran.messages()[0].get("bookmark_properties").is_some()
    };
    for key in ["replication_method", "replication-method"] {
        for none in [json!(""), json!(" "), Value::Null] {
            assert!(bookmark("incidents", &none, key), "{none}");
            assert!(!bookmark("alerts", &none, key), "{none}");
        }
        assert!(!bookmark("incidents", &json!("full_table"), key));
        assert!(bookmark("alerts", &json!("Incremental"), key));
        let ran = ask("alerts", json!("log_based"), key).run();
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("FULL_TABLE and INCREMENTAL are known"), "{}", ran.stderr);
    }
}

#[test]
fn of_a_deselected_object_only_what_was_chosen_outright_comes() {
    let user = ["properties", "creator", "properties", "user"];
    let user_id = [&user[..], &["properties", "id"]].concat();
    let assignments = ["properties", "incident_role_assignments"];
    let role_id = [&assignments[..], &["items", "properties", "role", "properties", "id"]].concat();
    let stand_in = stand_in();
    for no in [json!({"selected": false}), json!({"selected-by-default": false})] {
        let yes = json!({"selected": true});
        let ran = Tap::of(&stand_in).catalog(&["incidents"], |entry| {
            choose(
                entry,
                &[
                    (&user[..2], no.clone()),
                    (&user, no.clone()),
                    (&user_id, yes.clone()),
                    (&assignments, no.clone()),
                    (&role_id, yes.clone()),
                    (&["properties", "severity"], no.clone()),
                ],
            );
        });
        let ran = ran.run().ok();
        let schema = ran.schema("incidents");
        let names = |at: &str| {
            schema.pointer(at).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names("/properties/creator/properties"), ["user"]);
        assert_eq!(names("/properties/creator/properties/user/properties"), ["id"]);
        let items = "/properties/incident_role_assignments/items/properties";
        assert_eq!(names(items), ["role"]);
        assert_eq!(names(&format!("{items}/role/properties")), ["id"]);
        assert!(schema["properties"].get("severity").is_none());
        let records = json!(ran.records("incidents")).to_string();
        assert!(records.contains("\"creator\":{\"user\":{\"id\":"), "{records}");
        assert!(!records.contains('@'), "no address of anybody");
    }
}

#[test]
fn an_object_whose_only_chosen_field_is_not_there_does_not_come() {
    let ran = Tap::of(&stand_in()).catalog(&["incidents"], |entry| {
        let creator = ["properties", "creator"];
        choose(entry, &[(&creator, json!({"selected": false}))]);
        entry["metadata"].as_array_mut().unwrap().push(json!({
            "breadcrumb": ["properties", "creator", "properties", "nobody"],
            "metadata": {"selected": true}}));
    });
    let ran = ran.arg("--test=schema").run().ok();
    assert!(ran.schema("incidents")["properties"].get("creator").is_none());
    assert_eq!(warnings(&ran).len(), 1, "{}", ran.stderr);
}

#[test]
fn credentials_never_come_however_a_catalog_types_what_is_around_them() {
    let stand_in = stand_in();
    let free = [
        json!({"type": "array"}),
        json!({"type": "array", "items": {"type": "object"}}),
        json!({"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}),
        json!({"type": "array", "items": {"properties": {"url": {"type": "string"}}}}),
        json!({"anyOf": [{"type": "object"}, {"type": "string"}]}),
        json!({"type": "string"}),
        json!({}),
    ];
    for images in free {
        let ran = Tap::of(&stand_in).catalog(&["alert_notes", "alert_sources"], |entry| {
            if entry["stream"] == "alert_notes" {
                entry["schema"]["properties"]["images"] = images.clone();
            } else {
                entry["schema"]["properties"].as_object_mut().unwrap().remove("secret_token");
            }
            for metadata in entry["metadata"].as_array_mut().unwrap() {
                metadata["metadata"] = json!({"selected": true, "inclusion": "available"});
            }
        });
        let ran = ran.run().ok();
        let notes = json!(ran.records("alert_notes"));
        assert!(notes.to_string().contains("\"images\":[{"), "{notes}");
        let items = ran.schema("alert_notes")["properties"]["images"]["items"].clone();
        assert!(items["properties"].get("url").is_none(), "{items}");
        assert!(!notes.to_string().contains("\"url\""), "{notes}");
        assert!(!json!(ran.messages()).to_string().contains("secret_token"));
        assert!(!ran.stderr.contains("secret_token"), "it is known: {}", ran.stderr);
        assert!(!ran.stderr.contains("images.url"), "it is known: {}", ran.stderr);
    }
}
