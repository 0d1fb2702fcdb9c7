//! Lines that wait to be written. They lie in pieces of one size that are used again: buffers that one
//! thread allocates and another frees leave holes, so that the memory would grow with the data.

use std::ops::{AddAssign, Range};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;

/// Pieces that nothing lies in at the moment; shared between those who read and who writes.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Vec<BytesMut>>);

/// Records, a line each, in pieces that go back to the pool when they are dropped.
#[derive(Debug, Default)]
pub struct Lines {
    pool: Arc<Pool>,
    /// What stands before and after a record on its line.
    frame: (String, String),
    /// All of them are full, but for the last.
    pieces: Vec<BytesMut>,
}

/// Records that may be too large for a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Large {
    /// How many there are.
    pub records: u64,
    /// Bytes of the largest.
    pub largest: usize,
}

impl Large {
    /// Stitch sends no more bytes at a time, and takes no more than five times as many.
    pub const LEAST: usize = 4_000_000;
    /// Above that a target may refuse a record.
    const MOST: usize = 20_000_000;

    /// Counts a record of so many bytes, where it is large.
    pub fn note(&mut self, bytes: usize) {
        if bytes > Self::LEAST {
            self.records += 1;
            self.largest = self.largest.max(bytes);
        }
    }

    /// What is to be said of them, if there are any.
    #[must_use]
    pub fn told(self) -> Option<String> {
        let Self { records, largest } = self;
        let most = Self::MOST / 1_000_000;
        let then = if largest > Self::MOST {
            format!("Stitch refuses one above {most} MB, and other targets may too")
        } else {
            format!("targets may be slow with them, and Stitch refuses one above {most} MB")
        };
        (records > 0).then(|| {
            format!(
                "records above {} MB: {records}, the largest of {largest} bytes; {then}: deselect \
                 the fields that make them so large",
                Self::LEAST / 1_000_000
            )
        })
    }
}

impl AddAssign for Large {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.largest = self.largest.max(other.largest);
    }
}

/// Bytes of a piece. Larger ones are mostly empty where an answer has one record, and a pipe takes
/// many of them at a time.
pub const PIECE: usize = 16 << 10;

/// So many pieces are got from the operating system at a time: as much lies outside of the memory
/// that threads get their small things from, and leaves no holes there.
const PIECES_AT_A_TIME: usize = 64;

/// So many pieces are kept that nothing lies in: a page that takes more is rare, and memory that it took is
/// given back.
const MOST_FREE: usize = 32 * PIECES_AT_A_TIME;

impl Lines {
    /// No lines yet, for pieces of `pool`.
    #[must_use]
    pub fn new(pool: &Arc<Pool>) -> Self {
        Self { pool: Arc::clone(pool), frame: Default::default(), pieces: Vec::new() }
    }

    /// The same; each record will stand between those on its line.
    #[must_use]
    pub fn framed(mut self, frame: (String, String)) -> Self {
        self.frame = frame;
        self
    }

    /// Adds a record; where in the text it lies.
    pub fn push(&mut self, record: &[u8]) -> Range<usize> {
        let start = self.len() + self.frame.0.len();
        extend(&mut self.pieces, &self.pool, self.frame.0.as_bytes());
        extend(&mut self.pieces, &self.pool, record);
        extend(&mut self.pieces, &self.pool, self.frame.1.as_bytes());
        start..start + record.len()
    }

    /// The text, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(AsRef::as_ref)
    }

    /// A part of the text, piece by piece.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = &[u8]> {
        let last = range.end.div_ceil(PIECE).min(self.pieces.len());
        let first = (range.start / PIECE).min(last);
        let pieces = self.pieces.get(first..last).unwrap_or_default().iter().enumerate();
        pieces.filter_map(move |(number, piece)| {
            let start = (first + number) * PIECE;
            let within = |place: usize| place.saturating_sub(start).min(piece.len());
            piece.get(within(range.start)..within(range.end)).filter(|part| !part.is_empty())
        })
    }

    /// Where whole lines end that begin at `start`: as many as fit into `most` bytes, and one at least.
    #[must_use]
    pub fn end_of_lines(&self, start: usize, most: usize) -> usize {
        let mut end = start.saturating_add(most).min(self.len());
        if end == self.len() {
            return end;
        }
        let behind = end;
        for part in self.part(start..end).rev() {
            match memchr::memrchr(b'\n', part) {
                Some(place) => return end - part.len() + place + 1,
                None => end -= part.len(),
            }
        }
        end = behind;
        for part in self.part(behind..self.len()) {
            match memchr::memchr(b'\n', part) {
                Some(place) => return end + place + 1,
                None => end += part.len(),
            }
        }
        end
    }

    /// How many bytes of text there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let full = self.pieces.len().saturating_sub(1) * PIECE;
        full + self.pieces.last().map_or(0, BytesMut::len)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many bytes of memory they take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.pieces.len() * PIECE
    }

    /// Forgets the lines of these records, which lie in this order.
    pub fn remove(&mut self, records: &[Range<usize>]) {
        let (before, after) = (self.frame.0.len(), self.frame.1.len());
        let mut kept = Self::new(&self.pool);
        let mut start = 0;
        for record in records {
            self.part(start..record.start - before)
                .for_each(|part| extend(&mut kept.pieces, &kept.pool, part));
            start = record.end + after;
        }
        self.part(start..self.len()).for_each(|part| extend(&mut kept.pieces, &kept.pool, part));
        kept.frame = std::mem::take(&mut self.frame);
        *self = kept;
    }

    /// Forgets all but the first line.
    pub fn keep_first(&mut self) {
        let end = |piece: &BytesMut| piece.iter().position(|byte| *byte == b'\n');
        let mut ends = self.pieces.iter().map(end).enumerate();
        let Some((number, end)) = ends.find_map(|(number, end)| Some((number, end?))) else {
            return;
        };
        self.pool.give_back(self.pieces.split_off(number + 1));
        if let Some(last) = self.pieces.last_mut() {
            last.truncate(end + 1);
        }
    }
}

