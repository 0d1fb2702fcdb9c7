//! The JSON around the records, in each of the shapes that the API has.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::draft::Draft;
use crate::json::{Flaw, Parser, unescaped};
use crate::source::stream::Shape;

#[derive(Deserialize)]
struct PaginationMeta<'a> {
    after: Option<String>,
    /// Only a hint: where it is no number, there is none.
    #[serde(borrow)]
    total_record_count: Option<&'a RawValue>,
}

/// The paging object's name.
const PAGINATION_META: &str = "pagination_meta";

impl Draft<'_> {
    /// Reads a whole body.
    pub(super) fn body(&mut self, parser: &mut Parser) -> Result<(), Flaw> {
        match self.reader.shape {
            Shape::Body => self.record(parser)?,
            Shape::List(field) | Shape::Object(field) | Shape::Lists(field, _) => {
                self.envelope(parser, field)?;
            }
        }
        parser.end()
    }

    /// The object around the records, which are in `field`.
    fn envelope(&mut self, parser: &mut Parser, field: &str) -> Result<(), Flaw> {
        open(parser, b'{', "it is no object around the records")?;
        let mut seen = Vec::new();
        let mut is_more = parser.first(b'}');
        while is_more {
            let name = unescaped(parser.name()?);
            // Whichever of two was taken, the other one would be lost.
            if name == field || name == PAGINATION_META {
                if seen.contains(&name) {
                    return Err(Flaw::contract(format!("it has `{name}` twice")));
                }
                seen.push(name.clone());
            }
            if name == field {
                match self.reader.shape {
                    Shape::Lists(_, lists) => self.lists(parser, field, lists)?,
                    Shape::List(_) => self.records(parser, field)?,
                    Shape::Object(_) | Shape::Body => self.record(parser)?,
                }
            } else if name == PAGINATION_META {
                self.paging(parser.value()?)?;
            } else {
                parser.skip()?;
            }
            is_more = parser.more(b'}')?;
        }
        let is_missing = !seen.iter().any(|name| name == field);
        if is_missing { Err(Flaw::contract(format!("it has no `{field}`"))) } else { Ok(()) }
    }

    /// What is said of the next page and of the whole list.
    fn paging(&mut self, text: &str) -> Result<(), Flaw> {
        // A list would be read as the fields of the object, one after the other.
        if text.starts_with('[') {
            return Err(Flaw::contract(format!("`{PAGINATION_META}` is no object")));
        }
        let meta = serde_json::from_str::<Option<PaginationMeta>>(text)
            .map_err(|error| Flaw::contract(format!("`{PAGINATION_META}`: {error}")))?;
        let Some(PaginationMeta { after, total_record_count }) = meta else { return Ok(()) };
        self.page.total = total_record_count.and_then(|total| total.get().parse().ok());
        self.page.after = after.filter(|after| !after.is_empty());
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
