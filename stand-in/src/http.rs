//! HTTP/1.1 as far as the stand-in needs it: requests are read from a connection one after the other, and
//! each reply is written at once.

use std::io::{Error, ErrorKind, Read, Result, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use httparse::Status;

use super::query::Request;

/// More than any header of a request may take.
const MOST_HEADER_BYTES: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;
/// Below this size compression is not worth its time.
const LEAST_GZIP_BYTES: usize = 512;

/// An answer as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether only half of the body is sent.
    pub(crate) is_cut: bool,
}

impl Reply {
    /// Compresses the body.
    pub(crate) fn gzip(&mut self) -> Result<()> {
        if self.body.len() >= LEAST_GZIP_BYTES {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.body)?;
            self.body = encoder.finish()?;
            self.headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        }
        Ok(())
    }

    /// The bytes of the reply.
    pub(crate) fn bytes(&self, closes: bool) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            _ => "Status",
        };
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        let length = self.body.len().to_string();
        let fixed = [("Content-Type", self.content_type), ("Content-Length", &length)];
        let others = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in fixed.into_iter().chain(others) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str(if closes { "Connection: close\r\n\r\n" } else { "\r\n" });
        let sent = if self.is_cut { self.body.len() / 2 } else { self.body.len() };
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().take(sent));
        bytes
    }
}

/// One request, and whether the connection ends after it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) request: Request,
    pub(crate) closes: bool,
}

/// The receiving end of a connection, with what was read too far.
#[derive(Debug)]
pub(crate) struct Receiver<R> {
    stream: R,
    read: Vec<u8>,
}

impl<R: Read> Receiver<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// The next request, or nothing when the client has closed the connection.
    pub(crate) fn next(&mut self) -> Result<Option<Received>> {
        loop {
            if let Some((received, length)) = parse(&self.read)? {
                self.read.drain(..length.min(self.read.len()));
                return Ok(Some(received));
            }
            let mut chunk = [0; 4096];
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                return Ok(None);
            }
            self.read.extend(chunk.iter().take(count));
            if self.read.len() > MOST_HEADER_BYTES {
                return Err(Error::new(ErrorKind::InvalidData, "the header is too long"));
            }
        }
    }
}

/// A request and its length, once its header is complete. A body is not expected: it ends the connection.
fn parse(read: &[u8]) -> Result<Option<(Received, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let invalid = |error: httparse::Error| Error::new(ErrorKind::InvalidData, error);
    let Status::Complete(length) = parsed.parse(read).map_err(invalid)? else { return Ok(None) };
    let header = |wanted: &str| {
        let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(wanted));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let has = |name: &str, part: &str| {
        header(name).is_some_and(|value| value.to_ascii_lowercase().contains(part))
    };
    let method = parsed.method.unwrap_or_default().to_owned();
    let closes = has("Connection", "close") || parsed.version == Some(0) || method != "GET";
    let request = Request {
        method,
        target: parsed.path.unwrap_or_default().to_owned(),
        authorization: header("Authorization"),
        host: header("Host").unwrap_or_default(),
        takes_gzip: has("Accept-Encoding", "gzip"),
    };
    Ok(Some((Received { request, closes }, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_one_connection_are_told_apart() {
        let bytes = b"GET /a?b=1 HTTP/1.1\r\nAccept-Encoding: br, gzip\r\n\r\nGET /c HTTP/1.1\r\n\
            Connection: close\r\n\r\n";
        let mut receiver = Receiver::new(bytes.as_slice());
        let first = receiver.next().unwrap().unwrap();
        let second = receiver.next().unwrap().unwrap();
        assert_eq!((first.request.target.as_str(), first.closes), ("/a?b=1", false));
        assert!(first.request.takes_gzip);
        assert_eq!((second.request.target.as_str(), second.closes), ("/c", true));
        assert!(receiver.next().unwrap().is_none());
    }

    #[test]
    fn a_cut_body_is_shorter_than_its_announced_length() {
        let body = b"0123456789".to_vec();
        let headers = vec![("Date".to_owned(), "now".to_owned())];
        let reply = Reply { status: 200, content_type: "text/plain", headers, body, is_cut: true };
        let expected = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\
            Date: now\r\nConnection: close\r\n\r\n01234";
        assert_eq!(String::from_utf8(reply.bytes(true)).unwrap(), expected);
    }
}
