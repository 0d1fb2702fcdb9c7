//! Where the values of settings come from: files, environment and flags, laid over each other in the forms
//! that the schema wants. What the values come to is decided in [`crate::config`].

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::base::cut;
use crate::base::error::Error;
use crate::base::log::Level;
use crate::config::args::Args;
use crate::config::file::{read_file, read_json};
use crate::config::key::open_to_all;
use crate::config::settings::{pointer, settings};
use crate::config::values::Given;
use crate::source::Source;
use crate::sources::SOURCES;

/// The environment, as far as it concerns us.
pub type Environment = BTreeMap<String, String>;

const PREFIX: &str = "TAP_INCIDENT_";

/// The values that were given: flags win over files, later files over earlier ones, files over the
/// environment.
///
/// # Errors
/// [`Error::File`] for a file that is no JSON object.
pub(super) fn gather(
    source: &Source,
    args: &Args,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Given, Error> {
    let schema = settings(source);
    let mut values = from_environment(source, environment);
    for path in args.config.iter().filter(|path| path.as_os_str() != "ENV") {
        let file = read_object(path)?;
        if source.keys.iter().any(|key| file.contains_key(key.setting)) {
            warnings.extend(open_to_all(path));
        }
        values.lay(file);
    }
    values.lay(from_flags(args));
    values.change(|name, value| coerced(name, value, &schema));
    values.retain(|name, value| !is_default(name, value, &schema));
    if values.get("demo") == Some(&Value::Bool(true)) {
        // The sample data has a key and an address of its own.
        let places = source.address.settings().chain(source.keys.iter().map(|key| key.setting));
        let own = places.chain(["api_key_file", "endpoint"]).collect::<Vec<_>>();
        values.retain(|name, _| !own.contains(&name));
    }
    Ok(values)
}

/// The source that is read: what the flag says, else the last config file that says something, else the
/// environment; the first of `sources` where nobody does.
///
/// # Errors
/// [`Error::Config`] where there is none of that name, [`Error::File`] for a file that is no JSON object.
pub fn choose(
    sources: &[&'static Source],
    args: &Args,
    environment: &Environment,
) -> Result<&'static Source, Error> {
    const SETTING: &str = "source";
    let variable = format!("{PREFIX}{}", SETTING.to_ascii_uppercase());
    let mut chosen = environment.get(&variable).map(|name| Value::from(name.as_str()));
    if let Some(name) = &args.source {
        chosen = Some(name.as_str().into());
    } else {
        for path in args.config.iter().filter(|path| path.as_os_str() != "ENV") {
            chosen = read_object(path)?.get(SETTING).cloned().or(chosen);
        }
    }
    let chosen = chosen.filter(|name| name != "");
    let name = chosen.as_ref().map(|name| name.as_str().unwrap_or_default().trim());
    let found = match name {
        None => sources.first(),
        Some(name) => sources.iter().find(|source| source.name == name),
    };
    found.copied().ok_or_else(|| {
        let names = sources.iter().map(|source| source.name).collect::<Vec<_>>();
        let chosen = cut::text(&chosen.unwrap_or_default().to_string());
        Error::Config(vec![format!("`{SETTING}` is {chosen}, but must be one of {names:?}")])
    })
}

/// Settings from `TAP_INCIDENT_<KEY>`, those that nobody knows among them, and the names of the
/// vendor's own tools.
fn from_environment(source: &Source, environment: &Environment) -> Given {
    let mut values = Given::default();
    for (variable, name) in source.settings.variables {
        if let Some(value) = environment.get(*variable) {
            values.set((*name).to_owned(), value.as_str().into());
        }
    }
    // What all tools of this kind take, where it says something here too.
    for variable in ["LOGLEVEL", "TAP_INCIDENT_LOGLEVEL"] {
        let level = environment.get(variable).and_then(|level| Level::parse(level.trim()));
        if let Some(level) = level {
            values.set("log_level".to_owned(), level.setting().into());
        }
    }
    if environment.get(SDK_LOG_CONFIG).is_some_and(|path| asks_for_json(Path::new(path))) {
        values.set("log_format".to_owned(), "json".into());
    }
    // Ours come second, so that they win over those of other tools.
    for (variable, value) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        if name == "LOGLEVEL" {
            continue;
        }
        // Meltano sets TAP_INCIDENT__… for itself.
        if !name.starts_with('_') {
            values.set(name.to_ascii_lowercase(), value.as_str().into());
        }
    }
    values
}

