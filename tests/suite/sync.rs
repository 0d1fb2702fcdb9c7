//! What a run does, as the README promises it, against the stand-in over a real socket.

use crate::support::{Tap, count, serve, stand_in, stand_in_with, text, unlimited};
use serde_json::{Map, Value, json};
use stand_in::{NOW, Options, StandIn, Workspace, standing_at};
use tap_incident::sources::incident_io::INCIDENT_IO;

/// The schema file of a stream, as it is checked in.
fn schema(stream: &str) -> Value {
    let path = format!("{}/schemas/incident_io/{stream}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What a target should get of a stored value: what the schema knows, no credentials, no NUL, no
/// empty times.
fn expected(value: &Value, schema: &Value) -> Value {
    match (value, schema.get("properties"), schema.get("items")) {
        (Value::Object(object), Some(properties), _) => object
            .iter()
            .filter_map(|(name, value)| {
                let property = properties.get(name)?;
                let is_kept = property.get("inclusion").is_none();
                is_kept.then(|| (name.clone(), expected(value, property)))
            })
            .collect::<Map<_, _>>()
            .into(),
        (Value::Array(values), _, Some(items)) => {
            values.iter().map(|value| expected(value, items)).collect()
        }
        (Value::String(text), ..) if text.is_empty() && schema.get("format").is_some() => {
            Value::Null
        }
        (Value::String(text), ..) => text.replace('\0', "").into(),
        (other, ..) => other.clone(),
    }
}

/// Rows of the workspace that the API shows to whoever asks for everything it can show.
fn visible(workspace: &Workspace, path: &str) -> Vec<Value> {
    let modes = ["standard", "retrospective", "test", "tutorial"];
    let is_visible = |row: &Value| match path {
        "/v2/incidents" => modes.contains(&row["mode"].as_str().unwrap()),
        "/v2/workflow_runs" => row.get("cancelled_at").is_none(),
        "/v2/alert_tags" => row.get("_archived").is_none(),
        "/v3/alert_routes" => row.get("_vanished").is_none(),
        // Reports that are still being made are not listed (API document).
        "/v2/pay_reports" => row["status"] != "generating",
        _ => true,
    };
    workspace.rows(path).into_iter().filter(is_visible).collect()
}

/// A record without the nulls that fill up its columns.
fn without_nulls(record: &Value) -> String {
    let object = record.as_object().unwrap();
    let kept = object.iter().filter(|(_, value)| !value.is_null());
    let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>();
    Value::Object(kept).to_string()
}

#[test]
fn every_row_of_a_top_level_list_arrives_once_and_whole() {
    let ran = Tap::of(&stand_in()).run().ok();
    let workspace = Workspace::with_months(1).unwrap();
    for stream in INCIDENT_IO.streams.iter().filter(|stream| stream.parents.is_empty()) {
        let schema = schema(stream.name);
        let rows = visible(&workspace, stream.path);
        let mut rows =
            rows.iter().map(|row| without_nulls(&expected(row, &schema))).collect::<Vec<_>>();
        let records = ran.records(stream.name);
        let mut records = records.iter().map(without_nulls).collect::<Vec<_>>();
        rows.sort();
        records.sort();
        assert_eq!(records, rows, "{}", stream.name);
    }
}

#[test]
fn small_pages_give_the_same_records_as_large_ones() {
    let whole = Tap::of(&stand_in()).run().ok();
    let capped = stand_in_with(Options { page_cap: Some(7), ..Options::default() });
    let ran = Tap::of(&capped).run().ok();
    for stream in INCIDENT_IO.streams {
        assert_eq!(
            ran.column(stream.name, stream.key[0]),
            whole.column(stream.name, stream.key[0])
        );
    }
    assert!(count(&capped, "/v2/alerts") > 8, "the cap made more pages");
}

#[test]
fn hidden_incidents_are_asked_for() {
    let ran = Tap::of(&stand_in()).only(&["incidents"]).run().ok();
    let incidents = ran.records("incidents");
    for category in
        ["triage", "live", "learning", "paused", "closed", "declined", "canceled", "merged"]
    {
        let has = |incident: &Value| incident["incident_status"]["category"] == category;
        assert!(incidents.iter().any(has), "{category}");
    }
    for mode in ["standard", "retrospective", "test", "tutorial"] {
        assert!(incidents.iter().any(|incident| incident["mode"] == mode), "{mode}");
    }
}

#[test]
fn only_the_configured_modes_are_read() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).set("incident_modes", "test,stream");
    let ran = tap.only(&["incidents", "actions"]).run().ok();
    assert!(ran.records("incidents").iter().all(|incident| incident["mode"] == "test"));
    assert_eq!(count(&stand_in, "/v3/actions?page_size=250&incident_mode=stream"), 1);
    assert_eq!(count(&stand_in, "/v3/actions"), 2, "one series for each mode, one page each");
}

