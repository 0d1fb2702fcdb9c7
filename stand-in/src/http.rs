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
/// More than the body of any request may take.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Below this size compression is not worth its time.
const LEAST_GZIP_BYTES: usize = 512;

/// What JSON is called in a header.
pub(crate) const JSON: &str = "application/json";

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
    /// A whole reply without further headers.
    pub(crate) fn plain(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, headers: Vec::new(), body, is_cut: false }
    }

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
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            415 => "Unsupported Media Type",
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
            if let Some((mut received, length)) = parse(&self.read)? {
                self.read.drain(..length.min(self.read.len()));
                let Some(body) = self.body(&received.request)? else { return Ok(None) };
                received.request.body = body;
                return Ok(Some(received));
            }
            if !self.read_on()? {
                return Ok(None);
            }
            if self.read.len() > MOST_HEADER_BYTES {
                return Err(Error::new(ErrorKind::InvalidData, "the header is too long"));
            }
        }
    }

    /// The body that follows a header, or nothing when the client has closed the connection before.
    fn body(&mut self, request: &Request) -> Result<Option<String>> {
        let length = request.header("content-length").unwrap_or("0").parse().unwrap_or(usize::MAX);
        if length > MOST_BODY_BYTES {
            return Err(Error::new(ErrorKind::InvalidData, "the body is too long"));
        }
        while self.read.len() < length {
            if !self.read_on()? {
                return Ok(None);
            }
        }
        let body: Vec<u8> = self.read.drain(..length).collect();
        Ok(Some(String::from_utf8_lossy(&body).into_owned()))
    }

    /// Reads what has come; false at the end of the connection.
    fn read_on(&mut self) -> Result<bool> {
        let mut chunk = [0; 4096];
        let count = self.stream.read(&mut chunk)?;
        self.read.extend(chunk.iter().take(count));
        Ok(count > 0)
    }
}

/// A request without its body and the length of its header, once that is complete.
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
    // A body in chunks is not read: the connection ends, or its pieces would be taken for requests.
    let closes = has("Connection", "close")
        || parsed.version == Some(0)
        || has("Transfer-Encoding", "chunked");
    let mut headers = Vec::new();
    for header in parsed.headers.iter() {
        let value = String::from_utf8_lossy(header.value).into_owned();
        headers.push((header.name.to_ascii_lowercase(), value));
    }
    let request = Request {
        method,
        target: parsed.path.unwrap_or_default().to_owned(),
        authorization: header("Authorization"),
        host: header("Host").unwrap_or_default(),
        takes_gzip: has("Accept-Encoding", "gzip"),
        headers,
        body: String::new(),
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
    fn a_body_is_read_as_long_as_it_is_announced() {
        let bytes =
            b"POST /a HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}GET /c HTTP/1.1\r\n\r\n";
        let mut receiver = Receiver::new(bytes.as_slice());
        let first = receiver.next().unwrap().unwrap();
        let second = receiver.next().unwrap().unwrap();
        assert_eq!((first.request.body.as_str(), first.closes), ("{\"a\":1}", false));
        assert_eq!((second.request.target.as_str(), second.request.body.as_str()), ("/c", ""));
    }

    #[test]
    fn a_body_in_chunks_or_without_end_ends_the_connection() {
        let bytes = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
        assert!(Receiver::new(bytes.as_slice()).next().unwrap().unwrap().closes);
        let bytes = b"POST /a HTTP/1.1\r\nContent-Length: 4194305\r\n\r\n";
        assert!(Receiver::new(bytes.as_slice()).next().is_err());
        let bytes = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{";
        assert!(Receiver::new(bytes.as_slice()).next().unwrap().is_none());
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
