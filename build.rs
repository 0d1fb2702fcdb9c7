//! Deflates what the program embeds of each source: the schemas of its streams, and the document of its
//! API.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // A source is a folder; a new one is seen here, too.
    println!("cargo:rerun-if-changed=schemas");
    println!("cargo:rerun-if-changed=src/sources");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for source in fs::read_dir("schemas")? {
        let source = source?.file_name();
        for (of, all) in [("schemas", "schemas"), ("documents", "src/sources")] {
            let folder = Path::new(all).join(&source);
            packed::pack(&folder, &Path::new(of).join(&source), &out)?;
        }
    }
    Ok(())
}
