//! A record as the API sent it becomes the selected fields as text, in one pass without a tree.
//! Objects that the schema knows are walked; what is kept is copied as the text it is, in pieces as
//! long as they come, so that every number arrives as it was sent.

pub mod lines;
pub mod bindings;
mod leaf;
mod projection;
mod replace;
pub mod columns;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use self::leaf::Fit;
pub use self::projection::Projection;
use self::projection::{Field, Fields, Node};
use crate::json::tidy::Tidy;
use crate::json::{Flaw, Parser, unescaped};

/// Where records are written to, and what was noticed on the way.
#[derive(Debug)]
pub struct Written<'a> {
    /// The text of the record written last.
    pub out: Vec<u8>,
    /// Paths of fields that the schema does not know.
    pub unknown: BTreeSet<String>,
    /// Paths of values that were replaced by null, or in part.
    pub nulled: BTreeSet<String>,
    /// How many values those were.
    pub values_nulled: u64,
    /// What was replaced in the record written last, nulls in silence too: where it is in `text`, and
    /// where in `out` what stands for it is.
    replaced: Vec<(Range<usize>, Range<usize>)>,
    /// What the records are read from.
    text: &'a str,
    /// Where in `text` the piece begins that is to be copied next.
    pending: usize,
    /// Where the fields of the record written last are.
    texts: Vec<FieldText>,
    /// For each known field, which one came after it last time. Records of a list have their fields
    /// in one order, so that a name is mostly compared and not looked up.
    next: Vec<usize>,
    /// The path of a field; its memory is kept.
    path: String,
}

/// Where the value of a field of the record is.
#[derive(Debug, Clone)]
enum FieldText {
    Missing,
    /// Sent, here in the text.
    Sent(Range<usize>),
    /// Filled in, here in what was written.
    Filled(Range<usize>),
}

/// How many fields may be missing where their order says they are next, before a name is looked up.
const HOPS: usize = 4;

/// Values for fields that a record has none of: by position, as JSON.
pub type Fill<'a> = dyn Fn(usize, &Written) -> Option<Cow<'a, str>> + 'a;

impl<'a> Written<'a> {
    /// For records in `text`.
    #[must_use]
    pub fn new(text: &'a Tidy, projection: &Projection) -> Self {
        let text = text.as_str();
        Self {
            out: Vec::new(),
            unknown: BTreeSet::new(),
            nulled: BTreeSet::new(),
            values_nulled: 0,
            replaced: Vec::new(),
            text,
            pending: 0,
            texts: Vec::new(),
            next: vec![0; projection.slots],
            path: String::new(),
        }
    }

    /// The text of a field of the record written last, by its [`Projection::position`]; of those
    /// that were filled in, too.
    #[must_use]
    pub fn field(&self, position: usize) -> Option<&str> {
        let written = match self.texts.get(position)? {
            FieldText::Missing => return None,
            FieldText::Filled(range) => range,
            FieldText::Sent(range) => match self.replaced.iter().find(|(sent, _)| sent == range) {
                Some((_, other)) => other,
                None => return self.text.get(range.clone()),
            },
        };
        std::str::from_utf8(self.out.get(written.clone())?).ok()
    }

    /// The text of a field as the record written last was sent, whether it is selected or not.
    #[must_use]
    pub fn captured(&self, position: usize) -> Option<&str> {
        match self.texts.get(position)? {
            FieldText::Sent(range) => self.text.get(range.clone()),
            FieldText::Missing | FieldText::Filled(_) => None,
        }
    }

    /// Reads a record and writes what `projection` keeps of it, with `fill` for what it lacks.
    ///
    /// # Errors
    /// [`Problem::Contract`](crate::json::Problem::Contract) where it is no object, or has a field twice.
    pub fn record(
        &mut self,
        parser: &mut Parser,
        projection: &Projection,
        fill: &Fill,
    ) -> Result<(), Flaw> {
        let Projection { fields, .. } = projection;
        self.out.clear();
        self.replaced.clear();
        self.texts.clear();
        self.texts.resize(fields.list.len(), FieldText::Missing);
        parser.peek();
        self.pending = parser.at();
        if !parser.open(b'{')? {
            // It may be no JSON at all.
            parser.skip()?;
            return Err(Flaw::contract("is no object"));
        }
        let mut has_none = self.walk(parser, fields, true)?;
        let end = parser.at() - 1;
        self.leave_out(end..end);
        // A target's table has every selected column, so each record has them too.
        for (index, field) in fields.list.iter().enumerate() {
            if matches!(self.texts.get(index), Some(FieldText::Missing)) && !field.is_dropped() {
                self.push(if std::mem::replace(&mut has_none, false) { "" } else { "," });
                self.push(field.label.as_str());
                let start = self.out.len();
                let filled = fill(index, self).unwrap_or("null".into());
                let fit = field.node.fit(&filled);
                self.push(if fit == Fit::Good { &filled } else { "null" });
                self.note_nulled(field, u64::from(fit == Fit::Bad));
                if let Some(place) = self.texts.get_mut(index) {
                    *place = FieldText::Filled(start..self.out.len());
                }
            }
        }
        self.push("}");
        Ok(())
    }

