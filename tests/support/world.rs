//! A small workspace that changes as the API's would: rows are created, edited and deleted between
//! and during requests, some become visible a while after their timestamps, and many of these
//! collide. What it holds in the end is what a target should have.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tap_incident::clock::Clock;
use tap_incident::demo::{Action, Fault, NOW, Options, StandIn, Workspace};

/// A stream, and the field of it that tells versions of a row apart.
pub struct Kind {
    pub stream: &'static str,
    pub path: &'static str,
    pub field: &'static str,
}

/// Those that may run INCREMENTAL come first.
pub const KINDS: [Kind; 9] = [
    Kind { stream: "incidents", path: "/v2/incidents", field: "summary" },
    Kind { stream: "alerts", path: "/v2/alerts", field: "title" },
    Kind { stream: "escalations", path: "/v2/escalations", field: "title" },
    Kind { stream: "actions", path: "/v3/actions", field: "description" },
    Kind { stream: "follow_ups", path: "/v3/follow_ups", field: "title" },
    Kind { stream: "incident_updates", path: "/v2/incident_updates", field: "message" },
    Kind { stream: "users", path: "/v2/users", field: "name" },
    Kind { stream: "custom_fields", path: "/v2/custom_fields", field: "name" },
    Kind { stream: "custom_field_options", path: "/v1/custom_field_options", field: "value" },
];
pub const INCREMENTAL: Range<usize> = 0..5;
pub const FULL: Range<usize> = 5..9;
/// Those of which 50 fill a page.
pub const SMALL_PAGES: [usize; 2] = [1, 2];
/// The parents of what comes last.
pub const FIELDS: usize = 7;
pub const OPTIONS: usize = 8;

/// How long nothing happens.
#[derive(Debug, Clone, Copy)]
pub enum Wait {
    /// So many microseconds.
    Micros(i64),
    /// Until the next midnight in UTC.
    Midnight,
}

/// Something that happens to a row, after a while.
#[derive(Debug, Clone)]
pub struct Change {
    pub wait: Wait,
    /// A number of [`KINDS`].
    pub kind: usize,
    pub what: What,
    /// How many microseconds the row's timestamp lies before the moment it becomes visible.
    pub late: i64,
}

#[derive(Debug, Clone)]
pub enum What {
    /// A new row; of rows of one moment, the salt decides the order of ids.
    Create {
        salt: u8,
    },
    /// Of the row at so many 256ths of all, the oldest first.
    Edit(u8),
    /// The same, and it or its incident is of another mode from then on.
    Convert(u8),
    Delete(u8),
}

/// A clock that tests set, and that moves when it is slept on.
pub struct MovingClock(Mutex<DateTime<Utc>>);

impl MovingClock {
    pub fn set(&self, time: DateTime<Utc>) {
        *self.0.lock().unwrap() = time;
    }

    pub fn wait(&self, wait: Wait) {
        let mut time = self.0.lock().unwrap();
        *time = match wait {
            Wait::Micros(micros) => *time + TimeDelta::microseconds(micros),
            Wait::Midnight => {
                let tomorrow = time.date_naive() + Days::new(1);
                tomorrow.and_time(NaiveTime::MIN).and_utc()
            }
        };
    }
}

impl Clock for MovingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        (self.now() - BEGINNING).to_std().unwrap_or_default()
    }

    fn sleep(&self, wait: Duration) {
        self.wait(Wait::Micros(i64::try_from(wait.as_micros()).unwrap()));
    }
}

/// The API's clock, but wrong by so much.
pub struct WrongClock {
    pub right: Arc<MovingClock>,
    pub off: TimeDelta,
}

impl Clock for WrongClock {
    fn now(&self) -> DateTime<Utc> {
        self.right.now() + self.off
    }

    fn elapsed(&self) -> Duration {
        self.right.elapsed()
    }

    fn sleep(&self, wait: Duration) {
        self.right.sleep(wait);
    }
}

/// When a history begins.
pub const BEGINNING: DateTime<Utc> = NOW;

