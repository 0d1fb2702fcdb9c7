//! What everything else stands on: errors, time, the log.

pub mod error;
pub mod stop;
pub mod clock;
pub mod redact;
pub mod log;
pub mod time;
pub mod retry;
