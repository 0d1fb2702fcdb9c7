//! Puts the parts of a schema in the place of references to them, since targets lose columns that are
//! references. References to anything else stay, for the line that tells what does not count.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// So many references are followed in one schema, and so many within one another: parts that refer to each
/// other can make a few lines as large as one likes. Those beyond stay.
const MOST: usize = 10_000;
const DEEPEST: usize = 32;

/// The schema without references to parts of itself.
pub(super) fn resolved(schema: &Value) -> Cow<'_, Value> {
    if !has_references(schema) {
        return Cow::Borrowed(schema);
    }
    Cow::Owned(Resolving { root: schema, within: Vec::new(), left: MOST }.resolved(schema))
}

fn has_references(schema: &Value) -> bool {
    match schema {
        Value::Object(words) => words
            .iter()
            .any(|(word, value)| (word == "$ref" && value.is_string()) || has_references(value)),
        Value::Array(items) => items.iter().any(has_references),
        _ => false,
    }
}

struct Resolving<'a> {
    root: &'a Value,
    /// The references that lead to where we are.
    within: Vec<&'a str>,
    /// How many more are followed.
    left: usize,
}

impl<'a> Resolving<'a> {
    fn resolved(&mut self, schema: &'a Value) -> Value {
        match schema {
            Value::Object(words) => match self.part(words) {
                Some((reference, part)) => self.replaced(words, reference, part),
                None => self.each(words).into(),
            },
            Value::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            other => other.clone(),
        }
    }

    /// What an object with a reference refers to, if that is followed.
    fn part(&mut self, words: &'a Map<String, Value>) -> Option<(&'a str, &'a Value)> {
        let reference = words.get("$ref")?.as_str()?;
        let part = self.root.pointer(reference.strip_prefix('#')?)?;
        self.left = self.left.checked_sub(1)?;
        (self.within.len() < DEEPEST).then_some((reference, part))
    }

    /// The part, and what is said beside the reference. A type that contains itself is cut where it does.
    fn replaced(
        &mut self,
        words: &'a Map<String, Value>,
        reference: &'a str,
        part: &'a Value,
    ) -> Value {
        let is_cycle = self.within.contains(&reference);
        self.within.push(reference);
        let mut replaced = match part {
            Value::Object(part) if is_cycle => {
                let kind = part.get("type").map(|kind| ("type".to_owned(), kind.clone()));
                Value::Object(kind.into_iter().collect())
            }
            part => self.resolved(part),
        };
        self.within.pop();
        if let Some(replaced) = replaced.as_object_mut() {
            let mut beside = self.each(words);
            beside.remove("$ref");
            replaced.extend(beside);
        }
        replaced
    }

    fn each(&mut self, words: &'a Map<String, Value>) -> Map<String, Value> {
        // What is only referred to is looked at where it is.
        let mut resolved = Map::new();
        for (word, value) in words {
            if word != "$defs" && word != "definitions" {
                resolved.insert(word.clone(), self.resolved(value));
            }
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_what_it_refers_to_wherever_that_is() {
        let text = json!({"type": "string"});
        for (reference, expected) in [
            (json!({"$ref": "#/definitions/a"}), text.clone()),
            (json!({"$ref": "#/$defs/b"}), text.clone()),
            (json!({"$ref": "#/properties/id"}), text.clone()),
            (json!({"$ref": "#/$defs/b", "title": "x"}), json!({"type": "string", "title": "x"})),
            (json!({"items": {"$ref": "#/$defs/b"}}), json!({ "items": text })),
            (json!({"anyOf": [{"$ref": "#/$defs/b"}]}), json!({"anyOf": [text]})),
            (json!({"$ref": "#/$defs/loop"}), json!({"type": "array", "items": {"type": "array"}})),
            (json!({"$ref": "#/$defs/self"}), json!({})),
            (json!({"$ref": "#/nowhere"}), json!({"$ref": "#/nowhere"})),
            (json!({"$ref": "other.json"}), json!({"$ref": "other.json"})),
            (json!({"properties": {"$ref": {}}}), json!({"properties": {"$ref": {}}})),
        ] {
            let schema = json!({
                "properties": {"id": text, "x": reference},
                "definitions": {"a": {"type": "string"}},
                "$defs": {
                    "b": {"$ref": "#/definitions/a"},
                    "loop": {"type": "array", "items": {"$ref": "#/$defs/loop"}},
                    "self": {"$ref": "#/$defs/self"},
                },
            });
            assert_eq!(resolved(&schema)["properties"]["x"], expected, "{reference}");
        }
    }
    /// Definitions that each refer to the next one so many times.
    fn chain(length: usize, times: usize) -> Value {
        let refer = |number: usize| {
            let next = json!({"$ref": format!("#/definitions/{}", number + 1)});
            json!({ "anyOf": vec![next; times] })
        };
        let definitions = (0..length).map(|number| (number.to_string(), refer(number)));
        let definitions = definitions.collect::<Map<_, _>>();
        json!({"properties": {"x": {"$ref": "#/definitions/0"}}, "definitions": definitions})
    }

    #[test]
    fn no_few_lines_become_as_large_as_one_likes() {
        let text = resolved(&chain(40, 2))["properties"].to_string();
        assert!(text.len() < 1_000_000, "{}", text.len());
        assert!(text.contains("$ref"), "what is not followed stays");
        let schema = chain(5_000, 1);
        let resolved = resolved(&schema);
        let (mut deep, mut levels) = (&resolved["properties"]["x"], 0);
        while let Some(next) = deep.pointer("/anyOf/0") {
            (deep, levels) = (next, levels + 1);
        }
        assert_eq!((levels, deep), (DEEPEST, &json!({"$ref": "#/definitions/32"})));
    }
}
