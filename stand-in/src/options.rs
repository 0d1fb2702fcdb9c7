//! How a stand-in is set up: its key, its clock, and how strict, slow and generous it is.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, Offset, Utc};
use serde_json::Value;

use super::limits::Limits;
use super::readings::Readings;
use super::workspace::Workspace;

/// The key that the stand-in takes unless [`Options`] say otherwise.
pub const DEFAULT_KEY: &str = "demo-key";
/// What the stand-in's clock shows: 2026-11-20T12:00:00Z, when the sample workspace was last changed.
pub const NOW: DateTime<Utc> = match NaiveDate::from_ymd_opt(2026, 11, 20) {
    Some(day) => match day.and_hms_opt(12, 0, 0) {
        Some(time) => time.and_utc(),
        None => DateTime::UNIX_EPOCH,
    },
    None => DateTime::UNIX_EPOCH,
};

/// Tells what time it is for the API.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A clock that always shows the same time.
#[must_use]
pub fn standing_at(time: DateTime<Utc>) -> Clock {
    Arc::new(move || time)
}

/// Called before each answer with path and query as received, so that rows change while they are read.
pub type OnRequest = Box<dyn FnMut(&str, &mut Workspace) + Send>;
/// Called with each answer and what was asked for, so that it may say what the API never does.
pub type OnAnswer = Box<dyn FnMut(&str, &mut Value) + Send>;

/// How strict, slow and generous the stand-in is.
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The only key that is let in.
    pub key: String,
    /// How long each answer takes.
    pub latency: Duration,
    /// Whether answers are compressed for clients that take it.
    pub gzip: bool,
    /// How many answers a connection gives. The next request ends it without one.
    pub answers_per_connection: Option<usize>,
    /// How many requests a minute are answered; all of them without limits.
    pub limits: Option<Limits>,
    /// What the `Date` header says, and what counts as past.
    pub clock: Clock,
    /// Where days begin for filters that compare whole days; the API does not say.
    pub zone: FixedOffset,
    /// Values that filters take although the document does not say so.
    pub undocumented: Vec<String>,
    /// Beginnings of paths that the key may not read.
    pub forbidden: Vec<String>,
    /// At most so many rows a page, whatever is asked for.
    pub page_cap: Option<usize>,
    /// Paths of which pages are as large as asked all the same.
    pub uncapped: Vec<String>,
    /// What holds where documents disagree.
    pub readings: Readings,
    /// What to do before each answer.
    pub on_request: Option<OnRequest>,
    /// What to do with each answer.
    pub on_answer: Option<OnAnswer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            key: DEFAULT_KEY.to_owned(),
            latency: Duration::ZERO,
            gzip: true,
            answers_per_connection: None,
            limits: None,
            clock: standing_at(NOW),
            zone: Utc.fix(),
            undocumented: Vec::new(),
            forbidden: Vec::new(),
            page_cap: None,
            uncapped: Vec::new(),
            readings: Readings::default(),
            on_request: None,
            on_answer: None,
        }
    }
}
