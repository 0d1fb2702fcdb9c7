//! The rows of a small workspace: of which streams, how one is made and changed, and what tells a row
//! and its versions apart, in the workspace as well as in a target.

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use stand_in::Workspace;

/// A stream of rows.
pub struct Kind {
    pub stream: &'static str,
    pub path: &'static str,
    /// The field that tells versions of a row apart; of an object, a field inside.
    pub field: &'static str,
    /// Of which rows these are, as numbers of [`KINDS`], and the field that names one; of an object, a
    /// field inside. An alert is also named by a group of its.
    pub parents: &'static [(usize, &'static str)],
    /// The fields of its key.
    pub key: &'static [&'static str],
}

/// Those that may run INCREMENTAL by their own `updated_at` come first.
pub const KINDS: [Kind; 20] = [
    Kind::new("incidents", "/v2/incidents", "summary"),
    Kind::new("alerts", "/v2/alerts", "title"),
    Kind::new("escalations", "/v2/escalations", "title"),
    Kind::new("actions", "/v3/actions", "description"),
    Kind::new("follow_ups", "/v3/follow_ups", "title"),
    Kind::new("incident_updates", "/v2/incident_updates", "message")
        .of(&[(INCIDENTS, "incident_id")]),
    Kind::new("users", "/v2/users", "name"),
    Kind::new("custom_fields", "/v2/custom_fields", "name"),
    Kind::new("custom_field_options", "/v1/custom_field_options", "value")
        .of(&[(7, "custom_field_id")]),
    Kind::new("call_sessions", "/v2/call_sessions", "ended_at").of(&[(INCIDENTS, "incident_id")]),
    Kind::new("call_transcript_entries", "/v2/call_transcript_entries", "content")
        .of(&[(SESSIONS, "_call_session_id")]),
    Kind::new("schedules", "/v2/schedules", "name"),
    Kind::new("schedule_entries", "/v2/schedule_entries", "user/name").of(&[(11, "_schedule_id")]),
    Kind::new("incident_alerts", "/v2/incident_alerts", "alert/title")
        .of(&[(INCIDENTS, "incident/id"), (ALERTS, "alert/id")])
        .keyed(&["id"]),
    Kind::new("alert_attachments", "/v2/alert_attachments", "title")
        .of(&[(ALERTS, "alert_id")])
        .keyed(&["id"]),
    Kind::new("alert_notes", "/v1/alert_notes", "content")
        .of(&[(ALERTS, "alert_id")])
        .keyed(&["id"]),
    Kind::new("workflow_runs", "/v2/workflow_runs", "workflow_name").keyed(&["id"]),
    Kind::new("postmortem_documents", "/v1/postmortem_documents", "title")
        .of(&[(INCIDENTS, "incident_id")])
        .keyed(&["id"]),
    Kind::new("postmortem_document_contents", "/v1/postmortem_documents/{id}/content", "markdown")
        .of(&[(DOCUMENTS, "_postmortem_document_id")])
        .keyed(&["postmortem_document_id"]),
    Kind::new(
        "incident_participant_workloads",
        "/v2/incident_participant_workloads",
        "participant_type",
    )
    .of(&[(INCIDENTS, "_incident_id")])
    .keyed(&["incident_id", "user_id"]),
];
pub const INCIDENTS: usize = 0;
pub const ALERTS: usize = 1;
pub const UPDATES: usize = 5;
pub const SESSIONS: usize = 9;
pub const ENTRIES: usize = 12;
pub const LINKS: usize = 13;
pub const ATTACHMENTS: usize = 14;
pub const NOTES: usize = 15;
pub const RUNS: usize = 16;
pub const DOCUMENTS: usize = 17;
pub const CONTENTS: usize = 18;
pub const WORKLOADS: usize = 19;
/// What changes with or without one of its parents.
pub const TIED: [usize; 5] = [UPDATES, SESSIONS, ATTACHMENTS, NOTES, WORKLOADS];
/// Of these the API, or the parents, can say what has changed.
const INCREMENTAL: &[usize] = &[
    INCIDENTS,
    ALERTS,
    2,
    3,
    4,
    UPDATES,
    SESSIONS,
    LINKS,
    ATTACHMENTS,
    NOTES,
    RUNS,
    CONTENTS,
    WORKLOADS,
];
/// Of these a parent's are read for some days after it has changed.
pub const LOOKED_BACK_FOR: [usize; 5] = [SESSIONS, ATTACHMENTS, NOTES, CONTENTS, WORKLOADS];
/// What an incident that changes its mode takes along.
pub const TAKEN_ALONG: [usize; 2] = [3, 4];
/// Those of which 50 fill a page.
pub const SMALL_PAGES: [usize; 2] = [1, 2];

