//! Incidents that a monitor opens, closes and reopens with an API key of its own, as `AnomalyArmor`
//! does: how they arrive, how they are told from those of people, and what is said when the tap may
//! not read them.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Ran, Tap, stand_in, stand_in_with, text};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use stand_in::{Action, Fault, NOW, Options, StandIn, Workspace};
use tap_incident::base::clock::{Clock, StandingClock};

const STREAMS: [&str; 3] = ["incidents", "incident_updates", "incident_statuses"];
/// What the monitor puts before the names of its incidents.
const PREFIX: &str = "[AnomalyArmor]";
/// The incident whose life is followed.
const ID: &str = "01KARMR0000000000000000001";
/// The status that a new incident gets.
const LIVE: &str = "01JSTAT0000000000000000002";
/// The status that the monitor is told to close incidents with.
const CLOSED: &str = "01JSTAT0000000000000000007";

/// The key that the monitor opens incidents with, under this name.
fn key(name: &str) -> Value {
    json!({"id": "01JAKEY0000000000000000002", "name": name})
}

fn status(workspace: &Workspace, id: &str) -> Value {
    let statuses = workspace.rows("/v1/incident_statuses");
    statuses.into_iter().find(|status| status["id"] == id).unwrap()
}

/// A new incident.
fn open(workspace: &mut Workspace, id: &str, name: &str, creator: Value) {
    let live = status(workspace, LIVE);
    workspace.edit("/v2/incidents", |rows| {
        let mut row = rows[0].clone();
        row["id"] = id.into();
        row["reference"] = format!("INC-{}", 9_000 + rows.len()).into();
        row["name"] = name.into();
        row["creator"] = creator;
        row["summary"] = Value::Null;
        row["incident_status"] = live;
        rows.push(row);
    });
}

fn edit(workspace: &mut Workspace, id: &str, change: impl FnOnce(&mut Value)) {
    workspace.edit("/v2/incidents", |rows| {
        change(rows.iter_mut().find(|row| row["id"] == id).unwrap());
    });
}

/// A workspace in which time passes, and a tap that reads it from where it last got to.
struct Life {
    stand_in: StandIn,
    clock: Arc<StandingClock>,
    state: Value,
}

impl Life {
    /// All that was there before is read, and one incident of a person has changed just now.
    fn begin() -> Self {
        let clock = Arc::new(StandingClock::at(NOW));
        let shown = Arc::clone(&clock);
        let stand_in =
            stand_in_with(Options { clock: Arc::new(move || shown.now()), ..Options::default() });
        let mut life = Self { stand_in, clock, state: json!({}) };
        life.touch("01K000INCD0000000000000005");
        assert!(life.read().records("incidents").len() > 20);
        life
    }

    fn wait(&self, minutes: u64) {
        self.clock.sleep(Duration::from_secs(60 * minutes));
    }

    /// An incident changes now.
    fn touch(&self, id: &str) {
        let now = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        self.stand_in.edit(|workspace| edit(workspace, id, |row| row["updated_at"] = now.into()));
    }

    fn tap(&self) -> Tap {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Tap::of(&self.stand_in).clock(clock).only(&STREAMS).state(&self.state)
    }

    fn read(&mut self) -> Ran {
        let ran = self.tap().run().ok();
        self.state = ran.state();
        ran
    }

    /// Something happens to the incident, and it is the only one that the next run brings.
    fn step(&mut self, change: impl FnOnce(&mut Workspace)) -> Value {
        self.stand_in.edit(change);
        self.touch(ID);
        let ran = self.read();
        assert_eq!(ran.column("incidents", "id"), [ID]);
        let row = ran.records("incidents").remove(0);
        let (at, status) = (text(&row["updated_at"]), text(&row["incident_status"]["id"]));
        let updates = updates(&ran);
        let updates = updates.iter().map(String::as_str).collect::<Vec<_>>();
        look(&at, row["summary"].as_str(), &status, &updates)
    }

    /// The monitor opens it.
    fn open(&mut self) -> Value {
        self.step(|workspace| {
            let name = format!("{PREFIX} Freshness of analytics.orders");
            open(workspace, ID, &name, json!({"api_key": key("AnomalyArmor")}));
            update(workspace, LIVE);
        })
    }

    fn summarise(&mut self, summary: &str) -> Value {
        self.step(|workspace| edit(workspace, ID, |row| row["summary"] = summary.into()))
    }

    /// It gets a status, which leaves an update behind.
    fn set_status(&mut self, id: &str) -> Value {
        self.step(|workspace| {
            let status = status(workspace, id);
            edit(workspace, ID, |row| row["incident_status"] = status);
            update(workspace, id);
        })
    }
}

