//! The data behind the stand-in: rows by endpoint, and how often the template month of history is
//! repeated. Files are as `stand-in/workspace` has them; rows of history are made when they are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use packed::{Packed, packed};
use serde_json::Value;

use super::changes::{Changes, UPDATED_AT};
use super::month::{self, MOST_MONTHS, Month, Stretch};
use super::places::Places;
use super::row::Row;
use super::sequence::{Beside, By, Calendar, Order, Sequence, Sorted};
use super::window::Window;

static FILES: Packed = packed!("workspace");
static SIGNALFX: Packed = packed!("signalfx");
static ACTIAN: Packed = packed!("actian");
/// How many months the sample workspace goes back.
pub const SAMPLE_MONTHS: usize = 13;
const INCIDENTS: &str = "v2.incidents";

/// The data of a workspace: rows by endpoint path.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) collections: BTreeMap<String, Collection>,
    months: usize,
    /// The time that all months take, where it is not the usual one.
    pub(crate) stretch: Option<Stretch>,
}

/// Which rows of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Rows,
    News,
}

/// The rows of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    pub(crate) rows: Arc<Vec<Value>>,
    /// Whether each row is a whole answer and not an item of a list.
    pub(crate) is_whole: bool,
    pub(crate) is_history: bool,
    /// Rows that came after all months of history.
    pub(crate) news: Arc<Vec<Value>>,
    /// Which rows of history have changed since.
    pub(crate) changes: Option<Changes>,
    /// How many rows the file has, even after an edit.
    template_size: usize,
    size: Option<usize>,
    /// The order of the rows, and of those that came after.
    sorted: Mutex<BTreeMap<(Kept, By), Sorted>>,
}

impl Workspace {
    /// The embedded sample workspace with 13 months of history.
    ///
    /// # Errors
    /// If an embedded file is not of the form that the stand-in reads.
    pub fn sample() -> Result<Self, String> {
        Self::with_months(SAMPLE_MONTHS)
    }

    /// The embedded sample workspace with another length of history, 1 to 32768 months.
    ///
    /// # Errors
    /// If an embedded file is not of the form that the stand-in reads, or the number is out of range.
    pub fn with_months(months: usize) -> Result<Self, String> {
        Self::embedded(&FILES, months)
    }

    /// The embedded sample of `SignalFx`: incidents and muting rules, newest first. A row that
    /// [`signalfx_unrest`](super::signalfx_unrest) moves has the private key `_unrest`.
    ///
    /// # Errors
    /// If an embedded file is not of the form that the stand-in reads.
    pub fn signalfx() -> Result<Self, String> {
        Self::embedded(&SIGNALFX, 1)
    }

    /// The embedded sample of Actian: the list of incidents, their details, and alerts, which name their
    /// asset in the private key `_asset_id`.
    ///
    /// # Errors
    /// If an embedded file is not of the form that the stand-in reads.
    pub fn actian() -> Result<Self, String> {
        Self::embedded(&ACTIAN, 1)
    }

    fn embedded(folder: &Packed, months: usize) -> Result<Self, String> {
        let files: Vec<_> =
            folder.names().map(|name| (name, folder.text(name).unwrap_or_default())).collect();
        Self::from_files(files.iter().map(|(name, text)| (*name, text.as_str())), months)
    }