/// Stream, then the fields of its key.
pub type Key = (&'static str, String);
/// What tells a row from what it was before.
pub type Version = String;

impl Kind {
    const fn new(stream: &'static str, path: &'static str, field: &'static str) -> Self {
        Self { stream, path, field, parents: &[], key: &KEY }
    }

    const fn of(self, parents: &'static [(usize, &'static str)]) -> Self {
        Self { parents, ..self }
    }

    const fn keyed(self, key: &'static [&'static str]) -> Self {
        Self { key, ..self }
    }
}

/// Whether it is read by what has changed.
pub fn may_be_incremental(kind: usize) -> bool {
    INCREMENTAL.contains(&kind)
}

/// Fields of keys. Where a row has no such field for the API to send, it keeps it under a private name.
const KEY: [&str; 7] = [
    "id",
    "incident_id",
    "custom_field_id",
    "call_session_id",
    "schedule_id",
    "entry_set",
    "entry_key",
];

/// The key of a row or of a record.
pub fn key(kind: &Kind, row: &Value) -> Key {
    let part = |name: &&str| row.get(format!("_{name}")).unwrap_or(&row[*name]).to_string();
    (kind.stream, kind.key.iter().map(part).collect::<Vec<_>>().join(" "))
}

/// The version of a row or of a record.
pub fn version(kind: &Kind, row: &Value) -> Version {
    row.pointer(&format!("/{}", kind.field)).unwrap_or(&Value::Null).to_string()
}

/// The top-level fields of a record that histories look at.
pub fn is_looked_at(kind: &Kind, name: &str) -> bool {
    let own = kind.field.split('/').next();
    let others = ["created_at", "progress", "alert_id", "alert_group_id", "alert_group_ids"];
    KEY.contains(&name)
        || kind.key.contains(&name)
        || own == Some(name)
        || others.contains(&name)
        || name.ends_with("updated_at")
        || kind.stream.ends_with("entries")
}

/// What a key sees: private rows or not, and of which teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub is_global: bool,
    /// A number of [`TEAMS`].
    pub teams: usize,
}

/// The teams whose grants a key has; the first is without such a limit.
pub const TEAMS: [&[&str]; 4] = [&[], &["A"], &["B"], &["A", "B"]];

impl Access {
    pub const EVERYTHING: Self = Self { is_global: true, teams: 0 };

    /// Whether the API gives this row to the key.
    pub fn shows(self, row: &Value) -> bool {
        let teams = TEAMS[self.teams];
        let is_of_team =
            teams.is_empty() || row["_team"].as_str().is_none_or(|team| teams.contains(&team));
        is_of_team && (self.is_global || row["_is_private"] != true)
    }

    /// What the key says of itself.
    pub fn identity(self) -> Value {
        let roles: &[&str] =
            if self.is_global { &["viewer", "global_access"] } else { &["viewer"] };
        let teams = TEAMS[self.teams].iter().map(|team| json!({"id": team, "name": team}));
        json!({"name": "Export", "roles": roles, "teams": teams.collect::<Vec<_>>()})
    }
}

