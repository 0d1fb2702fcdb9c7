//! Answers that the stand-in never gives: what the client asks with, and what it takes for an answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Ran, Shared, Tap};
use stand_in::NOW;
use tap_incident::api::client::Client;
use tap_incident::base::clock::{Clock, StandingClock};
use tap_incident::base::log::Log;
use tap_incident::config::Config;
use tap_incident::config::args::Args;
use tap_incident::config::settings::Environment;
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
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = head(&stream);
                let is_greeting = head.contains("/v1/identity");
                let (status, body) =
                    if is_greeting { ("200 OK", IDENTITY) } else { (status, body.as_str()) };
                seen.lock().unwrap().push(head);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}");
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
            }
        });
        Self { url, heads }
    }

    fn run(&self) -> Ran {
        let tap = Tap::bare().set("api_key", "demo-key").set("endpoint", &self.url);
        tap.set("user_agent", "warehouse/7").only(&["users"]).run()
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
fn the_first_request_waits_for_a_limit_that_another_has_met_and_says_so() {
    let canned = Canned::new("200 OK", String::new());
    let environment = Environment::from([
        ("TAP_INCIDENT_API_KEY".into(), "demo-key".into()),
        ("TAP_INCIDENT_ENDPOINT".into(), canned.url.clone()),
    ]);
    let config =
        Config::read(&INCIDENT_IO, &Args::default(), &environment, &mut Vec::new()).unwrap();
    let (log, clock) = (Shared::default(), Arc::new(StandingClock::at(NOW)));
    let shown = Arc::new(Log::new(Box::new(log.clone()), clock.clone()));
    let client = Arc::new(Client::new(&config, clock.clone(), shown, Arc::default()).unwrap());
    client.limiter().close("/v2/users", "", Duration::from_secs(30), Duration::ZERO);
    client.get(&Request::new("/v1/identity")).unwrap();
    assert_eq!(clock.elapsed(), Duration::from_secs(30));
    let said = "waiting seconds=30.0 for the rate limit of /v1/identity";
    assert!(log.text().contains(said), "{}", log.text());
}
