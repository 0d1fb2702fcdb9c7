//! Catalogs that this release did not print: nothing comes that nobody chose, and what does not count
//! is told of. That records are valid whatever a catalog says is told in `conformance.rs`.

use crate::conforming::problems;
use crate::support::{Ran, Tap, stand_in};
use serde_json::{Value, json};

/// A catalog of another tap of the name, as its makers write them: narrow.
const PUBLISHED: &str = include_str!("catalogs/published.json");

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
    assert_eq!(problems(&ran.messages()), [""; 0]);
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
    assert!(said.iter().all(|line| line.len() < 1_000), "{said:?}");
    assert!(
        ran.stderr.contains(
            "`custom_field_options`: the catalog says what does not count: \
        `additionalProperties`, `required`, `type` of fields"
        ),
        "{}",
        ran.stderr
    );
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
    let all = tap_incident::sources::incident_io::INCIDENT_IO
        .streams
        .iter()
        .map(|stream| stream.name)
        .collect::<Vec<_>>();
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
fn a_field_that_refers_to_a_definition_is_of_its_type() {
    let stand_in = stand_in();
    stand_in.edit(|workspace| {
        workspace.edit("/v1/severities", |rows| {
            for row in rows {
                row["extra"] = json!({"street": "x", "next": {"street": "y", "next": {"a": 1}}});
                row["far"] = json!({"a": 1});
            }
        });
    });
    let ran = Tap::of(&stand_in).catalog(&["severities"], |entry| {
        let place = json!({"type": "object", "required": ["street"], "properties":
            {"street": {"type": "string"}, "next": {"$ref": "#/definitions/place"}}});
        entry["schema"]["definitions"] = json!({ "place": place });
        entry["schema"]["properties"]["extra"] = json!({"$ref": "#/definitions/place"});
        entry["schema"]["properties"]["far"] = json!({"$ref": "https://example.com/far.json"});
    });
    let ran = ran.run().ok();
    assert_eq!(problems(&ran.messages()), [""; 0]);
    // Where a type contains itself it is cut.
    let expected = json!({"type": ["null", "object"], "properties": {
        "street": {"type": ["null", "string"]}, "next": {"type": ["null", "object"]}}});
    assert_eq!(ran.schema("severities")["properties"]["extra"], expected);
    for record in ran.records("severities") {
        assert_eq!(record["extra"]["next"]["next"]["a"], 1);
        assert_eq!(record["far"], Value::Null);
    }
    let said = warnings(&ran).join("\n");
    let expected = "`$ref`, `required`, `type` of fields: extra, extra.next, extra.street, far";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_replication_method_of_a_field_is_told_of() {
    let of_field = |choice: Value| {
        let ran = Tap::of(&stand_in()).catalog(&["alerts"], |entry| {
            choose(entry, &[(&["properties", "updated_at"], choice.clone())]);
        });
        let ran = ran.arg("--test=schema").run().ok();
        assert!(ran.messages()[0].get("bookmark_properties").is_none(), "it is read in full");
        warnings(&ran).join("\n")
    };
    let said =
        of_field(json!({"replication-method": "INCREMENTAL", "replication-key": "updated_at"}));
    let expected =
        "`replication-key` in metadata of a field, `replication-method` in metadata of a field";
    assert!(said.ends_with(expected), "{said}");
    assert_eq!(of_field(json!({"replication-method": ""})), "");
    assert_eq!(of_field(json!({"replication-method": null})), "");
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