/// A workspace without rows.
pub fn empty_workspace() -> Workspace {
    let bodies = r#"{"bodies": []}"#;
    let files = [
        ("v1.identity", r#"{"rows": [{}]}"#),
        ("v2.schedule_entries", bodies),
        ("v2.incident_participant_workloads", bodies),
        ("v1.postmortem_documents.id.content", bodies),
    ];
    Workspace::from_files(files, 1).unwrap()
}

/// Ids grow with `created_at`, as those of the API do. Of one moment, the salt decides their order.
pub fn row(kind: &Kind, moment: DateTime<Utc>, (salt, number): (u8, u32), parent: &Value) -> Value {
    let mode = if salt.is_multiple_of(3) { "test" } else { "standard" };
    let at = time(moment, number);
    let mut row = json!({
        "id": format!("01{:016}{salt:03}{number:05}", moment.timestamp_micros()),
        "created_at": at,
        "updated_at": at,
        "_is_private": !salt.is_multiple_of(2),
        "_team": ([None, Some("A"), Some("B")][number as usize % 3]),
    });
    let others = match kind.stream {
        "incidents" => json!({"mode": mode, "reference": format!("INC-{number}"),
            "incident_status": {"id": "S", "category": if salt > 127 { "live" } else { "closed" }}}),
        "users" => json!({"is_active": salt > 127}),
        "actions" | "follow_ups" => {
            json!({"_incident_mode": mode, "incident_id": "I", "_incident": parent["id"]})
        }
        "escalations" => json!({"status": "firing"}),
        "schedule_entries" => entry(moment, salt),
        stream => more(stream, (salt, number), &at),
    };
    row.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    if let Some((_, field)) = kind.parents.first() {
        set(&mut row, field, parent["id"].clone());
    }
    set_version(kind, &mut row, number);
    name_entry(kind, &mut row);
    row
}

/// What rows of some streams have of their own.
fn more(stream: &str, (salt, number): (u8, u32), at: &str) -> Value {
    let group = format!("G{}", salt / 85);
    match stream {
        "alerts" => {
            let groups: &[&str] = &[&group, "G0"][..number as usize % 3];
            json!({"status": "firing", "alert_group_ids": groups})
        }
        "alert_attachments" => json!({"url": "https://example.com"}),
        "incident_alerts" => json!({"alert_route_id": "R"}),
        "workflow_runs" => {
            let status = if salt.is_multiple_of(2) { "pending" } else { "complete" };
            json!({"workflow_id": "W", "workflow_version_id": "V", "workflow_version_number": 1,
                "scheduled_at": at, "progress": [{"step": "S", "status": status}]})
        }
        "postmortem_documents" => json!({"status": "in_progress", "type": "in_app"}),
        "incident_participant_workloads" => {
            let user = format!("U{salt}");
            json!({"user": {"id": user}, "_user_id": user, "workload": {}})
        }
        _ => json!({}),
    }
}

/// A shift of a few days around a moment; several have the same fingerprint.
fn entry(moment: DateTime<Utc>, salt: u8) -> Value {
    let day = moment.duration_trunc(TimeDelta::hours(1)).unwrap();
    let start = day - TimeDelta::hours(5 * i64::from(salt % 16));
    let end = start + TimeDelta::hours(8 + 3 * i64::from(salt));
    json!({
        // An entry has no id of its own.
        "id": null,
        "_entry_set": (["final", "overrides", "scheduled", "final"][usize::from(salt) % 4]),
        "fingerprint": format!("F{}", salt % 2),
        "entry_id": "E",
        "rotation_id": "R",
        "user": {"id": "U0"},
        "start_at": start.to_rfc3339_opts(SecondsFormat::Secs, true),
        "end_at": end.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

/// Gives an entry the key that it has in a target.
fn name_entry(kind: &Kind, row: &mut Value) {
    if kind.stream == KINDS[ENTRIES].stream {
        let parts =
            ["/fingerprint", "/entry_id", "/rotation_id", "/user/id", "/start_at", "/end_at"];
        let parts = parts.map(|pointer| row.pointer(pointer).unwrap().as_str().unwrap());
        row["_entry_key"] = parts.join(":").into();
    }
}

/// Someone else takes over in the middle of a shift: what was one entry is two, of other keys.
pub fn split(row: &Value) -> [Value; 2] {
    let (start, end) = (moment_of(row, "start_at"), moment_of(row, "end_at"));
    let middle = (start + (end - start) / 2).to_rfc3339_opts(SecondsFormat::Secs, true);
    let (mut first, mut second) = (row.clone(), row.clone());
    first["end_at"] = middle.as_str().into();
    second["start_at"] = middle.into();
    second["user"]["id"] = if row["user"]["id"] == "U0" { "U1" } else { "U0" }.into();
    for row in [&mut first, &mut second] {
        name_entry(&KINDS[ENTRIES], row);
    }
    [first, second]
}

/// What the API answers for each incident: how long people have worked on it.
pub fn workloads<'r>(incidents: impl Iterator<Item = &'r Value>, all: &[&Value]) -> Vec<Value> {
    let body = |incident: &Value| {
        let of = all.iter().filter(|row| row["_incident_id"] == incident["id"]);
        json!({"_incident_id": incident["id"],
            "incident_participant_workloads": of.collect::<Vec<_>>(),
            "metadata": {"data_synced_at": "2026-11-01T00:00:00Z"}})
    };
    incidents.map(body).collect()
}

/// What the API answers for each document: its text.
pub fn contents(all: &[&Value]) -> Vec<Value> {
    let body =
        |row: &&Value| json!({"_id": row["_postmortem_document_id"], "markdown": row["markdown"]});
    all.iter().map(body).collect()
}

/// Alerts, which say whether there are notes of theirs.
pub fn noted(alerts: &[&Value], notes: &[&Value]) -> Vec<Value> {
    let copy = |alert: &&Value| {
        let mut alert = (*alert).clone();
        alert["_has_notes"] = notes.iter().any(|note| note["alert_id"] == alert["id"]).into();
        alert
    };
    alerts.iter().map(copy).collect()
}

/// What the API answers for each schedule: its entries, in three lists.
pub fn bodies<'r>(schedules: impl Iterator<Item = &'r Value>, entries: &[&Value]) -> Vec<Value> {
    let body = |schedule: &Value| {
        let of = |set: &str| {
            let is_in = |entry: &&&Value| {
                entry["_schedule_id"] == schedule["id"] && entry["_entry_set"] == set
            };
            entries.iter().filter(is_in).copied().cloned().collect::<Vec<_>>()
        };
        let sets = ["final", "overrides", "scheduled"].map(|set| (set, of(set)));
        json!({"_schedule_id": schedule["id"], "schedule_entries": Value::from_iter(sets)})
    };
    schedules.map(body).collect()
}

/// Makes a row another version.
pub fn set_version(kind: &Kind, row: &mut Value, number: u32) {
    let text = match kind.field {
        // This one has to be a time.
        "ended_at" => time(DateTime::UNIX_EPOCH + TimeDelta::seconds(number.into()), number),
        _ => format!("version {number}"),
    };
    set(row, kind.field, text.into());
}

/// Gives a row a value, or an object in it.
pub fn set(row: &mut Value, field: &str, value: Value) {
    match field.split_once('/') {
        Some((outer, inner)) => row[outer][inner] = value,
        None => row[field] = value,
    }
}

/// Whether a row is one of this parent, which it names in a field; what hangs on a group is of each
/// alert of it.
pub fn is_of(row: &Value, field: &str, parent: &Value) -> bool {
    let groups = parent["alert_group_ids"].as_array();
    let is_in = |group: &Value| groups.is_some_and(|groups| groups.contains(group));
    match row.get("alert_group_id") {
        Some(group) => is_in(group),
        None => row.pointer(&format!("/{field}")) == Some(&parent["id"]),
    }
}

/// Whether a run of a workflow has a step before it.
pub fn is_unfinished(run: &Value) -> bool {
    run.pointer("/progress/0/status").is_some_and(|status| status == "pending")
}

/// Makes a test of what is none, and the other way round, where rows have modes.
pub fn convert(row: &mut Value) {
    for field in ["mode", "_incident_mode"] {
        if let Some(mode) = row.get_mut(field) {
            *mode = if *mode == "test" { "standard" } else { "test" }.into();
        }
    }
}

/// The time that a field of a row holds.
pub fn moment_of(row: &Value, field: &str) -> DateTime<Utc> {
    row[field].as_str().unwrap().parse().unwrap()
}

/// The API writes as many digits as it likes.
pub fn time(moment: DateTime<Utc>, number: u32) -> String {
    let digits = [SecondsFormat::AutoSi, SecondsFormat::Millis, SecondsFormat::Micros];
    let text = moment.to_rfc3339_opts(digits[number as usize % 3], true);
    let is_whole = text.parse() == Ok(moment);
    if is_whole { text } else { moment.to_rfc3339_opts(SecondsFormat::Micros, true) }
}
