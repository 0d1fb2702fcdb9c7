//! The proxy that the environment names. One that cannot be used is a problem: past it, the API would see
//! who asks, and the organisation would not.

use std::net::Ipv6Addr;

use super::no_proxy::is_excepted;
use crate::config::address::{authority, host_and_port};
use crate::config::gather::Environment;
use crate::config::key::Secret;

/// The variables that may name it; the first that does not stand empty counts. As with curl, small letters
/// come first, and what is meant for https before what is meant for all.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The variables that may name hosts which are asked directly.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// What proxies speak; http where nothing is said.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The proxy that an https endpoint is reached through.
pub(super) fn proxy(
    endpoint: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<Secret> {
    let (variable, proxy) = first(&VARIABLES, environment)?;
    let host = authority(endpoint, "https://")?;
    if first(&EXCEPTIONS, environment).is_some_and(|(_, list)| is_excepted(list, host)) {
        return None;
    }
    if is_usable(proxy) {
        return Some(Secret::from(proxy.to_owned()));
    }
    problems.push(format!(
        "`{variable}` is {:?}, but must be the host and the port of a proxy, after {} or nothing; what is \
         not a letter or a digit in a user or a password is written like %40",
        without_password(proxy),
        SCHEMES.map(|scheme| format!("{scheme}://")).join(", "),
    ));
    None
}

/// The first of these variables that has a value.
fn first<'a>(
    variables: &[&'static str],
    environment: &'a Environment,
) -> Option<(&'static str, &'a str)> {
    for variable in variables {
        let value = environment.get(*variable).map(|value| value.trim());
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            return Some((variable, value));
        }
    }
    None
}

fn is_usable(proxy: &str) -> bool {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    let is_known = SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
    // A password with one of these in it ends the address too early.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_plain = user.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    is_known && is_plain && is_place(place)
}

/// Whether it is a host, with a port or without.
fn is_place(text: &str) -> bool {
    let (host, port) = host_and_port(text);
    let is_port = port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_name = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !name.is_empty() && name.bytes().all(is_plain)
    };
    let number = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    is_port && number.map_or(is_name(host), |number| number.parse::<Ipv6Addr>().is_ok())
}

/// An address to be shown. What cannot be told from a password is not.
fn without_password(proxy: &str) -> String {
    let (scheme, rest) = match proxy.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), proxy),
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((_, place)) => ("…@", place),
        None => ("", rest),
    };
    let place = place.trim_end_matches('/');
    format!("{scheme}{user}{}", if is_place(place) { place } else { "…" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy for an endpoint with these variables, and what is said of them.
    fn of(variables: &[(&str, &str)]) -> (Option<String>, Vec<String>) {
        let variables = variables.iter();
        let environment =
            variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut problems = Vec::new();
        let proxy = proxy("https://api.example.com/base", &environment, &mut problems);
        (proxy.map(|proxy| proxy.expose().to_owned()), problems)
    }

    #[test]
    fn the_nearest_variable_that_is_not_empty_names_the_proxy() {
        let all = [
            ("https_proxy", "one:1"),
            ("HTTPS_PROXY", "two:2"),
            ("all_proxy", "three:3"),
            ("ALL_PROXY", "four:4"),
        ];
        for (from, (_, proxy)) in all.iter().enumerate() {
            assert_eq!(of(&all[from..]), (Some((*proxy).to_owned()), vec![]));
        }
        let blank = [("https_proxy", ""), ("HTTPS_PROXY", " "), ("ALL_PROXY", " four:4 ")];
        assert_eq!(of(&blank).0.as_deref(), Some("four:4"));
        assert_eq!(of(&[("HTTP_PROXY", "ftp://plain"), ("http_proxy", "plain:1")]), (None, vec![]));
    }

    #[test]
    fn a_host_that_is_excepted_needs_no_proxy_not_even_a_good_one() {
        for variable in ["no_proxy", "NO_PROXY"] {
            let excepted = [("https_proxy", "ftp://one"), (variable, "other.org, example.com")];
            assert_eq!(of(&excepted), (None, vec![]));
        }
        let both = [("https_proxy", "one:1"), ("no_proxy", "other.org"), ("NO_PROXY", "*")];
        assert_eq!(of(&both).0.as_deref(), Some("one:1"));
    }

    #[test]
    fn a_proxy_is_a_host_with_what_it_speaks() {
        for good in [
            "proxy",
            "proxy:3128",
            "http://proxy.example.com:3128/",
            "HTTPS://proxy",
            "http://user:p%40ss@proxy:3128",
            "user:p:ss@10.0.0.1:3128",
            "socks4://proxy",
            "socks5h://[::1]:1080",
        ] {
            assert_eq!(of(&[("ALL_PROXY", good)]), (Some(good.to_owned()), vec![]));
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_shown_without_user_and_password() {
        for (bad, shown) in [
            ("ftp://user:secret@proxy:21", "ftp://…@proxy:21"),
            ("socks://proxy:1080", "socks://proxy:1080"),
            ("http://user:secret", "http://…"),
            ("user:secret", "…"),
            ("http://user:se/cret@proxy:3128", "http://…@proxy:3128"),
            ("http://user:se?cret@proxy:3128", "http://…@proxy:3128"),
            ("user:se cret@proxy:3128", "…@proxy:3128"),
            ("user:secret@proxy:port", "…@…"),
            ("http://", "http://…"),
            ("http://:3128", "http://…"),
            ("proxy:70000", "…"),
            ("proxy:0", "…"),
            ("http://[::1:3128", "http://…"),
            ("user:secret://proxy", "…"),
            ("/no/host", "…"),
        ] {
            let (proxy, problems) = of(&[("HTTPS_PROXY", bad)]);
            assert_eq!((proxy, problems.len()), (None, 1), "{bad}");
            let start = format!("`HTTPS_PROXY` is {shown:?}, but must be the host and the port");
            assert!(problems[0].starts_with(&start), "{problems:?}");
        }
    }
}
