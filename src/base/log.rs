//! Events on stderr: text or JSON lines, and Singer METRIC lines. Leaves to others what is worth
//! saying. Whatever passes through here, the API key does not.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::base::clock::Clock;
use crate::base::cut;
use crate::base::event::{self, Event};
pub use crate::base::level::Level;
use crate::base::redact::Redaction;
use crate::base::screen::{Audience, Screen};

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
    audience: Audience,
    /// Where somebody watches.
    screen: Option<Arc<Screen>>,
    level: Level,
    format: Format,
    clock: Arc<dyn Clock>,
    redaction: Redaction,
}

impl Log {
    /// A log to `out`, as text and from INFO on until it is told otherwise.
    pub fn new(out: Box<dyn Write + Send>, clock: Arc<dyn Clock>, audience: Audience) -> Self {
        Self {
            out: Mutex::new(out),
            screen: (audience == Audience::FreeTerminal).then(|| Arc::new(Screen::on_stderr())),
            audience,
            level: Level::Info,
            format: Format::Text,
            clock,
            redaction: Redaction::default(),
        }
    }

    /// Where what is under way can be drawn.
    #[must_use]
    pub fn screen(&self) -> Option<Arc<Screen>> {
        self.screen.clone()
    }

    /// Whether a person reads it.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.audience != Audience::Program
    }

    /// Takes over the settings of the config; `secret` never appears in a line.
    pub fn set(&mut self, level: Level, format: Option<Format>, secret: &str) {
        self.level = level;
        if let Some(format) = format {
            // Who says what a line looks like wants lines.
            self.format = format;
            self.audience = Audience::Program;
            self.screen = None;
        }
        self.redaction = Redaction::of(secret);
    }

    /// Whether events of a level are told: one that comes with each request is not made for nothing.
    #[must_use]
    pub fn tells(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Says what happened.
    pub fn tell(&self, event: &Event) {
        let is_drawn = self.is_for_people() && self.level == Level::Info;
        if event.level < self.level || (is_drawn && event.is_for_programs()) {
            return;
        }
        let Event { level, name, stream, text, fields } = event;
        match self.format {
            Format::Text => self.write(&format!("{} {text}", level.name())),
            Format::Json => {
                let mut extra = fields.clone();
                // Meltano hands these on as arguments of a function that has an `event` of its own.
                extra.insert("event_name".to_owned(), (*name).into());
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
        if self.level > Level::Info || self.is_for_people() {
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

    /// A text without the key, for what is kept though others have sent it.
    #[must_use]
    pub fn without_key(&self, text: &str) -> String {
        self.redaction.apply(text).into_owned()
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
        if let Some(screen) = &self.screen {
            screen.say(out.as_mut(), &line);
            return;
        }
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
