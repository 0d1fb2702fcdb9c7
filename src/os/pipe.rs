//! How much a pipe still takes. A line that does not fit would be cut in half for as long as its reader is
//! busy, and for good if the run were ended meanwhile.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::param::page_size;
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

/// The pipe behind a descriptor, by what was written to it. It holds pages rather than bytes: what is
/// written in one go begins a page of its own, so that its last page may be mostly empty.
#[derive(Debug)]
pub struct Pipe {
    pages: usize,
    /// What was written in one go each time, as far as it may not have been read yet.
    written: VecDeque<usize>,
    /// The pages of those.
    used: usize,
    /// Bytes that are free in the last of them.
    free: usize,
}

/// Bytes that a pipe should hold, so that neither side waits for the other at every write.
const SIZE: usize = 256 << 10;

impl Pipe {
    /// The pipe behind `file`, widened where the operating system permits it; nothing where it is no pipe.
    #[must_use]
    pub fn of(file: &File) -> Option<Self> {
        let mut size = fcntl_getpipe_size(file).ok()?;
        if size < SIZE {
            // Without leave it stays as it is: slower, and as good.
            size = fcntl_setpipe_size(file, SIZE).unwrap_or(size);
        }
        Some(Self { pages: size / page_size(), written: VecDeque::new(), used: 0, free: 0 })
    }

    /// Whether so many bytes can be written now without waiting for the reader, or never will be: such a
    /// write may wait in the middle.
    ///
    /// # Errors
    /// Where the pipe cannot be asked.
    pub fn takes(&mut self, file: &File, size: usize) -> io::Result<bool> {
        let pages = size.div_ceil(page_size());
        if pages > self.pages && !self.widen(file, size) {
            return Ok(true);
        }
        if self.used + pages > self.pages {
            self.forget_read(usize::try_from(ioctl_fionread(file)?).unwrap_or(usize::MAX));
        }
        Ok(self.used + pages <= self.pages)
    }

    /// Notes that so many bytes were written in one go.
    pub fn note(&mut self, size: usize) {
        // What is smaller than a page goes into the last one, if it fits there whole.
        if let Some(last) = self.written.back_mut().filter(|_| size <= self.free) {
            *last += size;
            self.free -= size;
            return;
        }
        let pages = size.div_ceil(page_size());
        self.free = pages * page_size() - size;
        self.used += pages;
        self.written.push_back(size);
    }

    /// Lets the pipe hold so many bytes.
    fn widen(&mut self, file: &File, size: usize) -> bool {
        let Ok(now) = fcntl_setpipe_size(file, size) else { return false };
        self.pages = now / page_size();
        self.pages >= size.div_ceil(page_size())
    }

    /// Forgets what was written before the last `unread` bytes.
    fn forget_read(&mut self, unread: usize) {
        let (mut rest, mut kept) = (unread, VecDeque::new());
        self.used = 0;
        while rest > 0 {
            // What others have written to the same pipe counts as well.
            let size = self.written.pop_back().unwrap_or(rest);
            // Of what was read in part the rest may begin in the middle of a page.
            self.used += size.min(rest).div_ceil(page_size()) + usize::from(size > rest);
            kept.push_front(size.min(rest));
            rest = rest.saturating_sub(size);
        }
        self.written = kept;
    }
}

/// Whether nobody can read what is written to it.
#[must_use]
pub fn has_no_reader(file: &File) -> bool {
    let mut descriptors = [PollFd::new(file, PollFlags::empty())];
    let asked = poll(&mut descriptors, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    asked.is_ok() && descriptors.iter().any(|descriptor| descriptor.revents().intersects(gone))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;

    use super::*;

    const PAGE: usize = 4 << 10;

    fn pipe(size: usize) -> (io::PipeReader, File) {
        let (reader, writer) = io::pipe().unwrap();
        let file = File::from(OwnedFd::from(writer));
        fcntl_setpipe_size(&file, size).unwrap();
        (reader, file)
    }

    #[test]
    fn a_pipe_is_widened_and_not_narrowed() {
        for (before, after) in [(8 * PAGE, SIZE), (2 * SIZE, 2 * SIZE)] {
            let (_reader, file) = pipe(before);
            assert_eq!(Pipe::of(&file).unwrap().pages * page_size(), after);
            assert_eq!(fcntl_getpipe_size(&file), Ok(after));
        }
        assert!(Pipe::of(&tempfile::tempfile().unwrap()).is_none());
    }

    /// Whatever is written and read, a write that is said to fit does not wait: the pipe takes it whole
    /// even where it may not wait.
    #[test]
    fn what_is_said_to_fit_is_taken_at_once() {
        let (mut reader, mut file) = pipe(SIZE);
        let mut pipe = Pipe::of(&file).unwrap();
        rustix::io::ioctl_fionbio(&file, true).unwrap();
        let (mut unread, mut taken, mut refused) = (0, 0, 0);
        for number in 0_usize..20_000 {
            let most = if number % 5 == 0 { 40_000 } else { 3_000 };
            let size = 1 + number * 7_919 % most;
            if pipe.takes(&file, size).unwrap() {
                assert_eq!(file.write(&vec![b'x'; size]).unwrap(), size, "{number}");
                pipe.note(size);
                (unread, taken) = (unread + size, taken + 1);
            } else {
                refused += 1;
            }
            let read = (number * 104_729 % 9_000).min(unread);
            reader.read_exact(&mut vec![0; read]).unwrap();
            unread -= read;
        }
        assert!(taken > 5_000 && refused > 500, "{taken} {refused}");
    }

    #[test]
    fn an_empty_pipe_takes_as_much_as_it_holds_and_is_widened_for_more() {
        let (_reader, mut file) = pipe(SIZE);
        let mut pipe = Pipe::of(&file).unwrap();
        assert!(pipe.takes(&file, SIZE).unwrap());
        file.write_all(&vec![b'x'; SIZE]).unwrap();
        pipe.note(SIZE);
        assert!(!pipe.takes(&file, 1).unwrap());
        assert!(pipe.takes(&file, 2 * SIZE).is_ok_and(|takes| !takes));
        assert!(pipe.takes(&file, SIZE).unwrap(), "{pipe:?}");
    }

    #[test]
    fn a_reader_that_has_gone_is_noticed() {
        let (reader, file) = pipe(SIZE);
        assert!(!has_no_reader(&file));
        drop(reader);
        assert!(has_no_reader(&file));
        assert!(!has_no_reader(&tempfile::tempfile().unwrap()));
    }
}
