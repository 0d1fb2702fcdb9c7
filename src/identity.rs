//! Whose key it is.

use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::log::Log;
use crate::request::Request;

/// The role without which the API leaves private incidents out (API document).
const GLOBAL_ACCESS: &str = "global_access";

/// Asks the API whose key this is: an early 401, and who and what for the log. Whether the key sees
/// private incidents.
///
/// # Errors
/// Those of [`Client::get`], and [`Error::Contract`] where the answer has no identity.
pub fn greet(client: &Client, log: &Log) -> Result<bool, Error> {
    #[derive(Deserialize)]
    struct Greeting {
        identity: Identity,
    }
    #[derive(Deserialize)]
    struct Identity {
        name: String,
        #[serde(default)]
        roles: Vec<String>,
        dashboard_url: Option<String>,
    }
    let (_, body) = client.get(&Request::new("/v1/identity"))?;
    let Greeting { identity } = serde_json::from_slice(&body).map_err(|error| {
        let start = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
        Error::Contract(format!("/v1/identity: {error}: {start:?}"))
    })?;
    log.info(&format!(
        "key name={:?} organisation={:?} roles={}",
        identity.name,
        identity.dashboard_url.unwrap_or_default(),
        identity.roles.join(",")
    ));
    let has_access = identity.roles.iter().any(|role| role == GLOBAL_ACCESS);
    if !has_access {
        log.warn(&format!(
            "the key has no role `{GLOBAL_ACCESS}`: private incidents, and what belongs to them, \
             are missing without any error of the API"
        ));
    }
    Ok(has_access)
}