#[test]
fn credentials_are_never_emitted() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).catalog(&["alert_sources"], |entry| {
        // Even a catalog that insists does not get them.
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            metadata["metadata"]["inclusion"] = "available".into();
            metadata["metadata"]["selected"] = true.into();
        }
        let properties = &mut entry["schema"]["properties"];
        properties["secret_token"] = json!({"type": ["null", "string"]});
    });
    let ran = ran.run().ok();
    assert_eq!(ran.records("alert_sources").len(), 8);
    assert!(!ran.lines.join("\n").contains("DO_NOT_EMIT"));
    assert!(!ran.lines.join("\n").contains("secret_token"));
}

#[test]
fn first_and_last_line_are_states_and_what_is_not_ours_is_carried_forward() {
    let state = json!({"bookmarks": {"github_issues": {"since": 1}}, "version": 7});
    let ran = Tap::of(&stand_in()).only(&["severities"]).state(&state).run().ok();
    let messages = ran.messages();
    assert_eq!(messages[0], json!({"type": "STATE", "value": state}));
    assert_eq!(ran.state()["bookmarks"], state["bookmarks"]);
    assert_eq!(ran.state()["version"], 7);
    assert_eq!(ran.state()["currently_syncing"], Value::Null);
}

#[test]
fn a_schema_comes_before_its_records_and_each_record_has_the_time_of_its_page() {
    let ran = Tap::of(&stand_in()).run().ok();
    let mut announced = Vec::new();
    for message in ran.messages() {
        match message["type"].as_str().unwrap() {
            "SCHEMA" => announced.push(text(&message["stream"])),
            "RECORD" => {
                assert_eq!(Some(&text(&message["stream"])), announced.last());
                assert_eq!(message["time_extracted"], "2026-11-20T12:00:00.000000Z");
            }
            other => assert_eq!(other, "STATE"),
        }
    }
    let default = INCIDENT_IO.streams.iter().filter(|stream| stream.is_default);
    assert_eq!(announced, default.map(|stream| stream.name).collect::<Vec<_>>());
}

