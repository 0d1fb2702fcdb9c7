use std::fmt::Write;

use super::*;

#[test]
fn every_event_has_its_words() {
    let events = of_runs().into_iter().chain(of_requests()).chain(of_streams());
    let mut text = String::new();
    for Event { level, name, stream, text: words, fields } in events {
        let fields = Value::Object(fields);
        writeln!(text, "{level:?} {name} {stream:?}\n  {words}\n  {fields}").unwrap();
    }
    insta::assert_snapshot!(text);
}

const WAIT: Duration = Duration::from_millis(1_550);
const WHY: &str = "why";

fn of_runs() -> Vec<Event> {
    let names = ["Data".to_owned()];
    vec![
        warning("config: there is no setting `a`"),
        note("going on"),
        note_of("incidents", "it goes on"),
        key("Export", "https://app.incident.io/a", Some(&["viewer".to_owned()])),
        key("", "", None),
        key_unknown("/v1/identity", "no answer"),
        key_limited("global_access", "private incidents"),
        key_of_teams(&names),
        offer_taken("workflow_runs", "state \"new\""),
        offer_refused("workflow_runs", "state \"new\"", &WHY),
        offer_skipped("incidents", "it is asked for without it"),
        forecast(&[("incident_participants", 300), ("call_sessions", 30)], 1),
        planned((40, 0), 40, 0),
        planned((38, 2), 46, 12),
        could_be_incremental(&[("workflow_runs", 4_000), ("incident_alerts", 2_000)]),
        choice("incident_alerts", 900, Some(80), true),
        choice("incident_alerts", 900, None, true),
        choice("incident_alerts", 3, Some(80), false),
        fewer_threads(4, 8, &WHY),
    ]
}

fn of_requests() -> Vec<Event> {
    vec![
        request(&"/v2/users"),
        host_found("a.test:443", &[([10, 0, 0, 1], 443).into(), ([0; 8], 443).into()]),
        request_again(&"/v2/users", &WHY),
        retry(&"/v2/users", 2, WAIT, "a 500"),
        waiting(WAIT, "for the rate limit of /v2/incidents"),
        odd_quota(&"/v2/users", "1;window=9"),
        smaller_pages("alerts", &"/v2/alerts", "a 502", 25),
        read_again("alerts", &WHY),
        schema_kept("alerts", &WHY),
    ]
}

fn of_streams() -> Vec<Event> {
    vec![
        progress("alerts", 100, 2),
        ended("alerts", End::Whole, (100, 2), WAIT),
        ended("alerts", End::ForChildren, (0, 2), WAIT),
        ended("alerts", End::BrokenOff, (100, 2), WAIT),
        shortcoming("alerts", "records that share a key: 2"),
        fields_unknown("alerts", "a, b", true),
        fields_unknown("alerts", "a, b", false),
        parent_set_aside("actions", "01A", &WHY),
        not_activated("users", "not all modes are read"),
        left_out("actions"),
        skipped("secrets", "the key lacks a scope"),
        stream_failed("alerts", "stream `alerts`: no answer"),
        done("done streams=1 of 1", true),
        closing("all is well", true),
        failed("no answer"),
    ]
}
