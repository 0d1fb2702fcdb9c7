//! Where a source is: what the config says of it, and what its address is made of.

use std::net::{IpAddr, Ipv6Addr};

use super::missing;
use super::values::Values;
use crate::base::cut;
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
    // Where one is missing, its name stands in for it: the rest is looked at all the same.
    let named = |(name, value): &(&'static str, String)| {
        (*name, if value.is_empty() { (*name).to_owned() } else { value.clone() })
    };
    let named = places.iter().map(named).collect::<Vec<_>>();
    let endpoint = filled(&values.text("endpoint"), &named, str::to_owned);
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
            let other = cut::text(without_query(other));
            Err(format!("`endpoint` ends in {other:?}, which is not what `{names}` says"))
        }
        _ => Ok(endpoint),
    }
}

/// A key must not cross a network in the clear. Scheme and host are given back in small letters.
fn checked_endpoint(text: &str, problems: &mut Vec<String>) -> String {
    let endpoint = text.trim_end_matches('/');
    if endpoint.contains('@') {
        problems.push("`endpoint` holds a user or a password; the API takes neither".into());
        return String::new();
    }
    let is_plain = endpoint.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
    let parts = parts(endpoint).filter(|_| is_plain);
    let problem = match parts {
        Some((scheme, authority, path)) => match host(authority) {
            Ok(host) if scheme == "https" || is_loopback(host) => {
                return format!("{scheme}://{}{path}", authority.to_ascii_lowercase());
            }
            Ok(_) => NOT_AN_ADDRESS.to_owned(),
            Err(problem) => problem,
        },
        None => NOT_AN_ADDRESS.to_owned(),
    };
    let shown = without_query(text);
    let rest = if shown == text { "" } else { " and a query" };
    problems.push(format!("`endpoint` is {:?}{rest}, but {problem}", cut::text(shown)));
    String::new()
}

const NOT_AN_ADDRESS: &str = "must be an https address, or http on loopback";

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

/// Host and port; the port is empty where there is none.
pub(super) fn host_and_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    }
}

/// Scheme, host with port, and path of an address.
fn parts(endpoint: &str) -> Option<(&'static str, &str, &str)> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let scheme = ["https", "http"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((scheme, authority, path))
}

/// The host, of which the port is none where it is wrong: a request would go to another one.
fn host(authority: &str) -> Result<&str, String> {
    let (host, port) = match authority.split_once(']') {
        Some((address, port)) => {
            let address = address.strip_prefix('[').unwrap_or_default();
            if address.parse::<Ipv6Addr>().is_err() {
                return Err(format!("its host `[{address}]` is no IPv6 address"));
            }
            (address, port)
        }
        None if authority.matches(':').count() > 1 => {
            return Err("an IPv6 address stands in brackets, like https://[::1]:443".to_owned());
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if let Some(number) = port.strip_prefix(':')
        && !(is_number(number) && number.parse::<u16>().is_ok_and(|port| port > 0))
    {
        return Err(format!("its port `{number}` is none from 1 to 65535"));
    }
    let is_after_brackets = host.contains(':');
    if !(port.is_empty() || port.starts_with(':')) || !(is_after_brackets || is_name(host)) {
        return Err(NOT_AN_ADDRESS.to_owned());
    }
    Ok(host)
}

/// A sign is no part of a port.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a host is made of labels. One dot may stand at the end, for the root.
fn is_name(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    labels.into_iter().all(|label| !label.is_empty() && label.bytes().all(is_letter))
}

/// Whether it is this computer.
fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(endpoint: &str) -> Result<String, String> {
        let mut problems = Vec::new();
        let checked = checked_endpoint(endpoint, &mut problems);
        problems.pop().map_or(Ok(checked), Err)
    }

    #[test]
    fn an_endpoint_is_what_it_says_or_an_error() {
        for good in [
            "https://api.incident.io",
            "https://api.incident.io./a%20b",
            "https://host:1",
            "https://host:65535/v1",
            "https://xn--mnchen-3ya.example",
            "https://[2001:db8::1]:8443",
            "http://[::1]",
            "http://localhost:80",
            "http://127.8.9.1:80",
        ] {
            assert_eq!(checked(good).as_deref(), Ok(good));
        }
        assert_eq!(
            checked("HTTPS://Api.Example.COM:1/Path/").as_deref(),
            Ok("https://api.example.com:1/Path")
        );
        for (bad, problem) in [
            ("https://host:99999", "its port `99999` is none from 1 to 65535"),
            ("https://host:0", "its port `0` is none"),
            ("https://host:abc/v1", "its port `abc` is none"),
            ("https://host:+1", "its port `+1` is none"),
            ("https://host:-1", "its port `-1` is none"),
            ("http://127.0.0.1:", "its port `` is none"),
            ("https://[::1]:", "its port `` is none"),
            ("https://[::1]:65536", "its port `65536` is none"),
            ("https://[::1]x", NOT_AN_ADDRESS),
            ("https://[::1", "stands in brackets"),
            ("https://[x]", "`[x]` is no IPv6 address"),
            ("https://::1", "an IPv6 address stands in brackets"),
            ("https://2001:db8::1", "an IPv6 address stands in brackets"),
            ("https://user:p@host", "holds a user or a password"),
            ("https://", NOT_AN_ADDRESS),
            ("https:///path", NOT_AN_ADDRESS),
            ("https://:443", NOT_AN_ADDRESS),
            ("https://.", NOT_AN_ADDRESS),
            ("https://a..b", NOT_AN_ADDRESS),
            ("https://.a", NOT_AN_ADDRESS),
            ("https://münchen.example", NOT_AN_ADDRESS),
            ("https://a\u{7}b", NOT_AN_ADDRESS),
            ("https://a\\b", NOT_AN_ADDRESS),
            ("https://a\nb", NOT_AN_ADDRESS),
            ("https://a%2eb", NOT_AN_ADDRESS),
            ("http://127.1", NOT_AN_ADDRESS),
            ("http://[::ffff:127.0.0.1]", NOT_AN_ADDRESS),
            ("HTTP://example.com", NOT_AN_ADDRESS),
            ("file:///etc/passwd", NOT_AN_ADDRESS),
        ] {
            let found = checked(bad).unwrap_err();
            assert!(found.contains(problem), "{found}");
        }
    }
}
