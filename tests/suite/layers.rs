//! Data flows down the lists of modules: the rooms in lib.rs, the modules of a room in its mod.rs. A module
//! uses only those above it, and of its own room only those.

use std::path::{Path, PathBuf};

use tap_incident::source::{Address, Source};
use tap_incident::sources::SOURCES;

/// A module, by its path in the crate, such as `sync::fetch`, with its code.
struct Module {
    path: String,
    code: String,
}

impl Module {
    fn room(&self) -> &str {
        self.path.split("::").next().unwrap()
    }

    /// Whether it uses that module, or the room as such.
    fn uses(&self, path: &str) -> bool {
        let use_of = format!("crate::{path}");
        self.code.match_indices(&use_of).any(|(at, _)| {
            let after = &self.code[at + use_of.len()..];
            // What follows a room's name is one of its modules, which is looked at by itself, unless
            // it is a type of the room.
            !after.starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    }
}

/// The files of a module, but for its tests.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.into()];
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") || path.is_dir() {
            found.extend(files(&path));
        }
    }
    found
}

/// The code of files: without their tests, which stand last or in a file of their own, and without comments.
fn code(files: &[PathBuf]) -> String {
    let mut code = String::new();
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The names of public modules that a file declares, in order.
fn declared(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let names = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// All modules in the order of their declarations; a room's own code comes after its modules.
fn modules() -> Vec<Module> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = Vec::new();
    for room in declared(&source.join("lib.rs")) {
        let folder = source.join(&room);
        let names = declared(&folder.join("mod.rs"));
        for name in &names {
            let files = [files(&folder.join(format!("{name}.rs"))), files(&folder.join(name))];
            modules.push(Module { path: format!("{room}::{name}"), code: code(&files.concat()) });
        }
        let mut own = files(&folder);
        own.push(source.join(format!("{room}.rs")));
        own.retain(|file| {
            let inner = file.strip_prefix(&folder).unwrap_or(Path::new(""));
            let first = inner.iter().next().map(|first| Path::new(first).with_extension(""));
            file.is_file() && !names.iter().any(|name| first.as_deref() == Some(Path::new(name)))
        });
        modules.push(Module { path: room, code: code(&own) });
    }
    modules
}

#[test]
fn a_module_uses_only_those_above_it() {
    let modules = modules();
    assert!(modules.len() > 40, "lib.rs and the rooms list the modules");
    assert!(modules.iter().all(|module| !module.code.is_empty() || !module.path.contains("::")));
    for (place, module) in modules.iter().enumerate() {
        for later in &modules[place + 1..] {
            // A room stands behind its modules, which may use what they share.
            let is_own_room = later.path == module.room();
            let is_used = !is_own_room && module.uses(&later.path);
            assert!(!is_used, "{} uses {}, which comes later", module.path, later.path);
        }
    }
}

#[test]
fn the_check_sees_a_use() {
    let module = |code: &str| Module { path: "plan::since".into(), code: code.into() };
    assert!(module("use crate::sync::scan::Scan;").uses("sync::scan"));
    assert!(module("use crate::sync::{Sync};").uses("sync"));
    assert!(!module("use crate::sync::scanner::Scan;").uses("sync::scan"));
}

#[test]
fn only_message_knows_the_output_and_only_client_knows_ureq() {
    for Module { path, code } in modules() {
        assert!(path == "api::client" || !code.contains("ureq::"), "{path} uses ureq");
        assert!(path == "base::retry" || !code.contains("backoff::"), "{path} uses backoff");
        assert!(
            path == "os::stdout" || !code.contains("io::stdout"),
            "{path} takes the output it is given"
        );
    }
}

/// How code says a name: one of several words stands for nothing else, a plain word only as text.
fn told(name: &str) -> Vec<String> {
    if name.contains('_') {
        vec![name.to_owned()]
    } else {
        vec![format!("\"{name}\""), format!("`{name}`")]
    }
}

/// What only the source itself may say: its name, its places, its headers, its streams.
fn words_of(source: &Source) -> Vec<String> {
    let mut words = vec![source.name.to_owned(), source.title.to_owned()];
    let Address { host, base } = source.address;
    words.extend(host.map(str::to_owned));
    words.extend([base].into_iter().filter(|base| !base.is_empty()).map(str::to_owned));
    words.extend(source.paging.beside().into_iter().flat_map(told));
    for key in source.keys {
        words.push(format!("\"{}\"", key.header));
        words.extend([key.before].into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
    }
    let (limit, remaining) = source.quotas.headers.unzip();
    words.extend(limit.into_iter().chain(remaining).map(str::to_owned));
    if let Some(identity) = &source.identity {
        words.extend([identity.path.to_owned(), identity.full_access.0.to_owned()]);
        words.push(identity.organisation.to_owned());
    }
    words.extend(source.settings.variables.iter().map(|(variable, _)| (*variable).to_owned()));
    let own = (source.settings.schemas)();
    // Of settings that all sources have it may only say more exactly what they mean.
    let own = own.as_object().unwrap().iter().filter(|(_, schema)| schema.get("type").is_some());
    words.extend(own.flat_map(|(name, _)| told(name)));
    for stream in source.streams {
        // In code a stream is named as text; a path is another's business wherever it stands.
        words.extend([format!("\"{}\"", stream.name), format!("`{}`", stream.name)]);
        words.push(stream.path.to_owned());
    }
    words
}

#[test]
fn the_engine_knows_no_source() {
    // What the program is called, which is not what it reads.
    let own_names = ["tap-incident", "tap_incident", "TAP_INCIDENT", "Tap-Incident"];
    // Keys of the state, which states of earlier releases have.
    let exceptions = [
        ("singer::state", "global_access"),
        ("singer::state", "\"teams\""),
        ("bookmark::validity", "global_access"),
    ];
    let mut found = Vec::new();
    for source in SOURCES {
        let words = words_of(source);
        for Module { path, code } in modules() {
            if path.starts_with("sources") {
                continue;
            }
            let mut code = code.to_lowercase();
            for name in own_names {
                code = code.replace(&name.to_lowercase(), "");
            }
            for word in &words {
                let is_known = exceptions.contains(&(path.as_str(), word.as_str()));
                if !is_known && code.contains(&word.to_lowercase()) {
                    found.push(format!("{path} says {word:?}, which only {} may", source.name));
                }
            }
            if (1..10).any(|version| code.contains(&format!("\"/v{version}/"))) {
                found.push(format!("{path} has a path of an API"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
