//! What a state file may look like: the state of a target's last line, of its whole output, or of what
//! Meltano keeps.

use serde_json::{Map, Value};

use super::unusable;
use crate::base::error::Error;

/// Messages of Singer that are no state: somebody kept the output of a tap.
const OTHER_MESSAGES: [&str; 4] = ["SCHEMA", "RECORD", "ACTIVATE_VERSION", "BATCH"];

/// The state in a file; of several lines the last one that is whole counts.
///
/// # Errors
/// [`Error::File`] where there is none in it.
pub(super) fn read(
    text: &str,
    path: &str,
    warnings: &mut Vec<String>,
) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        warnings.push(format!(
            "state file `{path}` is empty: everything is read from its start; where a run had failed \
             before, give it the last state that is known"
        ));
        return Ok(Map::new());
    }
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            last_whole(text, path, warnings).ok_or_else(|| unusable(path, error.to_string()))?
        }
    };
    match unwrapped(value) {
        Value::Object(state) if is_message(&state) => {
            Err(unusable(path, "it is a message of a tap and no state".into()))
        }
        Value::Object(state) => Ok(state),
        _ => Err(unusable(path, "a state is a JSON object".into())),
    }
}

/// The last line that is a state by itself, with a warning where others come after it.
fn last_whole(text: &str, path: &str, warnings: &mut Vec<String>) -> Option<Value> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (mut found, mut after) = (None, 0);
    for (number, line) in lines.collect::<Vec<_>>().into_iter().rev() {
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(state)) if !is_message(&state) => {
                found = Some((number + 1, Value::Object(state)));
                break;
            }
            _ => after += 1,
        }
    }
    let (number, state) = found?;
    if after > 0 {
        warnings.push(format!(
            "state file `{path}`: {after} lines after line {number} are cut, or are no state; line \
             {number} counts"
        ));
    }
    Some(state)
}

fn is_message(object: &Map<String, Value>) -> bool {
    object.get("type").and_then(Value::as_str).is_some_and(|kind| OTHER_MESSAGES.contains(&kind))
}

/// The state within a STATE message or what Meltano makes of it.
fn unwrapped(value: Value) -> Value {
    let Value::Object(mut object) = value else { return value };
    let is_message = object.get("type").is_some_and(|kind| kind == "STATE")
        || (object.len() == 1 && object.get("value").is_some_and(Value::is_object));
    if is_message {
        return unwrapped(object.remove("value").unwrap_or_default());
    }
    if object.contains_key("singer_state") {
        return unwrapped(object.remove("singer_state").unwrap_or_default());
    }
    // Meltano lays the states of runs that ended early over that of the last one that was complete.
    let is_kept = |part: &Value| part.get("singer_state").is_some();
    if object.get("completed").is_some_and(is_kept) || object.get("partial").is_some_and(is_kept) {
        let mut state = Value::Object(Map::new());
        for part in ["completed", "partial"] {
            if let Some(part) = object.remove(part).filter(is_kept) {
                lay(&mut state, unwrapped(part));
            }
        }
        return state;
    }
    Value::Object(object)
}

/// Lays a state over another: key by key, as deep as both are objects.
fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(text: &str) -> (Result<Value, String>, Vec<String>) {
        let mut warnings = Vec::new();
        let state = read(text, "s", &mut warnings);
        (state.map(Value::Object).map_err(|error| error.to_string()), warnings)
    }

    const STATE: &str = r#"{"bookmarks":{"a":{"b":1}}}"#;

    #[test]
    fn what_meltano_keeps_is_the_state_inside() {
        let expected: Value = serde_json::from_str(STATE).unwrap();
        for form in [
            format!(r#"{{"singer_state":{STATE}}}"#),
            format!(r#"{{"completed":{{"singer_state":{STATE}}}}}"#),
            format!(r#"{{"completed":{{"singer_state":{STATE}}},"partial":{{}}}}"#),
            format!(r#"{{"partial":{{"singer_state":{STATE}}},"completed":null}}"#),
            format!(r#"{{"value":{STATE}}}"#),
            format!(r#"{{"type":"STATE","value":{STATE}}}"#),
            format!(r#"{{"type":"STATE","value":{{"singer_state":{STATE}}}}}"#),
        ] {
            assert_eq!(state(&form), (Ok(expected.clone()), Vec::new()), "{form}");
        }
        let both = r#"{"completed":{"singer_state":{"bookmarks":{"a":{"b":0,"c":2},"d":3}}},
            "partial":{"singer_state":{"bookmarks":{"a":{"b":1}}}}}"#;
        let expected = json!({"bookmarks": {"a": {"b": 1, "c": 2}, "d": 3}});
        assert_eq!(state(both), (Ok(expected), Vec::new()));
    }

    #[test]
    fn what_belongs_to_somebody_else_stays_as_it_is() {
        for other in [
            json!({"completed": true, "bookmarks": {}}),
            json!({"value": 3}),
            json!({"value": {}, "bookmarks": {}}),
            json!({"type": "bookmarks"}),
        ] {
            assert_eq!(state(&other.to_string()), (Ok(other), Vec::new()));
        }
    }

    #[test]
    fn the_last_whole_line_counts_and_what_comes_after_it_is_told_of() {
        let expected: Value = serde_json::from_str(STATE).unwrap();
        for (after, lines) in [
            ("", 0),
            ("\n \n", 0),
            ("\n{\"bookmarks\":{\"a\":", 1),
            ("\n{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{}}\nnull\n[1]\nend", 4),
        ] {
            let (found, warnings) = state(&format!("{{\"old\":1}}\n{STATE}{after}"));
            assert_eq!(found, Ok(expected.clone()), "{after}");
            let warned = warnings.iter().any(|warning| {
                warning.contains(&format!("{lines} lines after line 2")) && warnings.len() == 1
            });
            assert_eq!(warned, lines > 0, "{warnings:?}");
        }
    }

    #[test]
    fn where_there_is_no_state_that_is_said() {
        for (text, problem) in [
            ("{\"bookmarks\":", "EOF while parsing"),
            ("{\n  \"bookmarks\": {\n    \"a\": {", "EOF while parsing"),
            ("[]", "a state is a JSON object"),
            (r#"{"type":"STATE"}"#, "a state is a JSON object"),
            (r#"{"type":"RECORD","stream":"a","record":{}}"#, "a message of a tap and no state"),
        ] {
            let (found, warnings) = state(text);
            assert!(found.unwrap_err().contains(problem), "{text}");
            assert_eq!(warnings, [""; 0]);
        }
        for empty in ["", " \n\t"] {
            let (found, warnings) = state(empty);
            assert_eq!(found, Ok(json!({})));
            assert!(warnings[0].contains("is empty: everything is read from its start"));
        }
    }
}
