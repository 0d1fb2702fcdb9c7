//! A target that keeps the last record of each key, and the last state of what arrived. A run that is
//! killed is one of which only the beginning arrived.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::support::Ran;
use crate::world::{KINDS, Key, Version, key, version};

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
}

impl Default for Target {
    fn default() -> Self {
        let (rows, states, complaints) = Default::default();
        Self { rows, state: json!({}), states, complaints }
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
                "STATE" => self.keep(message["value"].take()),
                _ => {}
            }
        }
        let fate = if cut.is_some() { "killed" } else { "complete" };
        self.states.push(format!("{fate} after {} lines: {}", lines.len(), self.state));
    }

    fn record(&mut self, message: &Value) {
        let kind = KINDS.iter().find(|kind| message["stream"] == kind.stream).unwrap();
        let record = &message["record"];
        self.rows.insert(key(kind, record), version(kind, record));
    }

    fn keep(&mut self, state: Value) {
        for kind in &KINDS {
            let bookmark = |state: &Value| {
                let text =
                    state["bookmarks"][kind.stream]["updated_at"].as_str().map(str::to_owned);
                text.map(|text| tap_incident::moment::parse_time(&text).unwrap())
            };
            if bookmark(&self.state) > bookmark(&state) {
                self.complaints
                    .push(format!("the bookmark of {} moved back: {state}", kind.stream));
            }
        }
        self.state = state;
    }
}
