//! The JSON around the records, in each of the shapes that the API has.

use super::draft::Draft;
use crate::json::{self, Flaw, Parser, entries, unescaped};
use crate::source::Paging;
use crate::source::stream::Shape;

/// So many characters of a value that is no cursor are shown.
const SHOWN: usize = 60;

impl Draft<'_> {
    /// Reads a whole body.
    pub(super) fn body(&mut self, parser: &mut Parser) -> Result<(), Flaw> {
        match self.reader.shape {
            Shape::Body => self.record(parser)?,
            Shape::Bare(_) if matches!(parser.peek(), Some(b'[' | b'n')) => {
                self.records(parser, "it")?;
            }
            Shape::Bare(fields) => self.envelope(parser, fields)?,
            Shape::List(field) | Shape::Object(field) | Shape::Lists(field, _) => {
                self.envelope(parser, &[field])?;
            }
        }
        parser.end()
    }

    /// The object around the records, which are in one of `fields`.
    fn envelope(&mut self, parser: &mut Parser, fields: &[&str]) -> Result<(), Flaw> {
        open(parser, b'{', "it is no object around the records")?;
        let paging = self.reader.stream.source.paging;
        let (mut field, mut has_paging) = (None, false);
        let mut is_more = parser.first(b'}');
        while is_more {
            let name = unescaped(parser.name()?);
            if fields.contains(&name.as_ref()) {
                // Whichever of two was taken, the other one would be lost.
                match field.replace(name.clone()) {
                    Some(known) if known == name => return Err(twice(&name)),
                    Some(known) => {
                        return Err(Flaw::contract(format!("it has both `{known}` and `{name}`")));
                    }
                    None => {}
                }
                match self.reader.shape {
                    Shape::Lists(_, lists) => self.lists(parser, &name, lists)?,
                    Shape::List(_) | Shape::Bare(_) => self.records(parser, &name)?,
                    Shape::Object(_) | Shape::Body => self.record(parser)?,
                }
            } else if paging.beside() == Some(name.as_ref()) {
                if std::mem::replace(&mut has_paging, true) {
                    return Err(twice(&name));
                }
                self.paging(paging, parser.value()?)?;
            } else {
                parser.skip()?;
            }
            is_more = parser.more(b'}')?;
        }
        if field.is_some() {
            return Ok(());
        }
        let names = fields.join("` or `");
        Err(Flaw::contract(match self.reader.shape {
            Shape::Bare(_) => format!("it is no list, and has no `{names}`"),
            _ => format!("it has no `{names}`"),
        }))
    }

    /// What is said of the next page and of the whole list.
    fn paging(&mut self, paging: Paging, text: &str) -> Result<(), Flaw> {
        // A total is only a hint: where it is no number, there is none.
        let (object, after, total) = match paging {
            Paging::Cursor { object, after, total, .. } => (object, after, total),
            Paging::Offset { .. } => {
                self.page.total = text.parse().ok();
                return Ok(());
            }
            Paging::None => return Ok(()),
        };
        if text == "null" {
            return Ok(());
        }
        if !text.starts_with('{') {
            return Err(Flaw::contract(format!("`{object}` is no object")));
        }
        let mut cursor = None;
        for (name, value) in entries(text) {
            if name == after && cursor.replace(value).is_some() {
                return Err(Flaw::contract(format!("`{object}` has `{after}` twice")));
            }
            if name == total {
                self.page.total = value.parse().ok();
            }
        }
        match cursor.map(|value| (value, json::text(value))) {
            None | Some(("null", _)) => {}
            Some((_, Some(cursor))) => {
                self.page.after = Some(cursor.into_owned()).filter(|cursor| !cursor.is_empty());
            }
            Some((value, None)) => {
                let shown = value.chars().take(SHOWN).collect::<String>();
                return Err(Flaw::contract(format!("`{object}` has {shown} for `{after}`")));
            }
        }
        Ok(())
    }

    /// An object of several lists.
    fn lists(
        &mut self,
        parser: &mut Parser,
        field: &str,
        lists: &'static [&'static str],
    ) -> Result<(), Flaw> {
        if is_null(parser)? {
            return Ok(());
        }
        open(parser, b'{', &format!("`{field}` is no object with the lists {}", lists.join(", ")))?;
        let mut missing = lists.to_vec();
        let mut is_more = parser.first(b'}');
        while is_more {
            let name = unescaped(parser.name()?);
            if let Some(place) = missing.iter().position(|list| *list == name) {
                missing.remove(place);
                self.columns.enter(&name);
                self.records(parser, &name)?;
            } else if lists.contains(&name.as_ref()) {
                return Err(Flaw::contract(format!("`{field}` has `{name}` twice")));
            } else {
                parser.skip()?;
                self.written.unknown.insert(name.into_owned());
            }
            is_more = parser.more(b'}')?;
        }
        let missing = missing.first();
        missing.map_or(Ok(()), |list| Err(Flaw::contract(format!("it has no `{list}`"))))
    }

    /// A list of records.
    fn records(&mut self, parser: &mut Parser, name: &str) -> Result<(), Flaw> {
        if is_null(parser)? {
            return Ok(());
        }
        open(parser, b'[', &format!("`{name}` is no list of records"))?;
        let mut is_more = parser.first(b']');
        while is_more {
            self.record(parser)?;
            is_more = parser.more(b']')?;
        }
        Ok(())
    }

    /// One record.
    fn record(&mut self, parser: &mut Parser) -> Result<(), Flaw> {
        let Self { reader, columns, written, page, .. } = self;
        page.received += 1;
        written
            .record(parser, &reader.projection, &|position, written| {
                columns.fill(position, written)
            })
            .and_then(|()| self.finish().map_err(Flaw::contract))
            .map_err(|flaw| flaw.of_record(self.page.received))
    }
}

fn twice(name: &str) -> Flaw {
    Flaw::contract(format!("it has `{name}` twice"))
}

/// Whether null comes where a list belongs: the API is written in Go, where an empty one is null.
fn is_null(parser: &mut Parser) -> Result<bool, Flaw> {
    let is_null = parser.peek() == Some(b'n');
    if is_null {
        parser.skip()?;
    }
    Ok(is_null)
}

/// Enters an object or a list, or says what else came, unless it is no JSON.
fn open(parser: &mut Parser, bracket: u8, otherwise: &str) -> Result<(), Flaw> {
    if parser.open(bracket)? {
        return Ok(());
    }
    parser.skip()?;
    Err(Flaw::contract(otherwise))
}