#[test]
fn the_second_run_reads_what_changed_at_or_after_the_bookmark() {
    let stand_in = stand_in();
    let first = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    let bookmark = text(&first.state()["bookmarks"]["incidents"]["updated_at"]);
    assert_eq!(bookmark, *first.column("incidents", "updated_at").last().unwrap());
    touch(&stand_in, &["INC-3", "INC-20"], "2026-11-20T11:00:00Z");
    let second = Tap::of(&stand_in).only(&["incidents"]).state(&first.state()).run().ok();
    let references = second.column("incidents", "reference");
    assert!(references.contains(&"INC-3".into()) && references.contains(&"INC-20".into()));
    assert!(second.column("incidents", "updated_at").iter().all(|time| *time >= bookmark));
    assert!(references.len() < 6, "the API's whole days are narrowed here: {references:?}");
    assert_eq!(second.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T11:00:00Z");
}

/// Changes incidents as the API would: a new summary and `updated_at`.
fn touch(stand_in: &StandIn, references: &[&str], time: &str) {
    stand_in.edit(|workspace| {
        workspace.edit("/v2/incidents", |rows| {
            for row in rows.iter_mut() {
                if references.contains(&row["reference"].as_str().unwrap()) {
                    row["updated_at"] = time.into();
                    row["summary"] = format!("changed at {time}").into();
                }
            }
        });
    });
}

#[test]
fn a_record_changed_behind_the_cursor_is_read_by_the_next_run() {
    // While the third page is read, an incident of the first one changes, and so does one of a
    // later page: the highest value seen passes the change that nobody saw.
    let mut pages = 0;
    let stand_in = stand_in_with(Options {
        page_cap: Some(5),
        on_request: Some(Box::new(move |target: &str, workspace: &mut Workspace| {
            pages += usize::from(target.starts_with("/v2/incidents"));
            if pages == 3 {
                workspace.edit("/v2/incidents", |rows| {
                    rows[0]["updated_at"] = "2026-11-20T12:00:01Z".into();
                    rows[27]["updated_at"] = "2026-11-20T12:00:02Z".into();
                });
            }
        })),
        ..Options::default()
    });
    let first = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert_eq!(first.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T12:00:00Z");
    let second = Tap::of(&stand_in).only(&["incidents"]).state(&first.state()).run().ok();
    assert_eq!(second.column("incidents", "updated_at").first().unwrap(), "2026-11-20T12:00:01Z");
}

#[test]
fn the_bookmark_stays_below_the_apis_clock_too() {
    let slow = NOW - chrono::TimeDelta::days(2);
    let stand_in = stand_in_with(Options { clock: standing_at(slow), ..Options::default() });
    let ran = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert_eq!(ran.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-18T12:00:00Z");
}

#[test]
fn a_bookmark_never_moves_back() {
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-20T11:59:59Z"}}});
    let ran = Tap::of(&stand_in()).only(&["incidents"]).state(&state).run().ok();
    assert_eq!(ran.records("incidents").len(), 0);
    assert_eq!(ran.state()["bookmarks"]["incidents"]["updated_at"], "2026-11-20T11:59:59Z");
}

#[test]
fn a_mode_added_later_is_read_from_its_start() {
    let stand_in = stand_in();
    let read = |modes: &str, state: &Value| {
        Tap::of(&stand_in).set("incident_modes", modes).only(&["incidents"]).state(state).run().ok()
    };
    let narrow = read("standard", &json!({}));
    let wider = read("standard,test", &narrow.state());
    assert!(wider.records("incidents").iter().any(|incident| incident["mode"] == "test"));
    assert!(wider.stderr.contains("it is read once from its start"), "{}", wider.stderr);
    let again = read("test", &wider.state());
    assert!(again.records("incidents").len() < 3, "a narrower scope needs no new scan");
}

#[test]
fn an_end_before_the_bookmark_leaves_nothing_to_read() {
    let stand_in = stand_in();
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-01T00:00:00Z"}}});
    let tap = Tap::of(&stand_in).documented().arg("--end-date").arg("2026-02-01").state(&state);
    let ran = tap.only(&["incidents"]).run().ok();
    assert_eq!(count(&stand_in, "/v2/incidents"), 0);
    assert!(ran.stderr.contains("nothing is left before end_date"), "{}", ran.stderr);
}

#[test]
fn a_selected_part_brings_the_object_around_it() {
    let stand_in = stand_in();
    let part = |entry: &mut Value| {
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            let place = metadata["breadcrumb"].clone();
            let is_part = place == json!(["properties", "severity", "properties", "rank"]);
            let is_root = place == json!([]);
            metadata["metadata"]["selected"] = (is_part || is_root).into();
        }
    };
    let ran = Tap::of(&stand_in).catalog(&["incidents"], part).run().ok();
    let severity = ran.schema("incidents")["properties"]["severity"]["properties"].clone();
    assert_eq!(severity.as_object().unwrap().keys().collect::<Vec<_>>(), ["rank"]);
}

#[test]
fn a_users_full_table_is_honoured() {
    let state = json!({"bookmarks": {"incidents": {"updated_at": "2026-11-19T00:00:00Z"}}});
    let full = |entry: &mut Value| {
        entry["metadata"][0]["metadata"]["replication-method"] = "FULL_TABLE".into();
    };
    let all = Tap::of(&stand_in()).only(&["incidents"]).run().ok().records("incidents").len();
    let ran = Tap::of(&stand_in()).catalog(&["incidents"], full).state(&state).run().ok();
    assert_eq!(ran.records("incidents").len(), all);
    assert_eq!(ran.of_type("SCHEMA", "incidents").next().unwrap().get("bookmark_properties"), None);
}

#[test]
fn a_window_is_exact_to_the_moment_and_bounds_incidents_only() {
    let stand_in = stand_in();
    let (start, end) = ("2026-11-01T00:00:00Z", "2026-11-10T12:30:00Z");
    let tap =
        Tap::of(&stand_in).documented().arg("--start-date").arg(start).arg("--end-date").arg(end);
    let ran = tap.only(&["incidents", "alerts"]).run().ok();
    let all = Tap::of(&stand_in)
        .documented()
        .only(&["incidents"])
        .run()
        .ok()
        .column("incidents", "updated_at");
    let inside = |time: &&String| time.as_str() >= start && time.as_str() < end;
    assert_eq!(
        ran.column("incidents", "updated_at"),
        all.iter().filter(inside).cloned().collect::<Vec<_>>()
    );
    assert_eq!(ran.records("alerts").len(), 60);
    assert!(ran.stderr.contains("stream=alerts start_date and end_date do not bound"));
    assert_eq!(count(&stand_in, "/v2/incidents?"), 2);
    let asked = stand_in.requests();
    let filter = "updated_at%5Bdate_range%5D=2026-10-31~2026-11-11";
    assert!(asked.iter().any(|seen| seen.target.contains(filter)), "{asked:?}");
    assert!(text(&ran.state()["bookmarks"]["incidents"]["updated_at"]).as_str() < end);
}

#[test]
fn what_is_deselected_leaves_record_and_schema_and_keys_stay() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).catalog(&["incidents"], |entry| {
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            let place = metadata["breadcrumb"].clone();
            let is_kept = place == json!(["properties", "severity"])
                || place == json!(["properties", "severity", "properties", "rank"])
                || place == json!([]);
            metadata["metadata"]["selected"] = is_kept.into();
        }
    });
    let ran = ran.run().ok();
    let schema = ran.schema("incidents");
    let names = schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names, ["id", "severity", "updated_at"]);
    for record in ran.records("incidents") {
        assert_eq!(record.as_object().unwrap().len(), 3);
        let severity = record["severity"].as_object();
        assert!(severity.is_none_or(|severity| severity.keys().eq(["rank"])), "{record}");
    }
}

