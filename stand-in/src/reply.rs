//! From a request to the reply that is sent: faults, limits, the answer, and the headers around it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::answer::{Answer, DOCUMENT_PATH, Rules, admit, answer};
use super::api::Served;
use super::document::Document;
use super::faults::{self, Action};
use super::http::{JSON, Reply};
use super::limits::Allowance;
use super::prose;
use super::query::Request;
use super::refusal::Refusal;
use super::shared::{Shared, lock};

/// The reply to the request with this number; nothing if the connection is to be closed instead.
pub(crate) fn reply(
    shared: &Shared,
    request: &Request,
    number: usize,
    action: Option<Action>,
) -> Option<Reply> {
    // Before the data is read: a row that an answer lacks is never older than the answer's date.
    let now = shared.now();
    let mut date = Some(now);
    let mut is_cut = false;
    let mut reply = match action {
        Some(Action::CloseBeforeAnswer) => return None,
        Some(Action::StatusBody(status, body)) => Reply::plain(status, JSON, body.into_bytes()),
        Some(Action::Status(status)) => failed(&shared.served, status, number),
        Some(Action::RetryAfter { seconds }) => asking_to_wait(shared, seconds, now, number),
        Some(Action::Html(status)) => html(status),
        Some(Action::Body(body)) => Reply::plain(200, JSON, body.into_bytes()),
        Some(other) => {
            match &other {
                Action::NoDate => date = None,
                Action::Date(other) => date = Some(*other),
                Action::CutBody => is_cut = true,
                _ => {}
            }
            answered(shared, request, number, &other, now)
        }
        None => answered(shared, request, number, &Action::Delay(Duration::ZERO), now),
    };
    reply.is_cut = is_cut;
    if let Some(date) = date {
        reply.headers.push(("Date".to_owned(), http_date(date, "GMT")));
    }
    Some(reply)
}

/// The answer of the API, if the key, the limits and the document allow one.
fn answered(
    shared: &Shared,
    request: &Request,
    number: usize,
    action: &Action,
    now: DateTime<Utc>,
) -> Reply {
    let (document, source) = match &shared.served {
        Served::OpenApi { document, source } => (document, source),
        Served::Prose(api) => return prose::answered(*api, shared, request, action, now),
    };
    if let Err(refusal) = admit(request, document, &shared.rules) {
        return refused(&refusal, number);
    }
    if request.path() == DOCUMENT_PATH {
        return Reply::plain(200, JSON, source.to_string().into_bytes());
    }
    let allowance = shared.take(&request.path());
    let mut reply = match allowance.wait {
        Some(seconds) => too_many(seconds, Some(&allowance), now, number),
        None => match data(shared, document, request, action, now) {
            Ok(body) => Reply::plain(200, JSON, body.to_string().into_bytes()),
            Err(refusal) => refused(&refusal, number),
        },
    };
    reply.headers.extend(allowance.headers(now.timestamp()));
    reply
}

fn data(
    shared: &Shared,
    document: &Document,
    request: &Request,
    action: &Action,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let rules = Rules { now: now.timestamp_micros(), ..shared.rules.clone() };
    let answer = shared.read(|workspace| answer(request, document, workspace, &rules));
    let mut answer: Answer = answer?;
    match action {
        Action::SameCursor => faults::repeat_cursor(&mut answer, request),
        Action::EmptyPage => faults::empty(&mut answer),
        Action::ThinPage => faults::thin(&mut answer),
        _ => {}
    }
    if let Some(on_answer) = lock(&shared.on_answer).as_mut() {
        on_answer(&request.target, &mut answer.body);
    }
    Ok(answer.body)
}

/// An error of the API with this status.
fn failed(served: &Served, status: u16, number: usize) -> Reply {
    match served {
        Served::OpenApi { .. } => refused(&Refusal::of_status(status), number),
        Served::Prose(api) => prose::denied(api.denial(status)),
    }
}

fn asking_to_wait(shared: &Shared, seconds: u64, now: DateTime<Utc>, number: usize) -> Reply {
    if matches!(shared.served, Served::OpenApi { .. }) {
        return too_many(seconds, None, now, number);
    }
    let mut reply = failed(&shared.served, 429, number);
    reply.headers.push(("Retry-After".to_owned(), seconds.to_string()));
    reply
}

fn refused(refusal: &Refusal, number: usize) -> Reply {
    Reply::plain(refusal.status, JSON, refusal.body(&request_id(number)).to_string().into_bytes())
}

fn too_many(seconds: u64, of: Option<&Allowance>, now: DateTime<Utc>, number: usize) -> Reply {
    let wait = TimeDelta::try_seconds(i64::try_from(seconds).unwrap_or(0)).unwrap_or_default();
    let at = now + wait;
    // The real API writes it either way.
    let retry_after = if number.is_multiple_of(2) {
        at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        http_date(at, "UTC")
    };
    let limit = of.map_or(1_200, |allowance| allowance.limit);
    let mut body = Refusal::of_status(429).body(&request_id(number));
    if let Some(members) = body.as_object_mut() {
        let limit = json!({"name": "Tidewater", "limit": limit, "remaining": 0,
            "retry_after": retry_after});
        members.insert("rate_limit".to_owned(), limit);
    }
    let mut reply = Reply::plain(429, JSON, body.to_string().into_bytes());
    reply.headers.push(("Retry-After".to_owned(), seconds.to_string()));
    reply
}

fn html(status: u16) -> Reply {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\n\
         <body><h1>{status}</h1><p>The proxy is having a rest.</p></body></html>\n"
    );
    Reply::plain(status, "text/html; charset=utf-8", page.into_bytes())
}

/// Looks like the API's, and is the same in every run.
fn request_id(number: usize) -> String {
    format!("7d3f0000-5e1f-4000-8000-{number:012x}")
}

fn http_date(time: DateTime<Utc>, zone: &str) -> String {
    format!("{} {zone}", time.format("%a, %d %b %Y %H:%M:%S"))
}
