//! The running stand-in: keys, headers, faults, limits, and changes while it runs.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use flate2::read::GzDecoder;
use serde_json::json;

use super::support::{Connection, after, document, following, ids, numbered, workspace};
use crate::{Action, Clock, Fault, Limits, NOW, Options, StandIn};

fn started(options: Options) -> StandIn {
    let workspace = workspace(&[("v2.users", json!({"rows": numbered(60)}))]);
    StandIn::start(&document(), workspace, options).unwrap()
}

#[test]
fn one_connection_serves_many_requests_and_they_are_remembered() {
    let stand_in = started(Options::default());
    let mut connection = Connection::open(&stand_in);
    assert_eq!(ids(&connection.get("/v2/users").unwrap().json()).len(), 25);
    assert_eq!(connection.get("/v2/nothing?x=%20").unwrap().status, 404);
    let seen = stand_in.requests();
    let seen: Vec<(&str, u16)> =
        seen.iter().map(|seen| (seen.target.as_str(), seen.status)).collect();
    assert_eq!(seen, [("/v2/users", 200), ("/v2/nothing?x=%20", 404)]);
}

#[test]
fn the_key_is_checked_and_only_get_is_answered() {
    let stand_in = started(Options::default());
    let mut connection = Connection::open(&stand_in);
    let status = |received: Option<super::support::Received>| {
        let received = received.unwrap();
        (received.status, received.json()["errors"][0]["code"].as_str().unwrap().to_owned())
    };
    let without = status(connection.send("GET /v2/users HTTP/1.1"));
    let wrong = status(connection.send("GET /v2/users HTTP/1.1\r\nAuthorization: Bearer x"));
    let post = status(connection.send("POST /v2/users HTTP/1.1\r\nAuthorization: Bearer demo-key"));
    assert_eq!(without, (401, "missing_authorization_material".to_owned()));
    assert_eq!(wrong, (401, "invalid_authorization_material".to_owned()));
    assert_eq!(post, (405, "method_not_allowed".to_owned()));
}

#[test]
fn the_document_is_served_without_a_key() {
    let stand_in = started(Options::default());
    let received = Connection::open(&stand_in).send("GET /v1/openapiV3.json HTTP/1.1").unwrap();
    assert_eq!(received.json(), document());
}

#[test]
fn a_forbidden_path_names_the_missing_scope() {
    let forbidden = vec!["/v2/schedules".to_owned()];
    let stand_in = started(Options { forbidden, ..Options::default() });
    let mut connection = Connection::open(&stand_in);
    let received = connection.get("/v2/schedules/S").unwrap();
    assert_eq!(received.status, 403);
    assert_eq!(received.json()["errors"][0]["metadata"]["scope"], "schedules.view");
    assert_eq!(connection.get("/v2/users").unwrap().status, 200);
}

#[test]
fn answers_carry_the_date_and_the_limits() {
    let stand_in = started(Options::default());
    let mut connection = Connection::open(&stand_in);
    let received = connection.get("/v2/incidents").unwrap();
    assert_eq!(received.header("Date"), Some("Fri, 20 Nov 2026 12:00:00 GMT"));
    let limit = received.header("X-RateLimit-Limit");
    assert_eq!(limit, Some("60, 1200;window=60, 60;window=60"));
    let received = connection.get("/v2/users").unwrap();
    assert_eq!(received.header("X-RateLimit-Limit"), Some("1200, 1200;window=60"));
    assert_eq!(received.header("X-RateLimit-Remaining"), Some("1199"));
}

#[test]
fn a_429_says_how_long_to_wait_in_header_and_body() {
    let limits = Some(Limits { per_key: 1, incidents: 1 });
    let stand_in = started(Options { limits, ..Options::default() });
    let mut connection = Connection::open(&stand_in);
    connection.get("/v2/users").unwrap();
    let odd = connection.get("/v2/users").unwrap();
    let even = connection.get("/v2/users").unwrap();
    assert_eq!((odd.status, odd.header("Retry-After")), (429, Some("60")));
    assert_eq!(odd.json()["rate_limit"]["retry_after"], "Fri, 20 Nov 2026 12:01:00 UTC");
    assert_eq!(even.json()["rate_limit"]["retry_after"], "2026-11-20T12:01:00Z");
}

