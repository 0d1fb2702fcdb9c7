//! Answers that the stand-in never gives: what the client asks with, and what it takes for an answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Ran, Shared, Tap};
use stand_in::NOW;
use tap_incident::api::client::{Client, Failure};
use tap_incident::base::clock::{Clock, StandingClock};
use tap_incident::base::log::Log;
use tap_incident::base::screen::Audience;
use tap_incident::config::Config;
use tap_incident::config::args::Args;
use tap_incident::config::gather::Environment;
use tap_incident::source::request::Request;
use tap_incident::sources::incident_io::INCIDENT_IO;

/// A server that has one answer for `/v2/users`, and what it was asked.
struct Canned {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

const IDENTITY: &str = r#"{"identity": {"name": "n", "roles": ["global_access"]}}"#;

impl Canned {
    fn new(status: &'static str, body: String) -> Self {
        let length = body.len();
        Self::promising(length, status, body)
    }

    /// The same, which says that the body is so long.
    fn promising(length: usize, status: &'static str, body: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = head(&stream);
                let is_greeting = head.contains("/v1/identity");
                let (status, body, length) = if is_greeting {
                    ("200 OK", IDENTITY, IDENTITY.len())
                } else {
                    (status, body.as_str(), length)
                };
                seen.lock().unwrap().push(head);
                let head =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}");
                // Whoever has read enough may be gone.
                let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
            }
        });
        Self { url, heads }
    }

    fn tap(&self) -> Tap {
        let tap = Tap::bare().set("api_key", "demo-key").set("endpoint", &self.url);
        tap.set("user_agent", "warehouse/7").only(&["users"])
    }

    fn run(&self) -> Ran {
        self.tap().run()
    }

    /// A client of it, on a clock that stands still.
    fn client(&self) -> (Arc<Client>, Arc<StandingClock>, Shared) {
        let environment = Environment::from([
            ("TAP_INCIDENT_API_KEY".into(), "demo-key".into()),
            ("TAP_INCIDENT_ENDPOINT".into(), self.url.clone()),
        ]);
        let config = Config::read(&INCIDENT_IO, &Args::default(), &environment, &mut Vec::new());
        let (log, clock) = (Shared::default(), Arc::new(StandingClock::at(NOW)));
        let shown = Arc::new(Log::new(Box::new(log.clone()), clock.clone(), Audience::Program));
        let client = Client::new(&config.unwrap(), clock.clone(), shown, Arc::default()).unwrap();
        (Arc::new(client), clock, log)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// The head of a request, in small letters.
fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    head.join("\n").to_lowercase()
}

#[test]
fn every_request_has_the_key_and_says_who_asks() {
    let server = Canned::new("200 OK", r#"{"users": []}"#.into());
    assert_eq!(server.run().code, 0);
    for head in server.heads() {
        assert!(head.contains("authorization: bearer demo-key"), "{head}");
        assert!(head.contains("user-agent: warehouse/7"), "{head}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let status = "302 Found\r\nLocation: /v2/elsewhere";
    let server = Canned::new(status, r#"{"users": []}"#.into());
    let ran = server.run();
    assert_eq!((ran.code, server.heads().len()), (4, 2), "{}", ran.stderr);
    assert!(ran.last_line().contains("the API does not take the request"), "{}", ran.stderr);
}

#[test]
fn another_success_than_200_is_not_an_answer() {
    for status in ["202 Accepted", "206 Partial Content"] {
        let ran = Canned::new(status, r#"{"users": []}"#.into()).run();
        assert_eq!(ran.code, 4, "{}", ran.stderr);
    }
}

#[test]
fn a_body_above_ten_megabytes_is_read_whole() {
    let server = Canned::new("200 OK", format!(r#"{{"users": []{}}}"#, " ".repeat(11 << 20)));
    server.run().ok();
}

#[test]
fn a_body_may_be_as_large_as_the_setting_says_and_no_larger() {
    let [allowed, larger] = [0, 1].map(|more| {
        let (before, after) = (r#"{"users": ["#, "]}");
        let blanks = " ".repeat((3 << 20) + more - before.len() - after.len());
        Canned::new("200 OK", format!("{before}{blanks}{after}"))
    });
    allowed.tap().set("max_body_megabytes", "3").run().ok();
    let ran = larger.tap().set("max_body_megabytes", "3").run();
    assert_eq!((ran.code, larger.heads().len()), (4, 2), "{}", ran.stderr);
    let said = "it is larger than the 3 MB that `max_body_megabytes` allows: `/v2/users?";
    assert!(ran.last_line().contains(said), "{}", ran.stderr);
}

#[test]
fn of_the_body_of_an_error_the_beginning_is_enough() {
    // More is promised than ever comes.
    let server = Canned::promising(1 << 40, "400 Bad Request", "x".repeat(100_000));
    let ran = server.run();
    assert_eq!((ran.code, server.heads().len()), (4, 2), "{}", ran.stderr);
    assert!(ran.last_line().len() < 500, "{}", ran.stderr);
}

#[test]
fn a_quota_that_cannot_be_true_is_ignored_and_told_once() {
    let status = "500 Internal Server Error\r\nX-RateLimit-Limit: 1, 1;window=4294967295\r\n\
                  X-RateLimit-Remaining: -1";
    let server = Canned::new(status, String::new());
    let ran = server.run();
    assert_eq!((ran.code, server.heads().len()), (5, 10), "{}", ran.stderr);
    let said = "the API tells a quota that cannot be true, and it is ignored";
    assert_eq!(ran.stderr.matches(said).count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(r#": "1, 1;window=4294967295""#), "{}", ran.stderr);
    assert!(ran.waited < Duration::from_secs(600), "{:?}", ran.waited);
}

#[test]
fn while_a_refused_request_waits_nobody_else_asks_for_the_same() {
    let server = Canned::new("429 Too Many Requests", "{}".into());
    let (client, ..) = server.client();
    let request = Request::new("/v2/users");
    let failure = client.attempt(&request, &mut Vec::new(), &|_| true).unwrap_err();
    let Failure::Passing(passing) = failure else { panic!("{failure:?}") };
    let wait = client.again(&request, &mut None, Duration::ZERO, passing).unwrap();
    assert!(wait >= Duration::from_millis(250));
    assert_eq!(client.limiter().until("/v2/users", Duration::ZERO), wait);
}

#[test]
fn the_first_request_waits_for_a_limit_that_another_has_met_and_says_so() {
    let canned = Canned::new("200 OK", String::new());
    let (client, clock, log) = canned.client();
    client.limiter().close("/v2/users", "", Duration::from_secs(30), Duration::ZERO);
    client.get(&Request::new("/v1/identity")).unwrap();
    assert_eq!(clock.elapsed(), Duration::from_secs(30));
    let said = "waiting seconds=30.0 for the rate limit of /v1/identity";
    assert!(log.text().contains(said), "{}", log.text());
}