/// Adds an update of the incident, made with the monitor's key.
fn update(workspace: &mut Workspace, new: &str) {
    let new = status(workspace, new);
    workspace.edit("/v2/incident_updates", |rows| {
        let mut row = rows[0].clone();
        row["id"] = format!("01KARMU{:019}", rows.len()).into();
        row["incident_id"] = ID.into();
        row["new_incident_status"] = new;
        row["updater"] = json!({"api_key": key("AnomalyArmor")});
        rows.push(row);
    });
}

/// What is looked at of the incident and its updates.
fn look(at: &str, summary: Option<&str>, status: &str, updates: &[&str]) -> Value {
    json!({"at": at, "summary": summary, "status": status, "updates": updates})
}

/// The statuses that updates gave the incident, in the order of the updates' ids.
fn updates(ran: &Ran) -> Vec<String> {
    let mut rows = ran.records("incident_updates");
    rows.retain(|row| row["incident_id"] == ID);
    rows.sort_by_key(|row| text(&row["id"]));
    rows.iter().map(|row| text(&row["new_incident_status"]["id"])).collect()
}

#[test]
fn the_life_of_a_monitors_incident_arrives_and_nobody_elses_comes_again() {
    let (mut life, summary) = (Life::begin(), "analytics.orders is 26 hours old; 24 are allowed");
    // Until it is closed all of this lies within `lookback_seconds`, so that what others changed is
    // read again and must be recognised.
    life.wait(3);
    assert_eq!(life.open(), look("2026-11-20T12:03:00Z", None, LIVE, &[LIVE]));
    life.wait(3);
    let summarised = life.summarise(summary);
    assert_eq!(summarised, look("2026-11-20T12:06:00Z", Some(summary), LIVE, &[LIVE]));
    life.wait(3);
    let closed = life.set_status(CLOSED);
    assert_eq!(closed, look("2026-11-20T12:09:00Z", Some(summary), CLOSED, &[LIVE, CLOSED]));
    life.wait(24 * 60);
    let reopened = life.set_status(LIVE);
    let all = [LIVE, CLOSED, LIVE];
    assert_eq!(reopened, look("2026-11-21T12:09:00Z", Some(summary), LIVE, &all));
    assert!(life.read().records("incidents").is_empty(), "nothing happened since");
}

#[test]
fn an_idempotency_key_is_not_documented_and_is_left_out_and_named_if_it_comes() {
    let mut life = Life::begin();
    life.open();
    life.wait(3);
    life.stand_in.edit(|workspace| {
        edit(workspace, ID, |row| row["idempotency_key"] = "orders-freshness-17".into());
    });
    life.touch(ID);
    let ran = life.read();
    assert_eq!(ran.schema("incidents")["properties"].get("idempotency_key"), None);
    assert_eq!(ran.records("incidents")[0].get("idempotency_key"), None);
    let left_out = "stream=incidents fields that the schema does not know are left out: ";
    let said = ran.stderr.lines().find(|line| line.contains(left_out)).unwrap();
    assert!(said.contains("idempotency_key"), "{said}");
}

/// Incidents of the monitor and of others, in a workspace that has no more.
fn mixed() -> StandIn {
    let stand_in = stand_in();
    let person = json!({"user": {"id": "01JUSER0000000000000000001", "name": "Maya Okonkwo"}});
    let other_key = json!({"api_key": {"id": "01JAKEY0000000000000000003", "name": "Terraform"}});
    let by = |name| json!({"api_key": key(name)});
    stand_in.edit(|workspace| {
        let name = |about: &str| format!("{PREFIX} {about}");
        open(workspace, "as opened", &name("Freshness"), by("AnomalyArmor"));
        open(workspace, "name changed", "Orders arrive late", by("AnomalyArmor Integration"));
        open(workspace, "key changed", &name("Row count"), by("Data quality"));
        open(workspace, "both changed", "Refunds twice", by("Data quality"));
        open(workspace, "of a person", &name("copied by hand"), person.clone());
        open(workspace, "about it", "Why did [AnomalyArmor] page us?", person);
        open(workspace, "of another key", "AnomalyArmor cannot log in", other_key);
        workspace.edit("/v2/incidents", |rows| {
            rows.retain(|row| !text(&row["id"]).starts_with("01K"));
        });
    });
    stand_in
}

/// The ids of the rows that something is true of, sorted.
fn those(rows: &[Value], is_one: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut ids: Vec<String> =
        rows.iter().filter(|row| is_one(row)).map(|row| text(&row["id"])).collect();
    ids.sort();
    ids
}

#[test]
fn a_monitors_incidents_are_told_by_the_name_of_its_key_or_by_their_prefix() {
    let rows = Tap::of(&mixed()).only(&["incidents"]).run().ok().records("incidents");
    assert_eq!(rows.len(), 7);
    let by_key = |row: &Value| text(&row["creator"]["api_key"]["name"]).starts_with("AnomalyArmor");
    // People, too, may write the prefix, so it counts for rows that a key has made.
    let by_prefix = |row: &Value| {
        row["creator"]["api_key"].is_object() && text(&row["name"]).starts_with(PREFIX)
    };
    assert_eq!(those(&rows, by_key), ["as opened", "name changed"]);
    assert_eq!(those(&rows, by_prefix), ["as opened", "key changed"]);
    let by_either = those(&rows, |row| by_key(row) || by_prefix(row));
    assert_eq!(by_either, ["as opened", "key changed", "name changed"]);
}

