//! What a row of the table of streams can say. Plain constant data: whoever needs a fact about a
//! stream asks for a column, never for a name.

mod row;

use std::fmt;

use crate::source::Source;

/// One resource of a source: where it is, what its records are, and how they are read.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the table")]
pub struct Stream {
    /// The source that has it.
    pub source: &'static Source,
    /// Name in Singer messages, the catalog and the state: `[a-z_]+`.
    pub name: &'static str,
    /// What it is, in one line, for docs/streams.md.
    pub about: &'static str,
    /// Path under the endpoint; `{parameter}` is filled from the parent.
    pub path: &'static str,
    /// Where the records lie in an answer.
    pub shape: Shape,
    /// Fields that together name a record.
    pub key: &'static [&'static str],
    /// `page_size` to ask for; `None` where the API has no such parameter.
    pub page_size: Option<u32>,
    /// The parameter that a cursor goes into.
    pub cursor: &'static str,
    /// Parameters of every request.
    pub fixed: &'static [(&'static str, &'static str)],
    /// Parameters that hide the rows of every value that they do not name, and which values there may be
    /// besides those of the API's document.
    pub more: &'static [(&'static str, More)],
    /// A parameter whose values, one after the other, give the parts of the one list: in this order a
    /// record that goes from one part to the next while they are read is in one of them.
    pub parts: Option<(&'static str, &'static [&'static str])>,
    /// Whether it takes the parameters that the config has for such streams.
    pub takes_filters: bool,
    /// Fields of the body that the request has, each a list of what is bound to it. It is a GET where there
    /// are none, else a POST that changes nothing.
    pub posts: &'static [&'static str],
    /// What counts its records: a stream with one record, and the field with the number.
    pub counted_by: Option<&'static Parent>,
    /// How the modes of the config are asked for.
    pub modes: Modes,
    /// Whose records come into another series without a change of theirs.
    pub moves: Option<Moves>,
    /// The window of the config, where the API wants one.
    pub window: Option<Windows>,
    /// Whose records it is asked for; none for a top-level list. Several are read one after the
    /// other.
    pub parents: &'static [Parent],
    /// Whose records it can be asked for instead of its whole list, to read what changed: records of
    /// these parents are new where the parent is.
    pub changed_of: &'static [Parent],
    /// Of a stream that is read by when its records were created: which of them may still change.
    pub unfinished: Option<Unfinished>,
    /// Fields that the tap adds, where the record has none of its own.
    pub columns: &'static [Column],
    /// Whether the same record may come on two pages of one parent, and is to be emitted once.
    pub is_overlapping: bool,
    /// What may be read again: everything, or what changed.
    pub replication: Replication,
    /// Whether its list comes in a documented order, oldest first: a run that was interrupted can go
    /// on in the middle of it.
    pub is_ordered: bool,
    /// Whether its list comes in a documented order, newest first: of what was created since a moment, a page
    /// that is all older is the last one of interest.
    pub is_newest_first: bool,
    /// What its filters over time compare, where it has them.
    pub times: Option<Granularity>,
    /// A second request per record, for the fields that the list leaves out.
    pub detail: Option<Detail>,
    /// The permission that a key needs; `None` where any key will do.
    pub scope: Option<&'static str>,
    /// Whether it is read where nobody chose. Not where requests grow with the records of another
    /// stream.
    pub is_default: bool,
}

/// Where the records lie in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list under this field.
    List(&'static str),
    /// The answer is a list, or an object that has it under one of these fields.
    Bare(&'static [&'static str]),
    /// One record, the object under this field.
    Object(&'static str),
    /// One record, the whole answer.
    Body,
    /// An object under this field, with several lists of records.
    Lists(&'static str, &'static [&'static str]),
}

/// Values of a filter that the API may take though its document does not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// This mode, where the config has it.
    Mode(&'static str),
    /// What the records of this stream have in this field; its list is one answer.
    Seen(&'static str, &'static str),
}

/// How the modes of the config are asked for: kinds of records that a list can be limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// Not at all: the endpoint knows no modes.
    None,
    /// All in one request, this parameter repeated. Modes outside the list are not asked for.
    Together(&'static str, &'static [&'static str]),
    /// One series of requests for each, since this parameter takes one value; but one for all of these
    /// together, which come where the parameter is left out.
    OneByOne(&'static str, &'static [&'static str]),
}

/// A value of a parent that decides in which series its records are, and changes without a change of theirs.
#[derive(Debug, PartialEq, Eq)]
pub struct Moves {
    /// Whose value that is, whatever it is. What is taken of each: its id, the value, and when it changed last.
    pub parents: &'static [Parent],
    /// The same of the parents that are read anyway, where that is all of them.
    pub in_own_list: &'static [Parent],
    /// The value that most of them have.
    pub usual: &'static str,
}

/// What shows that a record will not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// It has one of these fields,
    pub ends: &'static [&'static str],
    /// or all items of this list
    pub list: &'static str,
    /// have, at this pointer,
    pub pointer: &'static str,
    /// one of these texts.
    pub done: &'static [&'static str],
}

/// How a window of time is asked for: names of the parameters for its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// In one request.
    Whole(&'static str, &'static str),
    /// One request for each calendar month, so that a record's start stays the same from day to
    /// day.
    Months(&'static str, &'static str),
}

/// Whose records a child is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Parent {
    /// The parent's name.
    pub stream: &'static str,
    /// Parameters of the parent's own list, where not all of its records matter.
    pub filter: &'static [(&'static str, &'static str)],
    /// What is taken from each of its records.
    pub bindings: &'static [Binding],
    /// Whether records that name another parent may be among those of this one.
    pub has_others: bool,
}

