//! A script of changes to the sample of `SignalFx` while it is read. Each step waits for a number
//! of requests to one list, so that the script is the same whatever is read side by side.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{INCIDENTS, MUTING_RULES};
use crate::options::OnRequest;
use crate::workspace::Workspace;

/// Something that happens to a list.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// An incident with this id stands at the head, active or resolved.
    Appear { id: &'static str, is_active: bool },
    /// The next row that is marked `superseded` leaves; its successor, with this id, stands at the head.
    Supersede(&'static str),
    /// The next row with this mark leaves.
    Leave(&'static str),
    /// Rows that are marked `resolves` are resolved, where they stand.
    Resolve,
}

/// A list, before which of its requests a change happens (counted from 1), and the change.
type Step = (&'static str, usize, Change);

/// What incidents that are not resolved are counted under; others have a list of their own.
const RESOLVED: &str = "/v2/incident?includeResolved=true";
const STEPS: [Step; 12] = [
    (INCIDENTS, 2, Change::Leave("vanishes")),
    (INCIDENTS, 3, Change::Appear { id: "GNewAAAAA01", is_active: true }),
    (INCIDENTS, 4, Change::Supersede("GNewAAAAA02")),
    (INCIDENTS, 5, Change::Leave("vanishes")),
    (INCIDENTS, 6, Change::Appear { id: "GNewAAAAA03", is_active: true }),
    (RESOLVED, 1, Change::Resolve),
    (RESOLVED, 2, Change::Leave("vanishes when resolved")),
    (RESOLVED, 3, Change::Appear { id: "GNewAAAAA04", is_active: false }),
    (RESOLVED, 4, Change::Leave("vanishes when resolved")),
    (MUTING_RULES, 2, Change::Leave("deleted")),
    (MUTING_RULES, 3, Change::Leave("deleted")),
    (MUTING_RULES, 4, Change::Leave("deleted")),
];

/// Changes the sample of `SignalFx` while it is read: incidents appear, resolve, are superseded and
/// vanish, muting rules are deleted. Rows without the private key `_unrest` are there all the time
/// and stay as they are.
#[must_use]
pub fn signalfx_unrest() -> OnRequest {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    Box::new(move |target, workspace| {
        let Some(list) = list_of(target) else { return };
        let count = counts.entry(list).or_default();
        *count += 1;
        for (of, at, change) in STEPS {
            if (of, at) == (list, *count) {
                make(change, list, workspace);
            }
        }
    })
}

fn list_of(target: &str) -> Option<&'static str> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        INCIDENTS if query.split('&').any(|pair| pair == "includeResolved=true") => Some(RESOLVED),
        INCIDENTS => Some(INCIDENTS),
        MUTING_RULES => Some(MUTING_RULES),
        _ => None,
    }
}

fn make(change: Change, list: &str, workspace: &mut Workspace) {
    let path = if list == MUTING_RULES { MUTING_RULES } else { INCIDENTS };
    workspace.edit(path, |rows| match change {
        Change::Appear { id, is_active } => appear(rows, id, is_active),
        Change::Supersede(id) => {
            leave(rows, "superseded");
            appear(rows, id, true);
        }
        Change::Leave(mark) => leave(rows, mark),
        Change::Resolve => {
            for row in rows.iter_mut().filter(|row| row["_unrest"] == "resolves") {
                row["active"] = json!(false);
                row["anomalyState"] = json!("OK");
                row["duration"] = json!(1_260_000);
            }
        }
    });
}

fn leave(rows: &mut Vec<Value>, mark: &str) {
    if let Some(at) = rows.iter().position(|row| row["_unrest"] == mark) {
        rows.remove(at);
    }
}

fn appear(rows: &mut Vec<Value>, id: &str, is_active: bool) {
    let state = if is_active { "ANOMALOUS" } else { "OK" };
    let row = json!({"_unrest": "new", "incidentId": id, "active": is_active,
        "anomalyState": state, "severity": "Warning", "events": [],
        "detectLabel": "Berth sensor went quiet", "detectorId": "GDetAAAAB07"});
    rows.insert(0, row);
}
