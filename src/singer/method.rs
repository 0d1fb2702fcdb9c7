//! How a stream is read: as the catalog asks, else as the patterns of `incremental` say, else as its
//! row in the table of streams does.

use std::collections::HashSet;

use crate::base::cut;
use crate::base::error::Error;
use crate::config::settings::nearest;
use crate::singer::pattern::{Fields, Pattern};
use crate::source::Source;
use crate::source::stream::{Replication, Stream};

/// How a stream is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Everything.
    FullTable,
    /// What changed since the bookmark.
    Incremental,
}

impl Method {
    /// Singer's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullTable => "FULL_TABLE",
            Self::Incremental => "INCREMENTAL",
        }
    }

    /// How a stream is read where nobody says anything.
    #[must_use]
    pub const fn of(stream: &Stream) -> Self {
        match stream.replication {
            Replication::FullTable | Replication::OnRequest(_) => Self::FullTable,
            Replication::ByDefault(_) => Self::Incremental,
        }
    }
}

/// The streams that are read by what changed where the catalog leaves that open.
#[derive(Debug, Default)]
pub struct Incremental(HashSet<&'static str>);

impl Incremental {
    /// Reads the patterns of the setting `incremental`. A stream that is named outright and cannot be read
    /// so is added to `warnings`.
    ///
    /// # Errors
    /// [`Error::Selection`] for a pattern of no stream, or of fields.
    pub fn parse(
        source: &'static Source,
        texts: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let (mut taken, mut excluded) = (HashSet::new(), HashSet::new());
        for pattern in Pattern::split(texts) {
            let streams =
                source.streams.iter().filter(|stream| pattern.stream.matches(stream.name));
            let streams = streams.collect::<Vec<_>>();
            if streams.is_empty() || !matches!(pattern.field, Fields::All) {
                return Err(meaningless(source, &pattern.text));
            }
            for stream in streams {
                if pattern.is_exclusion {
                    excluded.insert(stream.name);
                } else if stream.replication_key().is_some() {
                    taken.insert(stream.name);
                } else if pattern.is_of_one_stream() {
                    warnings.push(not_offered(stream));
                }
            }
        }
        Ok(Self(taken.into_iter().filter(|name| !excluded.contains(name)).collect()))
    }

    /// How a stream is read of which the catalog says nothing.
    #[must_use]
    pub fn method(&self, stream: &Stream) -> Method {
        if self.0.contains(stream.name) { Method::Incremental } else { Method::of(stream) }
    }
}

/// That a stream cannot be read as somebody asks.
pub(super) fn not_offered(stream: &Stream) -> String {
    format!("stream `{}`: INCREMENTAL is not offered; it is read in full", stream.name)
}

fn meaningless(source: &Source, text: &str) -> Error {
    let streams = source.streams.iter().filter(|stream| stream.replication_key().is_some());
    let names = streams.map(|stream| stream.name).collect::<Vec<_>>();
    let wanted = text.trim_start_matches('!');
    let nearest = nearest(wanted, names.iter().copied()).unwrap_or_default();
    Error::Selection(format!(
        "`incremental` has {:?}, which is no stream; the nearest that can be read so is `{nearest}`, and \
         `*` stands for all of them: {}",
        cut::text(text),
        cut::list(names.into_iter()),
    ))
}
