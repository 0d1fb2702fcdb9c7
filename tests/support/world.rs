//! A small workspace that changes as the API's would: rows are created, edited and deleted between
//! and during requests, some become visible a while after their timestamps, many of these collide, and
//! some change without a trace. What it holds in the end is what a target should have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde_json::Value;
use stand_in::{Action, Fault, Options, StandIn, Workspace};
use tap_incident::base::clock::Clock;

use crate::clocks::{BEGINNING, MovingClock, Wait};
use crate::rows::{
    ALERTS, Access, CONTENTS, DOCUMENTS, ENTRIES, INCIDENTS, KINDS, Key, LINKS, LOOKED_BACK_FOR,
    NOTES, RUNS, TAKEN_ALONG, TIED, Version, WORKLOADS, convert, empty_workspace, is_unfinished,
    key, moment_of, row, set, set_version, split, time, version,
};

/// Something that happens to a row, after a while.
#[derive(Debug, Clone)]
pub struct Change {
    pub wait: Wait,
    /// A number of [`KINDS`].
    pub kind: usize,
    pub what: What,
    /// How many microseconds the row's timestamp lies before the moment it becomes visible.
    pub late: i64,
}

#[derive(Debug, Clone)]
pub enum What {
    /// A new row; of rows of one moment, the salt decides the order of ids.
    Create {
        salt: u8,
    },
    /// Of the row at so many 256ths of all, the oldest first.
    Edit(u8),
    /// The same, and it is of another mode from then on, or a shift is split. What belongs to an
    /// incident goes with it, without a trace.
    Convert(u8),
    /// Its incident changes its mode and takes it along, without a trace.
    Take(u8),
    Delete(u8),
    /// The key sees more, or less, from then on.
    See(Access),
}

/// Every row, and what is still to happen.
pub struct Script {
    /// Changes to come, each at the request before which so many others come.
    pub pending: Vec<(usize, Change)>,
    /// The rows of each kind, those too that the key may not see.
    pub rows: [Vec<Value>; KINDS.len()],
    /// Whether the API has yet to be told of rows of a kind.
    is_news: [bool; KINDS.len()],
    pub access: Access,
    pub versions: u32,
    /// Of each row that there ever was, the version that came to be among those of its mode.
    births: BTreeMap<Key, u32>,
}

impl Default for Script {
    fn default() -> Self {
        let (pending, rows, births) = Default::default();
        let is_news = [true; KINDS.len()];
        Self { pending, rows, is_news, access: Access::EVERYTHING, versions: 0, births }
    }
}

/// A stand-in whose data can be replaced, so that a history costs no new one.
pub struct Stage {
    pub stand_in: StandIn,
    pub clock: Arc<MovingClock>,
    script: Arc<Mutex<Script>>,
}

impl Stage {
    /// An empty workspace that gives out so many rows a page; without dates, the tap must go by
    /// its own clock.
    pub fn new(document: &Value, page_cap: usize, has_date: bool) -> Self {
        let clock = Arc::new(MovingClock::default());
        let script = Arc::new(Mutex::new(Script::default()));
        let (time, lines) = (Arc::clone(&clock), Arc::clone(&script));
        let on_request = move |_: &str, workspace: &mut Workspace| {
            let mut script = lines.lock().unwrap();
            let due = |(before, _): &mut (usize, Change)| {
                let is_due = *before == 0;
                *before = before.saturating_sub(1);
                is_due
            };
            let changes = script.pending.extract_if(.., due).collect::<Vec<_>>();
            for (_, change) in changes {
                script.apply(&change, &time);
            }
            script.publish(workspace);
        };
        let time_of_api = Arc::clone(&clock);
        let options = Options {
            page_cap: Some(page_cap),
            clock: Arc::new(move || time_of_api.now()),
            on_request: Some(Box::new(on_request)),
            gzip: false,
            ..Options::default()
        };
        let stand_in = StandIn::start(document, Workspace::default(), options).unwrap();
        if !has_date {
            stand_in.fault(Fault::always("", Action::NoDate));
        }
        Self { stand_in, clock, script }
    }

    /// Begins another history with these rows, made so many half days ago each.
    pub fn reset(&self, rows: &[(usize, u32, u8)], access: Access) {
        let mut script = Script { access, ..Script::default() };
        for (kind, half_days, salt) in rows {
            let what = What::Create { salt: *salt };
            self.clock.set(BEGINNING - TimeDelta::hours(12 * i64::from(*half_days)));
            let change = Change { wait: Wait::Micros(0), kind: *kind, what, late: 0 };
            script.apply(&change, &self.clock);
        }
        self.clock.set(BEGINNING);
        self.stand_in.edit(|workspace| {
            *workspace = empty_workspace();
            script.publish(workspace);
        });
        *self.script.lock().unwrap() = script;
    }

