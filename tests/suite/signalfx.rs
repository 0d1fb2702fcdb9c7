//! What is peculiar to SignalFx: hidden rows, offsets in lists that change, errors in many forms.

use std::collections::BTreeSet;

use crate::support::{Ran, Tap, sample_of, text};
use serde_json::{Value, json};
use stand_in::{Action, Fault, Options, Readings, StandIn, Workspace, signalfx_unrest};
use tap_incident::sources::signalfx::SIGNALFX;

const INCIDENTS: &str = "/v2/incident";
const RULES: &str = "/v2/alertmuting";

fn served(options: Options) -> StandIn {
    sample_of(&SIGNALFX, options)
}

fn tap(stand_in: &StandIn) -> Tap {
    Tap::over(&SIGNALFX, stand_in)
}

/// The ids of the rows that the stand-in has, hidden ones too, but for those that come and go.
fn stored(stand_in: &StandIn, path: &str, key: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    stand_in.edit(|workspace| {
        let rows = workspace.rows(path);
        let steady = rows.iter().filter(|row| row.get("_unrest").is_none());
        ids = steady.map(|row| text(&row[key])).collect();
    });
    ids
}

fn ids(ran: &Ran, stream: &str, key: &str) -> BTreeSet<String> {
    let column = ran.column(stream, key);
    let ids = column.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), column.len(), "{stream}: each comes once");
    ids
}

#[test]
fn every_row_arrives_however_the_documents_are_read_while_rows_come_and_go() {
    for (true_is_all, is_wrapped) in [(false, false), (true, true)] {
        for page_cap in [None, Some(10), Some(35)] {
            let readings = Readings { true_is_all, is_wrapped, ..Readings::default() };
            let on_request = Some(signalfx_unrest());
            let options = Options { readings, page_cap, on_request, ..Options::default() };
            let stand_in = served(options);
            let incidents = stored(&stand_in, INCIDENTS, "incidentId");
            let rules = stored(&stand_in, RULES, "id");
            assert!(incidents.len() > 100 && rules.len() > 50);
            let ran = tap(&stand_in).run().ok();
            assert!(ids(&ran, "incidents", "incidentId").is_superset(&incidents));
            assert!(ids(&ran, "alert_muting_rules", "id").is_superset(&rules));
        }
    }
}

#[test]
fn what_resolves_between_the_two_lists_is_in_one_of_them() {
    let resolve = |target: &str, workspace: &mut Workspace| {
        if target.contains("includeResolved=true") {
            workspace.edit(INCIDENTS, |rows| {
                for row in rows {
                    row["active"] = false.into();
                }
            });
        }
    };
    let stand_in = served(Options { on_request: Some(Box::new(resolve)), ..Options::default() });
    let all = stored(&stand_in, INCIDENTS, "incidentId");
    let ran = tap(&stand_in).only(&["incidents"]).run().ok();
    assert!(ids(&ran, "incidents", "incidentId").is_superset(&all));
    let asked = stand_in.requests();
    let is_resolved = |target: &str| target.contains("includeResolved=true");
    let asked = asked.iter().map(|seen| is_resolved(&seen.target)).collect::<Vec<_>>();
    assert!(asked.is_sorted(), "the open ones first: {asked:?}");
}

#[test]
fn times_are_numbers_as_they_were_sent_and_free_objects_stay_whole() {
    let stand_in = served(Options::default());
    let ran = tap(&stand_in).run().ok();
    let rules = ran.records("alert_muting_rules");
    assert!(rules.iter().any(|rule| rule["stopTime"] == 0));
    assert!(rules.iter().any(|rule| rule["startTime"].as_i64() > Some(1_700_000_000_000)));
    stand_in.edit(|workspace| {
        for row in workspace.rows(RULES) {
            let rule = rules.iter().find(|rule| rule["id"] == row["id"]).unwrap();
            assert_eq!(rule["filters"], row.get("filters").cloned().unwrap_or_default());
        }
    });
}

#[test]
fn the_key_goes_into_its_own_header_and_nowhere_else() {
    let stand_in = served(Options::default());
    tap(&stand_in).variable("INCIDENT_API_KEY", "of-another-system").run().ok();
    for seen in stand_in.requests() {
        let has = |name: &str, value: &str| seen.headers.contains(&(name.into(), value.into()));
        assert!(has("x-sf-token", "demo-key"), "{:?}", seen.headers);
        let others = seen.headers.iter().filter(|(name, _)| name == "authorization");
        assert_eq!(others.count(), 0);
        assert!(!format!("{seen:?}").contains("of-another-system"));
    }
}

