//! JSON as it is sent: numbers as they are spelled, texts as code units, halves of surrogate pairs among
//! them, names as often as they come. Nothing of that is left in a `serde_json::Value`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::choices::Choices;

#[derive(Clone, PartialEq)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(Vec<u16>),
    List(Vec<Tree>),
    Object(Vec<(Vec<u16>, Tree)>),
}

impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.spelled(&mut Choices::default()))
    }
}

impl Tree {
    /// A field of an object.
    pub fn field(&self, wanted: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(name, _)| *name == units(wanted)).map(|(_, value)| value)
    }

    pub fn text(text: &str) -> Self {
        Self::Text(units(text))
    }

    /// One line of output.
    pub fn read(line: &str) -> Self {
        Self::parse(line).unwrap()
    }

    /// Any JSON.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        let text = serde_json::from_str::<&RawValue>(text)?.get();
        Ok(match text.as_bytes()[0] {
            b'{' => {
                let Fields(fields) = serde_json::from_str(text)?;
                let parse = |(name, value): (&RawValue, &RawValue)| {
                    Ok((unescaped(name.get()), Self::parse(value.get())?))
                };
                Self::Object(fields.into_iter().map(parse).collect::<serde_json::Result<_>>()?)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                let items = items.iter().map(|item| Self::parse(item.get()));
                Self::List(items.collect::<serde_json::Result<_>>()?)
            }
            b'"' => Self::Text(unescaped(text)),
            b'n' => Self::Null,
            b't' | b'f' => Self::Bool(text == "true"),
            _ => Self::Number(text.to_owned()),
        })
    }

    /// The text of it, spelled in one of many ways.
    pub fn spelled(&self, choices: &mut Choices) -> String {
        let mut text = String::new();
        self.spell(choices, &mut text);
        text
    }

    fn spell(&self, choices: &mut Choices, text: &mut String) {
        blank(choices, text);
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => text.push_str(number),
            Self::Text(units) => spell_text(units, choices, text),
            Self::List(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    text.push_str(if number == 0 { "" } else { "," });
                    item.spell(choices, text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (number, (name, value)) in fields.iter().enumerate() {
                    text.push_str(if number == 0 { "" } else { "," });
                    blank(choices, text);
                    spell_text(name, choices, text);
                    blank(choices, text);
                    text.push(':');
                    value.spell(choices, text);
                }
                text.push('}');
            }
        }
        blank(choices, text);
    }

    /// The same with the fields of the outermost object in the order of their names.
    pub fn sorted(mut self) -> Self {
        if let Self::Object(fields) = &mut self {
            fields.sort_by(|(left, _), (right, _)| left.cmp(right));
        }
        self
    }
}

pub fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// The code units of a JSON string with its quotes, which is known to be one.
fn unescaped(text: &str) -> Vec<u16> {
    let mut units = Vec::new();
    let mut characters = text[1..text.len() - 1].chars();
    while let Some(character) = characters.next() {
        let meant = match character {
            '\\' => characters.next().unwrap(),
            plain => {
                units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
                continue;
            }
        };
        units.push(match meant {
            'u' => {
                let digits = characters.by_ref().take(4).collect::<String>();
                u16::from_str_radix(&digits, 16).unwrap()
            }
            'b' => 8,
            't' => 9,
            'n' => 10,
            'f' => 12,
            'r' => 13,
            itself => u16::try_from(u32::from(itself)).unwrap(),
        });
    }
    units
}

fn blank(choices: &mut Choices, text: &mut String) {
    let blanks = ["", "", "", "", "", "", " ", "\r\n\t "];
    text.push_str(choices.one_of(&blanks));
}

fn spell_text(units: &[u16], choices: &mut Choices, text: &mut String) {
    text.push('"');
    for unit in char::decode_utf16(units.iter().copied()) {
        let must_be_escaped = match unit {
            Ok(character) => character < ' ' || character == '"' || character == '\\',
            Err(_) => true,
        };
        let short = unit.as_ref().ok().copied().and_then(short);
        match (unit, short, choices.pick(8)) {
            (_, Some(short), 0..=3) => text.push_str(short),
            (Ok(character), _, 0..=5) if !must_be_escaped => text.push(character),
            (Ok(character), _, choice) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    spell_unit(*unit, choice, text);
                }
            }
            (Err(half), _, choice) => spell_unit(half.unpaired_surrogate(), choice, text),
        }
    }
    text.push('"');
}

fn spell_unit(unit: u16, choice: usize, text: &mut String) {
    let escape = if choice == 7 { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    text.push_str(&escape);
}

fn short(character: char) -> Option<&'static str> {
    Some(match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '/' => "\\/",
        '\n' => "\\n",
        '\t' => "\\t",
        _ => return None,
    })
}

/// The fields of an object, each as often as it comes.
struct Fields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