    /// Lets something happen now.
    pub fn happen(&self, change: &Change) {
        self.stand_in.edit(|workspace| {
            let mut script = self.script.lock().unwrap();
            script.apply(change, &self.clock);
            script.publish(workspace);
        });
    }

    /// Lets changes happen before the requests to come.
    pub fn expect(&self, changes: &[(usize, Change)]) {
        self.script.lock().unwrap().pending = changes.to_vec();
    }

    /// Lets happen what was to happen before a request that did not come.
    pub fn catch_up(&self) {
        let pending = std::mem::take(&mut self.script.lock().unwrap().pending);
        for (_, change) in &pending {
            self.happen(change);
        }
    }

    /// The rows of these streams that a run at that moment should see, in their current version.
    pub fn truth(&self, kinds: &[usize], at: DateTime<Utc>) -> BTreeMap<Key, Version> {
        let script = self.script.lock().unwrap();
        let mut truth = BTreeMap::new();
        for kind in kinds {
            let rows = script.visible(*kind).into_iter();
            let rows = rows.filter(|row| *kind != ENTRIES || is_in_window(row, at));
            let kind = &KINDS[*kind];
            truth.extend(rows.map(|row| (key(kind, row), version(kind, row))));
        }
        truth
    }

    /// The rows that an incremental run at that moment need not see as they are: what has changed
    /// without a trace, and is not of a row that is young enough to be read all the same.
    pub fn traceless(&self, kinds: &[usize], at: DateTime<Utc>) -> BTreeSet<Key> {
        let script = self.script.lock().unwrap();
        let is_read = |kind: usize, row: &Value| {
            let parents = if LOOKED_BACK_FOR.contains(&kind) {
                script.parents(kind, row)
            } else {
                Vec::new()
            };
            parents.into_iter().any(|(parent, place)| {
                let parent = &script.rows[parent][place];
                at - moment_of(parent, "updated_at") <= CHILD_LOOKBACK
            })
        };
        let of = |kind: &usize| {
            let rows = script.rows[*kind].iter().filter(|row| row["_is_traceless"] == true);
            let rows = rows.filter(|row| !is_read(*kind, row));
            rows.map(|row| key(&KINDS[*kind], row)).collect::<Vec<_>>()
        };
        kinds.iter().flat_map(of).collect()
    }

    /// How many versions of rows there have been.
    pub fn versions(&self) -> u32 {
        self.script.lock().unwrap().versions
    }

    /// The number of versions that there were when a row came to be where it is; nothing where it never
    /// was.
    pub fn birth(&self, key: &Key) -> Option<u32> {
        self.script.lock().unwrap().births.get(key).copied()
    }
}

/// As the default says, but for what clocks may be apart.
const CHILD_LOOKBACK: TimeDelta = TimeDelta::hours(14 * 24 - 1);

/// A run of a workflow that is older may change without anybody looking, which leaves room for the
/// time until somebody does.
const RUN_LOOKBACK: TimeDelta = TimeDelta::days(30 - 4);

/// Whether an entry is of the days that a run at that moment reads.
fn is_in_window(entry: &Value, at: DateTime<Utc>) -> bool {
    let until = at.date_naive().and_time(NaiveTime::MIN).and_utc();
    let from = until - Days::new(30);
    moment_of(entry, "start_at") < until && moment_of(entry, "end_at") > from
}

impl Script {
    fn apply(&mut self, change: &Change, clock: &MovingClock) {
        clock.wait(change.wait);
        let moment = clock.now() - TimeDelta::microseconds(change.late);
        self.versions += 1;
        let kind = change.kind;
        let count = self.rows[kind].len();
        let place = |part: u8| usize::from(part) * count / 256;
        match change.what {
            What::See(access) => {
                self.access = access;
                self.is_news = [true; KINDS.len()];
            }
            // It comes with its document.
            What::Create { .. } if kind == CONTENTS => {}
            What::Create { salt } => self.create(kind, moment, salt),
            _ if count == 0 => {}
            What::Take(part) if TAKEN_ALONG.contains(&kind) => self.take_along(kind, place(part)),
            What::Edit(part) | What::Take(part) => self.edit(kind, place(part), moment),
            What::Convert(part) if kind == ENTRIES => self.split(place(part)),
            What::Convert(part) => self.convert(kind, place(part), moment),
            What::Delete(part) => {
                if kind != CONTENTS {
                    let row = self.rows_of(kind).remove(place(part));
                    self.delete_children(kind, &row);
                }
            }
        }
    }

    /// The rows of a kind, to be changed.
    pub fn rows_of(&mut self, kind: usize) -> &mut Vec<Value> {
        self.is_news[kind] = true;
        &mut self.rows[kind]
    }

