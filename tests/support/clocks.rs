//! The clocks of a history: the API's, which moves when the history says so, and the tap's, which may be
//! wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use stand_in::NOW;
use tap_incident::base::clock::Clock;

/// When a history begins.
pub const BEGINNING: DateTime<Utc> = NOW;

/// How long nothing happens.
#[derive(Debug, Clone, Copy)]
pub enum Wait {
    /// So many microseconds.
    Micros(i64),
    /// Until the next midnight in UTC.
    Midnight,
}

/// A clock that tests set, and that moves when it is slept on.
pub struct MovingClock(Mutex<DateTime<Utc>>);

impl Default for MovingClock {
    fn default() -> Self {
        Self(Mutex::new(BEGINNING))
    }
}

impl MovingClock {
    pub fn set(&self, time: DateTime<Utc>) {
        *self.0.lock().unwrap() = time;
    }

    pub fn wait(&self, wait: Wait) {
        let mut time = self.0.lock().unwrap();
        *time = match wait {
            Wait::Micros(micros) => *time + TimeDelta::microseconds(micros),
            Wait::Midnight => {
                let tomorrow = time.date_naive() + Days::new(1);
                tomorrow.and_time(NaiveTime::MIN).and_utc()
            }
        };
    }
}

impl Clock for MovingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        (self.now() - BEGINNING).to_std().unwrap_or_default()
    }

    fn sleep(&self, wait: Duration) {
        self.wait(Wait::Micros(i64::try_from(wait.as_micros()).unwrap()));
    }
}

/// The API's clock, but wrong by so much.
pub struct WrongClock {
    pub right: Arc<MovingClock>,
    pub off: TimeDelta,
}

impl Clock for WrongClock {
    fn now(&self) -> DateTime<Utc> {
        self.right.now() + self.off
    }

    fn elapsed(&self) -> Duration {
        self.right.elapsed()
    }

    fn sleep(&self, wait: Duration) {
        self.right.sleep(wait);
    }
}
