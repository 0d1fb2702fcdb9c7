//! The rows of one endpoint in the order the API lists them. The template month is sorted once; a place in
//! years of history is found by counting and by binary search, without making the rows in between.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::month::{self, Month};
use super::row::Row;
use super::time;

/// What a list is sorted by; ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// As the file has them, for lists without paging.
    File,
    Id,
    Name,
    /// The timestamp under this property.
    Time(&'static str),
}

/// An order of the API: what it sorts by, and which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) is_newest_first: bool,
}

/// What rows are compared by. Rows without a timestamp count as the oldest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) time: i64,
    pub(crate) text: String,
}

/// A row's key and where it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    key: Key,
    index: usize,
}

/// Stored rows in order, and whether whole months of them may be put one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Sorted {
    places: Arc<Vec<Place>>,
    pub(crate) is_separable: bool,
}

impl Sorted {
    pub(crate) fn new(rows: &[Value], by: By) -> Self {
        let mut places: Vec<Place> = rows
            .iter()
            .enumerate()
            .map(|(index, stored)| Place { key: key_of(stored, by, index), index })
            .collect();
        places.sort_by(|left, right| left.key.cmp(&right.key));
        let is_separable = match by {
            By::File => true,
            By::Name => false,
            By::Id => places.iter().all(|place| month::is_template_id(&place.key.text)),
            By::Time(_) => places.iter().all(|place| month::is_in_template(place.key.time)),
        };
        Self { places: Arc::new(places), is_separable }
    }
}

/// How a template is repeated: `months` of them, the newest with number `newest`; the oldest month lacks
/// the first `cut` rows of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) months: usize,
    pub(crate) newest: usize,
    pub(crate) incidents: usize,
    pub(crate) cut: usize,
}

impl Calendar {
    /// The month at this index, 0 being the oldest.
    pub(crate) fn month(&self, index: usize) -> Month {
        let age = self.months.saturating_sub(index + 1);
        Month::new(self.newest.saturating_sub(age), age, self.months, self.incidents)
    }

    /// The index of the month with this number.
    pub(crate) fn index(&self, number: usize) -> Option<usize> {
        let age = self.newest.checked_sub(number)?;
        self.months.checked_sub(age + 1)
    }
}

/// The rows of an endpoint in order.
#[derive(Debug)]
pub(crate) struct Sequence {
    rows: Arc<Vec<Value>>,
    places: Arc<Vec<Place>>,
    oldest: Arc<Vec<Place>>,
    calendar: Option<Calendar>,
    order: Order,
}

impl Sequence {
    pub(crate) fn new(
        rows: Arc<Vec<Value>>,
        sorted: Sorted,
        calendar: Option<Calendar>,
        order: Order,
    ) -> Self {
        let oldest = match calendar {
            Some(Calendar { cut, .. }) if cut > 0 => {
                let kept = sorted.places.iter().filter(|place| place.index >= cut);
                Arc::new(kept.cloned().collect())
            }
            _ => Arc::clone(&sorted.places),
        };
        Self { rows, places: sorted.places, oldest, calendar, order }
    }

    pub(crate) fn len(&self) -> usize {
        let others = self.calendar.map_or(0, |calendar| calendar.months.saturating_sub(1));
        self.oldest.len() + self.places.len() * others
    }

    pub(crate) fn row(&self, position: usize) -> Option<Row<'_>> {
        let (place, month) = self.place(position)?;
        Some(Row::new(self.rows.get(place.index)?, month))
    }

    pub(crate) fn key(&self, position: usize) -> Option<Key> {
        let (place, month) = self.place(position)?;
        Some(Key {
            time: month.moment(place.key.time),
            text: month.text(&place.key.text).into_owned(),
        })
    }

    /// The position of the first row that follows this key, whether or not a row has it.
    pub(crate) fn after(&self, key: &Key) -> usize {
        if self.order.is_newest_first {
            self.partition(|row| row >= key)
        } else {
            self.partition(|row| row <= key)
        }
    }

    /// The positions of rows from one moment up to but without another; only of use for what the
    /// sequence is sorted by.
    pub(crate) fn between(&self, from: i64, until: i64) -> Range<usize> {
        if self.order.is_newest_first {
            self.partition(|row| row.time >= until)..self.partition(|row| row.time >= from)
        } else {
            self.partition(|row| row.time < from)..self.partition(|row| row.time < until)
        }
    }

    /// The positions where rows can be that name this id of history: those of its month.
    pub(crate) fn of_month(&self, id: &str) -> Range<usize> {
        let (Some(calendar), Some((number, _))) = (self.calendar, month::parts_of(id)) else {
            return 0..self.len();
        };
        let Some(index) = calendar.index(number) else { return 0..0 };
        let end = self.oldest.len() + index * self.places.len();
        let start = if index == 0 { 0 } else { end - self.places.len() };
        if self.order.is_newest_first { self.len() - end..self.len() - start } else { start..end }
    }

    fn place(&self, position: usize) -> Option<(&Place, Month)> {
        let last = self.len().checked_sub(1)?;
        let position =
            if self.order.is_newest_first { last.checked_sub(position)? } else { position };
        let Some(calendar) = self.calendar else {
            return self.places.get(position).map(|place| (place, Month::STORED));
        };
        let Some(rest) = position.checked_sub(self.oldest.len()) else {
            return self.oldest.get(position).map(|place| (place, calendar.month(0)));
        };
        let index = rest.checked_div(self.places.len())? + 1;
        let place = self.places.get(rest % self.places.len())?;
        (index < calendar.months).then(|| (place, calendar.month(index)))
    }

    fn partition(&self, is_before: impl Fn(&Key) -> bool) -> usize {
        let (mut start, mut end) = (0, self.len());
        while start < end {
            let middle = start + (end - start) / 2;
            if self.key(middle).is_some_and(|key| is_before(&key)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }
}

fn key_of(stored: &Value, by: By, index: usize) -> Key {
    let text = |name: &str| stored.get(name).and_then(Value::as_str).unwrap_or_default();
    // The same id can come from two incidents, and a page may end between the two.
    let id = match text("incident_id") {
        "" => text("id").to_owned(),
        incident => format!("{}~{incident}", text("id")),
    };
    match by {
        By::File => Key { time: 0, text: format!("{index:08}") },
        By::Id => Key { time: 0, text: id },
        By::Name => Key { time: 0, text: format!("{}~{id}", text("name")) },
        By::Time(name) => Key { time: time::moment(text(name)).unwrap_or(i64::MIN), text: id },
    }
}
