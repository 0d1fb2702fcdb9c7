//! Statuses, with what comes beside them.

use stand_in::Action;

use super::kind::Fate::{Final, Forbidden, Gone, NotTaken, Passing, Unknown};
use super::kind::{Kind, kind, raw};

const JSON: &str = "Content-Type: application/json\r\n";
const PAGE: &str = "<!DOCTYPE html>\n<html><body><h1>No</h1></body></html>";
/// As the API writes an error.
const ERROR: &str = r#"{"type":"some_error","status":400,"request_id":"r1","errors":[{"code":"some_code","message":"no"}]}"#;

/// Statuses that no waiting changes.
pub fn lasting() -> Vec<Kind> {
    let elsewhere = "Location: /v1/severities\r\n";
    let another = "Location: http://127.0.0.1:1/v1/severities\r\n";
    let gateway = r#"{"message":"Forbidden"}"#;
    vec![
        kind("206", raw("206 Partial Content", "Content-Range: bytes 0-1/9\r\n", "{}"), Final(4)),
        kind("301", raw("301 Moved Permanently", elsewhere, ""), Final(4)),
        kind("302 to another host", raw("302 Found", another, PAGE), Final(4)),
        kind("303 without a place", raw("303 See Other", "", ""), Final(4)),
        kind("304", raw("304 Not Modified", "", ""), Final(4)),
        kind("307", raw("307 Temporary Redirect", elsewhere, ""), Final(4)),
        kind("308", raw("308 Permanent Redirect", elsewhere, ""), Final(4)),
        kind("400", raw("400 Bad Request", JSON, ERROR), Final(4)),
        kind("401", Action::Status(401), Unknown),
        kind("401 in HTML", Action::Html(401), Unknown),
        kind("403 with a code", Action::Status(403), Forbidden),
        kind("403 with type alone", denied(r#"{"type":"authorization_error"}"#), Forbidden),
        kind("403 in HTML", Action::Html(403), Final(4)),
        kind("403 without a code", denied(gateway), Forbidden),
        kind("403 without a body", denied(""), Final(4)),
        kind("404 with a code", Action::Status(404), Gone),
        kind("404 in HTML", Action::Html(404), Final(4)),
        kind("409", raw("409 Conflict", JSON, ERROR), Final(4)),
        kind("410", raw("410 Gone", JSON, ERROR), Final(4)),
        kind("418", raw("418 I'm a teapot", "", "short and stout"), Final(4)),
        kind("422", Action::Status(422), NotTaken),
        kind("422 in HTML", Action::Html(422), NotTaken),
        kind("451", Action::Html(451), Final(4)),
        // Nobody waits that long, and to come back sooner is not allowed.
        kind("429 beyond numbers", slow("Retry-After: 99999999999999999999999\r\n", ""), Final(5)),
    ]
}

fn denied(body: &str) -> Action {
    raw("403 Forbidden", JSON, body)
}

/// The ways in which an answer says when to come again: in 17 seconds, each time.
pub fn asking_to_wait() -> Vec<Kind> {
    let date = "Retry-After: Fri, 20 Nov 2026 12:00:17 GMT\r\n";
    let body = r#"{"type":"too_many_requests","rate_limit":{"retry_after":"WHEN"}}"#;
    let said = |when: &str| slow("", &body.replace("WHEN", when));
    let kinds = [
        kind("429 until a date", slow(date, ""), Passing(5)),
        kind("503 until a date", unavailable(date), Passing(5)),
        kind("429 until a time in the body", said("2026-11-20T12:00:17Z"), Passing(5)),
        kind("429 until a date in the body", said("Fri, 20 Nov 2026 12:00:17 UTC"), Passing(5)),
    ];
    kinds.into_iter().map(|kind| Kind { waits: 17, ..kind }).collect()
}

/// Statuses that may pass.
pub fn passing() -> Vec<Kind> {
    let wait = "Retry-After: 17\r\n";
    vec![
        kind("204", raw("204 No Content", "", ""), Passing(4)),
        kind("408", Action::Html(408), Passing(5)),
        Kind { waits: 17, ..kind("429", raw("429 Too Many Requests", wait, ERROR), Passing(5)) },
        kind("429 without more", raw("429 Too Many Requests", "", ""), Passing(5)),
        kind("429 in HTML", Action::Html(429), Passing(5)),
        kind("429 until some time", slow("Retry-After: soon\r\n", ""), Passing(5)),
        kind("429 until before", slow("Retry-After: -17\r\n", ""), Passing(5)),
        kind("429 until nothing", slow("Retry-After: \r\n", ""), Passing(5)),
        kind("500", Action::Status(500), Passing(5)),
        kind("500 in HTML", Action::Html(500), Passing(5)),
        kind("501", raw("501 Not Implemented", JSON, ERROR), Passing(5)),
        kind("502", Action::Html(502), Passing(5)),
        kind("503", Action::Status(503), Passing(5)),
        Kind { waits: 17, ..kind("503 for a while", unavailable(wait), Passing(5)) },
        kind("503 of an empty body", unavailable(""), Passing(5)),
        kind("504", Action::Html(504), Passing(5)),
        kind("520", raw("520 Web Server Returned an Unknown Error", "", PAGE), Passing(5)),
        kind("599", raw("599 Network Connect Timeout Error", "", ""), Passing(5)),
    ]
}

fn slow(headers: &str, body: &str) -> Action {
    raw("429 Too Many Requests", headers, body)
}

fn unavailable(headers: &str) -> Action {
    raw("503 Service Unavailable", headers, "")
}