    /// Reads the entries of an object and leaves out what is not kept; whether it kept none.
    fn walk(
        &mut self,
        parser: &mut Parser,
        fields: &Fields,
        is_record: bool,
    ) -> Result<bool, Flaw> {
        let mut has_none = true;
        let mut slot = fields.first_slot;
        let mut is_more = parser.first(b'}');
        while is_more {
            let start = parser.at();
            let known = self.name(parser, fields, &mut slot)?;
            parser.peek();
            let value = parser.at();
            let kept = known.filter(|(_, field)| !field.is_dropped());
            match kept {
                Some((_, field)) => self.value(parser, &field.node, field)?,
                None => parser.skip()?,
            }
            let end = parser.at();
            if is_record && let Some((index, field)) = known {
                self.place(index, field, value..end)?;
            }
            is_more = parser.more(b'}')?;
            if kept.is_some() {
                has_none = false;
            } else if has_none {
                // With the comma after it, so that none is the first thing in the object.
                self.leave_out(start..if is_more { parser.at() } else { end });
            } else {
                self.leave_out(start - 1..end);
            }
        }
        Ok(has_none)
    }

    /// Reads the name of an entry: a known field, or a note of what is not known.
    #[inline]
    fn name<'f>(
        &mut self,
        parser: &mut Parser,
        fields: &'f Fields,
        slot: &mut usize,
    ) -> Result<Option<(usize, &'f Field)>, Flaw> {
        let likely = self.next.get(*slot).copied().unwrap_or_default();
        if let Some(field) = fields.list.get(likely)
            && parser.name_if(&field.label)
        {
            *slot = fields.first_slot + likely + 1;
            return Ok(Some((likely, field)));
        }
        self.unexpected_name(parser, fields, slot)
    }

    /// The same for one that is not the expected one.
    #[inline(never)]
    fn unexpected_name<'f>(
        &mut self,
        parser: &mut Parser,
        fields: &'f Fields,
        slot: &mut usize,
    ) -> Result<Option<(usize, &'f Field)>, Flaw> {
        parser.peek();
        let mut after = *slot;
        for _ in 0..HOPS {
            let likely = self.next.get(after).copied().unwrap_or_default();
            let Some(field) = fields.list.get(likely) else { break };
            after = fields.first_slot + likely + 1;
            if parser.name_if(&field.label) {
                *slot = after;
                return Ok(Some((likely, field)));
            }
        }
        let mut found = fields.list.iter().position(|field| parser.name_if(&field.label));
        if found.is_none() {
            // It may have escapes, or a blank before its colon.
            let start = parser.at() + 1;
            let name = parser.name()?;
            found = fields.named(name);
            match found.and_then(|index| fields.list.get(index)) {
                None => self.note(fields, name),
                Some(field) if parser.odd_at() > start && !field.is_dropped() => {
                    self.replace(start..start + name.len(), field.label.name());
                }
                Some(_) => {}
            }
        }
        let Some(index) = found else { return Ok(None) };
        if let Some(next) = self.next.get_mut(*slot) {
            *next = index;
        }
        *slot = fields.first_slot + index + 1;
        Ok(fields.list.get(index).map(|field| (index, field)))
    }

    fn note(&mut self, fields: &Fields, name: &str) {
        self.path.clear();
        self.path.push_str(&fields.path);
        self.path.push_str(if fields.path.is_empty() { "" } else { "." });
        self.path.push_str(&unescaped(name));
        if !self.unknown.contains(&self.path) {
            self.unknown.insert(self.path.clone());
        }
    }

    /// Reads a value that is kept. One that does not fit its column becomes null: targets die of it.
    #[inline]
    fn value(&mut self, parser: &mut Parser, node: &Node, field: &Field) -> Result<(), Flaw> {
        match node {
            // Most values are texts.
            Node::Copied(leaf) if leaf.takes_all(b'"') && parser.short_string() => Ok(()),
            Node::Object(fields, _) if parser.open(b'{')? => {
                self.walk(parser, fields, false).map(drop)
            }
            _ => self.other_value(parser, node, field),
        }
    }

    /// The same for all but short texts and objects. Kept apart, so that those take little.
    #[inline(never)]
    fn other_value(&mut self, parser: &mut Parser, node: &Node, field: &Field) -> Result<(), Flaw> {
        match node {
            Node::List(items, _) if parser.open(b'[')? => {
                let mut is_more = parser.first(b']');
                while is_more {
                    parser.peek();
                    self.value(parser, items, field)?;
                    is_more = parser.more(b']')?;
                }
            }
            Node::Object(_, leaf) | Node::List(_, leaf) | Node::Copied(leaf) => {
                let (first, start) = (parser.peek().unwrap_or_default(), parser.at());
                if let Some(length) = leaf.usual_time(parser.unread()) {
                    parser.pass(length);
                    return Ok(());
                }
                parser.skip_other()?;
                let is_odd = parser.odd_at() > start;
                let has_fraction = parser.fraction_at() > start;
                if is_odd || !leaf.takes_all(first) || (has_fraction && !leaf.takes_fractions()) {
                    self.check(*leaf, start..parser.at(), is_odd, field);
                }
            }
            Node::Dropped => parser.skip()?,
        }
        Ok(())
    }

    /// Notes where a field of the record itself is.
    fn place(&mut self, index: usize, field: &Field, sent: Range<usize>) -> Result<(), Flaw> {
        match self.texts.get_mut(index) {
            Some(place @ FieldText::Missing) => *place = FieldText::Sent(sent),
            // Other fields may be made of it: the last counts, as most readers have it.
            Some(place) if field.is_dropped() => *place = FieldText::Sent(sent),
            _ => return Err(Flaw::contract(format!("has the field `{}` twice", field.path))),
        }
        Ok(())
    }

    /// Copies what is pending before a piece of the text, and not the piece.
    fn leave_out(&mut self, piece: Range<usize>) {
        let kept = self.text.get(self.pending..piece.start).unwrap_or_default();
        self.out.extend_from_slice(kept.as_bytes());
        self.pending = piece.end;
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is kept of these records where all but `x` is selected, `o` a known object.
    fn kept(records: &[&str]) -> Vec<String> {
        let inner = json!({"properties": {"a": {}, "b": {}}});
        let known = json!({"properties": {"x": {}, "a": {}, "o": inner, "l": {"items": inner}}});
        let mut selected = known.clone();
        selected["properties"].as_object_mut().unwrap().remove("x");
        let projection = Projection::new(&selected, &known, &Value::Null);
        let text = records.concat();
        let text = Tidy::new(&text).unwrap();
        let (mut written, mut parser) = (Written::new(&text, &projection), Parser::new(&text));
        let kept = |_: &&str| {
            written.record(&mut parser, &projection, &|_, _| None).unwrap();
            let kept = String::from_utf8(written.out.clone()).unwrap();
            assert!(serde_json::from_str::<serde_json::Value>(&kept).is_ok(), "{kept}");
            kept.replace(",\"o\":null", "").replace(",\"l\":null", "")
        };
        records.iter().map(kept).collect()
    }

    #[test]
    fn what_is_left_out_takes_one_comma_along() {
        for (record, expected) in [
            (r#"{"x":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":2,"x":1}"#, r#"{"a":2}"#),
            (r#"{"x":1,"y":1,"a":2,"x":1,"y":1}"#, r#"{"a":2}"#),
            (
                r#"{"a":2,"x":1,"o":{"y":1,"a":3,"z":{"b":1},"b":4}}"#,
                r#"{"a":2,"o":{"a":3,"b":4}}"#,
            ),
            (r#"{"a":2,"o":{"y":1}}"#, r#"{"a":2,"o":{}}"#),
            (r#"{"a":2,"o":{"y":1,"z":1}}"#, r#"{"a":2,"o":{}}"#),
            (r#"{"a":2,"l":[{"y":1},{"y":1,"b":3},{}]}"#, r#"{"a":2,"l":[{},{"b":3},{}]}"#),
            (r#"{ "x" : 1 , "a" : 2 , "y" : 3 }"#, r#"{  "a" : 2  }"#),
            (r#"{"x":1}"#, r#"{"a":null}"#),
            ("{}", r#"{"a":null}"#),
        ] {
            assert_eq!(kept(&[record]), [expected], "{record}");
        }
    }

    #[test]
    fn the_order_of_fields_may_change_from_record_to_record() {
        let records = [
            r#"{"a":1,"o":{"a":2,"b":3},"x":4}"#,
            r#"{"x":4,"o":{"b":3,"a":2},"a":1}"#,
            r#"{"o":{"b":3},"a":1}"#,
            r#"{"a":1,"o":{"a":2,"b":3},"x":4}"#,
        ];
        assert_eq!(
            kept(&records),
            [
                r#"{"a":1,"o":{"a":2,"b":3}}"#,
                r#"{"o":{"b":3,"a":2},"a":1}"#,
                r#"{"o":{"b":3},"a":1}"#,
                r#"{"a":1,"o":{"a":2,"b":3}}"#,
            ]
        );
    }

    #[test]
    fn a_name_with_escapes_is_the_name_it_stands_for() {
        assert_eq!(kept(&[r#"{"\u0061":1,"\u0078":2}"#]), [r#"{"\u0061":1}"#]);
    }
}