#[test]
fn a_property_that_the_user_added_is_filled() {
    let stand_in = stand_in();
    let ran = Tap::of(&stand_in).catalog(&["users"], |entry| {
        entry["schema"]["properties"]["mfa_enabled"] = json!({"type": ["null", "boolean"]});
    });
    let ran = ran.run().ok();
    assert!(ran.schema("users")["properties"]["mfa_enabled"].is_object());
    assert!(ran.records("users").iter().any(|user| user["mfa_enabled"].is_boolean()));
    assert!(ran.records("users").iter().any(|user| user["mfa_enabled"].is_null()));
}

#[test]
fn an_unknown_field_is_reported_once_for_its_stream_and_path() {
    let ran = Tap::of(&stand_in()).run().ok();
    let reports = ran.stderr.lines().filter(|line| line.contains("seats.workload"));
    assert_eq!(reports.count(), 1, "{}", ran.stderr);
}

#[test]
fn details_are_fetched_only_when_one_of_their_fields_is_selected() {
    let stand_in = stand_in();
    let slim = |entry: &mut Value| {
        for metadata in entry["metadata"].as_array_mut().unwrap() {
            let place = text(&metadata["breadcrumb"][1]);
            let in_list = ["null", "id", "name", "enabled"].contains(&place.as_str());
            metadata["metadata"]["selected"] = in_list.into();
        }
    };
    let slim = Tap::of(&stand_in).catalog(&["alert_routes"], slim).run().ok();
    assert_eq!(slim.records("alert_routes").len(), 4);
    assert_eq!(count(&stand_in, "/v3/alert_routes"), 1);
    let whole = Tap::of(&stand_in).only(&["alert_routes"]).run().ok();
    assert_eq!(whole.column("alert_routes", "name"), slim.column("alert_routes", "name"));
    assert_eq!(count(&stand_in, "/v3/alert_routes"), 1 + 1 + 4);
}

#[test]
fn a_record_deleted_before_its_detail_was_asked_for_is_counted() {
    let stand_in = stand_in();
    stand_in.edit(|workspace| {
        workspace.edit("/v3/alert_routes", |rows| rows[1]["_vanished"] = true.into());
    });
    let ran = Tap::of(&stand_in).only(&["alert_routes"]).run().ok();
    assert_eq!(ran.records("alert_routes").len(), 3);
    assert!(ran.stderr.contains("deleted while they were read: 1"), "{}", ran.stderr);
}

