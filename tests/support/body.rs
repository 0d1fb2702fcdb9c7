//! Answers that are mostly what a schema says, and now and then not.

use serde_json::Value;
use tap_incident::source::stream::{Column, Origin, Shape, Stream};
use tap_incident::source::{Paging, schema};

use crate::choices::Choices;
use crate::tree::{Tree, units};

/// What parents are called, and when they changed.
pub const PARENT: &str = "P é\"1";
pub const CHANGED: &str = "2026-01-02T03:04:05Z";

pub const NUMBER: &str = "2147483650";

/// What the parameter of a request for the children of a stream is.
pub fn bound(stream: &Stream, parameter: &str) -> &'static str {
    let is_it = |column: &Column| matches!(column.source, Origin::ParentNumber(known) if known == parameter);
    match parameter {
        _ if stream.columns.iter().any(is_it) => NUMBER,
        _ if parameter.ends_with("_at") => CHANGED,
        _ => PARENT,
    }
}

/// Makes up the answer to a request for records of a stream.
pub struct Author<'a> {
    pub stream: &'static Stream,
    pub schema: &'a Value,
    pub choices: Choices,
}

const NUMBERS: [&str; 25] = [
    "5",
    "0",
    "-7",
    "5.0",
    "5.5",
    "-0",
    "-0.0",
    "1e3",
    "1E+2",
    "25e-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "9223372036854775808.0",
    "18446744073709551615",
    "9007199254740993",
    "1234567.8901234567",
    "1e308",
    "1e309",
    "-1E+400",
    "0e999",
    "1e-400",
    "1111111111111111111111111111111111111111",
    "LONG",
];

const TIMES: [&str; 30] = [
    "2026-01-31T01:02:03Z",
    "2026-01-31T01:02:03.456Z",
    "2026-02-28T23:59:59.123456789Z",
    "2026-02-28T23:59:59.1234567890123Z",
    "2024-02-29T00:00:00+05:30",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-12-31T00:00:00-00:00",
    "2026-01-01T00:00:00+23:59",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00\u{2212}05:00",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-01-01 00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00.Z",
    "2026-13-01T00:00:00Z",
    "2026-1-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\0",
    "2026-01-01T00:00:00Zé",
    "yesterday",
    "",
];

