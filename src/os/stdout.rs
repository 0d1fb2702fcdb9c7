//! The real stdout. Whoever writes whole lines leaves whole lines: on Linux a pipe is given only what it
//! takes at once, so that no signal comes in the middle of a line.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IsTerminal, Write};
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::pipe::{Pipe, has_no_reader};
use crate::base::stop::Stop;

/// Where messages go.
#[derive(Debug)]
pub struct Stdout {
    /// Nothing where the process was started without it.
    file: Option<File>,
    #[cfg(target_os = "linux")]
    pipe: Option<Pipe>,
    /// Whether the last write ended within a line.
    #[cfg(target_os = "linux")]
    is_inside_line: bool,
    stop: Arc<Stop>,
}

/// How long a full pipe is left alone: at first less than it takes to read a page, and never as long as it
/// takes a target to read all of it.
#[cfg(target_os = "linux")]
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
#[cfg(target_os = "linux")]
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

impl Stdout {
    /// The stdout of this process.
    ///
    /// # Errors
    /// Where the operating system gives no second descriptor for it.
    pub fn open(stop: Arc<Stop>) -> io::Result<Self> {
        let file = descriptor()?;
        Ok(if was_closed() {
            Self { file: None, ..Self::over(file, stop) }
        } else {
            Self::over(file, stop)
        })
    }

    /// A file that takes the place of stdout.
    #[must_use]
    pub fn over(file: File, stop: Arc<Stop>) -> Self {
        Self {
            #[cfg(target_os = "linux")]
            pipe: Pipe::of(&file),
            #[cfg(target_os = "linux")]
            is_inside_line: false,
            file: Some(file),
            stop,
        }
    }

    /// Whether people see what is written.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(File::is_terminal)
    }

    /// Another descriptor of it, to see when its reader goes.
    #[must_use]
    pub fn copy(&self) -> Option<File> {
        self.file.as_ref()?.try_clone().ok()
    }
}

#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the one place that knows the real stdout")]
fn descriptor() -> io::Result<File> {
    use std::os::fd::AsFd;
    // `io::Stdout` breaks its buffer at every line: one system call per record.
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "the one place that knows the real stdout")]
fn descriptor() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Whether the process was started without a stdout. Rust opens `/dev/null` in its place before `main`, so
/// that this can be seen only earlier.
#[cfg(target_os = "linux")]
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
#[ctor::ctor]
fn look_at_stdout() {
    let is_closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
    WAS_CLOSED.store(is_closed, Ordering::Relaxed);
}

#[cfg(target_os = "linux")]
fn was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

/// Elsewhere that is not looked at.
#[cfg(not(target_os = "linux"))]
fn was_closed() -> bool {
    false
}

impl Write for Stdout {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(text)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        self.make_room(parts.iter().map(|part| part.len()).sum())?;
        let Some(file) = &mut self.file else { return Err(io::Error::other("stdout is closed")) };
        let size = file.write_vectored(parts)?;
        #[cfg(target_os = "linux")]
        if let Some(pipe) = &mut self.pipe {
            pipe.note(size);
            let last = parts.iter().rev().find_map(|part| part.last());
            let is_all = size == parts.iter().map(|part| part.len()).sum::<usize>();
            self.is_inside_line = !(is_all && last == Some(&b'\n'));
        }
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl Stdout {
    /// Waits until the pipe takes so many bytes. When the run has to end, a line that was begun is still
    /// waited for, and nothing else.
    fn make_room(&mut self, size: usize) -> io::Result<()> {
        let (Some(file), Some(pipe)) = (&self.file, &mut self.pipe) else { return Ok(()) };
        let mut pause = SHORTEST_PAUSE;
        while !pipe.takes(file, size)? {
            if self.stop.is_set() && !self.is_inside_line {
                return Err(ErrorKind::WouldBlock.into());
            }
            if has_no_reader(file) {
                return Err(ErrorKind::BrokenPipe.into());
            }
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::thread;

    use super::*;
    use crate::base::stop::Cause;

    fn piped() -> (io::PipeReader, Stdout, Arc<Stop>) {
        let (reader, writer) = io::pipe().unwrap();
        let stop = Arc::new(Stop::default());
        let stdout = Stdout::over(File::from(OwnedFd::from(writer)), Arc::clone(&stop));
        (reader, stdout, stop)
    }

    #[test]
    fn nothing_is_begun_that_would_wait_once_the_run_has_to_end() {
        let (mut reader, mut stdout, stop) = piped();
        let line = [[b'x'; 9_999].as_slice(), b"\n"].concat();
        stop.set(Cause::Signal("SIGTERM", 143));
        let mut lines = 0;
        while stdout.write(&line).is_ok_and(|size| size == line.len()) {
            lines += 1;
        }
        drop(stdout);
        let mut text = Vec::new();
        reader.read_to_end(&mut text).unwrap();
        assert!(lines > 10 && text == line.repeat(lines), "{lines}");
    }

    #[test]
    fn a_line_that_was_begun_is_ended_all_the_same() {
        let (mut reader, mut stdout, stop) = piped();
        let text = vec![b'x'; 200_000];
        stdout.write_all(&text).unwrap();
        stop.set(Cause::Signal("SIGTERM", 143));
        let reading = thread::spawn(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).unwrap();
            text
        });
        stdout.write_all(&[&text, b"\n".as_slice()].concat()).unwrap();
        drop(stdout);
        assert_eq!(reading.join().unwrap().len(), 400_001);
    }

    #[test]
    fn a_reader_that_goes_while_the_pipe_is_full_is_an_error() {
        let (reader, mut stdout, _stop) = piped();
        let line = [[b'x'; 9_999].as_slice(), b"\n"].concat();
        let writing = thread::spawn(move || {
            loop {
                if let Err(error) = stdout.write(&line) {
                    return error.kind();
                }
            }
        });
        drop(reader);
        assert_eq!(writing.join().unwrap(), ErrorKind::BrokenPipe);
    }
}
