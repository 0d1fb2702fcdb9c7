//! What `--about` prints: what this tap is, what it can do, and its settings, for people, for documents and
//! for Meltano.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::config::args::Form;
use crate::config::settings::settings;
use crate::source::Source;

/// What Meltano calls a tap able to do. Each has a test in `tests/suite/about.rs`.
pub const CAPABILITIES: [&str; 7] =
    ["about", "activate-version", "catalog", "discover", "state", "structured-logging", "test"];
/// The wheel holds a program and nothing that a Python could be too new for.
const PYTHONS: [&str; 7] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"];

/// The text for a source, in the form that is asked for.
///
/// # Errors
/// None that a value of ours could have: those of `serde_json`.
pub fn about(source: &Source, form: Form) -> Result<String, serde_json::Error> {
    match form {
        Form::Text => Ok(text(source)),
        Form::Markdown => Ok(markdown(source)),
        Form::Json => {
            let about = json!({
                "name": NAME,
                "description": DESCRIPTION,
                "version": VERSION,
                "sdk_version": null,
                "supported_python_versions": PYTHONS,
                "capabilities": CAPABILITIES,
                "settings": settings(source),
            });
            Ok(serde_json::to_string_pretty(&about)? + "\n")
        }
    }
}

const NAME: &str = env!("CARGO_PKG_NAME");
const DESCRIPTION: &str = env!("CARGO_PKG_DESCRIPTION");
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn text(source: &Source) -> String {
    let mut text = format!(
        "Name: {NAME}\nDescription: {DESCRIPTION}\nVersion: {VERSION}\nSource: {}\nCapabilities: {}\n\
         Settings:\n",
        source.name,
        CAPABILITIES.join(", "),
    );
    for (name, setting) in listed(source) {
        let Row { default, meaning } = Row::of(&setting);
        // Writing to a String does not fail.
        let _ =
            writeln!(text, "  {name} ({}, default: {default})\n      {meaning}", kind(&setting));
    }
    text
}

fn markdown(source: &Source) -> String {
    let mut text = format!("# {NAME} {VERSION}\n\n{DESCRIPTION}\n\n## Capabilities\n\n");
    for capability in CAPABILITIES {
        let _ = writeln!(text, "* `{capability}`");
    }
    let _ = write!(text, "\n## Settings of `{}`\n\n", source.name);
    for row in table(source, |_| true) {
        let _ = writeln!(text, "{row}");
    }
    text
}

/// The settings of a source as the lines of a table; those whose name is wanted.
pub fn table(source: &Source, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let head = ["| setting | default | meaning |", "|---|---|---|"].map(str::to_owned);
    let mut rows = Vec::from(head);
    for (name, setting) in listed(source) {
        if is_wanted(&name) {
            let Row { default, meaning } = Row::of(&setting);
            rows.push(format!("| `{name}` | {default} | {meaning} |"));
        }
    }
    rows
}

fn listed(source: &Source) -> Vec<(String, Value)> {
    let mut settings = settings(source);
    match settings.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties.into_iter().collect(),
        _ => Vec::new(),
    }
}

fn kind(setting: &Value) -> &str {
    match (setting.get("secret"), setting.get("type").and_then(Value::as_str)) {
        (Some(_), _) => "secret",
        (None, kind) => kind.unwrap_or("any"),
    }
}

/// What a table says of a setting beside its name.
struct Row {
    default: String,
    meaning: String,
}

impl Row {
    fn of(setting: &Value) -> Self {
        let default = match setting.get("default") {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            Some(other) => other.to_string(),
        };
        let mut meaning =
            setting.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let known = setting.get("enum").or(setting.pointer("/items/enum"));
        let known = known.and_then(Value::as_array).into_iter().flatten();
        let mut names = known.filter_map(Value::as_str).collect::<Vec<_>>();
        let parts = setting.get("properties").and_then(Value::as_object);
        names.extend(parts.into_iter().flatten().map(|(name, _)| name.as_str()));
        if !names.is_empty() {
            meaning = format!("{meaning}. One of `{}`", names.join("`, `"));
        }
        Self { default, meaning }
    }
}
