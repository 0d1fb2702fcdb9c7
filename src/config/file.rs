//! Files that the user names, read in one way: config, catalog, state and key, whichever way an editor or a
//! shell saved them. What is in them is wiped when it is no longer needed, since it may be the key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::base::error::Error;

/// No file that anybody means is that large; one that never ends would fill the memory.
const LARGEST: u64 = 512 << 20;
/// So much of a file tells how its letters are stored.
const HEAD: usize = 64;

/// A file as JSON of the wanted type.
///
/// # Errors
/// [`Error::File`] with the reason of the operating system, or the place of the mistake.
pub fn read_json<T: DeserializeOwned>(what: &'static str, path: &Path) -> Result<T, Error> {
    let text = read_file(what, path)?;
    let problem = match serde_json::from_str(&text) {
        Ok(value) => return Ok(value),
        Err(_) if text.trim().is_empty() => "it is empty".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Error::File { what, path: path.display().to_string(), problem })
}

/// The text of a file.
///
/// # Errors
/// [`Error::File`] with the reason of the operating system, or what its letters are.
pub fn read_file(what: &'static str, path: &Path) -> Result<Zeroizing<String>, Error> {
    read(path).map_err(|problem| Error::File { what, path: path.display().to_string(), problem })
}

/// The text of a file, or why there is none, without its path.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_or(0, |metadata| metadata.len()).min(LARGEST);
    // With room for all of it and one byte more, no half of it stays behind where a buffer grew.
    let room = usize::try_from(size).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let read = Read::by_ref(&mut file).take(LARGEST + 1).read_to_end(&mut bytes);
    match read.map_err(|error| error.to_string())? as u64 {
        ..=LARGEST => decoded(bytes),
        _ => Err(format!("it is larger than {LARGEST} bytes")),
    }
}

/// Whether every account of this computer may read a file that its owner keeps: a secret that is mounted is
/// a link or cannot be written, and is not the user's to protect.
#[cfg(unix)]
pub(super) fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::symlink_metadata(path);
    metadata
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o204 == 0o204)
}

/// Elsewhere files have no such bits.
#[cfg(not(unix))]
pub(super) fn is_open_to_all(_: &Path) -> bool {
    false
}

/// The text that these bytes are: UTF-8, or UTF-16 that says so, as a shell of Windows writes it.
fn decoded(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, String> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ if is_utf16(&bytes) => {
            Err("it is UTF-16 without a byte order mark; save it as UTF-8".to_owned())
        }
        bytes_of_text => {
            let start = if bytes_of_text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            if let Err(error) = std::str::from_utf8(bytes_of_text) {
                let at = error.valid_up_to();
                return Err(format!("byte {at} of it is not UTF-8; save it as UTF-8"));
            }
            // What lies in these bytes becomes the text, without a copy.
            let mut text = String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default();
            text.drain(..start);
            Ok(Zeroizing::new(text))
        }
    }
}

/// Whether one of each two bytes is zero, which no text in UTF-8 has.
fn is_utf16(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let (pairs, _) = head.as_chunks::<2>();
    let is_zero = |place: usize| pairs.iter().all(|pair| pair.get(place) == Some(&0));
    !pairs.is_empty() && (is_zero(0) != is_zero(1))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Zeroizing<String>, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() => Ok(Zeroizing::new(text)),
        _ => Err("it is UTF-16 with half a character in it; save it as UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        decoded(Zeroizing::new(bytes.to_vec())).map(|text| text.to_string())
    }

    fn saved_as_utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_file_is_read_whichever_way_it_was_saved() {
        let marked = format!("\u{feff}{TEXT}");
        for bytes in [
            TEXT.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            saved_as_utf16(&marked, u16::to_le_bytes),
            saved_as_utf16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(text(&bytes).as_deref(), Ok(TEXT), "{bytes:?}");
        }
        assert_eq!(text(b"").as_deref(), Ok(""));
        assert_eq!(text(b"\xff\xfe").as_deref(), Ok(""));
    }

    const TEXT: &str = r#"{"a": "é 👍 日"}"#;

    #[test]
    fn what_is_no_text_is_named_for_what_it_is() {
        let ascii = r#"{"api_key": "k"}"#;
        for (bytes, problem) in [
            (saved_as_utf16(ascii, u16::to_le_bytes), "it is UTF-16 without a byte order mark"),
            (saved_as_utf16(ascii, u16::to_be_bytes), "it is UTF-16 without a byte order mark"),
            (b"\xff\xfea\0b".to_vec(), "it is UTF-16 with half a character in it"),
            (b"\xfe\xff\xd8\x00\0a".to_vec(), "it is UTF-16 with half a character in it"),
            (b"ab\xe4c".to_vec(), "byte 2 of it is not UTF-8"),
            (b"\xef\xbb\xbfa\xff".to_vec(), "byte 4 of it is not UTF-8"),
        ] {
            let found = text(&bytes).unwrap_err();
            assert!(found.starts_with(problem), "{found} of {bytes:?}");
        }
    }
}
