//! Data flows down the list in lib.rs: a module uses only those above it.

#![cfg(test)]

use std::path::{Path, PathBuf};

/// The files of a module, but for its tests.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.into()];
    }
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let is_code = |path: &PathBuf| {
        if path.is_dir() {
            return !path.ends_with("tests");
        }
        path.extension().is_some_and(|extension| extension == "rs")
    };
    entries.filter(is_code).flat_map(|path| files(&path)).collect()
}

/// The text of a file, but for its tests, which stand last.
fn code(file: &PathBuf) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// Modules of lib.rs in order, each with the text of its files.
fn modules() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    let names = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names
        .map(|name| {
            let (file, folder) = (source.join(format!("{name}.rs")), source.join(name));
            let paths = [file, folder].into_iter().filter(|path| path.exists());
            let files = paths.flat_map(|path| files(&path)).collect::<Vec<_>>();
            let texts = files.iter().map(code).collect();
            (name.to_owned(), texts)
        })
        .collect()
}

/// Whether `text` uses a module.
fn uses(text: &str, module: &str) -> bool {
    [format!("crate::{module}::"), format!("crate::{module};"), format!("crate::{module}}}")]
        .iter()
        .any(|path| text.contains(path))
}

#[test]
fn a_module_uses_only_those_above_it() {
    let modules = modules();
    assert!(modules.len() > 15, "lib.rs lists the modules");
    for (place, (name, text)) in modules.iter().enumerate() {
        for (later, _) in modules.iter().skip(place + 1) {
            assert!(!uses(text, later), "{name} uses {later}, which comes later in lib.rs");
        }
    }
}

#[test]
fn the_check_sees_a_use() {
    assert!(uses("use crate::sync::Sync;", "sync"));
    assert!(!uses("use crate::syncs::Sync;", "sync"));
}

#[test]
fn only_message_knows_the_output_and_only_client_knows_ureq() {
    for (name, text) in modules() {
        assert!(name == "client" || !text.contains("ureq::"), "{name} uses ureq");
        assert!(name == "retry" || !text.contains("backoff::"), "{name} uses backoff");
        assert!(!text.contains("io::stdout"), "{name} takes the output it is given");
    }
}
