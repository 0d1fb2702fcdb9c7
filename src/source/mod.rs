//! What a source and its streams can say, as plain values: where a system of incidents is, how it is asked,
//! what its answers look like. The engine knows of a source what stands here, and no more.

pub mod stream;
pub mod taken;
pub mod request;
pub mod slice;
pub mod window;
pub mod schema;
pub mod openapi;

use std::any::Any;
use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::stream::Stream;
use crate::base::error::{Error, Hints};

/// A system of incidents that is read.
pub struct Source {
    /// Its name in settings: `[a-z_]+`.
    pub name: &'static str,
    /// How people call it.
    pub title: &'static str,
    /// Its streams, in the order in which they are read.
    pub streams: &'static [Stream],
    /// Where it is.
    pub address: Address,
    /// The ways to give a key, of which one is used. The first is the setting that every source has.
    pub keys: &'static [Key],
    /// Headers of every request beside the one with the key.
    pub headers: &'static [(&'static str, &'static str)],
    /// How many requests it takes.
    pub quotas: Quotas,
    /// How its errors are told from those of something on the way to it.
    pub errors: Errors,
    /// Whether and how it says whose key it is.
    pub identity: Option<Identity>,
    /// How lists that are longer than a page go on.
    pub paging: Paging,
    /// How filters over time are written.
    pub filters: Filters,
    /// Its own settings.
    pub settings: Settings,
    /// The schema of a stream, by its name, as the text of a file.
    pub schemas: fn(&str) -> Option<String>,
    /// The document that the schemas are derived from.
    pub document: Option<Document>,
    /// Serves sample data, where the program has any.
    pub sample: Option<fn() -> Result<Sample, Error>>,
    /// The year of the oldest records, but for a few that were imported.
    pub first_year: i32,
    /// What a user can do about errors.
    pub hints: Hints,
}

/// Where a source is. A `{name}` stands for the value of that setting.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    /// Scheme and host, unless the config says otherwise; the config has to say where there is none.
    pub host: Option<&'static str>,
    /// What stands between that and the path of every stream: nothing, or `/` and segments.
    pub base: &'static str,
}

impl Address {
    /// The settings that it has places for.
    pub fn settings(&self) -> impl Iterator<Item = &'static str> {
        let places = [self.host.unwrap_or_default(), self.base];
        places.into_iter().flat_map(|text| text.split('{').skip(1)).filter_map(|place| {
            let (name, _) = place.split_once('}')?;
            Some(name)
        })
    }
}

/// A setting that holds a key, and the header that carries it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The setting.
    pub setting: &'static str,
    /// The header.
    pub header: &'static str,
    /// What stands in it before the key.
    pub before: &'static str,
}

/// How the errors of a source are told from those of something on the way to it: only the source itself
/// knows what a key may read, or what exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// They have a code. This one says that a single thing does not exist, and not the whole address.
    Coded(&'static str),
    /// They may be any text but a web page.
    Plain,
}

/// So many requests in a minute.
#[derive(Debug, Clone, Copy)]
pub struct Quota(pub u32);

/// How many requests a source takes.
pub struct Quotas {
    /// How many of one key, until an answer says otherwise.
    pub key: Quota,
    /// How many of paths that have a quota of their own besides.
    pub paths: &'static [(&'static str, Quota)],
    /// The headers in which answers tell quotas, and what is left of the one that binds.
    pub headers: Option<(&'static str, &'static str)>,
}

/// The request that says whose key it is, and where that lies in the answer.
pub struct Identity {
    /// Path under the endpoint.
    pub path: &'static str,
    /// The object in the answer that has it all.
    pub object: &'static str,
    /// The field with the key's name.
    pub name: &'static str,
    /// The field that names the organisation.
    pub organisation: &'static str,
    /// The list of the key's roles.
    pub roles: &'static str,
    /// The list of the teams whose grants the key has, and in each of them its id and its name.
    pub teams: (&'static str, &'static str, &'static str),
    /// The role without which records are left out in silence, and which records those are.
    pub full_access: (&'static str, &'static str),
}

/// How a list that is longer than a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// With a cursor, which an object beside the records has.
    Cursor {
        /// The parameter that says how many records a page may have.
        size: &'static str,
        /// The object's name.
        object: &'static str,
        /// The field with the cursor of the next page; null or empty on the last one.
        after: &'static str,
        /// The field that says how many records the whole list has, if it is there.
        total: &'static str,
    },
    /// With the number of records before the page, in a list that may change while it is read.
    Offset {
        /// The parameter that says how many records a page may have.
        size: &'static str,
        /// The parameter with the number of records before the page.
        offset: &'static str,
        /// The field beside the records that says how many the whole list has, if it is there.
        total: &'static str,
        /// So many records of a list are given at most: whoever asks for more gets an error.
        ceiling: u32,
    },
    /// Not at all: every list is one answer.
    None,
}

