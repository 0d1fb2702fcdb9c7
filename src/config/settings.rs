//! The settings as they are written: one JSON Schema that lists them, and what it says against the values
//! that [`mod@crate::config::gather`] finds.

use serde_json::{Map, Value, json};

use crate::base::cut;
use crate::source::Source;
use crate::sources::{DEFAULT, SOURCES};

/// The JSON Schema of all settings: what is checked, and what the table in docs/settings.md shows.
#[must_use]
pub fn settings(source: &Source) -> Value {
    let mut properties = Map::new();
    // The source comes last: it may say more exactly what a setting means for it.
    let parts = [what_to_read(source), since_when(), how_to_run(), (source.settings.schemas)()];
    for (name, setting) in parts.iter().filter_map(Value::as_object).flatten() {
        let known = properties.entry(name).or_insert_with(|| json!({}));
        for (word, value) in setting.as_object().into_iter().flatten() {
            known[word] = value.clone();
        }
        if known.get("title").is_none() {
            known["title"] = title(name).into();
        }
    }
    json!({"type": "object", "properties": properties})
}

/// The name of a setting as people write it: `api_key_file` is "API key file".
fn title(name: &str) -> String {
    let mut words = Vec::new();
    for word in name.split('_') {
        words.push(match word {
            "api" | "ca" => word.to_ascii_uppercase(),
            other => other.to_owned(),
        });
    }
    let mut title = words.join(" ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn what_to_read(source: &Source) -> Value {
    json!({
        "source": {"type": "string", "enum": SOURCES.iter().map(|one| one.name).collect::<Vec<_>>(),
            "default": DEFAULT.name, "description": "The system of incidents that is read"},
        "api_key": {"type": "string", "secret": true, "writeOnly": true,
            "description": "The key of the API. One of `api_key` and `api_key_file` is needed"},
        "api_key_file": {"type": "string",
            "description": "A file that holds the key"},
        "endpoint": {"type": "string", "default": source.address.host,
            "description": "Where the API is. https, or http on loopback"},
        "demo": {"type": "boolean", "default": false,
            "description": "Whether the built-in sample data is read instead of the API; needs no key"},
        "select": patterns("Streams and fields to read, on top of the catalog if there is one: patterns \
            of streams, or of fields behind a dot; with `!` before it one leaves out"),
        "incremental": patterns("Patterns of streams to read by what changed since the last run, of those \
            that can be; `*` for all of them. Where the catalog asks for a method, that counts"),
        "start_date": {"type": "string", "format": "date-time",
            "description": "Rows that changed at or after this date or timestamp; \
                            bounds incremental streams only, and only without a later bookmark"},
        "end_date": {"type": "string", "format": "date-time",
            "description": "Rows that changed before this date or timestamp; \
                            bounds incremental streams only"},
    })
}

fn since_when() -> Value {
    json!({
        "lookback_seconds": {"type": "integer", "minimum": 1, "maximum": 604_800, "default": 600,
            "description": "Seconds before its bookmark from which an incremental stream is read \
            again, since rows become visible out of order; those that were written are not \
            written again"},
        "child_lookback_days": {"type": "integer", "minimum": 1, "maximum": 3650, "default": 14,
            "description": "Days for which incremental children of a record are read again \
            after its last change"},
        "full_scan_days": {"type": "integer", "minimum": 1, "maximum": 3650,
            "description": "Days after which an incremental stream is read in full once, since \
            what is embedded in a record changes without a trace; without it never, and every \
            30 days for children, and for streams that are asked for by mode"},
        "resume_max_hours": {"type": "integer", "minimum": 1, "maximum": 8760, "default": 72,
            "description": "Hours after which a position of an interrupted run is dropped and the \
            stream read from its start"},
        "rescan_on_new_fields": {"type": "boolean", "default": false,
            "description": "Whether an incremental stream is read in full once where fields were \
            selected since its bookmark"},
    })
}

fn how_to_run() -> Value {
    json!({
        "concurrency": {"type": "integer", "minimum": 1, "maximum": 64, "default": 8,
            "description": "Requests under way at a time"},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10_000,
            "description": "Records a page at most; no endpoint gives more than 10,000, and most \
            250. A list whose pages keep failing with 502, 503 or 504 gets smaller ones by itself"},
        "buffer_megabytes": {"type": "integer", "minimum": 1, "maximum": 65_536, "default": 64,
            "description": "Megabytes of records that may wait for the target, large answers that are \
            being read included"},
        "connect_timeout": whole_number(10, "Seconds to wait for a connection"),
        "first_byte_timeout": whole_number(60,
            "Seconds to wait for the first byte of an answer, once a request was sent"),
        "max_body_megabytes": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 64,
            "description": "Megabytes of an answer at most, inflated. A page that is larger fails"},
        "request_timeout": whole_number(300,
            "Seconds to wait for an answer, its body included"),
        "ca_file": {"type": "string",
            "description": "A file in PEM form with certificates of authorities that are trusted \
            besides those of the platform"},
        "max_retries": {"type": "integer", "minimum": 0, "maximum": 86_400, "default": 8,
            "description": "Repeats of a request after a 429, a 5xx or a broken connection"},
        "max_retry_seconds": whole_number(900,
            "Seconds that the repeats of one request may take in all: the waits, and its attempts that \
            failed"),
        "rate_limit_reserve_percent": {"type": "integer", "minimum": 0, "maximum": 90,
            "default": 20, "description": "Percent of the API's quota that is left to the \
            organisation's other tools"},
        "requests_per_minute": {"type": "integer", "minimum": 1, "maximum": 1_000_000,
            "description": "Requests that the API takes of the key in a minute, where its answers do not \
            say so; without it as many as the source is known to take. Of these, too, a part is left to others"},
        "user_agent": {"type": "string", "default": USER_AGENT,
            "description": "What the API's access log shows"},
        "forbidden_streams": {"type": "string", "enum": ["warn", "fail"], "default": "warn",
            "description": "Whether a stream that the key may not read is left out or is an error"},
        "emit_activate_version_messages": {"type": "boolean", "default": false,
            "description": "Whether records of full tables have a `version`, and a complete reading of \
            one ends with ACTIVATE_VERSION, so that a target removes the rows that are gone"},
        "log_level": {"type": "string", "enum": ["debug", "info", "warning", "error"],
            "default": "info", "description": "Events to log"},
        "log_format": {"type": "string", "enum": ["text", "json"], "default": "text",
            "description": "What a log line looks like"},
    })
}

