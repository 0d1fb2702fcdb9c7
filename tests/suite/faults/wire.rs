//! What happens to an answer between the API and here.

use stand_in::Action;

use super::kind::Fate::{Final, Harmless, Passing};
use super::kind::{Kind, kind, last, open, parts, whole, without};

/// Connections that end, and what is no answer.
pub fn broken() -> Vec<Kind> {
    vec![
        kind("it ends before the answer", Action::CloseBeforeAnswer, Passing(5)),
        kind("it is reset", Action::Reset, Passing(5)),
        kind("it ends in the status", last(|sent| sent[..7].to_vec()), Passing(5)),
        kind("it ends in the header", last(|sent| sent[..40].to_vec()), Passing(5)),
        kind("it ends after the header", last(|sent| whole(&parts(&sent).0, b"")), Passing(5)),
        kind("it ends in the body", Action::CutBody, Passing(5)),
        kind(
            "it ends before the last byte",
            last(|sent| sent[..sent.len() - 1].to_vec()),
            Passing(5),
        ),
        kind("the length is too long", last(|sent| sized(&sent, |length| length + 1)), Passing(5)),
        kind("the length is too short", last(|sent| sized(&sent, |length| length / 2)), Passing(4)),
        kind(
            "the length is none",
            last(|sent| header(&sent, "Content-Length", "Content-Length: x")),
            Passing(5),
        ),
        kind("two lengths", last(|sent| header(&sent, "", "Content-Length: 3")), Passing(5)),
        kind(
            "garbage",
            Action::Raw(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(40)),
            Passing(5),
        ),
        kind(
            "another protocol",
            Action::Raw(b"220 mail.example.com ESMTP\r\n".to_vec()),
            Passing(5),
        ),
        kind("a status that is none", Action::Raw(b"HTTP/1.1 OK\r\n\r\n{}".to_vec()), Passing(5)),
        kind(
            "HTTP of some day",
            Action::Raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
            Passing(5),
        ),
        kind("chunks without an end", last(|sent| chunked(&sent, "", "")), Passing(5)),
        kind(
            "a chunk of no length",
            last(|sent| chunked(&sent, "", "zz\r\n{}\r\n0\r\n\r\n")),
            Passing(5),
        ),
    ]
}

/// Answers that look different and are whole.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn whole_answers() -> Vec<Kind> {
    vec![
        kind("chunks", open(|sent| chunked(&sent, "", "0\r\n\r\n")), Harmless),
        kind(
            "chunks with extensions",
            open(|sent| chunked(&sent, ";a=b", "0\r\nExpires: 0\r\n\r\n")),
            Harmless,
        ),
        kind(
            "no length",
            last(|sent| header(&sent, "Content-Length", "Pragma: no-cache")),
            Harmless,
        ),
        kind("no date", Action::NoDate, Harmless),
        kind(
            "a date that is none",
            open(|sent| header(&sent, "Date", "Date: yesterday")),
            Harmless,
        ),
        kind(
            "a date of long ago",
            open(|sent| header(&sent, "Date", "Date: Thu, 01 Jan 1970 00:00:00 GMT")),
            Harmless,
        ),
        kind(
            "a date of some day",
            open(|sent| header(&sent, "Date", "Date: Fri, 31 Dec 9999 23:59:59 GMT")),
            Harmless,
        ),
        kind(
            "two dates",
            open(|sent| header(&sent, "", "Date: Thu, 01 Jan 1970 00:00:00 GMT")),
            Harmless,
        ),
        kind(
            "limits that are none",
            open(|sent| {
                header(
                    &sent,
                    "X-RateLimit",
                    "X-RateLimit-Limit: 0, -1;window=x\r\nX-RateLimit-Remaining: none",
                )
            }),
            Harmless,
        ),
        kind(
            "small letters",
            open(|sent| {
                whole(&parts(&sent).0.to_lowercase().replacen("http", "HTTP", 1), &parts(&sent).1)
            }),
            Harmless,
        ),
        kind(
            "no reason",
            open(|sent| whole(&parts(&sent).0.replacen(" OK", "", 1), &parts(&sent).1)),
            Harmless,
        ),
        kind("a header without a value", open(|sent| header(&sent, "", "X-Nothing:")), Harmless),
        kind("a header in Latin-1", open(latin), Harmless),
        kind(
            "cookies",
            open(|sent| header(&sent, "", "Set-Cookie: a=b; Domain=elsewhere.example; Secure")),
            Harmless,
        ),
        kind("twenty kilobytes of headers", open(|sent| header(&sent, "", &long(20))), Harmless),
        kind("it is the last one", last(|sent| sent), Harmless),
        kind(
            "it ends without a word",
            last(|sent| header(&sent, "Connection", "X-Hop: 1")),
            Harmless,
        ),
        kind("HTTP/1.0", last(|sent| old(&sent)), Harmless),
        kind("HTTP/1.0 without a length", last(|sent| without_length(&old(&sent))), Harmless),
        kind(
            "100 before",
            open(|sent| [b"HTTP/1.1 100 Continue\r\n\r\n", &sent[..]].concat()),
            Harmless,
        ),
        kind(
            "103 before",
            open(|sent| {
                [b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", &sent[..]].concat()
            }),
            Harmless,
        ),
        kind("an answer that nobody asked for", open(twice), Harmless),
    ]
}

