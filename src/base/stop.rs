//! Whether a run has to end before it is done, and why. Whoever waits for something looks here, so that no
//! wait outlasts a signal.

use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::base::error::Error;

/// Why a run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The operating system sent a signal: its name, and the exit code by which a shell knows it.
    Signal(&'static str, u8),
    /// Nobody reads stdout any more.
    ReaderGone,
}

/// Set once, by whoever watches the process, and seen by all of its threads.
#[derive(Debug, Default)]
pub struct Stop {
    cause: OnceLock<Cause>,
    /// Held by nobody for longer than it takes to go to sleep.
    sleepers: Mutex<()>,
    changed: Condvar,
}

/// Whoever waits for another thread looks up that often.
pub const LOOK_UP: Duration = Duration::from_millis(100);

impl Stop {
    /// Ends the run; of several causes the first counts.
    pub fn set(&self, cause: Cause) {
        let _sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.cause.set(cause);
        self.changed.notify_all();
    }

    /// Whether the run has to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.cause.get().is_some()
    }

    /// Goes on unless the run has to end.
    ///
    /// # Errors
    /// [`Error::Stopped`] after a signal, [`Error::OutputClosed`] where nobody reads stdout.
    pub fn check(&self) -> Result<(), Error> {
        match self.cause.get() {
            None => Ok(()),
            Some(Cause::Signal(signal, code)) => Err(Error::Stopped { signal, code: *code }),
            Some(Cause::ReaderGone) => Err(Error::OutputClosed),
        }
    }

    /// Waits that long, or until the run has to end.
    pub fn wait(&self, most: Duration) {
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.changed.wait_timeout_while(sleepers, most, |()| !self.is_set());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts_and_ends_every_wait() {
        let stop = Stop::default();
        assert_eq!((stop.is_set(), stop.check()), (false, Ok(())));
        stop.set(Cause::Signal("SIGTERM", 143));
        stop.set(Cause::ReaderGone);
        stop.wait(Duration::MAX);
        let code = 143;
        assert_eq!(stop.check(), Err(Error::Stopped { signal: "SIGTERM", code }));
    }
}