    /// A workspace of other files, each with the name (without `.json`) and the content that a file of
    /// the sample would have.
    ///
    /// # Errors
    /// If a file has neither `rows` nor `bodies`, or the number of months is out of range.
    pub fn from_files<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        months: usize,
    ) -> Result<Self, String> {
        if !(1..=MOST_MONTHS).contains(&months) {
            return Err(format!("{months} months of history, but 1 to {MOST_MONTHS} are possible"));
        }
        let mut collections = BTreeMap::new();
        for (name, content) in files {
            let file = serde_json::from_str(content).map_err(|error| format!("{name}: {error}"))?;
            let collection =
                Collection::of_file(file).map_err(|error| format!("{name}: {error}"))?;
            collections.insert(name.to_owned(), collection);
        }
        Ok(Self { collections, months, stretch: None })
    }

    /// Gives the history of this endpoint exactly so many rows, while others stay as they are. Months of
    /// all endpoints are numbered from the longest one, so this comes before any [`Workspace::edit`].
    pub fn resize(&mut self, path: &str, rows: usize) {
        if let Some(collection) = self.collections.get_mut(&file_stem(path)) {
            collection.size = Some(rows);
            collection.forget_order();
        }
    }

    /// Every row of an endpoint, hidden ones too, oldest month first, with the private `_` keys.
    #[must_use]
    pub fn rows(&self, path: &str) -> Vec<Value> {
        let Some(collection) = self.collection(path) else { return Vec::new() };
        let order = Order { by: By::File, is_newest_first: false };
        let sequence = self.sequence(collection, order);
        (0..sequence.len()).filter_map(|at| sequence.row(at)).map(|row| row.whole()).collect()
    }

    /// The paths of all endpoints that have data, braces included.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.collections.keys().map(|stem| path_of(stem)).collect()
    }

    /// Lets a test change the rows of an endpoint. They are all made and kept from then on.
    pub fn edit(&mut self, path: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let is_history = self.collection(path).is_some_and(|collection| collection.is_history);
        let made = is_history.then(|| self.rows(path));
        let collection = self.collections.entry(file_stem(path)).or_default();
        if let Some(made) = made {
            collection.rows = Arc::new(made);
        }
        change(Arc::make_mut(&mut collection.rows));
        collection.is_history = false;
        collection.news = Arc::default();
        collection.forget_order();
    }

    /// The rows of an endpoint without history as they are stored, none of them copied.
    pub(crate) fn stored(&self, path: &str) -> &[Value] {
        self.collection(path).map_or(&[], |collection| &collection.rows)
    }

    pub(crate) fn collection(&self, path: &str) -> Option<&Collection> {
        self.collections.get(&file_stem(path))
    }

    /// The rows of a collection in an order of the API.
    pub(crate) fn sequence(&self, collection: &Collection, order: Order) -> Sequence {
        let calendar = self.calendar(collection);
        let sorted = collection.sorted(order.by);
        if calendar.is_none() || sorted.is_separable {
            return Sequence::new(Arc::clone(&collection.rows), sorted, calendar, order)
                .with(collection.beside(order.by));
        }
        // Months that overlap in this order cannot be put one after the other: all rows are made.
        let in_file_order = Order { by: By::File, is_newest_first: false };
        let months = Sequence::new(
            Arc::clone(&collection.rows),
            collection.sorted(By::File),
            calendar,
            in_file_order,
        )
        .with(collection.beside(By::File));
        let rows: Vec<Value> =
            (0..months.len()).filter_map(|at| months.row(at)).map(|row| row.whole()).collect();
        let sorted = Sorted::new(&rows, order.by);
        Sequence::new(Arc::new(rows), sorted, None, order)
    }

    /// Calls back with the row of this id, if there is one.
    pub(crate) fn find<T>(
        &self,
        collection: &Collection,
        id: &str,
        found: impl FnOnce(Row<'_>) -> T,
    ) -> Option<T> {
        let has_id =
            |stored: &Value, id: &str| stored.get("id").and_then(Value::as_str) == Some(id);
        if let Some(stored) = collection.news.iter().find(|stored| has_id(stored, id)) {
            return Some(found(Row::new(stored, Month::STORED)));
        }
        let Some(calendar) = self.calendar(collection) else {
            let stored = collection.rows.iter().find(|stored| has_id(stored, id))?;
            return Some(found(Row::new(stored, Month::STORED)));
        };
        let (number, id) = month::parts_of(id)?;
        let month = calendar.index(number)?;
        let cut = if month == 0 { calendar.cut } else { 0 };
        let index = collection.rows.iter().position(|stored| has_id(stored, &id))?;
        let stored = collection.rows.get(index).filter(|_| index >= cut)?;
        let changed = collection
            .changes
            .and_then(|changes| changes.moment(month * collection.rows.len() + index));
        Some(found(Row::new(stored, calendar.month(month)).changed(changed)))
    }

    pub(crate) fn calendar(&self, collection: &Collection) -> Option<Calendar> {
        let (months, cut) = collection.months(self.months)?;
        let longest = self.collections.values().filter_map(|other| other.months(self.months));
        let longest = longest.map(|(months, _)| months).max()?;
        let newest = longest.max(self.months).saturating_sub(1);
        let incidents =
            self.collections.get(INCIDENTS).map_or(0, |incidents| incidents.template_size);
        let stretch = self.stretch.unwrap_or_else(|| Stretch::usual(months));
        Some(Calendar { months, newest, incidents, cut, stretch })
    }
}

