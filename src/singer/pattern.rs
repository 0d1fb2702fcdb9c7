//! One pattern of Meltano's form, of streams and fields: `incident*` is of streams, `users.email` of a field,
//! `!alerts` leaves one out.

use std::collections::HashSet;

use wildmatch::WildMatch;

/// One pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    /// The stream, or what streams are to be like.
    pub(super) name: String,
    pub(super) stream: WildMatch,
    pub(super) field: Fields,
    pub(super) is_exclusion: bool,
}

/// Which fields a pattern means, by their names joined by dots.
#[derive(Debug)]
pub(super) enum Fields {
    All,
    One(String),
    Like(WildMatch),
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let (is_exclusion, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (stream, field) = match rest.split_once('.') {
            None => (rest, Fields::All),
            Some((stream, "*")) => (stream, Fields::All),
            Some((stream, field)) if is_like(field) => {
                (stream, Fields::Like(WildMatch::new(field)))
            }
            Some((stream, field)) => (stream, Fields::One(field.to_owned())),
        };
        let (name, stream) = (stream.to_owned(), WildMatch::new(stream));
        Self { text: text.to_owned(), name, stream, field, is_exclusion }
    }

    /// Patterns separated by commas or blanks, or given one by one; each once.
    pub(super) fn split(texts: &[String]) -> Vec<Self> {
        let (mut patterns, mut known) = (Vec::new(), HashSet::new());
        for text in texts.iter().flat_map(|texts| texts.split([',', ' '])) {
            if !text.is_empty() && known.insert(text) {
                patterns.push(Self::parse(text));
            }
        }
        patterns
    }

    pub(super) fn is_of_one_stream(&self) -> bool {
        !is_like(&self.name)
    }
}

/// Whether a name has wildcards.
fn is_like(name: &str) -> bool {
    name.contains(['*', '?'])
}