/// Stream, then the fields of its key.
pub type Key = (&'static str, String);
/// What tells a row from what it was before.
pub type Version = String;

/// What is still to happen, and what the data cannot tell any more.
#[derive(Default)]
pub struct Script {
    /// Changes to come, each at the request before which so many others come.
    pub pending: Vec<(usize, Change)>,
    versions: u32,
    /// The first version of each row.
    births: BTreeMap<Key, u32>,
    deleted: BTreeSet<Key>,
}

/// A stand-in whose data can be replaced, so that a history costs no new one.
pub struct Stage {
    pub stand_in: StandIn,
    pub clock: Arc<MovingClock>,
    script: Arc<Mutex<Script>>,
}

impl Stage {
    /// An empty workspace that gives out so many rows a page; without dates, the tap must go by
    /// its own clock.
    pub fn new(document: &Value, page_cap: usize, has_date: bool) -> Self {
        let clock = Arc::new(MovingClock(Mutex::new(BEGINNING)));
        let script = Arc::new(Mutex::new(Script::default()));
        let (time, lines) = (Arc::clone(&clock), Arc::clone(&script));
        let on_request = move |_: &str, workspace: &mut Workspace| {
            let mut script = lines.lock().unwrap();
            let due = |(before, _): &mut (usize, Change)| {
                let is_due = *before == 0;
                *before = before.saturating_sub(1);
                is_due
            };
            let changes = script.pending.extract_if(.., due).collect::<Vec<_>>();
            for (_, change) in changes {
                script.apply(&change, workspace, &time);
            }
        };
        let options = Options {
            page_cap: Some(page_cap),
            clock: Some(clock.clone()),
            on_request: Some(Box::new(on_request)),
            gzip: false,
            ..Options::default()
        };
        let stand_in = StandIn::start(document, Workspace::default(), options).unwrap();
        if !has_date {
            stand_in.fault(Fault::always("", Action::NoDate));
        }
        Self { stand_in, clock, script }
    }

    /// Begins another history with these rows, made so many half days ago each.
    pub fn reset(&self, rows: &[(usize, u32, u8)]) {
        *self.script.lock().unwrap() = Script::default();
        self.stand_in.edit(|workspace| *workspace = identity());
        for (kind, half_days, salt) in rows {
            let what = What::Create { salt: *salt };
            self.clock.set(BEGINNING - TimeDelta::hours(12 * i64::from(*half_days)));
            self.happen(&Change { wait: Wait::Micros(0), kind: *kind, what, late: 0 });
        }
        self.clock.set(BEGINNING);
    }

    /// Lets something happen now.
    pub fn happen(&self, change: &Change) {
        self.stand_in.edit(|workspace| {
            self.script.lock().unwrap().apply(change, workspace, &self.clock);
        });
    }

    /// Lets changes happen before the requests to come.
    pub fn expect(&self, changes: &[(usize, Change)]) {
        self.script.lock().unwrap().pending = changes.to_vec();
    }

    /// Lets happen what was to happen before a request that did not come.
    pub fn catch_up(&self) {
        let pending = std::mem::take(&mut self.script.lock().unwrap().pending);
        for (_, change) in &pending {
            self.happen(change);
        }
    }

    /// The visible rows of these streams, in their current version.
    pub fn truth(&self, kinds: &[usize]) -> BTreeMap<Key, Version> {
        let mut rows = BTreeMap::new();
        self.stand_in.edit(|workspace| {
            for kind in kinds.iter().map(|kind| &KINDS[*kind]) {
                let all = workspace.rows(kind.path);
                rows.extend(all.iter().map(|row| (key(kind, row), version(kind, row))));
            }
        });
        rows
    }

    /// The keys of rows that are no more.
    pub fn deleted(&self) -> BTreeSet<Key> {
        self.script.lock().unwrap().deleted.clone()
    }

    /// How many versions of rows there have been.
    pub fn versions(&self) -> u32 {
        self.script.lock().unwrap().versions
    }

    /// The number of versions that there were when a row was made.
    pub fn birth(&self, key: &Key) -> u32 {
        self.script.lock().unwrap().births[key]
    }
}

impl Script {
    fn apply(&mut self, change: &Change, workspace: &mut Workspace, clock: &MovingClock) {
        clock.wait(change.wait);
        let moment = clock.now() - TimeDelta::microseconds(change.late);
        let kind = &KINDS[change.kind];
        self.versions += 1;
        let number = self.versions;
        let mut rows = workspace.rows(kind.path);
        match &change.what {
            What::Create { salt } => {
                let parents = workspace.rows(KINDS[FIELDS].path);
                let parent = parents.get(usize::from(*salt) % parents.len().max(1));
                if change.kind != OPTIONS || parent.is_some() {
                    let row = row(kind, moment, (*salt, number), parent);
                    self.births.insert(key(kind, &row), number);
                    rows.push(row);
                }
            }
            _ if rows.is_empty() => {}
            What::Edit(part) | What::Convert(part) => {
                let count = rows.len();
                let row = &mut rows[usize::from(*part) * count / 256];
                if let What::Convert(_) = change.what {
                    convert(row);
                }
                row["updated_at"] = time(moment, number).into();
                row[kind.field] = format!("version {number}").into();
            }
            What::Delete(part) => {
                let row = rows.remove(usize::from(*part) * rows.len() / 256);
                self.deleted.insert(key(kind, &row));
                self.delete_children(&row["id"], workspace);
            }
        }
        workspace.edit(kind.path, |all| *all = rows);
    }

    /// Options go with their field.
    fn delete_children(&mut self, parent: &Value, workspace: &mut Workspace) {
        let kind = &KINDS[OPTIONS];
        let mut rows = workspace.rows(kind.path);
        let gone = rows.extract_if(.., |row| row["custom_field_id"] == *parent);
        self.deleted.extend(gone.map(|row| key(kind, &row)));
        workspace.edit(kind.path, |all| *all = rows);
    }
}

/// Makes a test of what is none, and the other way round, where rows have modes.
fn convert(row: &mut Value) {
    for field in ["mode", "_incident_mode"] {
        if let Some(mode) = row.get_mut(field) {
            *mode = if *mode == "test" { "standard" } else { "test" }.into();
        }
    }
}

/// The key of a row or of a record.
pub fn key(kind: &Kind, row: &Value) -> Key {
    let parts = ["id", "incident_id", "custom_field_id"].map(|part| row[part].to_string());
    (kind.stream, parts.join(" "))
}

/// The version of a row or of a record.
pub fn version(kind: &Kind, row: &Value) -> Version {
    row[kind.field].to_string()
}

/// A workspace without rows, but for the key's own.
fn identity() -> Workspace {
    let identity = json!({"rows": [{"name": "Export", "roles": ["viewer", "global_access"]}]});
    Workspace::from_files([("v1.identity", identity.to_string().as_str())], 1).unwrap()
}

/// Ids grow with `created_at`, as those of the API do.
fn row(
    kind: &Kind,
    moment: DateTime<Utc>,
    (salt, number): (u8, u32),
    parent: Option<&Value>,
) -> Value {
    let mode = if salt.is_multiple_of(3) { "test" } else { "standard" };
    let at = time(moment, number);
    let mut row = json!({
        "id": format!("01{:016}{salt:03}{number:05}", moment.timestamp_micros()),
        "created_at": at,
        "updated_at": at,
        kind.field: format!("version {number}"),
    });
    let others = match kind.stream {
        "incidents" => json!({"mode": mode, "reference": format!("INC-{number}"),
            "incident_status": {"id": "S", "category": if salt > 127 { "live" } else { "closed" }}}),
        "incident_updates" => json!({"incident_id": "I"}),
        "users" => json!({"is_active": salt > 127}),
        "custom_field_options" => json!({"custom_field_id": parent.map(|parent| &parent["id"])}),
        "actions" | "follow_ups" => json!({"_incident_mode": mode, "incident_id": "I"}),
        _ => json!({"status": "firing"}),
    };
    row.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    row
}

/// The API writes as many digits as it likes.
fn time(moment: DateTime<Utc>, number: u32) -> String {
    let digits = [SecondsFormat::AutoSi, SecondsFormat::Millis, SecondsFormat::Micros];
    let text = moment.to_rfc3339_opts(digits[number as usize % 3], true);
    let is_whole = text.parse() == Ok(moment);
    if is_whole { text } else { moment.to_rfc3339_opts(SecondsFormat::Micros, true) }
}
