//! Derived files are current: schemas/, catalog.json, the stripped document, the tables of README.md and
//! docs/.
//! `UPDATE=1 cargo test --test docs` writes them anew; with `OPENAPI=FILE` it first takes over a
//! newer document of the API.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tap_incident::base::error::EXIT_CODES;
use tap_incident::config::about::table;
use tap_incident::singer::catalog::printed;
use tap_incident::source::Source;
use tap_incident::source::openapi::{Openapi, strip};
use tap_incident::source::stream::Replication;
use tap_incident::sources::incident_io::INCIDENT_IO;
use tap_incident::sources::{DEFAULT, SOURCES};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Fails where `path` is not `expected`, or writes it.
fn hold(path: &str, expected: &str) {
    let actual = std::fs::read_to_string(root(path)).unwrap_or_default();
    if actual == expected {
        return;
    }
    assert!(is_update(), "{path} is not current; run UPDATE=1 cargo test --test docs");
    std::fs::write(root(path), expected).unwrap();
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

/// The document as it is on disk, or will be.
fn document() -> Openapi {
    let newer = std::env::var_os("OPENAPI").map(PathBuf::from);
    let path = newer.clone().unwrap_or_else(|| root("src/sources/incident_io/document.json"));
    let text = std::fs::read_to_string(path).unwrap();
    Openapi::with_overlay(&INCIDENT_IO, strip(&INCIDENT_IO, &serde_json::from_str(&text).unwrap()))
        .unwrap()
}

#[test]
fn the_document_is_checked_in_without_prose() {
    let newer = std::env::var_os("OPENAPI").map(PathBuf::from);
    let path = newer.unwrap_or_else(|| root("src/sources/incident_io/document.json"));
    let text = std::fs::read_to_string(path).unwrap();
    hold(
        "src/sources/incident_io/document.json",
        &pretty(&strip(&INCIDENT_IO, &serde_json::from_str(&text).unwrap())),
    );
}

#[test]
fn every_schema_is_what_the_document_says() {
    for source in SOURCES {
        let is_default = source.name == DEFAULT.name;
        let document = if is_default { document() } else { Openapi::embedded(source).unwrap() };
        for stream in source.streams {
            let path = format!("schemas/{}/{}.json", source.name, stream.name);
            hold(&path, &pretty(&document.schema(stream).unwrap()));
        }
    }
}

#[test]
fn there_is_no_schema_without_a_stream() {
    let names_in = |folder: &str| {
        let files = std::fs::read_dir(root(folder)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    assert_eq!(names_in("schemas"), SOURCES.iter().map(|source| source.name.to_owned()).collect());
    for source in SOURCES {
        let files = source.streams.iter().map(|stream| format!("{}.json", stream.name));
        assert_eq!(names_in(&format!("schemas/{}", source.name)), files.collect());
    }
}

#[test]
fn the_catalog_is_what_discover_prints() {
    // A schema that was written just now is embedded by the next build.
    match tap_incident::singer::catalog::discover(&INCIDENT_IO) {
        Ok(catalog) => hold("catalog.json", &printed(&catalog)),
        Err(error) => assert!(is_update(), "{error}"),
    }
}

/// README.md and the pages of docs/.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for file in std::fs::read_dir(root("docs")).into_iter().flatten() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(format!("docs/{}", path.file_name().unwrap().to_str().unwrap()));
        }
    }
    pages.sort();
    pages
}

/// Holds the page that has the marks of `name`, and no other may have them, to the rows between them.
fn hold_table(name: &str, rows: impl Iterator<Item = String>) {
    // Several tests write to one page.
    static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let mut found = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(root(&page)).unwrap();
        if text.contains(&start) {
            found.push((page, text));
        }
    }
    let [(page, text)] = found.as_slice() else {
        let pages = found.iter().map(|(page, _)| page).collect::<Vec<_>>();
        panic!("one page has the marks of `{name}`, not {pages:?}");
    };
    let (before, rest) = text.split_once(&start).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    let table = rows.collect::<Vec<_>>().join("\n");
    hold(page, &format!("{before}{start}{table}\n{end}{after}"));
}

/// The rows of a source's table of streams.
fn streams(source: &Source) -> Vec<String> {
    let has_scopes = source.streams.iter().any(|stream| stream.scope.is_some());
    let mut head = "| stream | what it is | key | replication | parent | default |".to_owned();
    let mut line = "|---|---|---|---|---|---|".to_owned();
    if has_scopes {
        head += " scope |";
        line += "---|";
    }
    let mut rows = vec![head, line];
    for stream in source.streams {
        let replication = match stream.replication {
            Replication::FullTable => "full table".to_owned(),
            Replication::OnRequest(key) => format!("full table, or incremental by `{key}`"),
            Replication::ByDefault(key) => format!("incremental by `{key}`"),
        };
        let parent = stream.parents.first().map_or("–".into(), |p| format!("`{}`", p.stream));
        let is_default = if stream.is_default { "yes" } else { "no" };
        let (name, about, key) = (stream.name, stream.about, stream.key.join("`, `"));
        let mut row =
            format!("| `{name}` | {about} | `{key}` | {replication} | {parent} | {is_default} |");
        if has_scopes {
            row += &stream.scope.map_or(" any key |".into(), |scope| format!(" `{scope}` |"));
        }
        rows.push(row);
    }
    rows
}

