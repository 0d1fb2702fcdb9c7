//! SCHEMA, RECORD and STATE lines: the only module that writes to stdout.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::os::fd::AsFd;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::error::Error;
use crate::record::lines::{self, Lines};
use crate::singer::catalog::{Method, Selected};
use crate::singer::state::State;

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
        let key = match selected.method {
            Method::FullTable => None,
            Method::Incremental => selected.stream.replication_key(),
        };
        self.line(&SchemaMessage {
            kind: "SCHEMA",
            stream: selected.stream.name,
            schema: &selected.schema,
            key_properties: selected.stream.key,
            bookmark_properties: key.map(|key| [key]),
        })
    }

    /// Writes RECORD lines that are complete.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn records(&mut self, lines: &Lines) -> Result<(), Error> {
        if self.pending.len() + lines.len() <= CHUNK {
            lines.pieces().for_each(|piece| self.pending.extend_from_slice(piece));
            return Ok(());
        }
        self.flush()?;
        // What is large enough is not copied once more only to be written.
        let mut pieces = lines.pieces().map(IoSlice::new).collect::<Vec<_>>();
        for pieces in pieces.chunks_mut(CHUNK / lines::PIECE) {
            write_all(&mut self.out, pieces)?;
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

/// Writes all of the pieces, as many at a time as are taken.
fn write_all(out: &mut impl Write, mut pieces: &mut [IoSlice]) -> io::Result<()> {
    while !pieces.is_empty() {
        match out.write_vectored(pieces) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut pieces, count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Takes a few bytes at a time, and every other time none because of a signal.
    #[derive(Default)]
    struct Reluctant {
        text: Vec<u8>,
        is_interrupted: bool,
    }

    impl Write for Reluctant {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.is_interrupted = !self.is_interrupted;
            if self.is_interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            let taken = text.len().min(1_000);
            self.text.extend_from_slice(text.get(..taken).unwrap_or_default());
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_written_however_little_is_taken_at_a_time() {
        let mut out = Reluctant::default();
        let mut output = Output::new(&mut out);
        let mut written = Vec::new();
        for length in [10, 3 * CHUNK + 17, 1, CHUNK, CHUNK / 2, CHUNK / 2, 5] {
            let record = (0_u8..=250).cycle().take(length).collect::<Vec<_>>();
            let mut lines = Lines::new(&Arc::default());
            lines.push(&record);
            output.records(&lines).unwrap();
            written.extend(record);
        }
        output.finish().unwrap();
        assert_eq!(out.text, written);
    }

    #[test]
    fn a_target_that_takes_nothing_more_is_an_error() {
        let mut full = vec![0; CHUNK];
        let mut lines = Lines::new(&Arc::default());
        lines.push(&vec![b'x'; 2 * CHUNK]);
        assert!(Output::new(full.as_mut_slice()).records(&lines).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_widened_and_not_narrowed() {
        use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

        let (_reader, pipe) = io::pipe().unwrap();
        fcntl_setpipe_size(&pipe, CHUNK).unwrap();
        widen(&pipe);
        assert_eq!(fcntl_getpipe_size(&pipe), Ok(PIPE));
        fcntl_setpipe_size(&pipe, 2 * PIPE).unwrap();
        widen(&pipe);
        assert_eq!(fcntl_getpipe_size(&pipe), Ok(2 * PIPE));
    }
}
