//! What time it is, and how to wait. The one seam that tests replace, so that none of them sleeps.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::base::stop::Stop;
use crate::base::time::moved;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// The wall clock, for `time_extracted`, bookmarks and windows.
    fn now(&self) -> DateTime<Utc>;
    /// Time since the clock was made; never jumps.
    fn elapsed(&self) -> Duration;
    /// Waits that long, or until the run has to end.
    fn sleep(&self, wait: Duration);
}

/// The computer's own clock.
#[derive(Debug)]
pub struct SystemClock {
    made: Instant,
    stop: Arc<Stop>,
}

impl SystemClock {
    /// A clock whose waits end with the run.
    #[must_use]
    pub fn new(stop: Arc<Stop>) -> Self {
        Self { made: Instant::now(), stop }
    }
}

impl Default for SystemClock {
    /// A clock whose waits nobody cuts short.
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one real wall clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        self.made.elapsed()
    }

    fn sleep(&self, wait: Duration) {
        self.stop.wait(wait);
    }
}

/// A clock that stands still and moves only when it is asked to sleep: for tests, and for the
/// sample workspace, whose output is then the same every day.
#[derive(Debug)]
pub struct StandingClock {
    start: DateTime<Utc>,
    slept: Mutex<Duration>,
}

impl StandingClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: DateTime<Utc>) -> Self {
        Self { start, slept: Mutex::new(Duration::ZERO) }
    }
}

impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        moved(self.start, TimeDelta::from_std(self.elapsed()).unwrap_or(TimeDelta::MAX))
    }

    fn elapsed(&self) -> Duration {
        *self.slept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn sleep(&self, wait: Duration) {
        let mut slept = self.slept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *slept = slept.saturating_add(wait);
    }
}
