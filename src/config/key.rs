//! The key, and how it is sent.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{file, missing};
use crate::source::{Key, Source};

/// A key, or another text that holds a password. It has no way to be printed or copied, and is wiped when it
/// is no longer needed.
#[derive(Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself, for who has to send it and for taking it out of the log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(key: String) -> Self {
        Self(Zeroizing::new(key))
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
    (problems, warnings): (&mut Vec<String>, &mut Vec<String>),
) -> Option<(Key, Secret)> {
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
    let text = value.as_str()?;
    let in_file = if name == KEY_FILE { Some(of_file(text, (problems, warnings))?) } else { None };
    let text = in_file.as_ref().map_or(text, |text| text.trim());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if text.is_empty() || !is_plain {
        problems.push("the API key is empty, or has blanks, quotes or line breaks in it".into());
        return None;
    }
    Some((key, Secret::from(text.to_owned())))
}

/// What is in the file of the key.
fn of_file(
    path: &str,
    (problems, warnings): (&mut Vec<String>, &mut Vec<String>),
) -> Option<Zeroizing<String>> {
    match file::read(Path::new(path)) {
        Ok(text) => {
            warnings.extend(open_to_all(Path::new(path)));
            Some(text)
        }
        Err(problem) => {
            let path = shown(path);
            problems.push(format!("`{KEY_FILE}` {path:?} cannot be read: {problem}"));
            None
        }
    }
}

/// That everybody may read a file with the key, where that is so: a warning for the log.
pub(super) fn open_to_all(path: &Path) -> Option<String> {
    file::is_open_to_all(path).then(|| {
        let path = path.display();
        format!(
            "every account of this computer may read `{path}`, which holds the key: chmod 600 it"
        )
    })
}

/// The path of a file, to be shown. Somebody may have set it to a key itself, which lies in no folder.
pub(super) fn shown(path: &str) -> &str {
    let is_path = Path::new(path).parent().is_some_and(Path::is_dir);
    if is_path { path } else { "(not shown)" }
}

/// The setting with the file that holds the key.
const KEY_FILE: &str = "api_key_file";
