//! Cursors: text that clients must treat as opaque. It names the last row by its sort key, so that rows
//! which come or go meanwhile do not shift the next page, and the query it belongs to. It holds characters
//! that only survive percent-encoding.

use super::refusal::Refusal;
use super::sequence::Key;

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) fingerprint: u64,
    /// How often the same place was given out already; makes its texts differ.
    pub(crate) again: u32,
    /// The last row before the place; nothing at the start of the list.
    pub(crate) last: Option<Key>,
}

impl Cursor {
    /// The text of the cursor.
    pub(crate) fn text(&self) -> String {
        let (time, id) = match &self.last {
            Some(Key { time, text }) => (time.to_string(), text.as_str()),
            None => (String::new(), ""),
        };
        format!("{:016x}+{}/{time}/{id}=", self.fingerprint, self.again)
    }

    /// Reads a cursor of this query; `unknown` is the status for a text that is no cursor at all.
    pub(crate) fn read(text: &str, fingerprint: u64, unknown: u16) -> Result<Self, Refusal> {
        let missing = || Refusal {
            field: Some("after".to_owned()),
            ..Refusal::new(unknown, "resource_not_found", "after is not a cursor of this list")
        };
        let cursor = Self::parse(text).ok_or_else(missing)?;
        if cursor.fingerprint != fingerprint {
            return Err(Refusal::invalid(
                "after",
                "after belongs to a query with other parameters",
            ));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let (fingerprint, rest) = text.strip_suffix('=')?.split_once('+')?;
        let (again, rest) = rest.split_once('/')?;
        let (time, id) = rest.split_once('/')?;
        let last = match time {
            "" => None,
            _ => Some(Key { time: time.parse().ok()?, text: id.to_owned() }),
        };
        let fingerprint = u64::from_str_radix(fingerprint, 16).ok()?;
        Some(Self { fingerprint, again: again.parse().ok()?, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(last: Option<Key>) -> Cursor {
        Cursor { fingerprint: 7, again: 2, last }
    }

    #[test]
    fn a_cursor_is_read_back() {
        let at_start = cursor(None);
        let at_row = cursor(Some(Key { time: -5, text: "a/b\n01J=".to_owned() }));
        assert_eq!(Cursor::read(&at_start.text(), 7, 422), Ok(at_start));
        assert_eq!(Cursor::read(&at_row.text(), 7, 422), Ok(at_row));
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let refusal = Cursor::read(&cursor(None).text(), 8, 404).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (422, "invalid_value"));
    }

    #[test]
    fn what_is_no_cursor_is_refused_with_the_endpoint_s_status() {
        assert_eq!(Cursor::read("01J", 7, 404).unwrap_err().status, 404);
        assert_eq!(Cursor::read("", 7, 422).unwrap_err().status, 422);
    }
}
