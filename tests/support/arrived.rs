//! What has arrived at a target that keeps the last record of each key, and the last state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The rows that arrived, by stream and key, and the last state.
#[derive(Clone)]
pub struct Arrived {
    keys: BTreeMap<String, Vec<String>>,
    pub rows: BTreeMap<(String, String), Value>,
    pub state: Value,
    /// The stream that was announced last.
    pub stream: String,
}

impl Default for Arrived {
    fn default() -> Self {
        let (keys, rows, stream) = Default::default();
        Self { keys, rows, state: json!({}), stream }
    }
}

impl Arrived {
    /// What these lines bring.
    pub fn of(lines: &[String]) -> Self {
        let mut arrived = Self::default();
        arrived.load(lines);
        arrived
    }

    /// Takes the lines of a run, which may be cut.
    pub fn load(&mut self, lines: &[String]) {
        for line in lines {
            let mut message: Value = serde_json::from_str(line).unwrap();
            let stream = message["stream"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str().unwrap() {
                "SCHEMA" => {
                    let keys = serde_json::from_value(message["key_properties"].take()).unwrap();
                    self.keys.insert(stream.clone(), keys);
                    self.stream = stream;
                }
                "RECORD" => {
                    let parts = self.keys[&stream].iter();
                    let key = parts.map(|part| message["record"][part].to_string()).collect();
                    self.rows.insert((stream, key), message["record"].take());
                }
                "STATE" => self.state = message["value"].take(),
                other => panic!("{other}"),
            }
        }
    }

    /// Up to ten of the rows that `other` has and this one has not.
    pub fn lacks(&self, other: &Self) -> Vec<(String, String)> {
        let missing = other.rows.keys().filter(|key| !self.rows.contains_key(*key));
        missing.take(10).cloned().collect()
    }
}
