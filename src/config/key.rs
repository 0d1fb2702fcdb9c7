//! The key, and how it is sent.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::missing;
use crate::source::{Key, Source};

/// A key, or another text that holds a password. It has no way to be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(super) String);

impl Secret {
    /// The text itself, for who has to send it and for taking it out of the log.
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
                problems.push(format!("`{KEY_FILE}` {:?} cannot be read: {error}", shown(&text)));
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

/// The path of a file, to be shown. Somebody may have set it to a key itself, which lies in no folder.
pub(super) fn shown(path: &str) -> &str {
    let is_path = Path::new(path).parent().is_some_and(Path::is_dir);
    if is_path { path } else { "(not shown)" }
}

/// The setting with the file that holds the key.
const KEY_FILE: &str = "api_key_file";
