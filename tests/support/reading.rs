//! What should come out of a body, read in the plainest way there is: as a tree, with the schema that is
//! announced. Nothing here is shared with the tap, which reads text and builds no tree.

use std::collections::BTreeSet;

use serde_json::Value;
use tap_incident::source::Paging;
use tap_incident::source::stream::{Binding, Origin, Shape, Stream, Take};

use crate::body::{NUMBER, bound};
use crate::rfc_3339::is_rfc_3339;
use crate::tree::{Tree, units};

/// What every setting is, and when every answer came.
pub const SETTING: &str = "harbour \"7\"";
pub const READ_AT: &str = "2026-11-20T12:00:00Z";

/// How a stream is read.
pub struct Reading<'a> {
    pub stream: &'static Stream,
    /// What is announced.
    pub schema: &'a Value,
    /// What is left out in silence, too.
    pub known: &'a Value,
    pub feeds: &'a [&'static [Binding]],
    pub window: Option<(&'a str, &'a str)>,
}

/// What should come out.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub records: Vec<Tree>,
    /// Fields that nobody knows.
    pub unknown: BTreeSet<String>,
    /// Fields with values that became null, or of which part was replaced; and how many values.
    pub nulled: BTreeSet<String>,
    pub values_nulled: u64,
    /// What children are asked for with.
    pub bound: Vec<(usize, Vec<String>)>,
    /// The cursor of the next page, and how many records the whole list has.
    pub after: Option<String>,
    pub total: Option<u64>,
}

impl Outcome {
    fn null(&mut self, path: &str) -> Tree {
        self.replaced(path);
        Tree::Null
    }

    fn replaced(&mut self, path: &str) {
        self.nulled.insert(path.to_owned());
        self.values_nulled += 1;
    }
}

type Fields = Vec<(Vec<u16>, Tree)>;

/// A text as it is meant: without NUL characters, and half of a surrogate pair is U+FFFD.
fn meant(units: &[u16]) -> String {
    String::from_utf16_lossy(&without_nul(units))
}

fn without_nul(units: &[u16]) -> Vec<u16> {
    units.iter().copied().filter(|unit| *unit != 0).collect()
}

/// The same of a name, which is not to become another one.
fn meant_name(units: &[u16]) -> String {
    let has_nul = units.contains(&0);
    meant(units) + if has_nul { "\u{fffd}" } else { "" }
}

fn has_half(units: &[u16]) -> bool {
    char::decode_utf16(without_nul(units)).any(|unit| unit.is_err())
}

/// All values of that name.
fn named<'t>(fields: &'t Fields, wanted: &str) -> Vec<&'t Tree> {
    let is_it = |(name, _): &&(Vec<u16>, Tree)| meant_name(name) == wanted;
    fields.iter().filter(is_it).map(|(_, value)| value).collect()
}

/// Where a pointer leads; of several of one name, the last counts.
fn at<'t>(tree: &'t Tree, pointer: &str) -> Option<&'t Tree> {
    pointer.split('/').skip(1).try_fold(tree, |tree, name| match tree {
        Tree::Object(fields) => named(fields, name).pop(),
        _ => None,
    })
}

/// What something is called: a text that is not empty, or a number.
fn word(tree: &Tree) -> Option<String> {
    let word = match tree {
        Tree::Text(units) => meant(units),
        Tree::Number(number) => number.clone(),
        _ => return None,
    };
    (!word.is_empty()).then_some(word)
}