impl Paging {
    /// The parameter that says how many records a page may have.
    #[must_use]
    pub const fn size(self) -> Option<&'static str> {
        match self {
            Self::Cursor { size, .. } | Self::Offset { size, .. } => Some(size),
            Self::None => None,
        }
    }

    /// The name of what stands beside the records.
    #[must_use]
    pub const fn beside(self) -> Option<&'static str> {
        match self {
            Self::Cursor { object, .. } => Some(object),
            Self::Offset { total, .. } => Some(total),
            Self::None => None,
        }
    }
}

/// Filters over time, for streams that have them, and how they are written: parameters, in which `{field}`
/// stands for the name of a field.
pub struct Filters {
    /// The field that says when a record was created: by it long lists are cut into slices.
    pub created: &'static str,
    /// The field that says when a record changed last.
    pub changed: &'static str,
    /// From a moment on.
    pub from: &'static str,
    /// Up to a moment, which is in it.
    pub until: &'static str,
    /// Between two moments, which are in it, and what stands between them in the value.
    pub between: (&'static str, &'static str),
}

impl Filters {
    /// Of a source without any.
    pub const NONE: Self =
        Self { created: "", changed: "", from: "", until: "", between: ("", "") };

    /// The parameter and the value of a filter: of moments as they are spelled, both of which are in it.
    #[must_use]
    pub fn spell(
        &self,
        field: &str,
        from: Option<String>,
        until: Option<String>,
    ) -> Option<(String, String)> {
        let (parameter, value) = match (from, until) {
            (None, None) => return None,
            (Some(from), None) => (self.from, from),
            (None, Some(until)) => (self.until, until),
            (Some(from), Some(until)) => {
                let (parameter, separator) = self.between;
                (parameter, format!("{from}{separator}{until}"))
            }
        };
        Some((parameter.replace("{field}", field), value))
    }
}

/// Settings of one source.
pub struct Settings {
    /// Their JSON Schemas by name. For a setting that every source has, what stands here is laid over its
    /// general schema.
    pub schemas: fn() -> Value,
    /// The setting that chooses modes, for streams that are asked for by mode.
    pub modes: Option<&'static str>,
    /// The settings that say how many days a window reaches back and ahead.
    pub window: Option<(&'static str, &'static str)>,
    /// The setting that says for how many days a record is waited for that is not finished.
    pub unfinished: Option<&'static str>,
    /// The setting that holds parameters of the user's choice, for streams that take them.
    pub filters: Option<&'static str>,
    /// Environment variables of the vendor's own tools, and the settings that they stand for.
    pub variables: &'static [(&'static str, &'static str)],
}

/// An OpenAPI document as it is embedded, and what is known beyond it.
pub struct Document {
    /// The document without its sentences.
    pub text: fn() -> Option<String>,
    /// What is added to it, merged key by key.
    pub overlay: fn() -> Option<String>,
    /// Where the API has its current one, if it does; needs no key.
    pub path: Option<&'static str>,
}

/// Sample data, served until this is dropped.
pub struct Sample {
    /// Where it is served, up to the path of a stream.
    pub endpoint: String,
    /// The values of the settings that its address has places for.
    pub places: Vec<(&'static str, String)>,
    /// The key that is let in.
    pub key: String,
    /// What time it is there.
    pub now: DateTime<Utc>,
    /// Whatever serves it.
    pub server: Box<dyn Any>,
}

impl Source {
    /// The stream of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
