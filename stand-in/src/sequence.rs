//! The rows of one endpoint in the order the API lists them. The template month is sorted once; a place in
//! years of history is found by counting and by binary search, without making the rows in between.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::changes::Changes;
use super::month::{self, Month, Stretch};
use super::places::Places;
use super::row::Row;
use super::time;
use super::window::Window;

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
    pub(crate) stretch: Stretch,
}

impl Calendar {
    /// The month at this index, 0 being the oldest.
    pub(crate) fn month(&self, index: usize) -> Month {
        let age = self.months.saturating_sub(index + 1);
        let number = self.newest.saturating_sub(age);
        Month::new(number, age, self.months, self.stretch).referring(number, self.incidents)
    }

    /// The indices of the months of which something can lie in a window.
    fn within(&self, window: Window) -> Range<usize> {
        let is_before = |index: usize| self.month(index).moment(month::END) < window.from;
        let is_begun =
            |index: usize| self.month(index).moment(month::END - month::LENGTH) <= window.until;
        let start = (0..self.months).take_while(|index| is_before(*index)).count();
        let end = (start..self.months).take_while(|index| is_begun(*index)).count();
        start..start + end
    }

    /// The index of the month with this number.
    pub(crate) fn index(&self, number: usize) -> Option<usize> {
        let age = self.newest.checked_sub(number)?;
        self.months.checked_sub(age + 1)
    }
}

/// What a list has beside the months of its history.
#[derive(Debug, Clone)]
pub(crate) struct Beside {
    /// Rows that come after all others in each order, and their order.
    pub(crate) news: Arc<Vec<Value>>,
    pub(crate) sorted: Sorted,
    pub(crate) changes: Option<Changes>,
}

/// The rows of an endpoint in order.
#[derive(Debug)]
pub(crate) struct Sequence {
    rows: Arc<Vec<Value>>,
    places: Arc<Vec<Place>>,
    oldest: Arc<Vec<Place>>,
    calendar: Option<Calendar>,
    beside: Option<Beside>,
    order: Order,
}

/// Where a row is stored, and for which month.
struct Found<'s> {
    place: &'s Place,
    rows: &'s [Value],
    month: Month,
    /// The index of the month, unless the row is served as it is stored.
    index: Option<usize>,
    /// Whether it came after all months.
    is_new: bool,
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
        Self { rows, places: sorted.places, oldest, calendar, beside: None, order }
    }

    /// The same with what there is beside its months.
    pub(crate) fn with(self, beside: Option<Beside>) -> Self {
        Self { beside, ..self }
    }

    pub(crate) fn len(&self) -> usize {
        let news = self.beside.as_ref().map_or(0, |beside| beside.sorted.places.len());
        self.months_len() + news
    }

    /// How many rows the months have.
    fn months_len(&self) -> usize {
        let others = self.calendar.map_or(0, |calendar| calendar.months.saturating_sub(1));
        self.oldest.len() + self.places.len() * others
    }

    pub(crate) fn row(&self, position: usize) -> Option<Row<'_>> {
        let found = self.found(position)?;
        let changed = found.index.and_then(|index| self.changed(index, found.place.index));
        Some(Row::new(found.rows.get(found.place.index)?, found.month).changed(changed))
    }

    pub(crate) fn key(&self, position: usize) -> Option<Key> {
        let Found { place, month, is_new, .. } = self.found(position)?;
        let time = match self.order.by {
            // Months have a time in every order, and what is new comes after them.
            By::File | By::Id | By::Name if is_new => i64::MAX,
            _ => month.moment(place.key.time),
        };
        Some(Key { time, text: month.text(&place.key.text).into_owned() })
    }

    /// When the row that is stored at a place has changed in a month, if it has.
    pub(crate) fn changed(&self, month: usize, index: usize) -> Option<i64> {
        let changes = self.beside.as_ref()?.changes?;
        changes.moment(month * self.places.len() + index)
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

    /// The positions where rows can be that name this id of history: those of its month, and of what
    /// came after all months.
    pub(crate) fn of_month(&self, id: &str) -> Places {
        let (Some(calendar), Some((number, _))) = (self.calendar, month::parts_of(id)) else {
            return Places::from(0..self.len());
        };
        let month = calendar.index(number).map_or(0..0, |index| self.months(&(index..index + 1)));
        Places::of(vec![self.turned(&month), self.turned(&self.news())])
    }

    /// The positions where rows can be that were updated in a window, where those of a month were
    /// in that month, or have changed since.
    pub(crate) fn updated(&self, window: Window) -> Places {
        let Some(calendar) = self.calendar else { return Places::from(0..self.len()) };
        let mut places = vec![self.months(&calendar.within(window)), self.news()];
        if let Some(changes) = self.beside.as_ref().and_then(|beside| beside.changes) {
            let mut ranks = vec![0; self.places.len()];
            for (rank, place) in self.places.iter().enumerate() {
                if let Some(of_place) = ranks.get_mut(place.index) {
                    *of_place = rank;
                }
            }
            let numbers = changes.numbers(self.months_len());
            let changed = numbers.filter(|number| {
                changes.moment(*number).is_some_and(|moment| window.holds(moment))
            });
            places.extend(changed.filter_map(|number| {
                let rank = ranks.get(number % ranks.len().max(1))?;
                let at = number - number % ranks.len() + rank;
                Some(at..at + 1)
            }));
        }
        Places::of(places.iter().map(|place| self.turned(place)).collect())
    }

    /// The positions of some months, the oldest row being the first.
    fn months(&self, indices: &Range<usize>) -> Range<usize> {
        let end = |index: usize| match index.checked_sub(1) {
            None => 0,
            Some(others) => self.oldest.len() + others * self.places.len(),
        };
        end(indices.start)..end(indices.end)
    }

    /// The positions behind all months, the oldest row being the first.
    fn news(&self) -> Range<usize> {
        self.months_len()..self.len()
    }

    /// Positions as they are in the order of the list.
    fn turned(&self, oldest_first: &Range<usize>) -> Range<usize> {
        if self.order.is_newest_first {
            self.len() - oldest_first.end..self.len() - oldest_first.start
        } else {
            oldest_first.clone()
        }
    }

    fn found(&self, position: usize) -> Option<Found<'_>> {
        let last = self.len().checked_sub(1)?;
        let position =
            if self.order.is_newest_first { last.checked_sub(position)? } else { position };
        if let (Some(number), Some(beside)) =
            (position.checked_sub(self.months_len()), &self.beside)
        {
            let place = beside.sorted.places.get(number)?;
            let (rows, month) = (&beside.news[..], Month::STORED);
            return Some(Found { place, rows, month, index: None, is_new: true });
        }
        let found =
            |place, month, index| Found { place, rows: &self.rows, month, index, is_new: false };
        let Some(calendar) = self.calendar else {
            return self.places.get(position).map(|place| found(place, Month::STORED, None));
        };
        let Some(rest) = position.checked_sub(self.oldest.len()) else {
            let place = self.oldest.get(position)?;
            return Some(found(place, calendar.month(0), Some(0)));
        };
        let index = rest.checked_div(self.places.len())? + 1;
        let place = self.places.get(rest % self.places.len())?;
        (index < calendar.months).then(|| found(place, calendar.month(index), Some(index)))
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