impl Collection {
    fn of_file(mut file: Value) -> Result<Self, String> {
        let is_history = file.get("history").and_then(Value::as_bool) == Some(true);
        let mut take = |name: &str| match file.get_mut(name).map(Value::take) {
            Some(Value::Array(rows)) => Some(rows),
            _ => None,
        };
        let (rows, is_whole) = match (take("rows"), take("bodies")) {
            (Some(rows), _) => (rows, false),
            (None, Some(bodies)) => (bodies, true),
            (None, None) => return Err("it has neither `rows` nor `bodies`".to_owned()),
        };
        let template_size = rows.len();
        Ok(Self { rows: Arc::new(rows), is_whole, is_history, template_size, ..Self::default() })
    }

    /// How many months of history there are, and how many rows the oldest lacks.
    fn months(&self, usual: usize) -> Option<(usize, usize)> {
        if !self.is_history || self.rows.is_empty() {
            return None;
        }
        let Some(size) = self.size else { return Some((usual, 0)) };
        let months = size.div_ceil(self.rows.len()).clamp(1, MOST_MONTHS);
        Some((months, (months * self.rows.len()).saturating_sub(size)))
    }

    /// The places of a sequence where rows can be that were updated in a window.
    pub(crate) fn updated(&self, sequence: &Sequence, window: Window) -> Places {
        if self.is_history && self.is_separable(By::Time(UPDATED_AT)) {
            sequence.updated(window)
        } else {
            Places::from(0..sequence.len())
        }
    }

    /// Whether whole months stand one after the other in an order.
    pub(crate) fn is_separable(&self, by: By) -> bool {
        self.sorted(by).is_separable
    }

    fn sorted(&self, by: By) -> Sorted {
        self.sorted_of(Kept::Rows, by)
    }

    fn sorted_of(&self, kept: Kept, by: By) -> Sorted {
        let rows = match kept {
            Kept::Rows => &self.rows,
            Kept::News => &self.news,
        };
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        sorted.entry((kept, by)).or_insert_with(|| Sorted::new(rows, by)).clone()
    }

    /// What there is beside the months of history, in an order.
    fn beside(&self, by: By) -> Option<Beside> {
        let has_any = self.is_history && (self.changes.is_some() || !self.news.is_empty());
        has_any.then(|| Beside {
            news: Arc::clone(&self.news),
            sorted: self.sorted_of(Kept::News, by),
            changes: self.changes,
        })
    }

    pub(crate) fn forget_order(&mut self) {
        self.sorted.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn file_stem(path: &str) -> String {
    path.trim_start_matches('/').replace(['{', '}'], "").replace('/', ".")
}

/// File names have no braces, but only placeholders are called `id` or something ending so.
fn path_of(stem: &str) -> String {
    let segments = stem.split('.').map(|segment| {
        let is_placeholder = segment == "id" || segment.ends_with("_id");
        if is_placeholder { format!("/{{{segment}}}") } else { format!("/{segment}") }
    });
    segments.collect()
}
