//! From a request to the reply of an API that is described in prose: the key, the limits, the
//! answer. Such an API says nothing of its limits until they are passed, and nothing of how long to
//! wait then.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::answer::Rules;
use super::api::Prose;
use super::denial::Denial;
use super::faults::Action;
use super::http::{JSON, Reply};
use super::query::Request;
use super::shared::{Shared, lock};

/// The answer of the API, if the key, the limits and the rules allow one.
pub(crate) fn answered(
    api: Prose,
    shared: &Shared,
    request: &Request,
    action: &Action,
    now: DateTime<Utc>,
) -> Reply {
    match data(api, shared, request, action, now) {
        Ok(body) => Reply::plain(200, JSON, body.to_string().into_bytes()),
        Err(denial) => denied(denial),
    }
}

/// The reply of an API that says no.
pub(crate) fn denied(denial: Denial) -> Reply {
    Reply::plain(denial.status, denial.content_type, denial.body.into_bytes())
}

fn data(
    api: Prose,
    shared: &Shared,
    request: &Request,
    action: &Action,
    now: DateTime<Utc>,
) -> Result<Value, Denial> {
    let rules = Rules { now: now.timestamp_micros(), ..shared.rules.clone() };
    api.admit(request, &rules)?;
    if shared.take(&request.path()).wait.is_some() {
        return Err(api.denial(429));
    }
    let turn = shared.turn(request);
    let mut body = shared.read(|workspace| api.answer(request, workspace, &rules, turn))?;
    if let Some(rows) = rows_of(&mut body) {
        match action {
            Action::EmptyPage => rows.clear(),
            Action::ThinPage if !rows.is_empty() => drop(rows.remove(0)),
            _ => {}
        }
    }
    if let Some(on_answer) = lock(&shared.on_answer).as_mut() {
        on_answer(&request.target, &mut body);
    }
    Ok(body)
}

/// The rows of a list in any of the forms that lists have.
fn rows_of(body: &mut Value) -> Option<&mut Vec<Value>> {
    if body.is_array() {
        return body.as_array_mut();
    }
    for name in ["results", "data", "incidents"] {
        if body.get(name).is_some_and(Value::is_array) {
            return body.get_mut(name)?.as_array_mut();
        }
    }
    None
}
