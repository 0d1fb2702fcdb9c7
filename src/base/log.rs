//! Events on stderr: text or JSON lines, and Singer METRIC lines. Leaves to others what is worth
//! saying. Whatever passes through here, the API key does not.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::base::clock::Clock;
use crate::base::cut;
use crate::base::event::{self, Event};
use crate::base::redact::Redaction;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever hunts a bug: each request.
    Debug,
    /// For an operator: one line per event.
    Info,
    /// Something was left out, or will be.
    Warning,
    /// A stream, or the run, failed.
    Error,
}

impl Level {
    /// The level of that name, in any case; `warn` and `critical` are taken too.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warning" | "warn" => Some(Self::Warning),
            "error" | "critical" => Some(Self::Error),
            _ => None,
        }
    }

    /// As the setting has it.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `LEVEL message`.
    Text,
    /// One JSON object a line, with the field names of the Meltano SDK.
    Json,
}

/// A measured value for Singer's METRIC lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// How many since the last such line.
    Counter(&'static str, u64),
    /// Seconds, and whether what took them succeeded.
    Timer(&'static str, f64, bool),
}

/// Writes events to stderr, or wherever it is told to.
pub struct Log {
    out: Mutex<Box<dyn Write + Send>>,
    level: Level,
    format: Format,
    clock: Arc<dyn Clock>,
    redaction: Redaction,
}

impl Log {
    /// A log to `out`, as text and from INFO on until it is told otherwise.
    pub fn new(out: Box<dyn Write + Send>, clock: Arc<dyn Clock>) -> Self {
        let (level, format) = (Level::Info, Format::Text);
        Self { out: Mutex::new(out), level, format, clock, redaction: Redaction::default() }
    }

    /// Takes over the settings of the config; `secret` never appears in a line.
    pub fn set(&mut self, level: Level, format: Format, secret: &str) {
        self.level = level;
        self.format = format;
        self.redaction = Redaction::of(secret);
    }

    /// Says what happened.
    pub fn tell(&self, event: &Event) {
        if event.level < self.level {
            return;
        }
        let Event { level, name, stream, text, fields } = event;
        match self.format {
            Format::Text => self.write(&format!("{} {text}", level.name())),
            Format::Json => {
                let mut extra = fields.clone();
                extra.insert("event".to_owned(), (*name).into());
                let extra = json!({"extra": extra});
                self.write(&self.json(*level, stream.as_deref(), text, &extra).to_string());
            }
        }
    }

    /// Writes a table: as it is, or each of its lines as an event.
    pub fn table(&self, table: &str) {
        for line in table.lines() {
            match self.format {
                Format::Text => self.write(line),
                Format::Json => self.tell(&event::note(line)),
            }
        }
    }

    /// Writes a Singer METRIC line for a stream, or for the whole run.
    pub fn metric(&self, metric: Metric, stream: Option<&str>) {
        if self.level > Level::Info {
            return;
        }
        let mut tags = json!({});
        if let (Some(stream), Some(tags)) = (stream, tags.as_object_mut()) {
            tags.insert("stream".into(), stream.into());
        }
        let point = match metric {
            Metric::Counter(name, value) => {
                json!({"type": "counter", "metric": name, "value": value, "tags": tags})
            }
            Metric::Timer(name, seconds, succeeded) => {
                if let Some(tags) = tags.as_object_mut() {
                    let status = if succeeded { "succeeded" } else { "failed" };
                    tags.insert("status".into(), status.into());
                }
                json!({"type": "timer", "metric": name, "value": seconds, "tags": tags})
            }
        };
        match self.format {
            Format::Text => self.write(&format!("INFO METRIC: {point}")),
            Format::Json => {
                let extra = json!({"metric_info": point});
                self.write(&self.json(Level::Info, stream, "METRIC", &extra).to_string());
            }
        }
    }

    fn json(&self, level: Level, stream: Option<&str>, message: &str, extra: &Value) -> Value {
        let mut line = json!({
            "level": level.setting(),
            "pid": std::process::id(),
            "logger_name": "tap-incident",
            "ts": since_epoch(self.clock.as_ref()),
            "thread_name": std::thread::current().name().unwrap_or("worker"),
            "app_name": "tap-incident",
            "stream_name": stream,
            "message": message,
            "extra": {},
        });
        if let (Some(line), Some(extra)) = (line.as_object_mut(), extra.as_object()) {
            line.extend(extra.clone());
        }
        line
    }

    /// A text on one line, as it may be shown.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        cut::plain(&self.redaction.apply(text))
    }

    fn write(&self, line: &str) {
        // A line break would make two lines of one event, whichever form it has.
        let mut line = self.shown(line);
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Where stderr itself is gone there is nowhere left to say so.
        let _ = out.write_all(line.as_bytes());
    }
}

/// Says where a thread panicked, for [`std::panic::set_hook`]. The panic's own text is left out: it may
/// quote whatever was at hand, the key too, and no log is at hand to take that out.
pub fn panicked(panic: &PanicHookInfo) {
    let place =
        panic.location().map_or_else(|| "nobody knows where".to_owned(), ToString::to_string);
    let line =
        format!("ERROR bug in tap-incident: a panic at {place}; hint: please report this line\n");
    // Where stderr itself is gone there is nowhere left to say so.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Seconds since 1970, with a fraction.
fn since_epoch(clock: &dyn Clock) -> f64 {
    let now = clock.now();
    // Until 2106.
    u32::try_from(now.timestamp()).map_or(0.0, f64::from)
        + f64::from(now.timestamp_subsec_micros()) / 1e6
}