/// Names the file in which Meltano says how a tap is to log.
const SDK_LOG_CONFIG: &str = "SINGER_SDK_LOG_CONFIG";

/// Whether the logging that a file describes, for Python, is that of JSON lines.
fn asks_for_json(path: &Path) -> bool {
    let text = read_file("logging config", path).unwrap_or_default();
    text.contains("singer_sdk.logging.StructuredFormatter")
}

/// Adds what the file `.env` of this folder says of the settings, where a config is `ENV` and the
/// environment does not say otherwise.
///
/// # Errors
/// [`Error::File`] for a file that cannot be read as one of that kind.
pub fn with_dotenv(args: &Args, environment: &mut Environment) -> Result<(), Error> {
    let path = Path::new(".env");
    if !(args.config.iter().any(|path| path.as_os_str() == "ENV") && path.is_file()) {
        return Ok(());
    }
    let text = Zeroizing::new(read_file("environment", path)?);
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        // The error would show the line, and so maybe the key.
        let (name, value) = variable.map_err(|_| {
            Error::Config(vec!["a line of the file `.env` is not of the form NAME=value".into()])
        })?;
        let is_ours = name.starts_with(PREFIX)
            || SOURCES
                .iter()
                .any(|source| source.settings.variables.iter().any(|(known, _)| *known == name));
        if is_ours {
            environment.entry(name).or_insert(value);
        }
    }
    Ok(())
}

fn from_flags(args: &Args) -> Given {
    let debug = args.debug.then(|| "debug".to_owned());
    let flags = [
        ("source", args.source.clone()),
        ("start_date", args.start_date.clone()),
        ("end_date", args.end_date.clone()),
        ("log_format", args.log_format.clone()),
        ("log_level", debug.or_else(|| args.log_level.clone())),
    ];
    let mut values = Given::default();
    for (name, value) in flags {
        if let Some(value) = value {
            values.set(name.to_owned(), value.into());
        }
    }
    for (name, patterns) in [("select", &args.select), ("incremental", &args.incremental)] {
        if !patterns.is_empty() {
            values.set(name.to_owned(), patterns.clone().into());
        }
    }
    if args.demo {
        values.set("demo".to_owned(), true.into());
    }
    values
}

/// A config file, in which null means: not set. What it holds instead of an object is not shown: it may
/// be the key.
fn read_object(path: &Path) -> Result<Given, Error> {
    match read_json("config", path)? {
        Value::Object(object) => {
            let mut given = Given::from(object);
            given.retain(|_, value| !value.is_null());
            Ok(given)
        }
        _ => Err(Error::File {
            what: "config",
            path: path.display().to_string(),
            problem: "it is not a JSON object".into(),
        }),
    }
}

/// A value in the form that the schema wants, where it is given in another. Numbers and lists may come as
/// strings: from the environment they cannot come otherwise.
fn coerced(name: &str, value: &Value, schema: &Value) -> Option<Value> {
    // 300.0 is a whole number too; whoever reads it later wants it as one.
    if let Some(whole) = value.as_f64().filter(|number| number.fract() == 0.0)
        && value.is_f64()
        && let Ok(number) = format!("{whole:.0}").parse::<i64>()
    {
        return Some(number.into());
    }
    let given = value.as_str()?;
    let text = given.trim();
    match schema.pointer(&pointer(name, "type")).and_then(Value::as_str) {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("boolean") => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        Some("array") if text.starts_with('[') => serde_json::from_str(text).ok(),
        Some("object") => serde_json::from_str(text).ok(),
        Some("array") if !text.is_empty() => {
            Some(text.split(',').map(|item| item.trim().to_owned()).collect())
        }
        _ => {
            // Of a few words that are known, capitals change nothing.
            let known = schema.pointer(&pointer(name, "enum")).and_then(Value::as_array);
            let is_same =
                |word: &&Value| word.as_str().is_some_and(|word| word.eq_ignore_ascii_case(text));
            let word = known.and_then(|known| known.iter().find(is_same)).cloned();
            word.or_else(|| (text.len() < given.len()).then(|| text.into()))
        }
    }
}

/// An empty string, and zero where zero is not allowed, stand for the default.
fn is_default(name: &str, value: &Value, schema: &Value) -> bool {
    let least = schema.pointer(&pointer(name, "minimum")).and_then(Value::as_u64);
    value == "" || (least.is_some_and(|least| least > 0) && value == 0)
}