impl Author<'_> {
    pub fn body(&mut self) -> Tree {
        let mut fields = match self.stream.shape {
            Shape::Body => return self.record(),
            Shape::Bare(fields) => match self.choices.pick(4) {
                0 => return self.records(),
                1 => return self.anything(2),
                _ => vec![(units(self.choices.one_of(fields)), self.records())],
            },
            Shape::Object(name) => vec![(units(name), self.record())],
            Shape::List(name) => vec![(units(name), self.records())],
            Shape::Lists(name, lists) => {
                let lists = lists.iter().map(|list| (units(list), self.records())).collect();
                vec![(units(name), self.spoiled_lists(lists))]
            }
        };
        for column in self.stream.columns {
            if let Origin::Beside(pointer) = column.source {
                fields.push(self.beside(pointer));
            }
        }
        match self.choices.pick(64) {
            50..=61 => fields.extend(self.paging()),
            62 => fields[0].1 = self.anything(2),
            63 => fields[0].0.push(u16::from(b'x')),
            _ => {}
        }
        if self.choices.pick(128) == 127 {
            let again = fields[0].clone();
            fields.push(again);
        }
        let at = self.choices.pick(fields.len() + 1);
        fields.insert(at, (self.name(), self.anything(2)));
        Tree::Object(fields)
    }

    /// What is said of the next page and of the whole list.
    fn paging(&mut self) -> Option<(Vec<u16>, Tree)> {
        let paging = self.stream.source.paging;
        let value = match (paging, self.choices.pick(8)) {
            (_, 0) => Tree::Null,
            (_, 1) => self.anything(2),
            (Paging::Cursor { after, total, .. }, spoilt) => {
                let after =
                    (units(after), if spoilt == 2 { self.anything(1) } else { self.text() });
                let total = (units(total), self.number());
                let again = (spoilt == 3).then(|| after.clone());
                Tree::Object([after, total].into_iter().chain(again).collect())
            }
            _ => self.number(),
        };
        Some((units(paging.beside()?), value))
    }

    fn spoiled_lists(&mut self, mut lists: Vec<(Vec<u16>, Tree)>) -> Tree {
        match self.choices.pick(64) {
            61 => return Tree::Null,
            62 => drop(lists.pop()),
            63 => lists.push(lists[0].clone()),
            _ => {}
        }
        lists.push((self.name(), self.anything(2)));
        Tree::Object(lists)
    }

    fn beside(&mut self, pointer: &str) -> (Vec<u16>, Tree) {
        let mut names = pointer.split('/').skip(1).collect::<Vec<_>>();
        let first = names.remove(0);
        let mut value = match self.choices.pick(4) {
            0 => self.time(),
            _ => self.anything(1),
        };
        for name in names.iter().rev() {
            value = Tree::Object(vec![(units(name), value)]);
        }
        (units(first), value)
    }

    fn records(&mut self) -> Tree {
        match self.choices.pick(16) {
            15 => Tree::Null,
            count => Tree::List((0..count.min(3)).map(|_| self.record()).collect()),
        }
    }

    fn record(&mut self) -> Tree {
        let fields = self.schema["properties"].as_object().unwrap().iter();
        let mut sent = Vec::new();
        for (name, property) in fields {
            sent.extend(self.field(name, property));
        }
        self.shuffle(&mut sent);
        self.spoil(&mut sent);
        if self.choices.pick(256) == 255 { self.anything(2) } else { Tree::Object(sent) }
    }

    /// A field of the record itself. What tells whose it is has to be right, and its key to be there.
    fn field(&mut self, name: &str, property: &Value) -> Option<(Vec<u16>, Tree)> {
        let own = |source: Origin| match source {
            Origin::Parent(parameter)
            | Origin::ParentTime(parameter)
            | Origin::ParentNumber(parameter) => Some(parameter),
            _ => None,
        };
        // What a key is made of is not for targets to read, and so not written in one way.
        let is_part = |column: &Column| matches!(column.source, Origin::Parts(names) if names.contains(&name));
        if self.stream.columns.iter().any(is_part) {
            let value = [self.text(), self.number(), Tree::Null][self.choices.pick(3)].clone();
            return Some((units(name), value)).filter(|_| self.choices.pick(4) > 0);
        }
        let is_number = schema::allows(property, "integer");
        let mut columns = self.stream.columns.iter().filter(|column| column.name == name);
        let is_added = columns.clone().next().is_some();
        let of_column = columns.find_map(|column| own(column.source));
        let parents = self.stream.parents.iter().flat_map(|parent| parent.bindings);
        let mut of_parent = parents.map(|binding| binding.parameter);
        let asked = of_column.or_else(|| of_parent.find(|parameter| *parameter == name));
        let is_key = self.stream.key.contains(&name);
        let value = match (asked, self.choices.pick(64)) {
            (Some(_), 20..) | (None, 0..=50) if is_added => return None,
            (Some(parameter), 0..=62) if is_number => {
                Tree::Number(bound(self.stream, parameter).to_owned())
            }
            (Some(_), _) if is_number => Tree::Number("7".to_owned()),
            (Some(parameter), _) => Tree::text(bound(self.stream, parameter)),
            (None, 0..=61) if is_key && is_number => Tree::Number(self.choices.pick(3).to_string()),
            (None, 0..=61) if is_key => Tree::text(["a", "b", "é\""][self.choices.pick(3)]),
            (None, 0..=15) => return None,
            (None, 16..=20) => Tree::Null,
            (None, 21..=55) => self.fitting(property, 6),
            _ => self.anything(3),
        };
        Some((units(name), value))
    }

    /// The order of fields means nothing.
    fn shuffle(&mut self, fields: &mut [(Vec<u16>, Tree)]) {
        if fields.len() > 1 && self.choices.pick(4) == 3 {
            let at = self.choices.pick(fields.len());
            fields.rotate_left(at);
            fields.swap(0, at);
        }
    }

    /// Puts a field in that is not known, or one that is there already.
    fn spoil(&mut self, fields: &mut Vec<(Vec<u16>, Tree)>) {
        if self.choices.pick(3) > 0 {
            let field = (self.name(), self.anything(2));
            fields.insert(self.choices.pick(fields.len() + 1), field);
        }
        if !fields.is_empty() && self.choices.pick(32) == 31 {
            let name = self.choices.one_of(fields).0;
            fields.push((name, self.anything(2)));
        }
    }

    fn fitting(&mut self, property: &Value, levels: usize) -> Tree {
        let kinds = ["string", "integer", "number", "boolean", "array", "object"];
        let kinds = kinds.into_iter().filter(|kind| schema::allows(property, kind));
        let kinds = kinds.collect::<Vec<_>>();
        let Some(kind) = (!kinds.is_empty()).then(|| self.choices.one_of(&kinds)) else {
            return self.anything(levels);
        };
        match (kind, property.get("properties"), property.get("items")) {
            ("string", ..) if property.get("format").is_some() => self.time(),
            ("string", ..) => self.text(),
            ("integer" | "number", ..) => self.number(),
            ("array", _, Some(items)) => {
                let count = self.choices.pick(4);
                Tree::List((0..count).map(|_| self.part(items, levels)).collect())
            }
            ("object", Some(Value::Object(known)), _) => {
                let mut fields = Vec::new();
                for (name, property) in known {
                    if self.choices.pick(3) > 0 {
                        fields.push((units(name), self.part(property, levels)));
                    }
                }
                self.shuffle(&mut fields);
                self.spoil(&mut fields);
                Tree::Object(fields)
            }
            ("boolean", ..) => Tree::Bool(self.choices.pick(2) == 1),
            ("array", ..) => self.list(levels),
            _ => self.object(levels),
        }
    }

    fn part(&mut self, property: &Value, levels: usize) -> Tree {
        match self.choices.pick(8) {
            0..=5 if levels > 0 => self.fitting(property, levels - 1),
            6 => Tree::Null,
            _ => self.anything(levels.min(1)),
        }
    }

    fn anything(&mut self, levels: usize) -> Tree {
        match self.choices.pick(if levels > 0 { 8 } else { 5 }) {
            0 => Tree::Null,
            1 => self.text(),
            2 => self.number(),
            3 => Tree::Bool(self.choices.pick(2) == 1),
            4 => self.time(),
            5 => self.list(levels - 1),
            _ => self.object(levels - 1),
        }
    }

    fn list(&mut self, levels: usize) -> Tree {
        let count = self.choices.pick(4);
        Tree::List((0..count).map(|_| self.anything(levels)).collect())
    }

    fn object(&mut self, levels: usize) -> Tree {
        let count = self.choices.pick(4);
        Tree::Object((0..count).map(|_| (self.name(), self.anything(levels))).collect())
    }

    fn number(&mut self) -> Tree {
        let number = self.choices.one_of(&NUMBERS);
        Tree::Number(if number == "LONG" { "9".repeat(310) } else { number.to_owned() })
    }

    fn time(&mut self) -> Tree {
        match self.choices.pick(3) {
            0 => Tree::text(TIMES[0]),
            _ => Tree::text(self.choices.one_of(&TIMES)),
        }
    }

    fn text(&mut self) -> Tree {
        let count = self.choices.pick(6);
        Tree::Text((0..count).flat_map(|_| self.piece()).collect())
    }

    fn name(&mut self) -> Vec<u16> {
        let names = ["x", "y", "a", "b", "a.b", ""];
        let mut name = units(self.choices.one_of(&names));
        if self.choices.pick(4) == 3 {
            name.extend(self.piece());
        }
        name
    }

    /// Part of a text; not always a whole character.
    fn piece(&mut self) -> Vec<u16> {
        let pieces = [
            "a",
            "é",
            "🚢",
            "\"",
            "\\",
            "/",
            "\n",
            "\t",
            "\0",
            "\u{1}",
            "\u{7f}",
            "\u{2028}",
            "\\u0000",
            "a longer text without anything in it",
        ];
        match self.choices.pick(16) {
            14 => vec![0xD83D],
            15 => vec![0xDE00],
            number => units(pieces[number]),
        }
    }
}
