//! A page under way: what is done with each record that was read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Page, Reader, Repeats};
use crate::base::time::parse_time;
use crate::bookmark::memory::{Seen, VERSION_BITS};
use crate::json;
use crate::record::Written;
use crate::record::columns::{self, Columns};
use crate::source::stream::Take;

/// A page under way.
pub(super) struct Draft<'a> {
    pub(super) reader: &'a Reader,
    /// The parent whose records these are, hashed; a record's key is hashed after it.
    pub(super) owner: ahash::AHasher,
    pub(super) columns: Columns,
    /// Fields that have to say whose records these are: name, position, and the parent's value.
    pub(super) asked: Vec<(&'static str, usize, &'a str)>,
    /// The record read last.
    pub(super) written: Written<'a>,
    pub(super) page: Page,
    /// Records in the window, by where they are among the lines, with their replication keys and the
    /// hashes of their keys.
    pub(super) candidates: Vec<(DateTime<Utc>, u64, Range<usize>)>,
    pub(super) seen: &'a mut HashSet<u64>,
    /// Whether records of one parent were asked for.
    pub(super) is_of_parent: bool,
}

/// What a record is recognised by, in however many pieces its text lies.
fn hash<'a>(record: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    record.for_each(|piece| hasher.write(piece));
    hasher.finish() >> (u64::BITS - VERSION_BITS)
}

/// A page does not know how far the bookmark will come, which other pages and clocks decide. What is
/// older than its own newest record by that much more than is remembered does not matter for sure.
const MARGIN: TimeDelta = TimeDelta::days(1);

