//! SCHEMA, RECORD, `ACTIVATE_VERSION` and STATE lines: the only module that writes to stdout.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use memchr::{memchr, memrchr};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::error::Error;
use crate::base::stop::Stop;
use crate::record::lines::Lines;
use crate::singer::catalog::{Method, Selected};
use crate::singer::state::State;

/// Writes messages to the output it was given: whole lines each time, so that it may be left between two
/// of them.
pub struct Output<W: Write> {
    out: W,
    pending: Vec<u8>,
    state_size: usize,
    stop: Arc<Stop>,
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
struct ActivateMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    stream: &'a str,
    version: i64,
}

#[derive(Serialize)]
struct StateMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a Map<String, Value>,
}

/// A default pipe holds 64 KiB; larger writes make writer and reader take turns.
const CHUNK: usize = 32 << 10;

impl<W: Write> Output<W> {
    /// Writes to `out`, which needs no buffer of its own, until the run has to stop.
    pub fn new(out: W, stop: Arc<Stop>) -> Self {
        Self { out, pending: Vec::with_capacity(2 * CHUNK), state_size: 0, stop }
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
        let mut start = 0;
        while start < lines.len() {
            // A page that takes its time is left before its end: nothing says yet that it has come.
            self.stop.check()?;
            let end = lines.end_of_lines(start, CHUNK);
            let mut pieces = lines.part(start..end).map(IoSlice::new).collect::<Vec<_>>();
            self.write(&mut pieces)?;
            start = end;
        }
        Ok(())
    }

    /// Lets the target remove the records of a stream that have another version.
    ///
    /// # Errors
    /// As [`Output::schema`].
    pub fn activate(&mut self, stream: &str, version: i64) -> Result<(), Error> {
        self.line(&ActivateMessage { kind: "ACTIVATE_VERSION", stream, version })
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
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        let result = loop {
            if rest.is_empty() {
                break self.out.flush().map_err(Error::from);
            }
            let (lines, others) = rest.split_at(end_of_lines(rest));
            if let Err(error) = self.write(&mut [IoSlice::new(lines)]) {
                break Err(error);
            }
            rest = others;
        };
        // What was written before an error is not written once more.
        let written = pending.len() - rest.len();
        self.pending = pending;
        self.pending.drain(..written);
        result
    }

    /// Writes all of the pieces, as many at a time as are taken.
    fn write(&mut self, mut pieces: &mut [IoSlice]) -> Result<(), Error> {
        while !pieces.is_empty() {
            match self.out.write_vectored(pieces) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(count) => IoSlice::advance_slices(&mut pieces, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Why nothing is taken any more says more than that.
                Err(error) => return Err(self.stop.check().err().unwrap_or(error.into())),
            }
        }
        Ok(())
    }
}

/// Where whole lines end, about a chunk of them: as many as fit, and one at least.
fn end_of_lines(text: &[u8]) -> usize {
    let Some(first) = text.get(..CHUNK) else { return text.len() };
    let end = match memrchr(b'\n', first) {
        Some(end) => Some(end),
        None => memchr(b'\n', text),
    };
    end.map_or(text.len(), |end| end + 1)
}

/// What stands before and after a record on its line.
#[must_use]
pub fn frame(stream: &str, received_at: DateTime<Utc>, version: Option<i64>) -> (String, String) {
    let stream = Value::from(stream);
    let time = received_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let version = version.map(|version| format!(",\"version\":{version}")).unwrap_or_default();
    (
        format!(r#"{{"type":"RECORD","stream":{stream},"record":"#),
        format!(",\"time_extracted\":\"{time}\"{version}}}\n"),
    )
}

#[cfg(test)]
mod tests {
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
        let mut output = Output::new(&mut out, Arc::default());
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
        assert!(Output::new(full.as_mut_slice(), Arc::default()).records(&lines).is_err());
    }
}
