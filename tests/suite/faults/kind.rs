//! A kind of fault, what is to come of it, and how its bytes are made.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use stand_in::{Action, Rewrite};

/// A kind of fault.
pub struct Kind {
    pub name: &'static str,
    pub action: Action,
    pub fate: Fate,
    /// So many seconds are waited for at least before it is tried again.
    pub waits: u64,
}

/// What is to come of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// It is as good as any other.
    Harmless,
    /// It is asked for again; the exit code is for where it never gets better.
    Passing(u8),
    /// It is not asked for again.
    Final(u8),
    /// The API does not know the key.
    Unknown,
    /// The API says that the key may not read this.
    Forbidden,
    /// The API says that this is gone.
    Gone,
    /// The API does not take the request: maybe for its cursor.
    NotTaken,
}

pub fn kind(name: &'static str, action: Action, fate: Fate) -> Kind {
    Kind { name, action, fate, waits: 0 }
}

/// An answer with this status line, these headers, each with its line break, and this body.
pub fn raw(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Action {
    let body = body.as_ref();
    let length = body.len();
    let date = "Date: Fri, 20 Nov 2026 12:00:00 GMT";
    let head = format!("HTTP/1.1 {status}\r\n{date}\r\n{headers}Content-Length: {length}\r\n\r\n");
    Action::Raw([head.as_bytes(), body].concat())
}

/// A 200 with this body.
pub fn ok(body: impl AsRef<[u8]>) -> Action {
    raw("200 OK", "Content-Type: application/json\r\n", body)
}

/// The answer, changed on its way, on a connection that ends.
pub fn last(by: fn(Vec<u8>) -> Vec<u8>) -> Action {
    Action::Rewritten(Rewrite { by, closes: true })
}

/// The same on a connection that stays.
pub fn open(by: fn(Vec<u8>) -> Vec<u8>) -> Action {
    Action::Rewritten(Rewrite { by, closes: false })
}

/// The header of an answer without the empty line, and its body.
pub fn parts(answer: &[u8]) -> (String, Vec<u8>) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

/// An answer of these parts.
pub fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), b"\r\n\r\n", body].concat()
}

/// The header without the lines that begin so.
pub fn without(head: &str, name: &str) -> String {
    let lines = head.split("\r\n").filter(|line| !line.starts_with(name));
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The same answer with these headers more and another body.
pub fn with_body(answer: &[u8], headers: &str, body: &[u8]) -> Vec<u8> {
    let head = without(&parts(answer).0, "Content-Length");
    whole(&format!("{head}\r\n{headers}Content-Length: {}", body.len()), body)
}

/// The same answer in which the JSON is another one.
pub fn edited(answer: &[u8], edit: fn(&mut Value)) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&parts(answer).1).unwrap();
    edit(&mut body);
    with_body(answer, "", body.to_string().as_bytes())
}

/// The list of a page.
pub fn list(body: &mut Value) -> &mut Value {
    body.as_object_mut().unwrap().values_mut().find(|value| value.is_array()).unwrap()
}

/// What gzip makes of it.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
