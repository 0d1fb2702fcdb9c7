//! What everything else stands on: errors, time, the log.

pub mod cut;
pub mod error;
pub mod stop;
pub mod time;
pub mod clock;
pub mod redact;
pub mod level;
pub mod event;
pub mod screen;
pub mod log;
pub mod retry;
