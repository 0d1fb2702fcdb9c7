//! Faults that change the bytes of an answer, or take the connection away.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::support::{Connection, document, numbered, workspace};
use crate::{Action, Fault, Options, Rewrite, StandIn};

/// What comes of a request under that fault: the bytes, and how the connection ended.
fn received(action: Action) -> (Vec<u8>, Option<ErrorKind>) {
    let workspace = workspace(&[("v2.users", json!({"rows": numbered(3)}))]);
    let stand_in = StandIn::start(&document(), workspace, Options::default()).unwrap();
    stand_in.fault(Fault::always("", action));
    let address = stand_in.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(address).unwrap();
    let request = b"GET /v2/users HTTP/1.1\r\nAuthorization: Bearer demo-key\r\n\r\n";
    connection.write_all(request).unwrap();
    let mut bytes = Vec::new();
    let end = connection.read_to_end(&mut bytes).err();
    (bytes, end.map(|error| error.kind()))
}

#[test]
fn raw_bytes_are_sent_as_they_are_and_end_the_connection() {
    assert_eq!(received(Action::Raw(b"\0no HTTP".to_vec())), (b"\0no HTTP".to_vec(), None));
}

#[test]
fn the_whole_answer_is_rewritten() {
    let by = |answer: Vec<u8>| [b"before ", answer.as_slice(), b" behind"].concat();
    let (bytes, end) = received(Action::Rewritten(Rewrite { by, closes: true }));
    assert!(bytes.starts_with(b"before HTTP/1.1 200 OK\r\n") && bytes.ends_with(b"} behind"));
    assert_eq!(end, None);
}

#[cfg(unix)]
#[test]
fn a_reset_is_no_end() {
    assert_eq!(received(Action::Reset), (Vec::new(), Some(ErrorKind::ConnectionReset)));
}

#[test]
fn the_weather_decides_where_no_fault_does_until_it_is_calm() {
    let workspace = workspace(&[("v2.users", json!({"rows": numbered(3)}))]);
    let stand_in = StandIn::start(&document(), workspace, Options::default()).unwrap();
    let status = || Connection::open(&stand_in).get("/v2/users").unwrap().status;
    stand_in.fault(Fault::once("", Action::Status(500)));
    stand_in.storm(Box::new(|target| (target == "/v2/users").then_some(Action::Status(503))));
    assert_eq!([status(), status()], [500, 503]);
    assert_eq!(stand_in.calm(), 2);
    assert_eq!((status(), stand_in.calm()), (200, 0));
}