#[test]
fn an_empty_workspace_gives_schemas_and_states() {
    let mut workspace = Workspace::with_months(1).unwrap();
    for path in workspace.paths() {
        if path != "/v1/identity" && path != "/v1/ip_allowlists" {
            workspace.edit(&path, Vec::clear);
        }
    }
    let stand_in = serve(workspace, Options::default());
    let ran = Tap::of(&stand_in).arg("--select").arg("*").run().ok();
    for stream in INCIDENT_IO.streams {
        assert!(ran.schema(stream.name).is_object());
    }
    assert_eq!(ran.messages().iter().filter(|message| message["type"] == "RECORD").count(), 2);
    let nothing = json!({"bookmarks": {}, "currently_syncing": null, "run_began_at": null});
    assert_eq!(ran.state(), nothing);
}

#[test]
fn a_list_that_came_short_twice_has_failed_unless_the_key_may_not_see_the_rest() {
    let body =
        r#"{"incidents": [], "pagination_meta": {"page_size": 250, "total_record_count": 3}}"#;
    let stand_in = unlimited(stand_in());
    stand_in.fault(stand_in::Fault::always("/v2/incidents", stand_in::Action::Body(body.into())));
    let ran = Tap::of(&stand_in).documented().only(&["incidents"]).run();
    assert_eq!((ran.code, count(&stand_in, "/v2/incidents")), (5, 2), "{}", ran.stderr);
    let line = "stream `incidents`, page 1: 0 records came where the API counts 3; hint: ";
    assert!(ran.last_line().contains(line), "{}", ran.last_line());
    assert!(ran.state()["bookmarks"]["incidents"]["updated_at"].is_null());
    let scan = &ran.state()["bookmarks"]["incidents"]["scan"];
    assert!(scan["after"].is_null() && scan["complete"].is_null(), "{scan}");
    let team = json!([{"id": "A", "name": "Team A"}]);
    for (field, value) in [("teams", team), ("roles", json!(["viewer"]))] {
        stand_in.edit(|workspace| {
            workspace.edit("/v1/identity", |rows| {
                rows[0]["teams"] = json!([]);
                rows[0][field] = value;
            });
        });
        let ran = Tap::of(&stand_in).documented().only(&["incidents"]).run().ok();
        assert!(ran.stderr.contains("0 records came where the API counts 3"), "{}", ran.stderr);
    }
}

#[test]
fn a_list_that_came_short_once_is_read_again() {
    let whole = Tap::of(&stand_in()).only(&["incidents"]).run().ok();
    let first = |body: &str| stand_in::Action::Body(body.to_owned());
    let empty = r#"{"incidents": [], "pagination_meta": {"total_record_count": 3}}"#;
    let twice = whole.records("incidents").swap_remove(0);
    // Two rows, one of them twice.
    let same = json!({"incidents": [twice, twice], "pagination_meta": {"total_record_count": 2}});
    for body in [empty.to_owned(), same.to_string()] {
        let stand_in = stand_in();
        let fault = stand_in::Fault::once("/v2/incidents", first(&body));
        stand_in.fault(fault);
        let ran = Tap::of(&stand_in).documented().only(&["incidents"]).run().ok();
        let mut ids = ran.column("incidents", "id");
        ids.dedup();
        assert_eq!(ids, whole.column("incidents", "id"));
        assert!(ran.stderr.contains("its list is read again: "), "{}", ran.stderr);
    }
}

/// A row of the page before stands in place of one that should be there; neither is at an end of its page.
#[test]
fn a_row_that_comes_in_place_of_another_is_missed_wherever_it_stands() {
    let mut row = Value::Null;
    let stand_in = unlimited(stand_in_with(Options {
        page_cap: Some(5),
        on_answer: Some(Box::new(move |target, body| {
            if target.starts_with("/v2/incidents") && target.contains("after=") {
                let before = std::mem::replace(&mut row, body["incidents"][2].clone());
                body["incidents"][2] = before;
            } else if target.starts_with("/v2/incidents") {
                row = body["incidents"][1].clone();
            }
        })),
        ..Options::default()
    }));
    // Nothing to be cut into slices, one page after the other.
    let tap = Tap::of(&stand_in).documented().set("concurrency", "1");
    let ran = tap.only(&["incidents"]).run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("records came where the API counts"), "{}", ran.stderr);
}
