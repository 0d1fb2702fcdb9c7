//! incident.io: incidents with everything around them, on-call, alerts, status pages.

mod shared;
mod streams;

use packed::{Packed, packed};
use serde_json::{Value, json};

pub use self::streams::STREAMS;
use crate::base::error::Hints;
use crate::source::{
    Address, Document, Errors, Filters, Identity, Key, Paging, Quota, Quotas, Settings, Source,
};

/// The source.
pub static INCIDENT_IO: Source = Source {
    name: "incident_io",
    title: "incident.io",
    streams: STREAMS,
    address: Address { host: Some("https://api.incident.io"), base: "" },
    keys: &[Key { setting: "api_key", header: "Authorization", before: "Bearer " }],
    headers: &[],
    quotas: Quotas {
        // API document.
        key: Quota(1_200),
        // Seen live.
        paths: &[("/v2/incidents", Quota(60))],
        headers: Some(("x-ratelimit-limit", "x-ratelimit-remaining")),
    },
    // Seen live.
    errors: Errors::Coded("resource_not_found"),
    identity: Some(Identity {
        path: "/v1/identity",
        object: "identity",
        name: "name",
        organisation: "dashboard_url",
        roles: "roles",
        teams: ("teams", "/id", "/name"),
        // API document.
        full_access: ("global_access", "private incidents, and what belongs to them"),
    }),
    paging: Paging::Cursor {
        size: "page_size",
        object: "pagination_meta",
        after: "after",
        total: "total_record_count",
    },
    filters: Filters {
        created: "created_at",
        changed: UPDATED_AT,
        from: "{field}[gte]",
        until: "{field}[lte]",
        between: ("{field}[date_range]", "~"),
    },
    settings: Settings {
        schemas: settings,
        modes: Some("incident_modes"),
        window: Some(("schedule_window_days_back", "schedule_window_days_ahead")),
        unfinished: Some("workflow_run_days"),
        filters: None,
        variables: &[("INCIDENT_API_KEY", "api_key"), ("INCIDENT_ENDPOINT", "endpoint")],
    },
    schemas: |stream| SCHEMAS.text(stream),
    document: Some(Document {
        text: || DOCUMENTS.text("document"),
        overlay: || DOCUMENTS.text("overlay"),
        path: Some("/v1/openapiV3.json"),
    }),
    #[cfg(feature = "demo")]
    sample: Some(super::sample::incident_io),
    #[cfg(not(feature = "demo"))]
    sample: None,
    // The company was founded then.
    first_year: 2021,
    hints: Hints {
        key: "check `api_key`; keys are made under Settings, API keys, in incident.io",
        endpoint: "check `endpoint`; it is https://api.incident.io",
        answer: "check `endpoint` and proxies; else report this with the request id",
        permission: "make a key with the roles that the table in docs/streams.md names",
    },
};

static SCHEMAS: Packed = packed!("schemas/incident_io");
static DOCUMENTS: Packed = packed!("documents/incident_io");

/// The field that bookmarks follow.
const UPDATED_AT: &str = "updated_at";

/// The modes an incident can have (API document).
const MODES: [&str; 5] = ["standard", "retrospective", "test", "tutorial", "stream"];

fn settings() -> Value {
    json!({
        "start_date": {"description": "Incidents that changed at or after this date or timestamp; \
                            bounds incremental streams only, and only without a later bookmark"},
        "end_date": {"description": "Incidents that changed before this date or timestamp; \
                            bounds incremental streams only"},
        "child_lookback_days": {"description": "Days for which incremental children of an incident, \
            an alert or a post-mortem are read again after its last change"},
        "full_scan_days": {"description": "Days after which an incremental stream is read in full \
            once, since what is embedded in a record changes without a trace; without it never, and \
            every 30 days for workflow runs, actions, follow-ups, and for what belongs to \
            incidents, alerts and post-mortems"},
        "incident_modes": {"type": "array", "uniqueItems": true, "minItems": 1,
            "items": {"type": "string", "enum": MODES},
            "default": MODES,
            "description": "Modes of incidents, actions and follow-ups to read, as far as the \
                            API can be asked for them: whether incidents of mode `stream` can be \
                            is not documented, so each run asks once"},
        "schedule_window_days_back": {"type": "integer", "minimum": 1, "maximum": 3650,
            "default": 30, "description": "Days of schedule entries and of component \
            availability to read, back from midnight in UTC"},
        "workflow_run_days": {"type": "integer", "minimum": 1, "maximum": 3650, "default": 30,
            "description": "Days for which incremental workflow runs wait for a run that is not \
            finished: it is read again until then, and what changes later shows in a full scan"},
        "schedule_window_days_ahead": {"type": "integer", "minimum": 0, "maximum": 3650,
            "default": 0, "description": "Days of schedule entries to read ahead of it"},
    })
}
