//! Which hosts no proxy is asked for: what `NO_PROXY` means, of which each tool has its own idea. Here a name
//! stands for itself and for all below it, with a dot or `*.` before it or without.

use std::net::IpAddr;

use crate::config::address::host_and_port;

/// Whether a list of hosts has this one in it.
pub(super) fn is_excepted(list: &str, authority: &str) -> bool {
    let (host, port) = host_and_port(authority);
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let port = if port.is_empty() { "443" } else { port };
    list.split(|between: char| between == ',' || between.is_whitespace())
        .any(|entry| excepts(&entry.to_ascii_lowercase(), &host, port))
}

fn excepts(entry: &str, host: &str, port: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(address) = host.parse() {
        if is_in(entry, address) {
            return true;
        }
    }
    let (name, only_port) = host_and_port(entry);
    if !only_port.is_empty() && only_port != port {
        return false;
    }
    let name = name.trim_matches(['[', ']']).trim_end_matches('.');
    let name = name.strip_prefix('*').unwrap_or(name);
    let name = name.strip_prefix('.').unwrap_or(name);
    let is_below = || host.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    !name.is_empty() && (host == name || is_below())
}

/// Whether an address is this one, or of this network, such as `10.0.0.0/8`.
fn is_in(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = entry.split_once('/').unwrap_or((entry, "128"));
    let (Ok(network), Ok(bits)) = (network.parse(), bits.parse::<u32>()) else { return false };
    let others = match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits())
            .checked_shr(32_u32.saturating_sub(bits))
            .map(u128::from),
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (one.to_bits() ^ other.to_bits()).checked_shr(128_u32.saturating_sub(bits))
        }
        _ => return false,
    };
    // A network of no bits has every address in it.
    others.unwrap_or_default() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_excepts_what_it_names_and_what_is_below() {
        for (list, authority) in [
            ("example.com", "example.com"),
            ("example.com", "api.example.com"),
            (".example.com", "api.example.com"),
            (".example.com", "example.com"),
            ("*.example.com", "api.example.com"),
            ("example.com.", "api.example.com"),
            ("example.com", "api.example.com.:443"),
            ("Example.COM", "API.example.com"),
            ("*", "api.example.com"),
            ("a.b , \texample.com,,c", "api.example.com"),
            ("a.b example.com", "example.com"),
            ("example.com:443", "example.com"),
            ("example.com:8443", "api.example.com:8443"),
            ("localhost", "localhost:9"),
            ("10.1.2.3", "10.1.2.3:8443"),
            ("10.1.2.3:8443", "10.1.2.3:8443"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("0.0.0.0/0", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("::1", "[::1]:8443"),
            ("[::1]", "[::1]"),
            ("[::1]:8443", "[::1]:8443"),
            ("fd00::/8", "[fd12::1]"),
        ] {
            assert!(is_excepted(list, authority), "{list} {authority}");
        }
    }

    #[test]
    fn a_list_excepts_nothing_else() {
        for (list, authority) in [
            ("", "example.com"),
            (" , ", "example.com"),
            (".", "example.com"),
            ("*.", "example.com"),
            ("example.com", "badexample.com"),
            ("example.com", "example.com.evil.org"),
            ("api.example.com", "example.com"),
            ("com.", "example.org"),
            ("example.com:8443", "example.com"),
            ("example.com:443", "example.com:8443"),
            ("10.1.2.3", "10.1.2.30"),
            ("0.1.2.3", "10.0.1.2.3"),
            ("2.3", "10.1.2.3"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/x", "10.0.0.1"),
            ("10.0.0.0/8", "example.com"),
            ("192.0.2.0/31", "192.0.2.2"),
            ("fd00::/8", "[fe00::1]"),
            ("0.0.0.0/0", "[::1]"),
            ("::1", "[::2]"),
        ] {
            assert!(!is_excepted(list, authority), "{list} {authority}");
        }
    }
}
