//! Deflates the sample workspaces, which the program embeds.

use std::path::{Path, PathBuf};
use std::{env, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for folder in ["workspace", "signalfx", "actian"] {
        println!("cargo:rerun-if-changed={folder}");
        packed::pack(Path::new(folder), Path::new(folder), &out)?;
    }
    Ok(())
}
