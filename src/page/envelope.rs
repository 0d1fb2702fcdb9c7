//! The JSON around the records, in each of the shapes that the API has.

use serde::Deserialize;

use super::draft::Draft;
use crate::json::{Flaw, Parser};
use crate::stream::Shape;

#[derive(Deserialize)]
struct PaginationMeta {
    after: Option<String>,
    total_record_count: Option<u64>,
}

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
        let mut is_missing = true;
        let mut is_more = parser.first(b'}');
        while is_more {
            let name = parser.name()?;
            if name == field && is_missing {
                is_missing = false;
                match self.reader.shape {
                    Shape::Lists(_, lists) => self.lists(parser, field, lists)?,
                    Shape::List(_) => self.records(parser, field)?,
                    Shape::Object(_) | Shape::Body => self.record(parser)?,
                }
            } else if name == "pagination_meta" {
                let meta = serde_json::from_str::<Option<PaginationMeta>>(parser.value()?);
                let meta = meta.map_err(|error| Flaw::contract(format!("`{name}`: {error}")))?;
                self.page.total = meta.as_ref().and_then(|meta| meta.total_record_count);
                self.page.after =
                    meta.and_then(|meta| meta.after).filter(|after| !after.is_empty());
            } else {
                parser.skip()?;
            }
            is_more = parser.more(b'}')?;
        }
        if is_missing { Err(Flaw::contract(format!("it has no `{field}`"))) } else { Ok(()) }
    }

    /// An object of several lists.
    fn lists(
        &mut self,
        parser: &mut Parser,
        field: &str,
        lists: &'static [&'static str],
    ) -> Result<(), Flaw> {
        open(parser, b'{', &format!("`{field}` is no object with the lists {}", lists.join(", ")))?;
        let mut missing = lists.to_vec();
        let mut is_more = parser.first(b'}');
        while is_more {
            let name = parser.name()?;
            if lists.contains(&name) {
                missing.retain(|list| *list != name);
                self.columns.enter(name);
                self.records(parser, name)?;
            } else {
                parser.skip()?;
                self.written.unknown.insert(name.to_owned());
            }
            is_more = parser.more(b'}')?;
        }
        let missing = missing.first();
        missing.map_or(Ok(()), |list| Err(Flaw::contract(format!("it has no `{list}`"))))
    }

    /// A list of records.
    fn records(&mut self, parser: &mut Parser, name: &str) -> Result<(), Flaw> {
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

/// Enters an object or a list, or says what else came, unless it is no JSON.
fn open(parser: &mut Parser, bracket: u8, otherwise: &str) -> Result<(), Flaw> {
    if parser.open(bracket)? {
        return Ok(());
    }
    parser.skip()?;
    Err(Flaw::contract(otherwise))
}