/// A parameter of a child's request and where its value comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Binding {
    /// In the path where that has `{parameter}`, else in the query.
    pub parameter: &'static str,
    /// The field of the parent's record.
    pub field: &'static str,
    /// Which values of that field.
    pub take: Take,
    /// Whether the API is asked for it. Otherwise it is only added to the child's records.
    pub is_asked: bool,
}

/// Which values of a parent's field are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The text that it is; a record without one is an error.
    Itself,
    /// The text that it is, where it is one.
    IfThere,
    /// Each text of the list that it is.
    Each,
    /// Each text under this name, however deep inside.
    Within(&'static str),
    /// All of these texts in one value, a JSON list of each once in order; what has none gives nothing.
    /// Without a name, the text that it is.
    Listed(Option<&'static str>),
}

/// A field that the tap adds.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the record.
    pub name: &'static str,
    /// Where its value comes from.
    pub source: Origin,
}

/// Where the value of an added field comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The parent: the value of this parameter.
    Parent(&'static str),
    /// The same, where it is a time.
    ParentTime(&'static str),
    /// The same, where it is a whole number.
    ParentNumber(&'static str),
    /// The config: the value of this setting, for which the address has a place.
    Setting(&'static str),
    /// When the answer came.
    ReadAt,
    /// The name of the list that the record lies in.
    ListName,
    /// The place in the list, from 0, where order means something.
    Position,
    /// The start of the window that was asked for.
    WindowStart,
    /// The end of it.
    WindowEnd,
    /// A time beside the records, at this JSON pointer in the answer.
    Beside(&'static str),
    /// The record itself: the first of these whose parts are not all empty, joined by colons. A
    /// part is a JSON pointer.
    Record(&'static [&'static [&'static str]]),
    /// The record itself: the values of these fields as a JSON list, which differs where one of them does.
    Parts(&'static [&'static str]),
}

/// What may be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// Everything, every time.
    FullTable,
    /// Everything; where the catalog asks for it, what changed since the bookmark on this field.
    OnRequest(&'static str),
    /// What changed since the bookmark on this field.
    ByDefault(&'static str),
}

/// What the API's time filters compare (seen live).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Whole days of a time zone that nobody documents, both ends included.
    Day,
    /// Instants, from the first on, before the last.
    Instant,
}

/// A request per record of the stream's own list.
#[derive(Debug, PartialEq, Eq)]
pub struct Detail {
    /// Path under the endpoint.
    pub path: &'static str,
    /// Where the record lies in the answer.
    pub shape: Shape,
    /// What the list gives to the path.
    pub parents: &'static [Parent],
    /// The fields that the list has already.
    pub in_list: &'static [&'static str],
}

/// A stream is the same as itself only: names are unique in a source.
impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        (self.source.name, self.name) == (other.source.name, other.name)
    }
}

impl Eq for Stream {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Stream {
    /// The field that bookmarks follow, where it may be read incrementally.
    #[must_use]
    pub const fn replication_key(&self) -> Option<&'static str> {
        match self.replication {
            Replication::FullTable => None,
            Replication::OnRequest(key) | Replication::ByDefault(key) => Some(key),
        }
    }

    /// Whether its records are new where their parents changed.
    #[must_use]
    pub const fn follows_parents(&self) -> bool {
        !self.parents.is_empty() && self.replication_key().is_some()
    }

    /// Everything that it may be asked for records of.
    pub fn all_parents(&self) -> impl Iterator<Item = &'static Parent> {
        self.parents.iter().chain(self.changed_of)
    }
}

impl Parent {
    /// Whether what is taken of it may come with several records, which changed at different times.
    #[must_use]
    pub fn may_come_again(&self) -> bool {
        let [id, time] = self.bindings else { return false };
        id.take == Take::Each && !time.is_asked
    }

    /// Whether another child takes the same from the same records: parameters may have other names.
    #[must_use]
    pub fn is_same_feed(&self, other: &Self) -> bool {
        let is_same_list = (self.stream, self.filter) == (other.stream, other.filter);
        if !is_same_list || self.bindings.len() != other.bindings.len() {
            return false;
        }
        let mut bindings = self.bindings.iter().zip(other.bindings);
        bindings.all(|(one, other)| (one.field, one.take) == (other.field, other.take))
    }
}
