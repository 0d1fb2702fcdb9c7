//! SCHEMA, RECORD and STATE lines: the only module that writes to stdout.

use std::io::Write;
use std::os::fd::AsFd;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::{Method, Selected};
use crate::error::Error;
use crate::lines::Lines;
use crate::state::State;

/// Writes messages to the output it was given.
pub struct Output<W: Write> {
    out: W,
    pending: Vec<u8>,
    state_size: usize,
}

#[derive(Serialize)]
struct SchemaMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    stream: &'a str,
    schema: &'a Value,
    key_properties: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    bookmark_properties: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
struct StateMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a Map<String, Value>,
}

/// A default pipe holds 64 KiB; larger writes make writer and reader take turns.
const CHUNK: usize = 32 << 10;

/// Bytes that a pipe should hold, so that neither side waits for the other at every write.
#[cfg(target_os = "linux")]
const PIPE: usize = 256 << 10;

/// Lets a pipe hold more, where it is one and the operating system permits it.
#[cfg(target_os = "linux")]
pub fn widen(descriptor: impl AsFd) {
    if rustix::pipe::fcntl_getpipe_size(&descriptor).is_ok_and(|size| size < PIPE) {
        // Without leave it stays as it is: slower, and as good.
        let _ = rustix::pipe::fcntl_setpipe_size(descriptor, PIPE);
    }
}

/// Pipes stay what they are elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn widen(_: impl AsFd) {}

impl<W: Write> Output<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W) -> Self {
        Self { out, pending: Vec::with_capacity(2 * CHUNK), state_size: 0 }
    }

    /// Announces a stream, once, before its records.
    ///
    /// # Errors
    /// [`Error::OutputClosed`] where the reader is gone; the same for all that writes.
    pub fn schema(&mut self, selected: &Selected) -> Result<(), Error> {
        let key = selected.stream.replication_key();
        self.line(&SchemaMessage {
            kind: "SCHEMA",
            stream: selected.stream.name,
            schema: &selected.schema,
            key_properties: selected.stream.key,
            bookmark_properties: key
                .filter(|_| selected.method == Method::Incremental)
                .map(|key| [key]),
        })
    }

    /// Writes RECORD lines that are complete.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn records(&mut self, lines: &Lines) -> Result<(), Error> {
        for piece in lines.pieces() {
            if self.pending.len() + piece.len() > CHUNK {
                self.flush()?;
            }
            // What is large enough is not copied once more only to be written.
            if self.pending.is_empty() && piece.len() >= CHUNK / 2 {
                self.out.write_all(piece)?;
            } else {
                self.pending.extend_from_slice(piece);
            }
        }
        Ok(())
    }

    /// Writes a state that is true for all records before it, and lets the target see it.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn state(&mut self, state: &State) -> Result<(), Error> {
        let before = self.pending.len();
        self.line(&StateMessage { kind: "STATE", value: state.as_map() })?;
        self.state_size = self.pending.len() - before;
        self.flush()
    }

    /// Bytes of the last STATE.
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.state_size
    }

    /// Writes text that is no message: the catalog.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        self.pending.extend_from_slice(text.as_bytes());
        self.flush()
    }

    /// Writes what is pending.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn finish(&mut self) -> Result<(), Error> {
        self.flush()
    }

    fn line(&mut self, message: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut self.pending, message)
            .map_err(|error| Error::Bug(error.to_string()))?;
        self.pending.push(b'\n');
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        for chunk in self.pending.chunks(CHUNK) {
            self.out.write_all(chunk)?;
        }
        self.pending.clear();
        Ok(self.out.flush()?)
    }
}

/// What stands before and after a record on its line.
#[must_use]
pub fn frame(stream: &str, received_at: DateTime<Utc>) -> (String, String) {
    let stream = Value::from(stream);
    let time = received_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    (
        format!(r#"{{"type":"RECORD","stream":{stream},"record":"#),
        format!(",\"time_extracted\":\"{time}\"}}\n"),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

    use super::{CHUNK, PIPE, widen};

    #[test]
    fn a_pipe_is_widened_and_not_narrowed() {
        let (_reader, pipe) = std::io::pipe().unwrap();
        fcntl_setpipe_size(&pipe, CHUNK).unwrap();
        widen(&pipe);
        assert_eq!(fcntl_getpipe_size(&pipe), Ok(PIPE));
        fcntl_setpipe_size(&pipe, 2 * PIPE).unwrap();
        widen(&pipe);
        assert_eq!(fcntl_getpipe_size(&pipe), Ok(2 * PIPE));
    }
}