    fn create(&mut self, kind: usize, moment: DateTime<Utc>, salt: u8) {
        let number = self.versions;
        let parents = match KINDS[kind].parents.first() {
            Some((parent, _)) => &self.rows[*parent],
            None => &self.rows[INCIDENTS],
        };
        let parent = parents.get(usize::from(salt) % parents.len().max(1)).cloned();
        if !KINDS[kind].parents.is_empty() && parent.is_none() {
            return;
        }
        let parent = parent.unwrap_or_default();
        let mut row = row(&KINDS[kind], moment, (salt, number), &parent);
        if kind == LINKS {
            let alerts = &self.rows[ALERTS];
            let Some(alert) = alerts.get(number as usize % alerts.len().max(1)) else { return };
            set(&mut row, "alert/id", alert["id"].clone());
            set(&mut row, "alert/title", alert["title"].clone());
        }
        // Some belong to a group of alerts, and to no single one.
        let group = &parent["alert_group_ids"][0];
        if KINDS[kind].parents.first().is_some_and(|(parent, _)| *parent == ALERTS)
            && group.is_string()
            && number.is_multiple_of(3)
        {
            row["alert_group_id"] = group.clone();
            row.as_object_mut().unwrap().remove("alert_id");
        }
        let document = row.clone();
        if self.add(kind, row) {
            if TIED.contains(&kind) || kind == LINKS {
                self.note_parent(kind, self.rows[kind].len() - 1, moment);
            }
            if kind == DOCUMENTS {
                let content = crate::rows::row(&KINDS[CONTENTS], moment, (salt, number), &document);
                self.add(CONTENTS, content);
            }
        }
    }

    /// Adds a row, unless there was one of its key; whether it is there.
    fn add(&mut self, kind: usize, row: Value) -> bool {
        let key = key(&KINDS[kind], &row);
        let is_new = !self.births.contains_key(&key);
        if is_new {
            self.births.insert(key, self.versions);
            self.rows_of(kind).push(row);
        }
        is_new
    }

    fn edit(&mut self, kind: usize, place: usize, moment: DateTime<Utc>) {
        let number = self.versions;
        if kind == LINKS {
            // A link shows its alert as that is.
            let alert = self.parents(LINKS, &self.rows[LINKS][place]).pop();
            return alert.into_iter().for_each(|(kind, place)| self.edit(kind, place, moment));
        }
        if kind == RUNS && !is_unfinished(&self.rows[RUNS][place]) {
            return;
        }
        let row = &mut self.rows_of(kind)[place];
        set_version(&KINDS[kind], row, number);
        row["updated_at"] = time(moment, number).into();
        row["_is_traceless"] = false.into();
        match kind {
            RUNS => {
                let status = if number.is_multiple_of(3) { "pending" } else { "complete" };
                row["progress"][0]["status"] = status.into();
                let age = moment - moment_of(row, "created_at");
                row["_is_traceless"] = (age > RUN_LOOKBACK).into();
            }
            CONTENTS => self.touch((DOCUMENTS, place), moment),
            _ if TIED.contains(&kind) => self.note_parent(kind, place, moment),
            _ => self.note_change(kind, place),
        }
    }

    fn convert(&mut self, kind: usize, place: usize, moment: DateTime<Utc>) {
        self.change_mode(kind, place);
        self.edit(kind, place, moment);
        if kind == INCIDENTS {
            let id = self.rows[INCIDENTS][place]["id"].clone();
            for kind in TAKEN_ALONG {
                for place in 0..self.rows[kind].len() {
                    if self.rows[kind][place]["_incident"] == id {
                        self.take_along(kind, place);
                    }
                }
            }
        }
    }

    /// Changes the mode of what belongs to an incident.
    fn take_along(&mut self, kind: usize, place: usize) {
        self.change_mode(kind, place);
        self.rows[kind][place]["_is_traceless"] = true.into();
    }

    /// Where modes are asked for one by one, a row may come to be where nobody looks any more.
    fn change_mode(&mut self, kind: usize, place: usize) {
        let row = &mut self.rows_of(kind)[place];
        convert(row);
        let key = key(&KINDS[kind], row);
        self.births.insert(key, self.versions);
    }

    fn split(&mut self, place: usize) {
        let whole = self.rows_of(ENTRIES).remove(place);
        for part in split(&whole) {
            self.add(ENTRIES, part);
        }
    }

    /// Gives the API the rows that it shows.
    fn publish(&mut self, workspace: &mut Workspace) {
        let mut is_news = std::mem::take(&mut self.is_news);
        // An alert says whether it has notes, and there is a body for each schedule and incident.
        is_news[ALERTS] |= is_news[NOTES];
        is_news[WORKLOADS] |= is_news[INCIDENTS];
        for (kind, _) in is_news.iter().enumerate().filter(|(_, is_news)| **is_news) {
            let rows = self.sent(kind);
            workspace.edit(KINDS[kind].path, |all| *all = rows);
        }
        if is_news == [true; KINDS.len()] {
            workspace.edit("/v1/identity", |rows| *rows = vec![self.access.identity()]);
        }
    }
}
