//! A workspace of thousands of rows, made without the sample: enough that a run can be killed a
//! hundred times, each time somewhere else.

use serde_json::{Value, json};
use stand_in::Workspace;

/// A stream of the workspace, and where its list begins.
pub struct Large {
    pub stream: &'static str,
    path: &'static str,
    rows: usize,
    /// How many letters a row has.
    letters: usize,
    /// The path of a list, or of what the first parent has.
    pub asked: &'static str,
}

const DOCUMENTS: &str = "/v1/postmortem_documents";
const CONTENTS: &str = "/v1/postmortem_documents/{id}/content";

/// In the order in which they are read. Where the order of a list is nobody's promise, or it has
/// nothing to divide it by, it is short.
pub const LARGE: [Large; 8] = [
    large("postmortem_documents", DOCUMENTS, (5_000, 100), "/v1/postmortem_documents?"),
    large("postmortem_document_contents", CONTENTS, (5_000, 2_000), "/v1/postmortem_documents/"),
    large("incidents", "/v2/incidents", (800, 500), "/v2/incidents?"),
    large("incident_updates", "/v2/incident_updates", (60, 500), "/v2/incident_updates?"),
    large("actions", "/v3/actions", (800, 500), "/v3/actions?"),
    large("follow_ups", "/v3/follow_ups", (800, 500), "/v3/follow_ups?"),
    large("escalations", "/v2/escalations", (300, 500), "/v2/escalations?"),
    large("alerts", "/v2/alerts", (600, 500), "/v2/alerts?"),
];

/// Lists with pages as large as asked, so that they are cut into slices where they can be.
pub const UNCAPPED: [&str; 3] = ["/v2/alerts", "/v2/escalations", DOCUMENTS];

const fn large(
    stream: &'static str,
    path: &'static str,
    (rows, letters): (usize, usize),
    asked: &'static str,
) -> Large {
    Large { stream, path, rows, letters, asked }
}

/// The workspace of all these.
pub fn workspace() -> Workspace {
    let identity = json!({"rows": [{"name": "Export", "roles": ["viewer", "global_access"]}]});
    let contents = json!({"bodies": []}).to_string();
    let files =
        [("v1.identity", identity.to_string()), ("v1.postmortem_documents.id.content", contents)];
    let files = files.iter().map(|(name, content)| (*name, content.as_str()));
    let mut workspace = Workspace::from_files(files, 1).unwrap();
    for large in &LARGE {
        workspace.edit(large.path, |rows| rows.extend((0..large.rows).map(|n| row(large, n))));
    }
    workspace
}

/// Made four to an hour, in the order of their ids.
fn row(large: &Large, number: usize) -> Value {
    let (hours, minutes) = (number / 4, number % 4 * 15);
    let (month, day, hour) = (1 + hours / 24 / 28, 1 + hours / 24 % 28, hours % 24);
    let at = format!("2026-{month:02}-{day:02}T{hour:02}:{minutes:02}:00Z");
    let text = "a long story ".repeat(large.letters / 13);
    let mode = ["standard", "retrospective", "test"][number % 3];
    let id = id(number);
    if large.path == CONTENTS {
        return json!({"_id": id, "markdown": text});
    }
    json!({"id": id, "created_at": at, "updated_at": at, "title": text, "summary": text,
        "description": text, "message": text, "incident_id": "I", "mode": mode,
        "_incident_mode": mode, "incident_status": {"id": "S", "category": "live"},
        "reference": format!("INC-{number}"), "status": "firing"})
}

fn id(number: usize) -> String {
    format!("01D{number:023}")
}

impl Large {
    /// Whether a request is for this stream.
    pub fn has(&self, target: &str) -> bool {
        target.starts_with(self.asked) && target.ends_with("/content") == self.is_child()
    }

    pub fn is_child(&self) -> bool {
        self.path == CONTENTS
    }
}
