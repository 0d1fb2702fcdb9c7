//! The JSON around the records, in each of the shapes that the API has.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Lines;
use crate::record::{RecordSeed, Written};
use crate::stream::Shape;

/// One record.
pub(super) struct Record<'a, 'b>(pub(super) &'a mut Lines<'b>);

impl<'de> DeserializeSeed<'de> for Record<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let lines = self.0;
        let start = lines.written.out.len();
        lines.written.out.extend_from_slice(lines.frame.0.as_bytes());
        let columns = &lines.columns;
        let fill = |position, written: &Written| columns.fill(position, written);
        let projection = &lines.reader.projection;
        RecordSeed { projection, written: &mut lines.written, fill: &fill }
            .deserialize(deserializer)?;
        lines.finish(start).map_err(D::Error::custom)
    }
}

/// The object around the records.
pub(super) struct Envelope<'a, 'b>(pub(super) &'a mut Lines<'b>);

#[derive(Deserialize)]
struct PaginationMeta {
    after: Option<String>,
    total_record_count: Option<u64>,
}

impl<'de> DeserializeSeed<'de> for Envelope<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object around the records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let lines = self.0;
        let mut missing = match lines.reader.shape {
            Shape::List(field) | Shape::Object(field) | Shape::Lists(field, _) => Some(field),
            Shape::Body => None,
        };
        while let Some(name) = map.next_key::<String>()? {
            if missing == Some(name.as_str()) {
                missing = None;
                match lines.reader.shape {
                    Shape::Lists(_, lists) => map.next_value_seed(ListsOf { lines, lists })?,
                    Shape::List(_) => map.next_value_seed(Records(lines))?,
                    Shape::Object(_) | Shape::Body => map.next_value_seed(Record(lines))?,
                }
            } else if name == "pagination_meta" {
                let meta = map.next_value::<Option<PaginationMeta>>()?;
                lines.page.total = meta.as_ref().and_then(|meta| meta.total_record_count);
                lines.page.after =
                    meta.and_then(|meta| meta.after).filter(|after| !after.is_empty());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        missing.map_or(Ok(()), |field| Err(A::Error::custom(format!("it has no `{field}`"))))
    }
}

/// An object of several lists.
struct ListsOf<'a, 'b> {
    lines: &'a mut Lines<'b>,
    lists: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for ListsOf<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListsOf<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the lists {}", self.lists.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut missing = self.lists.to_vec();
        while let Some(name) = map.next_key::<String>()? {
            if self.lists.contains(&name.as_str()) {
                missing.retain(|list| *list != name);
                self.lines.columns.enter(&name);
                map.next_value_seed(Records(self.lines))?;
            } else {
                map.next_value::<IgnoredAny>()?;
                self.lines.written.unknown.insert(name);
            }
        }
        missing.first().map_or(Ok(()), |list| Err(A::Error::custom(format!("it has no `{list}`"))))
    }
}

/// A list of records.
struct Records<'a, 'b>(&'a mut Lines<'b>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Record(self.0))?.is_some() {}
        Ok(())
    }
}
