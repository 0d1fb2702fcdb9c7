//! A catalog as text: a line for each field of a schema and for each entry of the metadata, so that people
//! can edit it and see what has changed between two of them.

use std::fmt::Write;

use serde_json::Value;

/// The text of a catalog.
#[must_use]
pub fn printed(catalog: &Value) -> String {
    let mut text = String::new();
    write(&mut text, catalog, CATALOG, "\n");
    text.push('\n');
    text
}

/// How deep what lies in a catalog is broken into lines: the catalog, its list of streams, a stream.
const CATALOG: usize = 3;
/// Within a stream: the metadata, or any other list.
const METADATA: usize = 1;
/// A schema, and its properties.
const SCHEMA: usize = 2;

/// Writes a value; what it consists of stands on lines of its own as deep as `levels` say, unless that is a
/// row of plain values.
fn write(text: &mut String, value: &Value, levels: usize, line: &str) {
    let inner = format!("{line}  ");
    match value {
        Value::Object(fields) if levels > 0 && !fields.is_empty() => {
            let mut before = "{";
            for (name, value) in fields {
                // Writing to a String does not fail.
                let _ = write!(text, "{before}{inner}{}: ", Value::from(name.as_str()));
                // Each level of the catalog ends in streams, which say more.
                let levels = match (levels, name.as_str()) {
                    (1, "schema") => SCHEMA,
                    (1, "metadata") => METADATA,
                    (levels, _) => levels - 1,
                };
                write(text, value, levels, &inner);
                before = ",";
            }
            text.push_str(line);
            text.push('}');
        }
        Value::Array(items) if levels > 0 && items.iter().any(is_compound) => {
            let mut before = "[";
            for item in items {
                text.push_str(before);
                text.push_str(&inner);
                write(text, item, levels - 1, &inner);
                before = ",";
            }
            text.push_str(line);
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

fn is_compound(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_entry_and_each_field_has_a_line() {
        let catalog = json!({"streams": [{
            "key_properties": ["id"],
            "metadata": [
                {"breadcrumb": [], "metadata": {"inclusion": "available"}},
                {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
            ],
            "schema": {"properties": {"id": {"type": "string"}, "schema": {"type": ["null", "object"],
                "properties": {"metadata": {}}}}, "type": "object"},
            "stream": "users",
        }]});
        let text = printed(&catalog);
        insta::assert_snapshot!(text);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), catalog);
    }

    #[test]
    fn whatever_a_catalog_is_its_text_is_the_same_json() {
        for odd in
            [json!({}), json!([]), json!(null), json!({"streams": []}), json!({"streams": [1]})]
        {
            assert_eq!(serde_json::from_str::<Value>(&printed(&odd)).unwrap(), odd);
        }
    }
}
