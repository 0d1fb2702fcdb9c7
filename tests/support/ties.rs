//! How rows of a small workspace hang together: which belong to which, what of them a key sees, and what
//! changes along with what.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::rows::{
    ALERTS, CONTENTS, ENTRIES, INCIDENTS, KINDS, LINKS, NOTES, WORKLOADS, bodies, contents, is_of,
    noted, set, time, workloads,
};
use crate::world::Script;

impl Script {
    /// Every other change of what belongs to something is one of that, too.
    pub fn note_parent(&mut self, kind: usize, place: usize, moment: DateTime<Utc>) {
        let number = self.versions as usize;
        let parents = self.parents(kind, &self.rows[kind][place]);
        if number.is_multiple_of(2) {
            self.touch(parents[number / 2 % parents.len()], moment);
        } else {
            self.rows_of(kind)[place]["_is_traceless"] = true.into();
        }
    }

    /// Has a row change in nothing but its time.
    pub fn touch(&mut self, (kind, place): (usize, usize), moment: DateTime<Utc>) {
        self.rows_of(kind)[place]["updated_at"] = time(moment, self.versions).into();
        self.note_change(kind, place);
    }

    /// What belongs to a row that has changed is read again, and shows it as it is.
    pub fn note_change(&mut self, parent: usize, place: usize) {
        let changed = self.rows[parent][place].clone();
        for (kind, of) in KINDS.iter().enumerate() {
            let Some((_, field)) = of.parents.iter().find(|(of, _)| *of == parent) else {
                continue;
            };
            for row in self.rows_of(kind).iter_mut().filter(|row| is_of(row, field, &changed)) {
                row["_is_traceless"] = false.into();
                if (kind, parent) == (LINKS, ALERTS) {
                    set(row, "alert/title", changed["title"].clone());
                }
            }
        }
    }

    /// What belongs to a row goes with it, but what is of a group that others are in.
    pub fn delete_children(&mut self, parent: usize, deleted: &Value) {
        for (kind, child) in KINDS.iter().enumerate() {
            let Some((_, field)) = child.parents.iter().find(|(of, _)| *of == parent) else {
                continue;
            };
            let others = self.rows[parent].clone();
            let gone = self.rows_of(kind).extract_if(.., |row| {
                is_of(row, field, deleted) && !others.iter().any(|other| is_of(row, field, other))
            });
            for row in gone.collect::<Vec<_>>() {
                self.delete_children(kind, &row);
            }
        }
    }

    /// The rows to which one belongs: of which kind, and at which place.
    pub fn parents(&self, kind: usize, row: &Value) -> Vec<(usize, usize)> {
        let of = |(parent, field): &(usize, &str)| {
            let all = self.rows[*parent].iter().enumerate();
            let own = all.filter(|(_, other)| is_of(row, field, other));
            own.map(|(place, _)| (*parent, place)).collect::<Vec<_>>()
        };
        KINDS[kind].parents.iter().flat_map(of).collect()
    }

    /// The rows of a kind that the key may see: none of what belongs to a row that it may not.
    pub fn visible(&self, kind: usize) -> Vec<&Value> {
        let mut shown: Vec<&Value> =
            self.rows[kind].iter().filter(|row| self.access.shows(row)).collect();
        for (parent, field) in KINDS[kind].parents {
            let parents = self.visible(*parent);
            shown.retain(|row| parents.iter().any(|parent| is_of(row, field, parent)));
        }
        shown
    }

    /// What the API has of a kind.
    pub fn sent(&self, kind: usize) -> Vec<Value> {
        let visible = self.visible(kind);
        match kind {
            ENTRIES => bodies(self.visible(KINDS[kind].parents[0].0).into_iter(), &visible),
            WORKLOADS => workloads(self.visible(INCIDENTS).into_iter(), &visible),
            CONTENTS => contents(&visible),
            ALERTS => noted(&visible, &self.visible(NOTES)),
            _ => visible.into_iter().cloned().collect(),
        }
    }
}
