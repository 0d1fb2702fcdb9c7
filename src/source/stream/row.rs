//! How rows of a table are written: a list in its plainest form, and a word for each way to differ from it.

use super::{
    Binding, Column, Detail, Granularity, Modes, More, Moves, Origin, Parent, Replication, Shape,
    Stream, Take, Unfinished, Windows,
};
use crate::source::Source;

impl Stream {
    /// A list of records under a field of the stream's name, keyed by `id`, read in one request.
    #[must_use]
    pub const fn list(
        source: &'static Source,
        name: &'static str,
        path: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            source,
            name,
            about,
            path,
            shape: Shape::List(name),
            key: &["id"],
            page_size: None,
            cursor: "after",
            fixed: &[],
            more: &[],
            parts: None,
            takes_filters: false,
            posts: &[],
            counted_by: None,
            modes: Modes::None,
            moves: None,
            window: None,
            parents: &[],
            changed_of: &[],
            unfinished: None,
            columns: &[],
            is_overlapping: false,
            replication: Replication::FullTable,
            is_ordered: false,
            is_newest_first: false,
            times: None,
            detail: None,
            scope: None,
            is_default: true,
        }
    }

    /// Has its records elsewhere in an answer.
    #[must_use]
    pub const fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Is keyed by other fields.
    #[must_use]
    pub const fn key(mut self, key: &'static [&'static str]) -> Self {
        self.key = key;
        self
    }

    /// Comes in pages of at most so many records.
    #[must_use]
    pub const fn pages(mut self, page_size: u32) -> Self {
        self.page_size = Some(page_size);
        self
    }

    /// Asked for over the window of the config, paged through the parameter `cursor`.
    #[must_use]
    pub const fn window(mut self, window: Windows, cursor: &'static str) -> Self {
        self.window = Some(window);
        self.cursor = cursor;
        self
    }

    /// Is asked for with these parameters, always.
    #[must_use]
    pub const fn fixed(mut self, fixed: &'static [(&'static str, &'static str)]) -> Self {
        self.fixed = fixed;
        self
    }

    /// Has filters that may take values beyond the documented ones.
    #[must_use]
    pub const fn more(mut self, more: &'static [(&'static str, More)]) -> Self {
        self.more = more;
        self
    }

    /// Is read under each of these values of a parameter, one after the other, and is one list.
    #[must_use]
    pub const fn parts(mut self, parameter: &'static str, values: &'static [&'static str]) -> Self {
        self.parts = Some((parameter, values));
        self
    }

    /// Takes the parameters that the config has for such streams.
    #[must_use]
    pub const fn filtered(mut self) -> Self {
        self.takes_filters = true;
        self
    }

    /// Is asked for with a body that has these fields, filled from the parent.
    #[must_use]
    pub const fn posts(mut self, fields: &'static [&'static str]) -> Self {
        self.posts = fields;
        self
    }

    /// Has as many records as this says.
    #[must_use]
    pub const fn counted_by(mut self, parent: &'static Parent) -> Self {
        self.counted_by = Some(parent);
        self
    }

    /// Is asked for by mode.
    #[must_use]
    pub const fn modes(mut self, modes: Modes) -> Self {
        self.modes = modes;
        self
    }

    /// Has records that move with a parent.
    #[must_use]
    pub const fn moves(mut self, moves: Moves) -> Self {
        self.moves = Some(moves);
        self
    }

    /// Is asked for the records of these.
    #[must_use]
    pub const fn of(mut self, parents: &'static [Parent]) -> Self {
        self.parents = parents;
        self
    }

    /// Is asked for the records of those of these that changed, where it is read by what changed.
    #[must_use]
    pub const fn changed_of(mut self, parents: &'static [Parent]) -> Self {
        self.changed_of = parents;
        self
    }

    /// Has records that change until they are finished, and is read from the oldest that is not.
    #[must_use]
    pub const fn unfinished(mut self, unfinished: Unfinished) -> Self {
        self.unfinished = Some(unfinished);
        self
    }

    /// Has fields that the tap adds.
    #[must_use]
    pub const fn columns(mut self, columns: &'static [Column]) -> Self {
        self.columns = columns;
        self
    }

    /// Has pages on which the same record may come again.
    #[must_use]
    pub const fn overlapping(mut self) -> Self {
        self.is_overlapping = true;
        self
    }

    /// May be read by what changed.
    #[must_use]
    pub const fn replication(mut self, replication: Replication) -> Self {
        self.replication = replication;
        self
    }

    /// Its list comes in a documented order, oldest first.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.is_ordered = true;
        self
    }

    /// Its list comes in a documented order, newest first.
    #[must_use]
    pub const fn newest_first(mut self) -> Self {
        self.is_newest_first = true;
        self
    }

    /// Has filters over time.
    #[must_use]
    pub const fn times(mut self, granularity: Granularity) -> Self {
        self.times = Some(granularity);
        self
    }

    /// Has fields that only a request for each record shows.
    #[must_use]
    pub const fn detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Needs this permission.
    #[must_use]
    pub const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Is read only where somebody chose it.
    #[must_use]
    pub const fn on_request(mut self) -> Self {
        self.is_default = false;
        self
    }
}

impl Parent {
    /// Every record of `stream`.
    #[must_use]
    pub const fn all(stream: &'static str, bindings: &'static [Binding]) -> Self {
        Self { stream, filter: &[], bindings, has_others: false }
    }
}

impl Binding {
    /// The parent's `id` as `parameter`.
    #[must_use]
    pub const fn id(parameter: &'static str) -> Self {
        Self { parameter, field: "id", take: Take::Itself, is_asked: true }
    }

    /// Another field of the parent as `parameter`.
    #[must_use]
    pub const fn field(parameter: &'static str, field: &'static str, take: Take) -> Self {
        Self { parameter, field, take, is_asked: true }
    }

    /// The texts of a field of the parent, as a list in the field `parameter` of the body.
    #[must_use]
    pub const fn listed(
        parameter: &'static str,
        field: &'static str,
        name: Option<&'static str>,
    ) -> Self {
        Self { parameter, field, take: Take::Listed(name), is_asked: true }
    }

    /// A field of the parent that the child's records carry as `name`.
    #[must_use]
    pub const fn beside(name: &'static str, field: &'static str) -> Self {
        Self { parameter: name, field, take: Take::Itself, is_asked: false }
    }
}

impl Column {
    /// A field of that name and source.
    #[must_use]
    pub const fn new(name: &'static str, source: Origin) -> Self {
        Self { name, source }
    }

    /// When the parent changed, under the name of the parameter that carries it.
    #[must_use]
    pub const fn parent_time(name: &'static str) -> Self {
        Self { name, source: Origin::ParentTime(name) }
    }

    /// The parent's id, a whole number, under the name of the parameter that asks for it.
    #[must_use]
    pub const fn parent_number(name: &'static str) -> Self {
        Self { name, source: Origin::ParentNumber(name) }
    }

    /// The parent's id under the name of the parameter that asks for it.
    #[must_use]
    pub const fn parent(name: &'static str) -> Self {
        Self { name, source: Origin::Parent(name) }
    }
}
