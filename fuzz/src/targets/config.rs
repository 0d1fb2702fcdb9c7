//! The text of a config file, and the environment: a config, or problems that do not show the key.

use std::fs;

use serde_json::Value;
use tap_incident::config::Config;
use tap_incident::config::args::Args;
use tap_incident::config::gather::Environment;
use tap_incident::sources::SOURCES;

use crate::made::split;

/// A key that stands nowhere by chance.
const KEY: &str = "inc_5up3r5ecret_0f_a_fuzzer";

/// The first byte says which source, and what for. Then comes the file, and after a NUL each a variable
/// and its value.
pub fn check(bytes: &[u8]) {
    let ([form], rest) = split(bytes);
    let source = SOURCES[usize::from(form & 0x7f) % SOURCES.len()];
    let text = String::from_utf8_lossy(rest);
    let mut parts = text.split('\0');
    let file = parts.next().unwrap_or_default();
    let variables = parts.filter_map(|part| part.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = variables.collect::<Environment>();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, file).unwrap();
    let config = if file.is_empty() { Vec::new() } else { vec![path] };
    let args = Args { config, backfill: form & 0x80 != 0, ..Args::default() };
    let mut said = Vec::new();
    match Config::read(source, &args, &environment, &mut said) {
        Ok(config) => {
            assert!(config.concurrency > 0 && config.page_size > 0 && config.buffer > 0);
            assert!(config.lookback >= chrono::TimeDelta::zero());
            said.push(format!("{config:?}"));
        }
        Err(error) => said.push(error.line(&source.hints)),
    }
    if is_the_key_only(&text, file) {
        assert!(said.iter().all(|line| !line.contains(KEY)), "{said:?}");
    }
}

/// Whether the key stands where a key belongs, whole and only there.
fn is_the_key_only(text: &str, file: &str) -> bool {
    let value = serde_json::from_str::<Value>(file).unwrap_or_default();
    let has = |name: &str| value.get(name).is_some_and(|value| value.to_string().contains(KEY));
    let names = SOURCES.iter().flat_map(|source| source.keys).map(|key| key.setting);
    text.matches(KEY).count() == 1 && { names }.any(has)
}
