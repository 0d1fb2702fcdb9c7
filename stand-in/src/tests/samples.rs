//! What the samples of `SignalFx` and Actian have to offer to a reader: each member missing and
//! null somewhere, values beyond the documents, texts that have to be escaped, and keys that nearly
//! are the same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Workspace;

const KEY: [&str; 8] = [
    "source",
    "job_id",
    "metric_time",
    "violation_name",
    "policy_name",
    "attribute",
    "segment",
    "type",
];

fn both() -> [(Workspace, &'static str, &'static [&'static str]); 5] {
    let (signalfx, actian) = (Workspace::signalfx, Workspace::actian);
    // What every row has, as other rows are found by it.
    [
        (signalfx().unwrap(), "/v2/incident", &["incidentId"]),
        (signalfx().unwrap(), "/v2/alertmuting", &["id"]),
        (actian().unwrap(), "/incidents", &["id"]),
        (actian().unwrap(), "/incidents/{id}", &["id"]),
        (actian().unwrap(), "/configuration/alerts/by_filters", &["metric_time", "violation_name"]),
    ]
}

#[test]
fn each_member_is_missing_somewhere_and_null_somewhere() {
    for (workspace, path, always) in both() {
        let rows = workspace.rows(path);
        let mut names: BTreeSet<&String> = BTreeSet::new();
        for row in &rows {
            names.extend(row.as_object().unwrap().keys().filter(|name| !name.starts_with('_')));
        }
        for name in names {
            let holders = rows.iter().filter(|row| row.get(name).is_some()).count();
            let nulls = rows.iter().filter(|row| row.get(name) == Some(&Value::Null)).count();
            if always.contains(&name.as_str()) {
                assert_eq!((holders, nulls), (rows.len(), 0), "{path} {name}");
                continue;
            }
            assert!(holders < rows.len(), "{path} {name} is nowhere missing");
            // A member that stands in one or two rows is unknown to the documents.
            assert!(nulls > 0 || holders <= 2, "{path} {name} is nowhere null");
        }
    }
}

#[test]
fn keys_are_unique() {
    for (workspace, path, always) in both() {
        let rows = workspace.rows(path);
        let name = if always.len() == 1 { always } else { &KEY[..] };
        let mut keys = BTreeSet::new();
        for row in &rows {
            // A member that is missing counts as null: such rows would not be two.
            let key: Vec<String> =
                name.iter().map(|name| row.get(name).unwrap_or(&Value::Null).to_string()).collect();
            assert!(keys.insert(key), "{path} {row}");
        }
    }
}

#[test]
fn texts_are_hard_to_escape() {
    for (workspace, path, _) in both() {
        let mut text = String::new();
        for row in workspace.rows(path) {
            text.push_str(&row.to_string());
        }
        for part in ["\u{2028}", "\\\"", "\\\\", "</", "\\u00"] {
            assert!(text.contains(part) || path.contains("muting"), "{path} {part:?}");
        }
        assert!(text.chars().any(|character| u32::from(character) > 0xffff), "{path}");
    }
}

#[test]
fn some_alerts_differ_in_one_member_only() {
    let alerts = Workspace::actian().unwrap().rows("/configuration/alerts/by_filters");
    let differing = |one: &Value, other: &Value| {
        let differs = |name: &&str| one.get(name) != other.get(name);
        KEY.into_iter().filter(differs).collect::<Vec<&str>>()
    };
    let joined = |alert: &Value| {
        let part = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
        [part("attribute"), part("segment")].join(":")
    };
    let mut found = BTreeSet::new();
    for one in &alerts {
        for other in &alerts {
            let names = differing(one, other);
            if names == ["attribute", "segment"] && joined(one) == joined(other) {
                found.insert("joined");
            } else if let [name] = names[..] {
                found.insert(name);
            }
        }
    }
    for expected in ["attribute", "joined", "segment", "metric_time"] {
        assert!(found.contains(expected), "{expected}");
    }
}

#[test]
fn the_samples_are_small() {
    let mut size = 0;
    for (workspace, path, _) in both() {
        for row in workspace.rows(path) {
            size += row.to_string().len();
        }
    }
    assert!(size < 250_000, "{size}");
}
