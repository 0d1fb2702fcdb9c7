//! A thread that sees what the run itself may be too busy to see: signals, and that nobody reads stdout any
//! more. The first signal asks the run to end, the second ends it.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::base::stop::{Cause, Stop};

/// How long a run that was asked to end may take for it: containers are given a second, and more than
/// this is for one that is stuck where nothing can be asked of it.
const GRACE: Duration = Duration::from_millis(700);

#[cfg(not(unix))]
pub use self::other::watch;
#[cfg(unix)]
pub use self::unix::watch;

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::low_level::pipe::register;

    use super::{Arc, Cause, Duration, File, GRACE, Stop, end, io};

    /// Signals that end a run, with their exit codes.
    const SIGNALS: [(i32, &str, u8); 3] =
        [(SIGHUP, "SIGHUP", 129), (SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)];

    /// What is watched: a socket for each signal, and stdout.
    struct Watch {
        signals: Vec<(UnixStream, Cause, u8)>,
        stdout: Option<File>,
        stop: Arc<Stop>,
    }

    /// Watches this process until it ends.
    ///
    /// # Errors
    /// Where the operating system gives no handler, no socket or no thread.
    pub fn watch(stdout: Option<File>, stop: Arc<Stop>) -> io::Result<()> {
        let mut signals = Vec::new();
        for (signal, name, code) in SIGNALS {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            register(signal, writer)?;
            signals.push((reader, Cause::Signal(name, code), code));
        }
        let mut watch = Watch { signals, stdout, stop };
        thread::Builder::new().name("watch".to_owned()).spawn(move || watch.run())?;
        Ok(())
    }

    impl Watch {
        fn run(&mut self) {
            let code = loop {
                if let Some((cause, code)) = self.wait(None) {
                    self.stop.set(cause);
                    break code;
                }
            };
            let asked = Instant::now();
            while let Some(rest) = GRACE.checked_sub(asked.elapsed()) {
                if let Some((_, code)) = self.wait(Some(rest)) {
                    end(code);
                }
            }
            end(code);
        }

        /// The next signal, if one comes in that time. That stdout has lost its reader is noted.
        fn wait(&mut self, most: Option<Duration>) -> Option<(Cause, u8)> {
            let most = most.and_then(|most| Timespec::try_from(most).ok());
            let mut watched = Vec::new();
            for (signal, _, _) in &self.signals {
                watched.push(PollFd::new(signal, PollFlags::IN));
            }
            // Nothing is asked of stdout: that its reader is gone is always told.
            watched.extend(self.stdout.as_ref().map(|out| PollFd::new(out, PollFlags::empty())));
            match poll(&mut watched, most.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => std::thread::park(),
            }
            let is_gone =
                watched.get(self.signals.len()).is_some_and(|stdout| !stdout.revents().is_empty());
            if is_gone {
                self.stdout = None;
                self.stop.set(Cause::ReaderGone);
            }
            for (signal, cause, code) in &mut self.signals {
                if signal.read(&mut [0]).is_ok_and(|count| count > 0) {
                    return Some((*cause, *code));
                }
            }
            None
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Instant;

    use signal_hook::consts::{SIGINT, SIGTERM};

    use super::{Arc, Cause, Duration, File, GRACE, Stop, end, io};

    /// Signals that end a run, with their exit codes: Ctrl-C, and what a program may raise.
    const SIGNALS: [(i32, &str, u8); 2] = [(SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)];
    /// There is nothing here that could be waited for.
    const PAUSE: Duration = Duration::from_millis(50);

    /// Watches this process until it ends; stdout is not watched here.
    ///
    /// # Errors
    /// Where the operating system gives no handler or no thread.
    pub fn watch(_: Option<File>, stop: Arc<Stop>) -> io::Result<()> {
        let mut signals = Vec::new();
        for (signal, name, code) in SIGNALS {
            let has_come = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&has_come))?;
            signals.push((has_come, Cause::Signal(name, code), code));
        }
        let watching = move || {
            let mut asked: Option<(Instant, u8)> = None;
            loop {
                thread::park_timeout(PAUSE);
                for (has_come, cause, code) in &signals {
                    if has_come.swap(false, Ordering::Relaxed) {
                        if asked.is_some() {
                            end(*code);
                        }
                        stop.set(*cause);
                        asked = Some((Instant::now(), *code));
                    }
                }
                if let Some((at, code)) = asked
                    && at.elapsed() >= GRACE
                {
                    end(code);
                }
            }
        };
        thread::Builder::new().name("watch".to_owned()).spawn(watching)?;
        Ok(())
    }
}

/// Ends the process wherever it is.
#[expect(clippy::exit, reason = "the run does not end by itself, or was told so twice")]
fn end(code: u8) -> ! {
    std::process::exit(i32::from(code))
}
