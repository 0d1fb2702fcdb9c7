//! What rows of the table share: the parents that they are asked for, and parameters that say that nothing
//! is to be hidden.

use super::UPDATED_AT;
use crate::source::stream::{Binding, More, Moves, Parent, Replication, Take};

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
pub(super) const OF_POSTMORTEM_DOCUMENTS_ID: &[Parent] =
    &[Parent::all("postmortem_documents", &[Binding::id("id")])];
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
pub(super) const OF_CHANGED: Replication = Replication::OnRequest("incident_updated_at");
pub(super) const OF_CALL_SESSIONS: &[Parent] =
    &[Parent::all("call_sessions", &[Binding::id("call_session_id")])];

/// Incidents of all modes, since one may come from a mode that the config leaves out.
const OF_ALL_MODES: &[Parent] = &[Parent {
    stream: "incidents",
    filter: &[
        ("mode[one_of]", "standard"),
        ("mode[one_of]", "retrospective"),
        ("mode[one_of]", "test"),
        ("mode[one_of]", "tutorial"),
    ],
    bindings: &[
        Binding::id("incident_id"),
        Binding::field("incident_mode", "mode", Take::IfThere),
        Binding {
            parameter: "incident_updated_at",
            field: UPDATED_AT,
            take: Take::IfThere,
            is_asked: false,
        },
    ],
    has_others: true,
}];
pub(super) const WITH_MODE: Moves = Moves { parents: OF_ALL_MODES, usual: "standard" };

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
