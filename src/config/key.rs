//! The key, and how it is sent.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::missing;
use crate::source::{Key, Source};

/// An API key. It has no way to be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(super) String);

impl Secret {
    /// The key itself, for the request header and for taking it out of the log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The key, and how it is sent: exactly one of the ways to give it.
pub(super) fn key(
    source: &Source,
    values: &Map<String, Value>,
    problems: &mut Vec<String>,
) -> Option<(Key, String)> {
    let mut given = Vec::new();
    for key in source.keys {
        given.extend(values.get(key.setting).map(|value| (*key, key.setting, value)));
    }
    if let (Some(value), Some(key)) = (values.get(KEY_FILE), source.keys.first()) {
        given.push((*key, KEY_FILE, value));
    }
    let (key, name, value) = match given.as_slice() {
        [one] => *one,
        [] => {
            let names = source.keys.iter().map(|key| key.setting).collect::<Vec<_>>();
            let first = names.first().copied().unwrap_or_default();
            problems.push(missing(&names.join("` or `"), first));
            return None;
        }
        [(_, one, _), (_, other, _), ..] => {
            problems.push(format!("`{one}` and `{other}` are both set; keep one"));
            return None;
        }
    };
    // Where it is no text, the check against the schema has reported that.
    let mut text = value.as_str()?.to_owned();
    if name == KEY_FILE {
        text = match std::fs::read_to_string(&text) {
            Ok(key) => key.trim().to_owned(),
            Err(error) => {
                // Somebody may have set it to the key itself, which lies in no folder.
                let is_path = Path::new(&text).parent().is_some_and(Path::is_dir);
                let path = if is_path { &text } else { "(not shown)" };
                problems.push(format!("`{KEY_FILE}` {path:?} cannot be read: {error}"));
                return None;
            }
        };
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if text.is_empty() || !is_plain {
        problems.push("the API key is empty, or has blanks, quotes or line breaks in it".into());
        return None;
    }
    Some((key, text))
}

/// The setting with the file that holds the key.
const KEY_FILE: &str = "api_key_file";
