//! Where a source is: what the config says of it, and what its address is made of.

use super::missing;
use super::values::Values;
use crate::source::Source;
use crate::source::request::segment;

/// Where the source is, and the settings that are part of that. Nobody needs to know where nothing is
/// asked for.
pub(super) fn address(
    source: &Source,
    values: &Values,
    is_needed: bool,
    problems: &mut Vec<String>,
) -> (String, Vec<(&'static str, String)>) {
    let mut places = Vec::new();
    for name in source.address.settings() {
        let value = values.text(name);
        if value.is_empty() && is_needed {
            problems.push(missing(name, name));
        }
        places.push((name, value));
    }
    let endpoint = filled(&values.text("endpoint"), &places, str::to_owned);
    if endpoint.is_empty() {
        if is_needed {
            problems.push(missing("endpoint", "endpoint"));
        }
        return (endpoint, places);
    }
    let base = source.address.base;
    match without_base(endpoint.trim_end_matches('/'), base, &places) {
        Ok(host) => {
            let host = checked_endpoint(host, problems);
            (host + &filled(base, &places, segment), places)
        }
        Err(problem) => {
            problems.push(problem);
            (endpoint, places)
        }
    }
}

/// A template with the values of its settings.
fn filled(template: &str, places: &[(&str, String)], spelled: impl Fn(&str) -> String) -> String {
    let mut text = template.to_owned();
    for (name, value) in places {
        text = text.replace(&format!("{{{name}}}"), &spelled(value));
    }
    text
}

/// An address that was copied with what stands before the paths means the same.
fn without_base<'a>(
    endpoint: &'a str,
    base: &str,
    places: &[(&str, String)],
) -> Result<&'a str, String> {
    let fixed = base.split("/{").next().unwrap_or_default();
    for end in [&filled(base, places, segment), &filled(base, places, str::to_owned), fixed] {
        if let Some(host) = endpoint.strip_suffix(end).filter(|_| !end.is_empty()) {
            return Ok(host);
        }
    }
    match endpoint.split_once(&format!("{fixed}/")) {
        Some((_, other)) if !fixed.is_empty() && fixed != base => {
            let names = places.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("` and `");
            let other = without_query(other);
            Err(format!("`endpoint` ends in {other:?}, which is not what `{names}` says"))
        }
        _ => Ok(endpoint),
    }
}

/// A key must not cross a network in the clear.
fn checked_endpoint(text: &str, problems: &mut Vec<String>) -> String {
    let endpoint = text.trim_end_matches('/');
    let is_safe = authority(endpoint, "https://").is_some()
        || authority(endpoint, "http://").is_some_and(is_loopback);
    let is_plain = !endpoint.contains(['?', '#']) && !endpoint.contains(char::is_whitespace);
    if endpoint.contains('@') {
        problems.push("`endpoint` holds a user or a password; the API takes neither".into());
    } else if !(is_plain && is_safe) {
        let shown = without_query(text);
        let rest = if shown == text { "" } else { " and a query" };
        problems.push(format!(
            "`endpoint` is {shown:?}{rest}, but must be an https address, or http on loopback"
        ));
    }
    endpoint.to_owned()
}

/// An address to be shown: what comes after a question mark may be a key.
fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// Host and port of an address with that scheme.
pub(super) fn authority<'a>(endpoint: &'a str, scheme: &str) -> Option<&'a str> {
    let authority = endpoint.strip_prefix(scheme)?.split('/').next()?;
    let is_plain = !authority.is_empty() && !authority.contains('@');
    is_plain.then_some(authority)
}

/// Whether it is this computer.
fn is_loopback(authority: &str) -> bool {
    let (host, _) = host_and_port(authority);
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Host and port; the port is empty where there is none.
pub(super) fn host_and_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    }
}
