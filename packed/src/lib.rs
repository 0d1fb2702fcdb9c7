//! Folders of JSON files, deflated into a program when it is built: [`pack`] is for build scripts,
//! [`Packed`] for the program. Every file is deflated by itself, so that a run inflates no more than it
//! reads and nothing is kept. That costs 40 KB of what 2.6 MB of files shrink to, which is 240 KB.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// A folder as [`packed!`] embeds it: the names of its files, without `.json`, and what they hold, deflated.
#[derive(Debug)]
pub struct Packed(pub &'static [(&'static str, &'static [u8])]);

impl Packed {
    /// The text of the file of that name, if there is one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let (_, deflated) = self.0.iter().find(|(known, _)| *known == name)?;
        let mut text = String::new();
        ZlibDecoder::new(*deflated).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

/// The folder that the build script has packed under this name, as a [`Packed`].
#[macro_export]
macro_rules! packed {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, "/packed.rs"))
    };
}

/// Packs the JSON files of a folder for [`packed!`], into the folder of that name in `OUT_DIR`. The same
/// files come out as the same bytes.
///
/// # Errors
/// If a file cannot be read or written.
pub fn pack(folder: &Path, name: &Path, out: &Path) -> io::Result<()> {
    let into = out.join(name);
    fs::create_dir_all(&into)?;
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    // A folder is listed in an order that is up to the file system.
    paths.sort();
    let mut code = String::from("::packed::Packed(&[\n");
    for path in paths {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let mut encoder = ZlibEncoder::new(File::create(into.join(name))?, Compression::best());
        encoder.write_all(&fs::read(&path)?)?;
        encoder.finish()?;
        // A path in include_bytes! is one beside the file that says it.
        let _ = writeln!(code, "    ({name:?}, include_bytes!({name:?})),");
    }
    fs::write(into.join("packed.rs"), code + "])\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_the_same_text_again() {
        let folder = tempfile::tempdir().unwrap();
        let (files, out) = (folder.path().join("files"), folder.path().join("out"));
        fs::create_dir(&files).unwrap();
        for (name, text) in [("b.json", "{\"b\": \"Ⅱ\"}"), ("a.c.json", "[]"), ("notes.md", "x")]
        {
            fs::write(files.join(name), text).unwrap();
        }
        pack(&files, Path::new("of/us"), &out).unwrap();
        assert_eq!(
            fs::read_to_string(out.join("of/us/packed.rs")).unwrap(),
            "::packed::Packed(&[\n    (\"a.c\", include_bytes!(\"a.c\")),\n    \
             (\"b\", include_bytes!(\"b\")),\n])\n"
        );
        let deflated = fs::read(out.join("of/us/b")).unwrap().leak();
        let packed = Packed(vec![("b", &*deflated), ("torn", &deflated[..9])].leak());
        assert_eq!(packed.text("b").unwrap(), "{\"b\": \"Ⅱ\"}");
        assert_eq!((packed.text("torn"), packed.text("c")), (None, None));
        assert_eq!(packed.names().collect::<Vec<_>>(), ["b", "torn"]);
    }
}
