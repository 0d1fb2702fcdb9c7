//! The body of an answer, inflated and bounded: read into a buffer that an earlier one has grown.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use ureq::Body;
use ureq::http::HeaderMap;

use super::failure::{Failure, Passing, broken};
use super::{Client, text};
use crate::base::error::Error;
use crate::source::request::Request;

/// Whether a body that has got large may get larger by so many bytes; waits until it may. False where
/// nobody wants it any more.
pub type Room<'a> = &'a dyn Fn(usize) -> bool;

/// Larger than most bodies. Whatever is larger needs room.
pub const BODY: usize = 2 << 20;
/// By so much a large body grows at a time.
const GROWTH: usize = 1 << 20;
/// So much is read of the body of an error.
const ERROR_BODY: usize = 64 << 10;

impl Client {
    /// Reads a body to its end, so that the connection can be used again; of the body of an error only the
    /// beginning. What counts is what was inflated: ureq's own limit is on what was sent.
    pub(super) fn read(
        &self,
        request: &Request,
        (sent, headers): (Body, &HeaderMap),
        body: &mut Vec<u8>,
        (is_ok, room): (bool, Room),
    ) -> Result<(), Failure> {
        body.clear();
        let mut reader = inflated(sent, headers);
        let mut most = if is_ok { BODY } else { ERROR_BODY };
        loop {
            let rest = most.saturating_sub(body.len()) as u64;
            let read = reader.by_ref().take(rest).read_to_end(body);
            read.map_err(|error| broken(&error.into(), &self.endpoint, &self.timeouts))?;
            if body.len() > self.max_body {
                return Err(Failure::Final(Error::Contract(format!(
                    "it is larger than the {} MB that `max_body_megabytes` allows: `{request}`",
                    self.max_body >> 20
                ))));
            }
            if body.len() < most || !is_ok {
                return Ok(());
            }
            if !room(GROWTH) {
                return Err(Failure::Passing(Passing::unwanted()));
            }
            most += GROWTH;
        }
    }
}

/// A body as it was meant. ureq inflates what is called `gzip`, and takes the header away. The name may be in
/// capitals, or the old one.
fn inflated(body: Body, headers: &HeaderMap) -> Box<dyn Read> {
    let reader = body.into_with_config().limit(u64::MAX).reader();
    let encoding = text(headers, "content-encoding").unwrap_or_default();
    if ["gzip", "x-gzip"].iter().any(|name| encoding.eq_ignore_ascii_case(name)) {
        Box::new(MultiGzDecoder::new(reader))
    } else {
        Box::new(reader)
    }
}
