//! Whose key it is.

use serde_json::Value;

use crate::api::client::Client;
use crate::base::error::Error;
use crate::base::log::Log;
use crate::bookmark::scope::Sight;
use crate::source::request::Request;

/// The role without which the API leaves private incidents out (API document).
const GLOBAL_ACCESS: &str = "global_access";

/// Asks the API whose key this is: an early 401, and who and what for the log. What the key sees; what
/// cannot be read of it is unknown, which ends no run.
///
/// # Errors
/// [`Error::Unauthorized`].
pub fn greet(client: &Client, log: &Log) -> Result<Sight, Error> {
    let identity = match client.get(&Request::new("/v1/identity")) {
        Err(error @ Error::Unauthorized(_)) => return Err(error),
        Err(error) => Err(error.to_string()),
        Ok((_, body)) => read(&body),
    };
    match identity {
        Ok(identity) => Ok(seen(&identity, log)),
        Err(problem) => {
            log.warn(&format!(
                "it is not known whose key this is and what it may not see: /v1/identity: {problem}"
            ));
            Ok(Sight::default())
        }
    }
}

/// The key's own record.
fn read(body: &[u8]) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match answer.get_mut("identity").map(Value::take) {
        Some(identity @ Value::Object(_)) => Ok(identity),
        _ => Err("the answer has no identity".to_owned()),
    }
}

/// What a key sees, said in the log, with a warning where that is not everything.
fn seen(identity: &Value, log: &Log) -> Sight {
    let text = |name: &str| identity.get(name).and_then(Value::as_str).map(str::to_owned);
    let roles = list(identity, "roles").map(|roles| texts(roles, ""));
    let teams = list(identity, "teams").map(|teams| texts(teams, "/id"));
    let organisation = text("dashboard_url");
    log.info(&format!(
        "key name={:?} organisation={:?} roles={}",
        text("name").unwrap_or_default(),
        organisation.as_deref().unwrap_or_default(),
        roles.as_ref().map_or("unknown".to_owned(), |roles| roles.join(",")),
    ));
    let global_access = roles.map(|roles| roles.iter().any(|role| role == GLOBAL_ACCESS));
    if global_access == Some(false) {
        log.warn(&format!(
            "the key has no role `{GLOBAL_ACCESS}`: private incidents, and what belongs to them, \
             are missing without any error of the API"
        ));
    }
    let names = list(identity, "teams").map(|teams| texts(teams, "/name")).unwrap_or_default();
    if !names.is_empty() {
        log.warn(&format!(
            "the key has grants of {} teams ({}): rows that only other teams may see are missing \
             without any error of the API",
            names.len(),
            names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "),
        ));
    }
    Sight { organisation, global_access, teams }
}

/// The items of a list; an empty one may come as null, or not at all. Anything else is unknown.
fn list<'a>(identity: &'a Value, name: &str) -> Option<&'a [Value]> {
    match identity.get(name) {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(items)) => Some(items),
        Some(_) => None,
    }
}

/// The text at a pointer in each item, in one order.
fn texts(items: &[Value], pointer: &str) -> Vec<String> {
    let text = |item: &Value| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let mut texts = items.iter().filter_map(text).collect::<Vec<_>>();
    texts.sort();
    texts
}