/// Headers that are too many, or too long.
pub fn large_headers() -> Vec<Kind> {
    vec![
        kind("60 KB of headers", last(|sent| header(&sent, "", &long(60))), Harmless),
        kind("80 KB of headers", last(|sent| header(&sent, "", &long(80))), Final(4)),
        kind(
            "two hundred headers",
            last(|sent| header(&sent, "", "X-A: b\r\n".repeat(200).trim_end())),
            Final(4),
        ),
    ]
}

/// The same answer, in which one header stands in place of those that begin so.
fn header(sent: &[u8], name: &str, line: &str) -> Vec<u8> {
    let (head, body) = parts(sent);
    let head = if name.is_empty() { head } else { without(&head, name) };
    whole(&format!("{head}\r\n{line}"), &body)
}

fn sized(sent: &[u8], size: fn(usize) -> usize) -> Vec<u8> {
    let length = size(parts(sent).1.len());
    header(sent, "Content-Length", &format!("Content-Length: {length}"))
}

fn without_length(sent: &[u8]) -> Vec<u8> {
    let (head, body) = parts(sent);
    whole(&without(&head, "Content-Length"), &body)
}

fn old(sent: &[u8]) -> Vec<u8> {
    let (head, body) = parts(sent);
    whole(&head.replacen("HTTP/1.1", "HTTP/1.0", 1), &body)
}

/// In pieces of some hundred bytes.
fn chunked(sent: &[u8], extension: &str, end: &str) -> Vec<u8> {
    let (head, body) = parts(sent);
    let mut chunks = Vec::new();
    for chunk in body.chunks(333) {
        chunks.extend(format!("{:x}{extension}\r\n", chunk.len()).into_bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(end.as_bytes());
    let head = without(&head, "Content-Length");
    whole(&format!("{head}\r\nTransfer-Encoding: chunked"), &chunks)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in a table beside others")]
fn latin(sent: Vec<u8>) -> Vec<u8> {
    let (head, body) = parts(&sent);
    [head.as_bytes(), b"\r\nX-Place: caf\xe9\r\n\r\n", &body].concat()
}

fn long(kilobytes: usize) -> String {
    let lines = (0..kilobytes).map(|number| format!("X-Long-{number}: {}", "x".repeat(1_000)));
    lines.collect::<Vec<_>>().join("\r\n")
}

/// After the answer comes another one: a list that ends.
#[expect(clippy::needless_pass_by_value, reason = "it stands in a table beside others")]
fn twice(sent: Vec<u8>) -> Vec<u8> {
    let empty = r#"{"incidents":[],"catalog_entries":[],"severities":[]}"#;
    let more = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{empty}", empty.len());
    [&sent[..], more.as_bytes()].concat()
}