impl Draft<'_> {
    /// Decides about the record read last.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        if !self.asked.is_empty() {
            self.check_parent()?;
        }
        self.bind()?;
        self.note_creation();
        if self.reader.is_emitting {
            self.emit()?;
        } else if self.reader.repeats == Repeats::Shifted {
            self.is_first(self.key()?);
        }
        self.columns.advance();
        Ok(())
    }

    /// Writes the record, if it is to be written.
    fn emit(&mut self) -> Result<(), String> {
        let key = self.key()?;
        if self.reader.repeats == Repeats::Never {
            self.page.keys.push(key);
        } else if !self.is_new(key) {
            return Ok(());
        }
        let changed_at = self.changed_at()?;
        if changed_at.is_none_or(|time| self.note_change(time, key)) {
            self.page.emitted += 1;
            self.page.large.note(self.written.out.len());
            let record = self.page.lines.push(&self.written.out);
            self.candidates.extend(changed_at.map(|time| (time, key, record)));
        }
        Ok(())
    }

    fn note_creation(&mut self) {
        let text = self.reader.created_at.and_then(|position| self.written.captured(position));
        self.page.created.extend(text.and_then(json::text).and_then(|text| parse_time(&text)));
    }

    /// Holds the record to be of the parent that was asked for.
    #[inline(never)]
    fn check_parent(&self) -> Result<(), String> {
        for (name, position, asked) in &self.asked {
            let Some(sent) = self.written.captured(*position) else { continue };
            // A number says something where a number was asked for.
            let is_number = asked.bytes().all(|byte| byte.is_ascii_digit());
            let sent =
                if is_number { columns::word(sent).map(Cow::from) } else { json::text(sent) };
            if let Some(sent) = sent.filter(|sent| sent != asked) {
                return Err(format!("has `{name}` {sent:?} where {asked:?} was asked for"));
            }
        }
        Ok(())
    }

    /// Gathers what the record gives to children.
    fn bind(&mut self) -> Result<(), String> {
        let Self { reader, columns, written, page, .. } = self;
        for (feed, bindings) in reader.feeds.iter().enumerate() {
            let bound = columns::bind(bindings, &reader.projection, columns, written);
            if bound.is_empty() && bindings.iter().all(|binding| binding.take == Take::Itself) {
                let fields = bindings.iter().map(|binding| binding.field).collect::<Vec<_>>();
                return Err(format!("lacks `{}`, which its children need", fields.join("` or `")));
            }
            page.bound.extend(bound.into_iter().map(|values| (feed, values)));
        }
        Ok(())
    }

    /// Whether the record read last has not come before, in a list where that may be.
    #[inline(never)]
    fn is_new(&mut self, key: u64) -> bool {
        match self.reader.repeats {
            Repeats::Never => true,
            Repeats::Same => self.is_first_of_its_key(key),
            Repeats::Shifted => self.is_first(key),
        }
    }

    /// Whether a record with this key has not come before, where pages overlap. Only what is the same
    /// throughout has.
    fn is_first_of_its_key(&mut self, key: u64) -> bool {
        let mut record = DefaultHasher::new();
        record.write(&self.written.out);
        let is_new = self.seen.insert(record.finish());
        if is_new && !self.seen.insert(key) {
            self.page.sharing_keys += 1;
        }
        is_new
    }

    /// Whether a record with this key has not come before, in a list that is paged by offset.
    fn is_first(&mut self, key: u64) -> bool {
        self.page.keys.push(key);
        let is_first = self.seen.insert(key);
        if is_first {
            self.page.news.push(key);
        }
        is_first
    }

    /// The replication key, in an incremental stream. A record without one may have changed at any time.
    fn changed_at(&mut self) -> Result<Option<DateTime<Utc>>, String> {
        let Some(position) = self.reader.changed_at else { return Ok(None) };
        let text = self.written.field(position).unwrap_or("null");
        if text == "null" {
            // In a whole list a record does not carry when its parent changed.
            let is_usual = !self.is_of_parent && !self.reader.stream.changed_of.is_empty();
            self.page.timeless += u64::from(!is_usual);
            return Ok(None);
        }
        let time = json::text(text).and_then(|text| parse_time(&text));
        let key = self.reader.stream.replication_key().unwrap_or_default();
        time.map(Some).ok_or_else(|| format!("has `{key}` {text}, not a time"))
    }

    /// Notes when the record changed; whether it is in the window and was not written by the last scan.
    fn note_change(&mut self, time: DateTime<Utc>, key: u64) -> bool {
        if !self.reader.window.contains(time) {
            self.page.before += u64::from(self.reader.window.is_before(time));
            return false;
        }
        self.page.newest = self.page.newest.max(Some(time));
        if self.is_waited_for(time) {
            self.page.unfinished = Some(self.page.unfinished.map_or(time, |known| known.min(time)));
        }
        // Where nothing is compared, a hash is made at the end, of the few that are still recent.
        if self.reader.memory.known.is_empty() {
            return true;
        }
        let version = hash(std::iter::once(self.written.out.as_slice()));
        let is_known = self.reader.memory.known.contains(&version);
        if is_known {
            self.page.seen.push(Seen { time, key, version: Some(version), line: None });
        }
        !is_known
    }

    /// Whether the record read last is not finished, and not given up yet.
    fn is_waited_for(&self, created: DateTime<Utc>) -> bool {
        let since = self.reader.memory.waits_since;
        let is_young = since.is_none_or(|since| since <= created);
        let pending = self.reader.unfinished.as_ref().filter(|_| is_young);
        pending.is_some_and(|pending| !pending.is_finished(&self.written))
    }

    /// What the record read last is recognised by when it has changed: its key, and whose it is, since
    /// the same key may come from two parents.
    fn key(&self) -> Result<u64, String> {
        let mut hasher = self.owner.clone();
        for (name, position) in &self.reader.key {
            match self.written.field(*position) {
                None | Some("null" | "\"\"") => return Err(format!("lacks its key `{name}`")),
                Some(value) => value.hash(&mut hasher),
            }
        }
        Ok(hasher.finish())
    }

    /// Gathers what was written, with the versions of what lies at the end of the window.
    pub(super) fn remember(&mut self) {
        let Some(newest) = self.page.newest else { return };
        let memory = &self.reader.memory;
        let keep = memory.keep.checked_add(&memory.held_back);
        let keep = keep.and_then(|keep| keep.checked_add(&MARGIN)).unwrap_or(TimeDelta::MAX);
        for (time, key, record) in std::mem::take(&mut self.candidates) {
            let is_recent = newest - time <= keep;
            let version = is_recent.then(|| hash(self.page.lines.part(record.clone())));
            self.page.seen.push(Seen { time, key, version, line: Some(record) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn a_record_is_the_same_in_however_many_pieces_it_lies() {
        let record = b"0123456789abcdefghijklmnop".as_slice();
        for cut in 0..record.len() {
            let (start, end) = record.split_at(cut);
            assert_eq!(hash([start, end].into_iter()), hash(std::iter::once(record)));
        }
    }
}
