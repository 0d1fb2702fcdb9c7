//! The proxy that the environment names: used, passed by, or an error, but never passed by in silence.

use std::time::Duration;

use crate::front::{Authority, Listening};
use crate::support::{Tap, stand_in};
use stand_in::{DEFAULT_KEY, StandIn};

/// A stand-in behind TLS, and what a tap needs to trust it.
struct Server {
    stand_in: StandIn,
    front: Listening,
    folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let (stand_in, authority) = (stand_in(), Authority::new());
        let front = Listening::tls(&stand_in, &authority, "localhost", false);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        Self { stand_in, front, folder }
    }

    fn tap(&self) -> Tap {
        Tap::bare()
            .set("api_key", DEFAULT_KEY)
            .set("endpoint", &format!("https://localhost:{}", self.front.port))
            .set("ca_file", self.folder.path().join("ca.pem").to_str().unwrap())
            .only(&["severities"])
    }
}

#[test]
fn all_requests_go_through_the_proxy() {
    for (proxy, start) in [
        (Listening::connect("200 OK"), ""),
        (Listening::connect("200 OK"), "http://user:p%40ss@"),
        (Listening::socks5h(), "socks5h://"),
    ] {
        let server = Server::new();
        let address = format!("{start}127.0.0.1:{}", proxy.port);
        let ran = server.tap().variable("HTTPS_PROXY", &address).run().ok();
        assert_eq!(ran.waited, Duration::ZERO, "{}", ran.stderr);
        assert!(!ran.records("severities").is_empty());
        assert!(proxy.connections() > 0, "{address}");
        assert_eq!(proxy.connections(), server.front.connections(), "{address}");
    }
}

#[test]
fn a_host_that_is_excepted_is_asked_directly() {
    let (server, proxy) = (Server::new(), Listening::connect("200 OK"));
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let tap = server.tap().variable("https_proxy", &address);
    tap.variable("NO_PROXY", "example.com, LOCALHOST").run().ok();
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_and_nobody_is_asked() {
    let server = Server::new();
    for bad in
        ["ftp://user:secret@127.0.0.1:21", "user:secret", "http://user:s/ecret@127.0.0.1:3128"]
    {
        let ran = server.tap().variable("ALL_PROXY", bad).run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.last_line().contains("config: `ALL_PROXY` is"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
    assert_eq!((server.front.connections(), server.stand_in.requests().len()), (0, 0));
}

#[test]
fn a_proxy_that_refuses_is_an_error_at_once() {
    let (server, proxy) = (Server::new(), Listening::connect("407 Proxy Authentication Required"));
    let address = format!("http://user:secret@127.0.0.1:{}", proxy.port);
    let ran = server.tap().variable("ALL_PROXY", &address).run();
    assert_eq!(
        (ran.code, proxy.connections(), ran.waited),
        (2, 1, Duration::ZERO),
        "{}",
        ran.stderr
    );
    assert!(ran.last_line().contains("does not take the request"), "{}", ran.stderr);
    assert!(ran.last_line().contains("407") && !ran.stderr.contains("secret"), "{}", ran.stderr);
}

#[test]
fn a_proxy_in_trouble_is_asked_again() {
    let (server, proxy) = (Server::new(), Listening::connect("503 Service Unavailable"));
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let ran = server.tap().set("max_retries", "1").variable("ALL_PROXY", &address).run();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(proxy.connections() >= 2 && !ran.waited.is_zero(), "{}", ran.stderr);
}