impl Reading<'_> {
    /// What comes out, or why nothing does.
    pub fn of(&self, body: &Tree) -> Result<Outcome, String> {
        let mut outcome = Outcome::default();
        self.paging(body, &mut outcome)?;
        match self.stream.shape {
            Shape::Body => self.record(body, (body, ""), &mut outcome)?,
            Shape::Object(name) => self.record(only(body, name)?, (body, ""), &mut outcome)?,
            Shape::List(name) => self.list(only(body, name)?, (body, ""), &mut outcome)?,
            Shape::Bare(names) => {
                let mut lists = names.iter().filter_map(|name| only(body, name).ok());
                let list = match body {
                    Tree::List(_) | Tree::Null => Some(body),
                    _ => lists.next().filter(|_| lists.next().is_none()),
                };
                self.list(list.ok_or("not one list")?, (body, ""), &mut outcome)?;
            }
            Shape::Lists(name, lists) => match only(body, name)? {
                Tree::Null => {}
                Tree::Object(fields) => {
                    for (list, records) in fields {
                        let list = meant_name(list);
                        if lists.contains(&list.as_str()) {
                            self.list(records, (body, &list), &mut outcome)?;
                        } else {
                            outcome.unknown.insert(list);
                        }
                    }
                    lists.iter().try_for_each(|list| only(only(body, name)?, list).map(drop))?;
                }
                _ => return Err(format!("`{name}` is no object")),
            },
        }
        Ok(outcome)
    }

    /// What stands beside the records of how the list goes on.
    fn paging(&self, body: &Tree, outcome: &mut Outcome) -> Result<(), String> {
        let paging = self.stream.source.paging;
        let (Tree::Object(fields), Some(name)) = (body, paging.beside()) else { return Ok(()) };
        if self.stream.shape == Shape::Body {
            return Ok(());
        }
        let value = match named(fields, name)[..] {
            [] => return Ok(()),
            [value] => value,
            _ => return Err(format!("`{name}` twice")),
        };
        let count = |value: &Tree| match value {
            Tree::Number(number) => number.parse().ok(),
            _ => None,
        };
        match (paging, value) {
            (Paging::Offset { .. }, value) => outcome.total = count(value),
            (_, Tree::Null) => {}
            (Paging::Cursor { after, total, .. }, Tree::Object(fields)) => {
                outcome.total = named(fields, total).pop().and_then(count);
                outcome.after = match named(fields, after)[..] {
                    [] | [Tree::Null] => None,
                    [Tree::Text(units)] => Some(meant(units)).filter(|after| !after.is_empty()),
                    _ => return Err("no cursor".into()),
                };
            }
            _ => return Err(format!("`{name}` is no object")),
        }
        Ok(())
    }

    fn list(
        &self,
        list: &Tree,
        around: (&Tree, &str),
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        match list {
            Tree::Null => Ok(()),
            Tree::List(records) => {
                records.iter().try_for_each(|record| self.record(record, around, outcome))
            }
            _ => Err("no list".into()),
        }
    }

    /// `around` is the whole body and the name of the list.
    fn record(
        &self,
        record: &Tree,
        around: (&Tree, &str),
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let Tree::Object(sent) = record else { return Err("no object".into()) };
        let mut fields = object(&self.unkept(sent), [self.schema, self.known], "", outcome);
        for (name, property) in self.schema["properties"].as_object().unwrap() {
            match named(sent, name).len() {
                0 => {
                    let number = outcome.records.len();
                    let added = self.column(name, record, around, number).unwrap_or(Tree::Null);
                    let value = fitted(&added, [property, property], name, outcome);
                    fields.push((units(name), value));
                }
                1 => {}
                _ => return Err(format!("{name} twice")),
            }
        }
        for key in self.stream.key {
            if [Tree::Null, Tree::text("")].contains(named(&fields, key)[0]) {
                return Err(format!("no {key}"));
            }
        }
        self.of_its_parent(sent)?;
        self.bind(record, around, outcome)?;
        outcome.unknown.retain(|name| !self.is_read_otherwise(name));
        outcome.records.push(Tree::Object(fields));
        Ok(())
    }

    /// The record without values that do not fit, and that another column has.
    fn unkept(&self, sent: &Fields) -> Fields {
        let mut fields = sent.clone();
        for column in self.stream.columns {
            let Origin::Record([[pointer]]) = column.source else { continue };
            for (name, value) in &mut fields {
                let is_it = format!("/{}", meant_name(name)) == *pointer;
                let property = &self.schema["properties"][&pointer[1..]];
                if is_it && property.is_object() && !takes(property, value) {
                    *value = Tree::Null;
                }
            }
        }
        fields
    }

    /// Refuses a record that says that it is another parent's. Below an incident, records of its
    /// sub-incidents are its own, too.
    fn of_its_parent(&self, sent: &Fields) -> Result<(), String> {
        let Some(parent) = self.stream.parents.first() else { return Ok(()) };
        for binding in parent.bindings.iter().filter(|binding| binding.is_asked) {
            let parameter = binding.parameter;
            let asked = [Origin::Parent(parameter), Origin::ParentNumber(parameter)];
            let columns = self.stream.columns.iter();
            let columns = columns.filter(|column| asked.contains(&column.source));
            let bound = bound(self.stream, parameter);
            let mut names: Vec<&str> = columns.map(|column| column.name).collect();
            if !["id", "incident_id"].contains(&binding.parameter) {
                names.push(binding.parameter);
            }
            for name in names {
                match named(sent, name).pop() {
                    Some(Tree::Text(units)) if meant(units) != bound => {
                        return Err(format!("another parent's by {name}"));
                    }
                    Some(Tree::Number(number)) if bound == NUMBER && number != bound => {
                        return Err(format!("another parent's by {name}"));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether it is a field that children or added fields are made of.
    fn is_read_otherwise(&self, name: &str) -> bool {
        let pointers = self.stream.columns.iter().flat_map(|column| match column.source {
            Origin::Record(choices) => choices.concat(),
            _ => Vec::new(),
        });
        let parts = self.stream.columns.iter().flat_map(|column| match column.source {
            Origin::Parts(names) => names.to_vec(),
            _ => Vec::new(),
        });
        let of_columns = pointers.filter_map(|pointer| pointer.split('/').nth(1));
        let mut of_columns = of_columns.chain(parts);
        let mut of_children = self.feeds.iter().copied().flatten().map(|binding| binding.field);
        of_columns.any(|field| field == name) || of_children.any(|field| field == name)
    }

    /// What is filled in where the record has no such field.
    fn column(
        &self,
        name: &str,
        record: &Tree,
        (body, list): (&Tree, &str),
        number: usize,
    ) -> Option<Tree> {
        let column = self.stream.columns.iter().find(|column| column.name == name)?;
        match column.source {
            // Of a whole list nobody knows the parents.
            Origin::ParentTime(_) if self.stream.parents.is_empty() => None,
            Origin::Parent(parameter) | Origin::ParentTime(parameter) => {
                Some(Tree::text(bound(self.stream, parameter)))
            }
            Origin::ParentNumber(parameter) => {
                Some(Tree::Number(bound(self.stream, parameter).to_owned()))
            }
            Origin::Setting(_) => Some(Tree::text(SETTING)),
            Origin::ReadAt => Some(Tree::text(READ_AT)),
            Origin::Parts(names) => {
                let Tree::Object(sent) = record else { return None };
                let part = |name: &&str| match named(sent, name).pop() {
                    Some(Tree::Text(units)) => Value::from(meant(units)).to_string(),
                    Some(Tree::Number(number)) => number.clone(),
                    _ => "null".to_owned(),
                };
                let parts = names.iter().map(part).collect::<Vec<_>>();
                Some(Tree::text(&format!("[{}]", parts.join(","))))
            }
            Origin::ListName => Some(Tree::text(list)),
            Origin::Position => Some(Tree::Number(number.to_string())),
            Origin::WindowStart => self.window.map(|(start, _)| Tree::text(start)),
            Origin::WindowEnd => self.window.map(|(_, end)| Tree::text(end)),
            Origin::Beside(pointer) => at(body, pointer).cloned(),
            Origin::Record(choices) => choices.iter().find_map(|parts| {
                let part = |pointer: &&str| at(record, pointer).and_then(word).unwrap_or_default();
                let parts = parts.iter().map(part).collect::<Vec<_>>();
                let has_any = parts.iter().any(|part| !part.is_empty());
                has_any.then(|| Tree::text(&parts.join(":")))
            }),
        }
    }

    /// What the record gives to the stream's children: all combinations of what is taken from it.
    fn bind(
        &self,
        record: &Tree,
        around: (&Tree, &str),
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let Tree::Object(sent) = record else { return Ok(()) };
        for (feed, bindings) in self.feeds.iter().enumerate() {
            let mut combinations = vec![Vec::new()];
            for binding in *bindings {
                let number = outcome.records.len();
                let field = named(sent, binding.field).pop().cloned();
                let field = field.or_else(|| self.column(binding.field, record, around, number));
                let mut values = taken(&field.unwrap_or(Tree::Null), binding.take);
                if values.is_empty() && !binding.is_asked {
                    values.push(String::new());
                }
                let with = |known: &Vec<String>| {
                    let known = known.clone();
                    values.iter().map(move |value| [known.clone(), vec![value.clone()]].concat())
                };
                combinations = combinations.iter().flat_map(with).collect();
            }
            if combinations.is_empty() && bindings.iter().all(|one| one.take == Take::Itself) {
                return Err("nothing for its children".into());
            }
            outcome.bound.extend(combinations.into_iter().map(|values| (feed, values)));
        }
        Ok(())
    }
}

/// The one value of that name.
fn only<'t>(body: &'t Tree, name: &str) -> Result<&'t Tree, String> {
    let Tree::Object(fields) = body else { return Err("no object".into()) };
    match named(fields, name)[..] {
        [value] => Ok(value),
        _ => Err(format!("not one `{name}`")),
    }
}

/// The fields of an object that are announced. Of the two schemas one is that, the other has what is
/// left out in silence too.
fn object(
    sent: &Fields,
    [schema, known]: [&Value; 2],
    path: &str,
    outcome: &mut Outcome,
) -> Fields {
    let property = |schema: &Value, name: &str| schema["properties"].get(name).cloned();
    let mut fields = Vec::new();
    for (name, value) in sent {
        let name = meant_name(name);
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (property(schema, &name), property(known, &name)) {
            (Some(schema), known) => {
                let known = known.unwrap_or_else(|| schema.clone());
                fields.push((units(&name), fitted(value, [&schema, &known], &path, outcome)));
            }
            (None, Some(_)) => {}
            (None, None) => drop(outcome.unknown.insert(path)),
        }
    }
    fields
}

/// A value where it is of its column's types, and null where not.
fn fitted(value: &Tree, [schema, known]: [&Value; 2], path: &str, outcome: &mut Outcome) -> Tree {
    match (value, schema.get("properties"), schema.get("items")) {
        (Tree::Object(sent), Some(_), _) => {
            Tree::Object(object(sent, [schema, known], path, outcome))
        }
        (Tree::List(sent), _, Some(items)) => {
            let schemas = [items, known.get("items").unwrap_or(items)];
            Tree::List(sent.iter().map(|item| fitted(item, schemas, path, outcome)).collect())
        }
        _ if takes(schema, value) => mended(value, path, outcome),
        // It means that there is none.
        (Tree::Text(units), ..) if is_time(schema) && meant(units).is_empty() => Tree::Null,
        _ => outcome.null(path),
    }
}

fn takes(schema: &Value, value: &Tree) -> bool {
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        kind => vec![kind.clone()],
    };
    let has = |kind: &str| types.contains(&kind.into());
    match value {
        Tree::Null => true,
        Tree::Bool(_) => has("boolean"),
        Tree::Number(number) if has("number") => number.parse().is_ok_and(f64::is_finite),
        Tree::Number(number) => has("integer") && is_integer(number),
        Tree::Text(units) if is_time(schema) => is_rfc_3339(&meant(units)),
        Tree::Text(_) => has("string"),
        Tree::List(_) => has("array"),
        Tree::Object(_) => has("object"),
    }
}

fn is_time(schema: &Value) -> bool {
    schema.get("format").is_some()
}

/// Whether a number is whole and of 64 bits. Where it is not spelled as one, it is what a float is.
fn is_integer(number: &str) -> bool {
    if number.contains(['.', 'e', 'E']) {
        let number: f64 = number.parse().unwrap();
        number.fract() == 0.0 && number.abs() < 2_f64.powi(63)
    } else {
        number.parse::<i64>().is_ok()
    }
}

/// A value as every target reads it.
fn mended(value: &Tree, path: &str, outcome: &mut Outcome) -> Tree {
    match value {
        Tree::Text(text) => {
            if has_half(text) {
                outcome.replaced(path);
            }
            Tree::text(&meant(text))
        }
        Tree::Number(number) if !number.parse().is_ok_and(f64::is_finite) => outcome.null(path),
        Tree::List(items) => {
            Tree::List(items.iter().map(|item| mended(item, path, outcome)).collect())
        }
        Tree::Object(fields) => {
            let mut mend = |(name, value): &(Vec<u16>, Tree)| {
                if has_half(name) {
                    outcome.replaced(path);
                }
                (units(&meant_name(name)), mended(value, path, outcome))
            };
            Tree::Object(fields.iter().map(&mut mend).collect())
        }
        other => other.clone(),
    }
}

fn taken(tree: &Tree, which: Take) -> Vec<String> {
    match (which, tree) {
        (Take::Itself | Take::IfThere, value) => word(value).into_iter().collect(),
        (Take::Listed(name), value) => {
            let all = taken(value, name.map_or(Take::Itself, Take::Within));
            let mut once: Vec<String> = Vec::new();
            for text in all {
                if !once.contains(&text) {
                    once.push(text);
                }
            }
            if once.is_empty() { Vec::new() } else { vec![Value::from(once).to_string()] }
        }
        (Take::Each, Tree::List(items)) => items.iter().filter_map(word).collect(),
        (Take::Within(wanted), Tree::Object(fields)) => {
            let value = |(name, value): &(Vec<u16>, Tree)| {
                taken(value, if meant_name(name) == wanted { Take::Itself } else { which })
            };
            fields.iter().flat_map(value).collect()
        }
        (Take::Within(_), Tree::List(items)) => {
            items.iter().flat_map(|item| taken(item, which)).collect()
        }
        _ => Vec::new(),
    }
}