#[test]
fn the_id_of_a_key_tells_its_incidents_whatever_was_renamed() {
    let rows = Tap::of(&mixed()).only(&["incidents"]).run().ok().records("incidents");
    let by_id = |row: &Value| row["creator"]["api_key"]["id"] == key("")["id"];
    let all = ["as opened", "both changed", "key changed", "name changed"];
    assert_eq!(those(&rows, by_id), all);
}

#[test]
fn a_renamed_key_reaches_older_incidents_when_everything_is_read_again() {
    let mut life = Life::begin();
    life.open();
    life.wait(60);
    life.touch("01K000INCD0000000000000005");
    life.read();
    // The API does not say that an incident changed when what is embedded in it does.
    life.stand_in.edit(|workspace| {
        edit(workspace, ID, |row| row["creator"]["api_key"] = key("Data quality"));
    });
    assert!(life.read().records("incidents").is_empty());
    life.wait(8 * 24 * 60);
    let rows = life.tap().set("full_scan_days", "7").run().ok().records("incidents");
    let row = rows.iter().find(|row| row["id"] == ID).unwrap();
    assert_eq!(row["creator"]["api_key"], key("Data quality"));
}

/// Fails unless the run ended for want of permission and its last line says what to do.
fn refused(ran: &Ran, says: &str, hint: &str) {
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let line = ran.last_line();
    assert!(line.starts_with("ERROR ") && line.contains(says), "{line}");
    assert!(line.ends_with(&format!("; hint: {hint}")), "{line}");
}

#[test]
fn a_key_that_was_revoked_is_named_and_what_changed_meanwhile_is_not_lost() {
    let mut life = Life::begin();
    life.open();
    life.wait(3);
    life.stand_in.edit(|workspace| edit(workspace, ID, |row| row["summary"] = "late".into()));
    life.touch(ID);
    let ran = life.tap().set("api_key", "inc_revoked").run();
    let hint = "check `api_key`; keys are made under Settings, API keys, in incident.io";
    refused(&ran, "the API does not accept the key (401", hint);
    assert!(ran.lines.is_empty(), "the last state stays as it is");
    assert!(!ran.stderr.contains("inc_revoked"), "{}", ran.stderr);
    assert_eq!(life.read().column("incidents", "summary"), ["late"]);
}

/// Streams that the key may not read, of which the API names the scope.
fn forbidden(paths: &[&str]) -> StandIn {
    let forbidden = paths.iter().map(|path| (*path).to_owned()).collect();
    stand_in_with(Options { forbidden, ..Options::default() })
}

#[test]
fn a_key_that_may_not_read_incidents_is_told_the_scope() {
    let stand_in = forbidden(&["/v2/incidents"]);
    let tap = || Tap::of(&stand_in).only(&STREAMS);
    let ran = tap().set("forbidden_streams", "fail").run();
    let hint = "make a key with the scope `incidents.view`, or deselect the stream";
    refused(&ran, "stream `incidents`: the key may not read it (403", hint);
    // Unless that is asked for, the stream is left out with a warning, and the run succeeds.
    let ran = tap().run().ok();
    assert!(ran.stderr.contains("stream `incidents` is skipped: it needs `incidents.view` (403"));
    assert!(ran.counts().ends_with("not_permitted=1 (incidents)"), "{}", ran.counts());
    assert_eq!(ran.records("incident_statuses").len(), 10);
}

#[test]
fn a_key_that_may_only_write_is_told_the_roles() {
    let stand_in = forbidden(&["/v2/incident", "/v1/incident_statuses"]);
    let ran = Tap::of(&stand_in).only(&STREAMS).run();
    let says = "the key may read none of the selected streams: incident_statuses, incidents, \
                incident_updates";
    refused(&ran, says, "make a key with the roles that the table in docs/streams.md names");
    for scope in ["incidents.view", "incident_updates.view", "incident_statuses.view"] {
        assert!(ran.stderr.contains(&format!("it needs `{scope}` (403")), "{}", ran.stderr);
    }
}

#[test]
fn a_403_that_names_no_scope_is_told_the_one_the_stream_needs() {
    let stand_in = stand_in();
    stand_in.fault(Fault::always("/v2/incidents", Action::Status(403)));
    let ran = Tap::of(&stand_in).only(&STREAMS).run().ok();
    assert!(ran.stderr.contains("stream `incidents` is skipped: it needs `incidents.view` (403"));
}
