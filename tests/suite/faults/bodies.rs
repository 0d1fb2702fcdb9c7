//! Bodies of a 200 that are not what they should be.

use serde_json::json;
use stand_in::Action;

use super::kind::Fate::{Final, Harmless, Passing};
use super::kind::{Kind, edited, gzip, kind, last, list, ok, open, parts, raw, with_body};

/// What is no JSON.
pub fn garbled() -> Vec<Kind> {
    let latin = b"{\"incidents\":[{\"id\":\"caf\xe9\"}]}".to_vec();
    vec![
        kind("nothing", ok(""), Passing(4)),
        kind("blanks", ok("  \r\n\t"), Passing(4)),
        kind("a page", Action::Html(200), Passing(4)),
        kind("words", ok("upstream connect error"), Passing(4)),
        kind("half of JSON", ok(r#"{"incidents":[{"id":"A"}"#), Passing(4)),
        kind("NUL bytes", ok([0; 512]), Passing(4)),
        kind("not UTF-8", ok(latin), Passing(4)),
        kind("UTF-16", ok(b"\xff\xfe{\0}\0"), Passing(4)),
        kind("half of a record", ok("{\"incidents\": [x"), Passing(4)),
    ]
}

/// Another JSON than was asked for.
pub fn other() -> Vec<Kind> {
    let deep = format!(r#"{{"x":{}"#, "[".repeat(100_000));
    vec![
        kind("endless depth", ok(deep), Final(4)),
        kind("null", ok("null"), Final(4)),
        kind("a list", ok("[]"), Final(4)),
        kind("an empty object", ok("{}"), Final(4)),
        kind("a text", ok(r#""maintenance""#), Final(4)),
        kind("a number", ok("3"), Final(4)),
        kind("an error as a 200", ok(r#"{"errors":[{"message":"no"}]}"#), Final(4)),
    ]
}

/// What becomes of a good body on its way.
pub fn damaged() -> Vec<Kind> {
    vec![
        kind("a mark before it", last(|sent| around(&sent, b"\xef\xbb\xbf", b"")), Passing(4)),
        kind("more behind it", last(|sent| around(&sent, b"", b"<!-- served -->")), Passing(4)),
        kind("it comes twice", last(|sent| around(&sent, b"", &parts(&sent).1)), Passing(4)),
        kind("NUL behind it", last(|sent| around(&sent, b"", b"\0")), Passing(4)),
        kind("blanks around it", open(|sent| around(&sent, b"\n \t", b"\r\n")), Harmless),
        kind(
            "cut gzip",
            last(|sent| compressed(&sent, |bytes| bytes.truncate(bytes.len() / 2))),
            Passing(5),
        ),
        kind("gzip with another sum", last(|sent| compressed(&sent, spoil)), Passing(5)),
        kind("gzip that is none", last(|sent| encoded(&sent, "gzip", &parts(&sent).1)), Passing(5)),
        kind("gzip", open(|sent| encoded(&sent, "gzip", &gzip(&parts(&sent).1))), Harmless),
        kind(
            "an encoding nobody asked for",
            raw("200 OK", "Content-Encoding: br\r\n", b"\x0b\x02\x80{}\x03"),
            Passing(4),
        ),
        kind(
            "a body of identity",
            open(|sent| encoded(&sent, "identity", &parts(&sent).1)),
            Harmless,
        ),
    ]
}

/// The names that gzip goes by.
pub fn named() -> Vec<Kind> {
    vec![
        kind("x-gzip", open(|sent| encoded(&sent, "x-gzip", &gzip(&parts(&sent).1))), Harmless),
        kind("GZIP", open(|sent| encoded(&sent, "GZIP", &gzip(&parts(&sent).1))), Harmless),
    ]
}

/// What a page of a list should not be.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn of_lists() -> Vec<Kind> {
    vec![
        kind("no list", open(|sent| edited(&sent, |body| *list(body) = json!({}))), Final(4)),
        kind(
            "a record that is a text",
            open(|sent| edited(&sent, |body| list(body)[0] = json!("x"))),
            Final(4),
        ),
        kind(
            "a record that is null",
            open(|sent| edited(&sent, |body| list(body)[0] = json!(null))),
            Final(4),
        ),
        kind(
            "a record without its key",
            open(|sent| edited(&sent, |body| list(body)[0] = json!({}))),
            Final(4),
        ),
        kind(
            "paging that is a list",
            open(|sent| edited(&sent, |body| body["pagination_meta"] = json!([]))),
            Final(4),
        ),
        kind(
            "paging that is a text",
            open(|sent| edited(&sent, |body| body["pagination_meta"] = json!("x"))),
            Final(4),
        ),
        kind(
            "a cursor that is a number",
            open(|sent| edited(&sent, |body| body["pagination_meta"] = json!({"after": 7}))),
            Final(4),
        ),
        kind(
            "a cursor that is an object",
            open(|sent| edited(&sent, |body| body["pagination_meta"] = json!({"after": {}}))),
            Final(4),
        ),
        kind(
            "a list that is null",
            open(|sent| edited(&sent, |body| *list(body) = json!(null))),
            Passing(5),
        ),
        kind("a list without a record", Action::ThinPage, Passing(5)),
        // One such page is no end; pages without end are none of a list.
        kind("an empty page that leads on", Action::EmptyPage, Passing(4)),
        kind(
            "fields nobody knows",
            open(|sent| edited(&sent, |body| body["news"] = json!({"after": 7}))),
            Harmless,
        ),
        kind(
            "NUL in a field nobody knows",
            open(|sent| edited(&sent, |body| body["news"] = json!("\0"))),
            Harmless,
        ),
    ]
}

fn around(sent: &[u8], before: &[u8], behind: &[u8]) -> Vec<u8> {
    with_body(sent, "", &[before, &parts(sent).1, behind].concat())
}

fn encoded(sent: &[u8], encoding: &str, body: &[u8]) -> Vec<u8> {
    with_body(sent, &format!("Content-Encoding: {encoding}\r\n"), body)
}

fn compressed(sent: &[u8], spoil: fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = gzip(&parts(sent).1);
    spoil(&mut bytes);
    encoded(sent, "gzip", &bytes)
}

/// Changes the sum that gzip has at its end.
#[expect(clippy::ptr_arg, reason = "it stands in a table beside others")]
fn spoil(bytes: &mut Vec<u8>) {
    let at = bytes.len() - 8;
    bytes[at] ^= 0xff;
}
