//! Values of filters that the API takes although its document does not say so: the rows of a mode or of a
//! category that no filter names would be missing without a word.

use crate::support::{Ran, Tap, stand_in, stand_in_with};
use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, StandIn};

/// What a newer API takes.
fn newer(values: &[&str]) -> StandIn {
    let undocumented = values.iter().copied().map(Into::into).collect();
    stand_in_with(Options { undocumented, ..Options::default() })
}

/// How many requests for a list of incidents have this in their query.
fn asked(stand_in: &StandIn, part: &str) -> usize {
    let requests = stand_in.requests();
    let is_it = |target: &str| target.starts_with("/v2/incidents?") && target.contains(part);
    requests.iter().filter(|seen| is_it(&seen.target)).count()
}

fn incidents(stand_in: &StandIn, state: &Value) -> Ran {
    Tap::of(stand_in).arg("--debug").only(&["incidents"]).state(state).run().ok()
}

fn modes(ran: &Ran) -> usize {
    ran.column("incidents", "mode").iter().filter(|mode| *mode == "stream").count()
}

fn lines(ran: &Ran, text: &str) -> Vec<String> {
    ran.stderr.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

/// Adds a status of a category that the document does not know, and an incident of it.
fn add_category(stand_in: &StandIn) {
    stand_in.edit(|workspace| {
        let mut category = None;
        workspace.edit("/v1/incident_statuses", |rows| {
            let mut row = rows[0].clone();
            row["id"] = "01JSTAT0000000000000000099".into();
            row["category"] = "monitoring".into();
            category = Some(row.clone());
            rows.push(row);
        });
        workspace.edit("/v2/incidents", |rows| {
            rows[0]["incident_status"] = category.unwrap();
        });
    });
}

#[test]
fn a_mode_that_the_api_does_not_take_is_asked_for_once_a_run() {
    let stand_in = stand_in();
    let ran = incidents(&stand_in, &json!({}));
    assert_eq!((ran.records("incidents").len(), modes(&ran)), (29, 0));
    assert_eq!(asked(&stand_in, "=stream"), 1);
    let said = lines(&ran, "is asked for without mode[one_of] \"stream\": ");
    assert_eq!(said.len(), 1, "{}", ran.stderr);
    assert!(said[0].starts_with("DEBUG "), "{}", said[0]);
}

#[test]
fn a_mode_that_the_api_takes_is_read_and_once_from_its_start() {
    let older = incidents(&stand_in(), &json!({}));
    let stand_in = newer(&["stream"]);
    let first = incidents(&stand_in, &older.state());
    assert_eq!((first.records("incidents").len(), modes(&first)), (30, 1));
    let second = incidents(&stand_in, &first.state());
    assert!(second.records("incidents").is_empty());
    // Where it is left out of the config it is not asked for.
    let before = asked(&stand_in, "=stream");
    let tap = Tap::of(&stand_in).documented().only(&["incidents"]).state(&second.state());
    assert!(tap.run().ok().records("incidents").is_empty());
    assert_eq!(asked(&stand_in, "=stream"), before);
}

#[test]
fn only_the_mode_that_is_not_documented_may_be_asked_for() {
    let stand_in = newer(&["stream"]);
    let tap = Tap::of(&stand_in).set("incident_modes", "stream").only(&["incidents"]);
    assert_eq!(tap.run().ok().column("incidents", "mode"), ["stream"]);
}

#[test]
fn a_category_that_the_document_does_not_know_is_read_too_and_once_from_its_start() {
    let stand_in = newer(&["monitoring"]);
    let older = incidents(&stand_in, &json!({}));
    add_category(&stand_in);
    let first = incidents(&stand_in, &older.state());
    assert_eq!(first.records("incidents").len(), 29);
    let text =
        "rows of status_category[one_of] \"monitoring\", which is not documented, are read too";
    let said = lines(&first, text);
    assert!(said.len() == 1 && said[0].starts_with("WARNING "), "{}", first.stderr);
    assert!(incidents(&stand_in, &first.state()).records("incidents").is_empty());
}

#[test]
fn a_category_that_the_api_shows_and_does_not_take_is_said_to_be_missing() {
    let stand_in = stand_in();
    add_category(&stand_in);
    let ran = incidents(&stand_in, &json!({}));
    assert_eq!(ran.records("incidents").len(), 28);
    let said = lines(&ran, "are missing, since the API does not take it: ");
    assert!(said.len() == 1 && said[0].starts_with("WARNING "), "{}", ran.stderr);
}

#[test]
fn where_nobody_can_say_the_documented_values_are_read() {
    for action in [Action::Status(503), Action::Status(403), Action::Html(200)] {
        let stand_in = newer(&["stream"]);
        stand_in.fault(Fault::once("/v2/incidents", action.clone()));
        stand_in.fault(Fault::always("/v1/incident_statuses", action));
        let first = incidents(&stand_in, &json!({}));
        assert_eq!((first.records("incidents").len(), modes(&first)), (29, 0));
        let second = incidents(&stand_in, &first.state());
        assert_eq!(modes(&second), 1, "{}", second.stderr);
    }
}

#[test]
fn only_who_reads_the_list_asks() {
    let stand_in = newer(&["stream"]);
    Tap::of(&stand_in).only(&["severities", "alerts"]).run().ok();
    assert_eq!(asked(&stand_in, ""), 0);
    let ran = Tap::of(&stand_in).only(&["incident_attachments"]).run().ok();
    assert!(!ran.records("incident_attachments").is_empty());
    assert_eq!(asked(&stand_in, "=stream"), 2);
}