#[test]
fn an_endpoint_means_the_same_with_the_version_and_without() {
    let stand_in = served(Options::default());
    for end in ["", "/", "/v2", "/v2/"] {
        let endpoint = stand_in.url() + end;
        tap(&stand_in).set("endpoint", &endpoint).set("realm", "eu0").run().ok();
    }
    assert!(stand_in.requests().iter().all(|seen| seen.target.starts_with("/v2/")));
}

#[test]
fn a_realm_that_is_none_is_an_error() {
    let ran = Tap::bare().set("source", "signalfx").set("api_key", "k").set("realm", "e/u.0").run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains(r#"`realm` is "e/u.0", but must be of the form"#));
}

/// What the last line says where every request for incidents gets this body with this status.
fn refused(status: u16, body: &str) -> (u8, String) {
    let stand_in = served(Options::default());
    stand_in.fault(Fault::always(INCIDENTS, Action::StatusBody(status, body.to_owned())));
    let ran = tap(&stand_in).only(&["incidents"]).run();
    (ran.code, ran.last_line().to_owned())
}

#[test]
fn an_error_is_told_in_its_words_whichever_form_it_has() {
    for body in [
        r#""Invalid token""#,
        r#"{"code": 401, "message": "Invalid token"}"#,
        r#"{"error": {"code": 401, "message": "Invalid token"}}"#,
        r#"{"description": "Invalid token"}"#,
        r#"{"errors": [{"message": "Invalid token"}]}"#,
        "Invalid token",
    ] {
        let (code, line) = refused(401, body);
        assert_eq!(code, 3, "{line}");
        assert!(line.contains(r#"401 "Invalid token""#), "{line}");
        assert!(line.contains("hint: check `api_key`, an access token"), "{line}");
    }
    let (code, line) = refused(403, "no such permission");
    assert_eq!(code, 3, "{line}");
    assert!(line.contains("none of the selected streams: incidents"), "{line}");
    let (code, line) = refused(404, "<html>nobody here</html>");
    assert_eq!(code, 4, "{line}");
    assert!(line.contains("check `realm` or `endpoint`"), "{line}");
}

/// A workspace of so many muting rules.
fn rules(count: usize, options: Options) -> StandIn {
    let stand_in = served(options);
    stand_in.edit(|workspace| {
        workspace.edit(RULES, |rows| {
            let rule = |number| json!({"id": format!("R{number}"), "startTime": 1, "stopTime": 0});
            *rows = (0..count).map(rule).collect();
        });
    });
    stand_in
}

#[test]
fn a_list_beyond_the_ceiling_is_read_up_to_it_and_told_as_short() {
    let stand_in = rules(12_000, Options::default());
    let ran = tap(&stand_in).only(&["alert_muting_rules"]).run().ok();
    assert_eq!(ids(&ran, "alert_muting_rules", "id").len(), 10_000);
    assert!(stand_in.requests().iter().all(|seen| seen.status == 200));
    let said =
        "WARNING stream=alert_muting_rules the API gives no more than 10000 records of a list";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(ran.stderr.contains("10000 records came where the API counts 12000"), "{}", ran.stderr);
    assert!(ran.counts().contains(" streams_short=1 "), "{}", ran.counts());
}

#[test]
fn an_offset_that_is_ignored_is_an_error_unless_everything_came() {
    let readings = Readings { ignores_offset: true, ..Readings::default() };
    let ran = |count, page_size| {
        let stand_in = rules(count, Options { readings, ..Options::default() });
        tap(&stand_in).set("page_size", page_size).only(&["alert_muting_rules"]).run()
    };
    assert_eq!(ran(70, "1000").ok().records("alert_muting_rules").len(), 70);
    let short = ran(70, "50");
    assert_eq!(short.code, 4, "{}", short.stderr);
    assert!(short.last_line().contains("has the 50 records of the first one"));
}

#[test]
fn the_number_of_rules_is_held_against_what_came() {
    let lie = |target: &str, body: &mut Value| {
        if target.starts_with(RULES) {
            body["count"] = 67.into();
        }
    };
    let stand_in = rules(66, Options { on_answer: Some(Box::new(lie)), ..Options::default() });
    let ran = tap(&stand_in).only(&["alert_muting_rules"]).run().ok();
    assert!(ran.stderr.contains("66 records came where the API counts 67"), "{}", ran.stderr);
}
