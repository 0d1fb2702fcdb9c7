//! Whose key it is.

use std::sync::Arc;

use serde_json::Value;

use crate::api::client::Client;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::Log;
use crate::bookmark::validity::Sight;
use crate::source::request::Request;
use crate::source::{Identity, Source};

/// Asks the API whose key this is, so that a wrong key fails early and the log tells which one was used.
/// Returns what the key sees. What the API does not tell is unknown, and the run goes on.
///
/// # Errors
/// [`Error::Unauthorized`], what is wrong with the way to the API, and what ends the run before its time.
pub fn identify(source: &Source, client: &Arc<Client>, log: &Log) -> Result<Sight, Error> {
    let Some(known) = &source.identity else { return Ok(Sight::default()) };
    let request = Request::new(known.path);
    let identity = match client.get(&request) {
        // No other request can do better.
        Err(
            error @ (Error::Unauthorized(_)
            | Error::Untrusted { .. }
            | Error::Config(_)
            | Error::NoThread(_)
            | Error::Stopped { .. }
            | Error::OutputClosed),
        ) => return Err(error),
        Err(error @ Error::Unreachable { .. }) if !client.is_reached() => return Err(error),
        Err(error) => Err(error.to_string()),
        Ok((answer, body)) => {
            let identity = read(&body, known);
            if identity.is_ok() {
                client.keep(&request, answer, body);
            }
            identity
        }
    };
    match identity {
        Ok(identity) => Ok(seen(&identity, known, log)),
        Err(problem) => {
            log.tell(&event::key_unknown(known.path, &problem));
            Ok(Sight::default())
        }
    }
}

/// The key's own record.
fn read(body: &[u8], known: &Identity) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match answer.get_mut(known.object).map(Value::take) {
        Some(identity @ Value::Object(_)) => Ok(identity),
        _ => Err(format!("the answer has no {}", known.object)),
    }
}

/// What a key sees, said in the log, with a warning where that is not everything.
fn seen(identity: &Value, known: &Identity, log: &Log) -> Sight {
    let roles = list(identity, known.roles).map(|roles| texts(roles, ""));
    let (teams, id, team_name) = known.teams;
    let list_of_teams = list(identity, teams);
    let teams = list_of_teams.map(|teams| texts(teams, id));
    // Both go into the state.
    let organisation = text(identity, known.organisation).map(|name| log.without_key(&name));
    let teams = teams.map(|teams| teams.iter().map(|team| log.without_key(team)).collect());
    let name = text(identity, known.name).unwrap_or_default();
    log.tell(&event::key(&name, organisation.as_deref().unwrap_or_default(), roles.as_deref()));
    let (full_access, hidden) = known.full_access;
    let sees_all = roles.as_ref().map(|roles| roles.iter().any(|role| role == full_access));
    if sees_all == Some(false) {
        log.tell(&event::key_limited(full_access, hidden));
    }
    let names = list_of_teams.map(|teams| texts(teams, team_name)).unwrap_or_default();
    if !names.is_empty() {
        log.tell(&event::key_of_teams(&names));
    }
    Sight { organisation, sees_all, teams, roles }
}

fn text(identity: &Value, name: &str) -> Option<String> {
    identity.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The items of a list, which may be missing or null where it is empty. None where it is no list.
fn list<'a>(identity: &'a Value, name: &str) -> Option<&'a [Value]> {
    match identity.get(name) {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

/// The text at a pointer in each item, in one order.
fn texts(items: &[Value], pointer: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for item in items {
        texts.extend(item.pointer(pointer).and_then(Value::as_str).map(str::to_owned));
    }
    texts.sort();
    texts
}
