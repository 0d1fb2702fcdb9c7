//! What a row of the table of streams can say. Plain constant data: whoever needs a fact about a
//! stream asks for a column, never for a name.

/// One resource of the API: where it is, what its records are, and how they are read.
#[derive(Debug, PartialEq, Eq)]
pub struct Stream {
    /// Name in Singer messages, the catalog and the state: `[a-z_]+`.
    pub name: &'static str,
    /// What it is, in one line, for the README.
    pub about: &'static str,
    /// Path under the endpoint.
    pub path: &'static str,
    /// Where the records lie in an answer.
    pub shape: Shape,
    /// Fields that together name a record.
    pub key: &'static [&'static str],
    /// `page_size` to ask for; `None` where the API has no such parameter.
    pub page_size: Option<u32>,
    /// Parameters of every request.
    pub fixed: &'static [(&'static str, &'static str)],
    /// How the incident modes of the config are asked for.
    pub modes: Modes,
    /// What may be read again: everything, or what changed.
    pub replication: Replication,
    /// A second request per record, for the fields that the list leaves out.
    pub detail: Option<Detail>,
    /// The permission that a key needs; `None` where any key will do.
    pub scope: Option<&'static str>,
}

/// Where the records lie in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list under this field.
    List(&'static str),
    /// One record, the object under this field.
    Object(&'static str),
}

/// How the incident modes of the config are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// Not at all: the endpoint knows no modes.
    None,
    /// All in one request, this parameter repeated. Modes outside the list are not asked for.
    Together(&'static str, &'static [&'static str]),
    /// One series of requests for each, since this parameter takes one value.
    OneByOne(&'static str),
}

/// What may be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// Everything, every time.
    FullTable,
    /// What changed since the bookmark on `updated_at`, where the API's filter compares whole days.
    UpdatedAtByDay,
}

/// The field that bookmarks follow.
pub const REPLICATION_KEY: &str = "updated_at";

/// A request per record: `{id}` in the path is the record's `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Path under the endpoint.
    pub path: &'static str,
    /// Where the record lies in the answer.
    pub shape: Shape,
    /// The fields that the list has already.
    pub in_list: &'static [&'static str],
}

impl Stream {
    /// A list of records under a field of the stream's name, keyed by `id`, read in one request.
    pub(crate) const fn list(name: &'static str, path: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            path,
            shape: Shape::List(name),
            key: &["id"],
            page_size: None,
            fixed: &[],
            modes: Modes::None,
            replication: Replication::FullTable,
            detail: None,
            scope: None,
        }
    }

    pub(crate) const fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    pub(crate) const fn key(mut self, key: &'static [&'static str]) -> Self {
        self.key = key;
        self
    }

    pub(crate) const fn pages(mut self, page_size: u32) -> Self {
        self.page_size = Some(page_size);
        self
    }

    pub(crate) const fn fixed(mut self, fixed: &'static [(&'static str, &'static str)]) -> Self {
        self.fixed = fixed;
        self
    }

    pub(crate) const fn modes(mut self, modes: Modes) -> Self {
        self.modes = modes;
        self
    }

    pub(crate) const fn replication(mut self, replication: Replication) -> Self {
        self.replication = replication;
        self
    }

    pub(crate) const fn detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(crate) const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }
}
