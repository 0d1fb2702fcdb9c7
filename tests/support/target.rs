//! A target that keeps the last record of each key, and the last state of what arrived. A run that is
//! killed is one of which only the beginning arrived.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::rows::{KINDS, Key, Version, key, version};
use crate::support::Ran;

/// Where the output of a run ends.
#[derive(Debug, Clone)]
pub enum Cut {
    /// After a line.
    Line(Index),
    /// Anywhere.
    Byte(Index),
}

pub fn any_cut() -> impl Strategy<Value = Cut> {
    prop_oneof![any::<Index>().prop_map(Cut::Line), any::<Index>().prop_map(Cut::Byte)]
}

impl Cut {
    /// The lines that arrive whole.
    fn of<'r>(&self, ran: &'r Ran) -> &'r [String] {
        let count = match self {
            Self::Line(index) => index.index(ran.lines.len() + 1),
            Self::Byte(index) => {
                let ends = ran.lines.iter().scan(0, |end, line| {
                    *end += line.len() + 1;
                    Some(*end)
                });
                let ends = ends.collect::<Vec<_>>();
                let most = index.index(ends.last().unwrap() + 1);
                ends.partition_point(|end| *end <= most)
            }
        };
        &ran.lines[..count]
    }
}

/// What has arrived.
pub struct Target {
    pub rows: BTreeMap<Key, Version>,
    /// What the next run is given.
    pub state: Value,
    /// The state after each run.
    pub states: Vec<String>,
    pub complaints: Vec<String>,
    /// Whether bookmarks may move back.
    pub may_move_back: bool,
}

impl Default for Target {
    fn default() -> Self {
        let (rows, states, complaints) = Default::default();
        Self { rows, state: json!({}), states, complaints, may_move_back: false }
    }
}

impl Target {
    /// Takes the output of a run up to where it was killed.
    pub fn load(&mut self, ran: &Ran, cut: Option<&Cut>) {
        let lines = cut.map_or(&ran.lines[..], |cut| cut.of(ran));
        for line in lines {
            let mut message: Value = serde_json::from_str(line).unwrap();
            match message["type"].as_str().unwrap() {
                "RECORD" => self.record(&message),
                "STATE" => {
                    let state = message["value"].take();
                    self.compare(&state);
                    self.state = state;
                }
                _ => {}
            }
        }
        let fate = if cut.is_some() { "killed" } else { "complete" };
        self.states.push(format!("{fate} after {} lines: {}", lines.len(), self.state));
    }

    pub fn complain_unless(&mut self, is_right: bool, complaint: &str) {
        if !is_right {
            self.complaints.push(complaint.to_owned());
        }
    }

    fn record(&mut self, message: &Value) {
        let kind = KINDS.iter().find(|kind| message["stream"] == kind.stream).unwrap();
        let record = &message["record"];
        self.rows.insert(key(kind, record), version(kind, record));
    }

    /// Bookmarks do not move back, unless a clock says that they lie in the future.
    fn compare(&mut self, state: &Value) {
        for kind in &KINDS {
            let bookmark = |state: &Value| {
                let fields = state["bookmarks"][kind.stream].as_object()?;
                let is_own = |name: &str| {
                    name.ends_with("_at") && !["full_scan_at", "parents_at"].contains(&name)
                };
                let text = fields.iter().find(|(name, _)| is_own(name))?.1.as_str();
                text.map(|text| tap_incident::base::time::parse_time(text).unwrap())
            };
            if !self.may_move_back && bookmark(&self.state) > bookmark(state) {
                self.complaints
                    .push(format!("the bookmark of {} moved back: {state}", kind.stream));
            }
        }
    }
}
