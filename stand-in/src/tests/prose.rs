//! What limits, faults and hooks do to APIs that are described in prose.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Connection, Received};
use crate::{Action, Api, Fault, Limits, Options, Readings, StandIn, Workspace};

const SIGNALFX: &str = "/v2/incident?limit=3";
const ACTIAN: &str = "/api/backend/harbour%20works%2F7/incidents";

fn signalfx(options: Options) -> StandIn {
    StandIn::serving(Api::SignalFx, Workspace::signalfx().unwrap(), options).unwrap()
}

fn actian(options: Options) -> StandIn {
    StandIn::serving(Api::Actian, Workspace::actian().unwrap(), options).unwrap()
}

/// Sends what both APIs let in: a single key is in the header of the one that is asked.
fn asked(stand_in: &StandIn, target: &str) -> Option<Received> {
    let header = if target.starts_with("/v2") { "X-SF-TOKEN" } else { "X-TLM-Key" };
    let head =
        format!("GET {target} HTTP/1.1\r\n{header}: demo-key\r\nContent-Type: application/json");
    Connection::open(stand_in).send(&head)
}

fn length(stand_in: &StandIn, target: &str) -> usize {
    asked(stand_in, target).unwrap().json().as_array().unwrap().len()
}

#[test]
fn beyond_the_limit_nothing_says_how_long_to_wait() {
    let limits =
        || Options { limits: Some(Limits { per_key: 1, incidents: 60 }), ..Options::default() };
    for (stand_in, target) in [(signalfx(limits()), SIGNALFX), (actian(limits()), ACTIAN)] {
        let first = asked(&stand_in, target).unwrap();
        let second = asked(&stand_in, target).unwrap();
        assert_eq!((first.status, second.status), (200, 429));
        for (name, _) in first.headers.iter().chain(&second.headers) {
            let name = name.to_lowercase();
            assert!(!name.contains("ratelimit") && name != "retry-after", "{name}");
        }
    }
}

#[test]
fn a_refused_request_takes_nothing_out_of_the_limits() {
    let limits = Some(Limits { per_key: 1, incidents: 60 });
    let stand_in = signalfx(Options { limits, ..Options::default() });
    let received = Connection::open(&stand_in).send("GET /v2/incident HTTP/1.1").unwrap();
    assert_eq!(received.status, 401);
    assert_eq!(asked(&stand_in, SIGNALFX).unwrap().status, 200);
}

#[test]
fn a_status_comes_in_the_form_of_the_api() {
    let body = |stand_in: &StandIn, target: &str, status: u16| {
        stand_in.fault(Fault::once("", Action::Status(status)));
        let received = asked(stand_in, target).unwrap();
        assert_eq!(received.status, status);
        received.text()
    };
    let stand_in = signalfx(Options::default());
    let forms = [400, 401, 403, 429, 503].map(|status| body(&stand_in, SIGNALFX, status));
    assert!(forms[0].starts_with("{\"error\":{\"code\":"));
    assert!(forms[1].starts_with('"'));
    assert!(forms[2].starts_with("{\"code\":403"));
    assert!(forms[3].starts_with("{\"code\":429"));
    assert!(forms[4].starts_with("There was"));
    let stand_in = actian(Options::default());
    let forms = [400, 401, 403, 429, 500].map(|status| body(&stand_in, ACTIAN, status));
    assert!(forms[0].starts_with("{\"description\":"));
    assert!(forms[1].starts_with("The key"));
    assert!(forms[2].starts_with("{\"description\":"));
    assert!(forms[3].starts_with("Too many"));
    assert!(forms[4].starts_with('"'));
}

#[test]
fn only_the_fault_that_asks_to_wait_says_how_long() {
    let stand_in = actian(Options::default());
    stand_in.fault(Fault::once("", Action::RetryAfter { seconds: 7 }));
    stand_in.fault(Fault::once("", Action::Status(429)));
    let first = asked(&stand_in, ACTIAN).unwrap();
    let second = asked(&stand_in, ACTIAN).unwrap();
    assert_eq!((first.status, first.header("Retry-After")), (429, Some("7")));
    assert_eq!((second.status, second.header("Retry-After")), (200, None));
}

#[test]
fn a_fault_finds_a_path_behind_the_tenant_too() {
    let stand_in = actian(Options::default());
    for path in ["/incidents", "/api/backend/harbour works/7/incidents", "/api", "/incidents*x=1"] {
        stand_in.fault(Fault::once(path, Action::Html(502)));
        let target = if path.contains('*') { format!("{ACTIAN}?x=1") } else { ACTIAN.to_owned() };
        let received = asked(&stand_in, &target).unwrap();
        assert_eq!((received.status, received.json_or_html()), (502, "html"), "{path}");
    }
    stand_in.fault(Fault::once("/configuration", Action::Html(502)));
    assert_eq!(asked(&stand_in, ACTIAN).unwrap().status, 200);
}

