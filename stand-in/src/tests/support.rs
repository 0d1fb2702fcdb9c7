//! A small workspace, a way to ask for it without a socket, and one with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use chrono::{Offset, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::answer::{Rules, admit, answer};
use crate::document::Document;
use crate::query::Request;
use crate::refusal::Refusal;
use crate::workspace::Workspace;
use crate::{NOW, Readings, StandIn};

/// The API's document, with what is known beyond it.
pub(super) fn document() -> Value {
    let mut document =
        serde_json::from_str(include_str!("../../../src/sources/incident_io/document.json"))
            .unwrap();
    merge(
        &mut document,
        serde_json::from_str(include_str!("../../../src/sources/incident_io/overlay.json"))
            .unwrap(),
    );
    document
}

fn merge(base: &mut Value, over: Value) {
    match over {
        Value::Object(over) if base.is_object() => {
            for (name, value) in over {
                merge(&mut base[name], value);
            }
        }
        over => *base = over,
    }
}

/// A workspace of these files with three months of history.
pub(super) fn workspace(files: &[(&str, Value)]) -> Workspace {
    let texts: Vec<String> = files.iter().map(|(_, content)| content.to_string()).collect();
    let names = files.iter().map(|(name, _)| *name);
    Workspace::from_files(names.zip(texts.iter().map(String::as_str)), 3).unwrap()
}

/// Rows `{"id": "A01"}` and so on.
pub(super) fn numbered(count: usize) -> Value {
    (1..=count).map(|number| json!({"id": format!("A{number:02}")})).collect()
}

/// The stand-in without its socket.
pub(super) struct Api {
    pub(super) document: Document,
    pub(super) workspace: Workspace,
    pub(super) rules: Rules,
}

impl Api {
    pub(super) fn new(files: &[(&str, Value)]) -> Self {
        let now = NOW.timestamp_micros();
        let zone = Utc.fix();
        let (forbidden, uncapped) = Default::default();
        let key = "key".to_owned();
        let undocumented = Vec::new();
        let readings = Readings::default();
        let page_cap = None;
        let rules = Rules { key, forbidden, page_cap, uncapped, now, zone, undocumented, readings };
        Self { document: Document::read(&document()), workspace: workspace(files), rules }
    }

    pub(super) fn get(&self, target: &str) -> Result<Value, Refusal> {
        let request = Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            authorization: Some("Bearer key".to_owned()),
            host: "localhost".to_owned(),
            ..Request::default()
        };
        admit(&request, &self.document, &self.rules)?;
        Ok(answer(&request, &self.document, &self.workspace, &self.rules)?.body)
    }

    /// Status, code and field of a refusal.
    pub(super) fn refused(&self, target: &str) -> (u16, String, Option<String>) {
        let refusal = self.get(target).unwrap_err();
        (refusal.status, refusal.code, refusal.field)
    }

    pub(super) fn status(&self, target: &str) -> u16 {
        self.get(target).map_or_else(|refusal| refusal.status, |_| 200)
    }

    /// The ids of one page.
    pub(super) fn ids(&self, target: &str) -> Vec<String> {
        ids(&self.get(target).unwrap())
    }

    /// The ids of all pages.
    pub(super) fn pages(&self, target: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut next = target.to_owned();
        loop {
            let body = self.get(&next).unwrap();
            pages.push(ids(&body));
            assert!(pages.len() < 1_000, "{target} has no end");
            let Some(after) = after(&body) else { return pages };
            next = following(target, &after);
        }
    }
}

/// The ids of the rows in a body.
pub(super) fn ids(body: &Value) -> Vec<String> {
    let rows = body.as_object().unwrap().values().find_map(Value::as_array).unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The cursor of a body.
pub(super) fn after(body: &Value) -> Option<String> {
    body.pointer("/pagination_meta/after").and_then(Value::as_str).map(str::to_owned)
}

/// The target of the next page.
pub(super) fn following(target: &str, after: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}after={}", utf8_percent_encode(after, NON_ALPHANUMERIC))
}

/// What came over the wire.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A connection that is kept alive.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(super) fn open(stand_in: &StandIn) -> Self {
        let address = stand_in.url().trim_start_matches("http://").to_owned();
        Self(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// Nothing if the connection was closed before the answer.
    pub(super) fn send(&mut self, head: &str) -> Option<Received> {
        self.send_with(head, "")
    }

    /// The same with a body, whose length the head announces if it is not empty.
    pub(super) fn send_with(&mut self, head: &str, body: &str) -> Option<Received> {
        let length = format!("\r\nContent-Length: {}", body.len());
        let length = if body.is_empty() { "" } else { &length };
        self.0.get_mut().write_all(format!("{head}{length}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).ok().filter(|count| *count > 0)?;
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines[1..].iter().map(|line| line.split_once(": ").unwrap());
        let headers: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut received = Received { status, headers, body: Vec::new() };
        let length = received.header("Content-Length").unwrap().parse().unwrap();
        self.0.by_ref().take(length).read_to_end(&mut received.body).unwrap();
        Some(received)
    }

    /// Waits for what comes next: nothing, or the end.
    pub(super) fn is_closed(&mut self) -> bool {
        self.0.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    pub(super) fn get(&mut self, target: &str) -> Option<Received> {
        self.send(&format!("GET {target} HTTP/1.1\r\nAuthorization: Bearer demo-key"))
    }
}
