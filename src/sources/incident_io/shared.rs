//! What rows of the table share: the parents that they are asked for, and parameters that say that nothing
//! is to be hidden.

use super::UPDATED_AT;
use crate::source::stream::{Binding, Modes, More, Moves, Parent, Replication, Take, Unfinished};

pub(super) const OF_CUSTOM_FIELDS: &[Parent] =
    &[Parent::all("custom_fields", &[Binding::id("custom_field_id")])];
pub(super) const OF_SCHEDULES: &[Parent] =
    &[Parent::all("schedules", &[Binding::id("schedule_id")])];
pub(super) const OF_CATALOG_TYPES: &[Parent] =
    &[Parent::all("catalog_types", &[Binding::id("catalog_type_id")])];
pub(super) const OF_CALL_ROUTES: &[Parent] =
    &[Parent::all("call_routes", &[Binding::id("call_route_id")])];
pub(super) const OF_PAY_CONFIGS: &[Parent] =
    &[Parent::all("pay_configs", &[Binding::id("pay_config_id")])];
pub(super) const OF_SECRETS_ID: &[Parent] = &[Parent::all("secrets", &[Binding::id("id")])];
pub(super) const OF_STATUS_PAGES: &[Parent] =
    &[Parent::all("status_pages", &[Binding::id("status_page_id")])];
pub(super) const OF_POSTMORTEM_DOCUMENTS: &[Parent] = &[Parent::all(
    "postmortem_documents",
    &[Binding::id("id"), Binding::beside("postmortem_document_updated_at", UPDATED_AT)],
)];
pub(super) const OF_USERS: &[Parent] = &[Parent::all("users", &[Binding::id("user_id")])];
/// An incident has the rows of its sub-incidents among its own (API document).
pub(super) const OF_INCIDENTS: &[Parent] = &[Parent {
    has_others: true,
    ..Parent::all(
        "incidents",
        &[Binding::id("incident_id"), Binding::beside("incident_updated_at", UPDATED_AT)],
    )
}];
/// What children of incidents follow: their own times do not say when a timeline was edited.
pub(super) const BY_INCIDENT: Replication = Replication::OnRequest("incident_updated_at");
/// Which alert belongs to which incident is new where one of the two changed.
pub(super) const OF_INCIDENTS_AND_ALERTS: &[Parent] = &[
    Parent::all(
        "incidents",
        &[Binding::id("incident_id"), Binding::beside("changed_at", UPDATED_AT)],
    ),
    Parent::all("alerts", &[Binding::id("alert_id"), Binding::beside("changed_at", UPDATED_AT)]),
];
const OF_EACH_ALERT: Parent =
    Parent::all("alerts", &[Binding::id("alert_id"), Binding::beside(ALERT_TIME, UPDATED_AT)]);
/// A group says itself nothing of when it changed; its alerts do.
const OF_ALERT_GROUPS: Parent = Parent::all(
    "alerts",
    &[
        Binding::field("alert_group_id", "alert_group_ids", Take::Each),
        Binding::beside(ALERT_TIME, UPDATED_AT),
    ],
);
pub(super) const OF_ALERTS: &[Parent] = &[OF_EACH_ALERT, OF_ALERT_GROUPS];
pub(super) const OF_ALERTS_WITH_NOTES: &[Parent] =
    &[Parent { filter: &[("has_notes[is]", "true")], ..OF_EACH_ALERT }, OF_ALERT_GROUPS];
const ALERT_TIME: &str = "alert_updated_at";
/// What children of alerts follow.
pub(super) const BY_ALERT: Replication = Replication::OnRequest(ALERT_TIME);
/// A run has no status of its own (API document): one that was cancelled or failed does not go on.
pub(super) const UNFINISHED_RUNS: Unfinished = Unfinished {
    ends: &["cancelled_at", "error"],
    list: "progress",
    pointer: "/status",
    done: &["complete", "error", "skipped"],
};
/// Without the parameter the API answers with these two modes together (API document).
pub(super) const UNNAMED_MODES: Modes =
    Modes::OneByOne("incident_mode", &["standard", "retrospective"]);
/// What was said in a call is of an incident, too, and that says when it changed.
pub(super) const OF_CALL_SESSIONS: &[Parent] = &[Parent::all(
    "call_sessions",
    &[
        Binding::id("call_session_id"),
        Binding::beside("incident_updated_at", "incident_updated_at"),
    ],
)];

/// Incidents of the modes that are read, with these.
const OF_READ_MODES: &[Parent] = &[OF_THEIR_MODE];
const OF_THEIR_MODE: Parent = Parent {
    has_others: true,
    ..Parent::all(
        "incidents",
        &[
            Binding::id("incident_id"),
            Binding::field("incident_mode", "mode", Take::IfThere),
            Binding {
                parameter: "incident_updated_at",
                field: UPDATED_AT,
                take: Take::IfThere,
                is_asked: false,
            },
        ],
    )
};
/// Incidents of all modes, since one may come from a mode that the config leaves out.
const OF_ALL_MODES: &[Parent] = &[Parent {
    filter: &[
        ("mode[one_of]", "standard"),
        ("mode[one_of]", "retrospective"),
        ("mode[one_of]", "test"),
        ("mode[one_of]", "tutorial"),
    ],
    ..OF_THEIR_MODE
}];
pub(super) const WITH_MODE: Moves =
    Moves { parents: OF_ALL_MODES, in_own_list: OF_READ_MODES, usual: "standard" };

/// Whether incidents of mode `stream` can be asked for is not documented, though actions of them can.
pub(super) const MORE_INCIDENTS: &[(&str, More)] = &[
    ("mode[one_of]", More::Mode("stream")),
    ("status_category[one_of]", More::Seen("incident_statuses", "category")),
];
/// Without these the API hides declined, canceled and merged incidents, and lists newest first, so
/// that an incident opened while a page is read would move all others down.
pub(super) const INCIDENT_FILTERS: &[(&str, &str)] = &[
    ("sort_by", "created_at_oldest_first"),
    ("status_category[one_of]", "triage"),
    ("status_category[one_of]", "live"),
    ("status_category[one_of]", "learning"),
    ("status_category[one_of]", "paused"),
    ("status_category[one_of]", "closed"),
    ("status_category[one_of]", "declined"),
    ("status_category[one_of]", "canceled"),
    ("status_category[one_of]", "merged"),
];