fn patterns(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

/// A setting of at least 1. A day of seconds is more than anybody wants of any of these.
fn whole_number(default: u32, description: &str) -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 86_400, "default": default,
        "description": description})
}

const USER_AGENT: &str = concat!("tap-incident/", env!("CARGO_PKG_VERSION"));

/// Everything the schema says against `values`, in words.
pub fn check(
    source: &Source,
    (values, schema): (&Map<String, Value>, &Value),
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let known = names(schema).collect::<Vec<_>>();
    for name in values.keys().filter(|name| !known.contains(&name.as_str())) {
        let is_theirs = |other: &&&Source| (other.settings.schemas)().get(name).is_some();
        if let Some(other) = SOURCES.iter().find(is_theirs) {
            warnings.push(format!(
                "config: `{name}` is a setting of {}, and `source` is {}: it has no effect",
                other.name, source.name
            ));
            continue;
        }
        let nearest = nearest(name, known.iter().copied()).unwrap_or_default();
        warnings.push(format!("config: there is no setting `{name}`; did you mean `{nearest}`?"));
    }
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![format!("the schema of the settings is broken: {error}")],
    };
    let instance =
        values.iter().map(|(name, value)| (name.clone(), checkable(name, value, schema)));
    let instance = Value::Object(instance.collect());
    let mut problems =
        validator.iter_errors(&instance).map(|error| problem(&error, schema)).collect::<Vec<_>>();
    // A value of the wrong type is not among the known ones either.
    problems.dedup();
    problems
}

/// What is checked of a setting: of a secret only whether it is a text, without a copy of it.
fn checkable(name: &str, value: &Value, schema: &Value) -> Value {
    let is_secret = schema.pointer(&pointer(name, "secret")).is_some();
    if is_secret && value.is_string() { "".into() } else { value.clone() }
}

/// The known name that is most like a mistyped one.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.max_by(|one, other| {
        strsim::jaro_winkler(one, name).total_cmp(&strsim::jaro_winkler(other, name))
    })
}

/// One problem: the setting, its value, and what is expected.
fn problem(error: &jsonschema::ValidationError, schema: &Value) -> String {
    let place = error.instance_path().to_string();
    let name = place.split('/').nth(1).unwrap_or_default();
    // No setting of that name: there is nothing to say of it.
    let setting = schema.pointer(&pointer(name, "")).unwrap_or(&Value::Null);
    // A secret may sit in the wrong place, but not in a message.
    let is_secret = setting.get("secret").is_some();
    let value = if is_secret {
        "of another type".to_owned()
    } else {
        cut::text(&error.instance().to_string())
    };
    format!("`{name}` is {value}, but must be {}", expected(setting))
}

/// What the schema of a setting wants, in words.
fn expected(setting: &Value) -> String {
    if let Some(known) = setting.get("enum").or(setting.pointer("/items/enum")) {
        return format!("one of {known}");
    }
    match setting.get("type").and_then(Value::as_str) {
        Some("integer") => {
            let least = setting.get("minimum").and_then(Value::as_u64).unwrap_or_default();
            match setting.get("maximum").and_then(Value::as_u64) {
                Some(most) => format!("a whole number from {least} to {most}"),
                None => format!("a whole number from {least}"),
            }
        }
        Some("string") if setting.get("pattern").is_some() => {
            format!("of the form {}", setting["pattern"])
        }
        Some(kind) => format!("of type {kind}"),
        None => "known".to_owned(),
    }
}

fn names(schema: &Value) -> impl Iterator<Item = &str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, _)| name.as_str())
}

/// Where the schema says something of a setting.
#[must_use]
pub fn pointer(name: &str, key: &str) -> String {
    let slash = if key.is_empty() { "" } else { "/" };
    format!("/properties/{}{slash}{key}", name.replace('~', "~0").replace('/', "~1"))
}