/// Adds text behind the last piece.
fn extend(pieces: &mut Vec<BytesMut>, pool: &Pool, mut text: &[u8]) {
    while !text.is_empty() {
        if pieces.last().is_none_or(|last| last.len() == PIECE) {
            pieces.push(pool.take());
        }
        let Some(last) = pieces.last_mut() else { return };
        let (fitting, rest) = text.split_at(text.len().min(PIECE - last.len()));
        last.extend_from_slice(fitting);
        text = rest;
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.pieces));
    }
}

impl Pool {
    fn take(&self) -> BytesMut {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(piece) = free.pop() {
            return piece;
        }
        let mut rest = BytesMut::with_capacity(PIECES_AT_A_TIME * PIECE);
        let last_first = (1..PIECES_AT_A_TIME).rev();
        free.extend(last_first.map(|number| rest.split_off(number * PIECE)));
        rest
    }

    fn give_back(&self, mut pieces: Vec<BytesMut>) {
        for piece in &mut pieces {
            piece.clear();
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.append(&mut pieces);
        let kept = free.len().min(MOST_FREE);
        let surplus = free.split_off(kept);
        drop(free);
        drop(surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|place| b'a' + u8::try_from(place % 23).unwrap()).collect()
    }

    #[test]
    fn text_comes_out_as_it_went_in_however_it_lies() {
        for lengths in [vec![0], vec![1, PIECE], vec![PIECE, 1], vec![PIECE - 1, 3 * PIECE, 7]] {
            let mut lines = Lines::default();
            let whole = text(lengths.iter().sum());
            let mut rest = whole.as_slice();
            for length in &lengths {
                lines.push(rest.split_off(..*length).unwrap());
            }
            assert_eq!(lines.pieces().collect::<Vec<_>>().concat(), whole, "{lengths:?}");
            assert_eq!((lines.len(), lines.is_empty()), (whole.len(), whole.is_empty()));
            for (start, end) in [(0, 0), (0, 1), (PIECE - 2, PIECE + 2), (5, 3 * PIECE + 5)] {
                let range = start.min(whole.len())..end.min(whole.len());
                let part = lines.part(range.clone()).collect::<Vec<_>>().concat();
                assert_eq!(part, whole[range], "{lengths:?}");
            }
        }
    }

    #[test]
    fn lines_are_cut_where_they_end() {
        for most in [1, 5, PIECE, 2 * PIECE, 5 * PIECE, usize::MAX] {
            let mut lines = Lines::default().framed((String::new(), "\n".to_owned()));
            for length in [3, 0, PIECE - 1, 7, 3 * PIECE, PIECE, 1] {
                lines.push(&text(length));
            }
            let whole = lines.pieces().collect::<Vec<_>>().concat();
            let mut start = 0;
            while start < whole.len() {
                let end = lines.end_of_lines(start, most);
                let part = lines.part(start..end).collect::<Vec<_>>().concat();
                assert!(part == whole[start..end] && part.ends_with(b"\n"), "{most}");
                let is_one = memchr::memchr(b'\n', &part) == Some(part.len() - 1);
                assert!(part.len() <= most || is_one, "{most}");
                let next = whole[end..].iter().position(|byte| *byte == b'\n');
                assert!(next.is_none_or(|next| part.len().saturating_add(next) >= most), "{most}");
                start = end;
            }
        }
    }

    #[test]
    fn lines_may_be_taken_out_wherever_they_lie() {
        for length in [1, PIECE - 2, PIECE, 3 * PIECE] {
            let mut lines = Lines::default().framed(("<".to_owned(), ">".to_owned()));
            let records = [text(length), text(3), text(length + 1), text(2)];
            let ranges = records.each_ref().map(|record| lines.push(record));
            lines.remove(&[ranges[0].clone(), ranges[2].clone()]);
            let expected = b"<abc><ab>".as_slice();
            assert_eq!(lines.pieces().collect::<Vec<_>>().concat(), expected, "{length}");
            lines.remove(&[]);
            assert_eq!(lines.len(), expected.len());
        }
    }

    #[test]
    fn the_first_line_may_be_kept_alone() {
        for length in [0, 1, PIECE - 2, PIECE - 1, PIECE, 2 * PIECE] {
            let (mut lines, first) = (Lines::default(), [&text(length), b"\n".as_slice()].concat());
            lines.push(&[&first, text(PIECE).as_slice(), b"\n"].concat());
            for _ in 0..2 {
                lines.keep_first();
                assert_eq!(lines.pieces().collect::<Vec<_>>().concat(), first);
            }
            lines.push(b"more");
            assert_eq!(lines.len(), first.len() + 4);
        }
    }

    #[test]
    fn pieces_are_used_again() {
        let pool = Arc::new(Pool::default());
        for _ in 0..5 {
            let mut lines = Lines::new(&pool);
            lines.push(&text(2 * PIECE + 1));
            assert_eq!(lines.memory(), 3 * PIECE);
            assert_eq!(pool.0.lock().unwrap().len(), PIECES_AT_A_TIME - 3);
        }
        let free = pool.0.lock().unwrap();
        assert_eq!(free.len(), PIECES_AT_A_TIME);
        assert!(free.iter().all(|piece| piece.is_empty() && piece.capacity() == PIECE));
    }
}