#[test]
fn the_docs_list_every_stream() {
    for source in SOURCES {
        hold_table(&format!("streams of {}", source.name), streams(source).into_iter());
    }
}

#[test]
fn the_docs_list_every_setting() {
    for source in SOURCES {
        let own = (source.settings.schemas)();
        // What is the same for all sources is listed with the one that is read by default.
        let is_listed = |name: &str| source.name == DEFAULT.name || own.get(name).is_some();
        let rows = table(source, is_listed);
        hold_table(&format!("settings of {}", source.name), rows.into_iter());
    }
}

#[test]
fn the_docs_show_the_plugins_that_meltano_runs() {
    let project = std::fs::read_to_string(root("tests/meltano/meltano.yml")).unwrap();
    let extractors = project.lines().skip_while(|line| !line.starts_with("  extractors:"));
    let extractors = extractors.take_while(|line| !line.starts_with("  loaders:"));
    let lines = ["```yaml"].into_iter().chain(extractors).chain(["```"]);
    hold_table("meltano", lines.map(str::to_owned));
}

#[test]
fn the_docs_list_every_exit_code() {
    let head = ["| code | meaning |", "|---|---|"].map(String::from);
    let rows = EXIT_CODES.iter().map(|(code, meaning)| format!("| {code} | {meaning} |"));
    hold_table("exit codes", head.into_iter().chain(rows));
}

/// Stdout and stderr of the run that the docs show.
fn demo() -> (String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tap-incident"))
        .arg("--demo")
        .env_clear()
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_docs_show_the_real_output() {
    let (stdout, stderr) = demo();
    let shown = |line: &str| match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    };
    let fenced = |kind: &str, lines: Vec<String>| {
        [vec![format!("```{kind}")], lines, vec!["```".to_owned()]].concat().into_iter()
    };
    hold_table("demo output", fenced("json", stdout.lines().take(6).map(shown).collect()));
    let last = stderr.lines().last().unwrap();
    hold_table("demo log", fenced("text", vec![last.to_owned()]));
}

/// The lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let is_kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
        let anchor = heading.chars().filter(is_kept).collect::<String>().replace(' ', "-");
        assert!(anchors.insert(anchor), "two headings are the same: {line}");
    }
    anchors
}

/// What the links of a page lead to.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        // Of what stands between backticks nothing is a link.
        let line = line.split('`').step_by(2).collect::<String>();
        let targets = line.split("](").skip(1);
        links.extend(targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
    }
    links
}

/// Why a link of a page leads nowhere, if it does not.
fn problem(page: &str, link: &str) -> Option<&'static str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => root(page),
        path => root(page).parent()?.join(path),
    };
    if !target.exists() {
        return Some("there is no such file");
    }
    let has = || anchors(&std::fs::read_to_string(target).unwrap()).contains(anchor);
    (!anchor.is_empty() && !has()).then_some("there is no such heading")
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut all = pages();
    all.extend(
        ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(String::from),
    );
    let (mut problems, mut reached) = (Vec::new(), BTreeSet::new());
    for page in &all {
        for link in links(&std::fs::read_to_string(root(page)).unwrap()) {
            if link.contains("://") {
                continue;
            }
            problems
                .extend(problem(page, &link).map(|problem| format!("{page}: {link}: {problem}")));
            if page == "README.md" {
                reached.insert(link.split('#').next().unwrap_or_default().to_owned());
            }
        }
    }
    assert_eq!(problems, [""; 0]);
    let missing = all.iter().filter(|page| *page != "README.md" && !reached.contains(*page));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "README links to every page");
}

#[test]
fn the_table_of_migration_names_streams() {
    let text = std::fs::read_to_string(root("docs/migration.md")).unwrap();
    let (_, table) = text.split_once("| stream | vendor's tap |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names = rows.map(|row| row.split('`').nth(1).unwrap()).collect::<Vec<_>>();
    let unknown = names.iter().filter(|name| !INCIDENT_IO.streams.iter().any(|s| s.name == **name));
    assert_eq!(unknown.collect::<Vec<_>>(), [&""; 0]);
    assert!(names.len() > 20 && names.is_sorted(), "{names:?}");
}