#[test]
fn bodies_are_compressed_for_those_who_take_it() {
    let head = "GET /v2/users?page_size=60 HTTP/1.1\r\nAuthorization: Bearer demo-key\r\nAccept-Encoding: gzip";
    let stand_in = started(Options::default());
    let received = Connection::open(&stand_in).send(head).unwrap();
    assert_eq!(received.header("Content-Encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(received.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["users"][0]["id"], "A01");
    let stand_in = started(Options { gzip: false, ..Options::default() });
    assert_eq!(Connection::open(&stand_in).send(head).unwrap().header("Content-Encoding"), None);
}

#[test]
fn each_fault_does_what_it_says() {
    let stand_in = started(Options::default());
    let moment = DateTime::from_timestamp(0, 0).unwrap();
    let get = |action: Action| {
        stand_in.fault(Fault::once("/v2/users", action));
        Connection::open(&stand_in).get("/v2/users")
    };
    assert_eq!(get(Action::Status(500)).unwrap().json()["type"], "internal_error");
    let busy = get(Action::RetryAfter { seconds: 7 }).unwrap();
    assert_eq!((busy.status, busy.header("Retry-After")), (429, Some("7")));
    let page = get(Action::Html(502)).unwrap();
    assert_eq!((page.status, page.header("Content-Type")), (502, Some("text/html; charset=utf-8")));
    assert_eq!(get(Action::Body("[1]".to_owned())).unwrap().body, b"[1]");
    assert!(get(Action::CloseBeforeAnswer).is_none());
    assert_eq!(get(Action::NoDate).unwrap().header("Date"), None);
    let date = get(Action::Date(moment)).unwrap();
    assert_eq!(date.header("Date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(get(Action::Delay(Duration::from_millis(1))).unwrap().status, 200);
    let cut = get(Action::CutBody).unwrap();
    assert_eq!(cut.body.len(), cut.header("Content-Length").unwrap().parse::<usize>().unwrap() / 2);
}

#[test]
fn an_empty_page_leads_on_without_loss() {
    let stand_in = started(Options::default());
    let (mut connection, target) = (Connection::open(&stand_in), "/v2/users?page_size=20");
    stand_in.fault(Fault { skip: 1, times: 2, ..Fault::always("", Action::EmptyPage) });
    let (mut all, mut cursors, mut next) = (Vec::new(), Vec::new(), target.to_owned());
    loop {
        let body = connection.get(&next).unwrap().json();
        all.push(ids(&body));
        let Some(after) = after(&body) else { break };
        next = following(target, &after);
        assert!(!cursors.contains(&after), "a cursor came twice");
        cursors.push(after);
    }
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [20, 0, 0, 20, 20]);
    assert_eq!(all.concat().len(), 60);
}

#[test]
fn time_passes_while_rows_are_read_where_a_clock_is_given() {
    let time = Arc::new(Mutex::new(NOW));
    let shown = Arc::clone(&time);
    let clock: Clock = Arc::new(move || *shown.lock().unwrap());
    let stand_in = started(Options { clock, ..Options::default() });
    let mut connection = Connection::open(&stand_in);
    let mut date = || connection.get("/v2/users").unwrap().header("Date").map(str::to_owned);
    assert_eq!(date().as_deref(), Some("Fri, 20 Nov 2026 12:00:00 GMT"));
    *time.lock().unwrap() += Duration::from_secs(61);
    assert_eq!(date().as_deref(), Some("Fri, 20 Nov 2026 12:01:01 GMT"));
}

#[test]
fn the_same_cursor_comes_back() {
    let stand_in = started(Options::default());
    let (mut connection, target) = (Connection::open(&stand_in), "/v2/users?page_size=20");
    stand_in.fault(Fault::always("", Action::SameCursor));
    let first = after(&connection.get(target).unwrap().json()).unwrap();
    let second = connection.get(&following(target, &first)).unwrap().json();
    assert_eq!(after(&second), Some(first));
}

#[test]
fn data_changes_while_it_is_read() {
    let on_request: crate::OnRequest = Box::new(|target, workspace| {
        assert_eq!(target, "/v2/users?page_size=2");
        workspace.edit("/v2/users", |rows| drop(rows.remove(0)));
    });
    let stand_in = started(Options { on_request: Some(on_request), ..Options::default() });
    let mut connection = Connection::open(&stand_in);
    let mut get = || ids(&connection.get("/v2/users?page_size=2").unwrap().json());
    assert_eq!(get(), ["A02", "A03"]);
    stand_in.edit(|workspace| workspace.edit("/v2/users", Vec::clear));
    stand_in.edit(|workspace| {
        workspace.edit("/v2/users", |rows| rows.extend([json!(1), json!({"id": "Z"})]));
    });
    assert_eq!(get(), ["Z"]);
}

#[test]
fn a_dropped_stand_in_closes_its_connections() {
    let stand_in = started(Options::default());
    let mut connection = Connection::open(&stand_in);
    connection.get("/v2/users").unwrap();
    drop(stand_in);
    assert!(connection.is_closed());
}