impl Received {
    fn json_or_html(&self) -> &'static str {
        if self.text().starts_with("<!DOCTYPE html>") { "html" } else { "json" }
    }
}

#[test]
fn pages_become_thin_and_empty() {
    let stand_in = signalfx(Options::default());
    stand_in.fault(Fault::once("/v2/incident", Action::ThinPage));
    stand_in.fault(Fault { skip: 1, ..Fault::once("/v2/incident", Action::EmptyPage) });
    assert_eq!([(); 3].map(|()| length(&stand_in, SIGNALFX)), [2, 0, 3]);
    let stand_in = actian(Options::default());
    stand_in.fault(Fault::once("/incidents", Action::ThinPage));
    assert_eq!([(); 2].map(|()| length(&stand_in, ACTIAN)), [13, 14]);
}

#[test]
fn lists_inside_of_an_object_become_thin_too() {
    let readings = Readings { is_wrapped: true, ..Readings::default() };
    let wrapped = || Options { readings, ..Options::default() };
    let days = format!("{ACTIAN}/distribution");
    for (stand_in, target, name) in [
        (signalfx(wrapped()), SIGNALFX, "results"),
        (signalfx(wrapped()), "/v2/alertmuting?limit=3", "results"),
        (actian(wrapped()), ACTIAN, "data"),
        (actian(wrapped()), days.as_str(), "incidents"),
    ] {
        let length = || asked(&stand_in, target).unwrap().json()[name].as_array().unwrap().len();
        let whole = length();
        stand_in.fault(Fault::once("", Action::ThinPage));
        stand_in.fault(Fault { skip: 1, ..Fault::once("", Action::EmptyPage) });
        assert_eq!([length(), length(), length()], [whole - 1, 0, whole], "{target}");
    }
}

#[test]
fn bodies_are_cut_and_replaced_and_connections_closed() {
    let stand_in = signalfx(Options::default());
    stand_in.fault(Fault::once("", Action::CutBody));
    stand_in.fault(Fault { skip: 1, ..Fault::once("", Action::Body("[{]".to_owned())) });
    stand_in.fault(Fault { skip: 2, ..Fault::once("", Action::CloseBeforeAnswer) });
    let cut = asked(&stand_in, SIGNALFX).unwrap();
    let announced: usize = cut.header("Content-Length").unwrap().parse().unwrap();
    assert!(cut.body.len() < announced);
    assert_eq!(asked(&stand_in, SIGNALFX).unwrap().text(), "[{]");
    assert!(asked(&stand_in, SIGNALFX).is_none());
    assert_eq!(asked(&stand_in, SIGNALFX).unwrap().status, 200);
}

#[test]
fn answers_are_late_or_lack_a_date() {
    let stand_in = signalfx(Options::default());
    stand_in.fault(Fault::once("", Action::NoDate));
    stand_in.fault(Fault { skip: 1, ..Fault::once("", Action::Delay(Duration::from_millis(50))) });
    assert_eq!(asked(&stand_in, SIGNALFX).unwrap().header("Date"), None);
    let start = Instant::now();
    assert!(asked(&stand_in, SIGNALFX).unwrap().header("Date").is_some());
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn hooks_see_the_target_and_change_rows_and_answers() {
    let on_request = Box::new(|target: &str, workspace: &mut Workspace| {
        assert_eq!(target, SIGNALFX);
        workspace.edit("/v2/incident", |rows| rows.truncate(1));
    });
    let on_answer = Box::new(|target: &str, body: &mut Value| {
        assert_eq!(target, SIGNALFX);
        body[0]["incidentId"] = json!("changed");
    });
    let stand_in = signalfx(Options {
        on_request: Some(on_request),
        on_answer: Some(on_answer),
        ..Options::default()
    });
    let body = asked(&stand_in, SIGNALFX).unwrap().json();
    assert_eq!(body.as_array().unwrap().len(), 1);
    assert_eq!(body[0]["incidentId"], "changed");
}

#[test]
fn long_answers_are_compressed() {
    let stand_in = signalfx(Options::default());
    let head = "GET /v2/incident HTTP/1.1\r\nX-SF-TOKEN: demo-key\r\nAccept-Encoding: gzip";
    let received = Connection::open(&stand_in).send(head).unwrap();
    assert_eq!(received.header("Content-Encoding"), Some("gzip"));
}
