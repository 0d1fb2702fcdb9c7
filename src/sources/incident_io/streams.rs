//! One row per resource of the API, parents before children, short lists first, long
//! histories last.
//!
//! Paths, parameters and page sizes come from the API's document; where the API was seen to differ
//! (incidents serve 250 a page, not the 500 documented), from what it was seen to do.

use super::shared::{
    BY_ALERT, BY_INCIDENT, INCIDENT_FILTERS, MORE_INCIDENTS, OF_ALERTS, OF_ALERTS_WITH_NOTES,
    OF_CALL_ROUTES, OF_CALL_SESSIONS, OF_CATALOG_TYPES, OF_CUSTOM_FIELDS, OF_INCIDENTS,
    OF_INCIDENTS_AND_ALERTS, OF_PAY_CONFIGS, OF_POSTMORTEM_DOCUMENTS, OF_SCHEDULES, OF_SECRETS_ID,
    OF_STATUS_PAGES, OF_USERS, UNFINISHED_RUNS, UNNAMED_MODES, WITH_MODE,
};
use super::{INCIDENT_IO, UPDATED_AT};
use crate::source::stream::{
    Binding, Column, Detail, Granularity, Modes, Origin, Parent, Replication, Shape, Stream, Take,
    Windows,
};

const fn stream(name: &'static str, path: &'static str, about: &'static str) -> Stream {
    Stream::list(&INCIDENT_IO, name, path, about)
}

/// Every stream, in the order in which they are read.
// One row is one paragraph: broken up as rustfmt would, the table is three times as long.
#[rustfmt::skip]
pub static STREAMS: &[Stream] = &[
    stream("identity", "/v1/identity", "The key that reads: its name, roles and teams")
        .shape(Shape::Object("identity")).key(&["name"]),
    stream("severities", "/v1/severities", "Severity levels, in rank order")
        .scope("severities.view"),
    stream(
        "incident_statuses",
        "/v1/incident_statuses",
        "Statuses of the incident lifecycle and their categories",
    )
        .scope("incident_statuses.view"),
    stream("incident_types", "/v1/incident_types", "Incident types")
        .scope("incident_types.view"),
    stream("incident_roles", "/v2/incident_roles", "Roles that people take in incidents")
        .scope("incident_roles.view"),
    stream(
        "incident_timestamps",
        "/v2/incident_timestamps",
        "Named moments of an incident, such as when it was fixed",
    ),
    stream("custom_fields", "/v2/custom_fields", "Custom fields of incidents")
        .scope("custom_fields.view"),
    stream("custom_field_options", "/v1/custom_field_options", "Options of custom fields")
        .of(OF_CUSTOM_FIELDS).columns(&[Column::parent("custom_field_id")])
        .key(&["id", "custom_field_id"]).pages(250).scope("custom_fields.view"),
    stream(
        "incident_forms",
        "/v3/incident_forms",
        "Forms people fill when they declare, update or resolve",
    )
        .pages(250),
    stream("incident_templates", "/v1/incident_templates", "Templates to declare incidents from")
        .pages(250).scope("incident_templates.view"),
    stream("users", "/v2/users", "People, those who have left included")
        .pages(1_000).fixed(&[("include_inactive", "true")]).scope("users.view"),
    stream("teams", "/v3/teams", "Teams and their members")
        .pages(250).scope("catalog_entries.view"),
    stream("alert_sources", "/v2/alert_sources", "Where alerts come from, without their tokens")
        .scope("alert_sources.view"),
    stream("alert_attributes", "/v2/alert_attributes", "Attributes that alerts are given")
        .scope("alert_schema.view"),
    stream(
        "alert_routes",
        "/v3/alert_routes",
        "Rules that turn alerts into incidents and escalations",
    )
        .pages(50)
        .detail(
            Detail {
                path: "/v3/alert_routes/{id}",
                shape: Shape::Object("alert_route"),
                parents: &[Parent::all("alert_routes", &[Binding::id("id")])],
                in_list: &["id", "name", "enabled"],
            },
        )
        .scope("alert_routes.view"),
    stream("alert_tags", "/v2/alert_tags", "Labels for alerts; archived ones are hidden by the API")
        .pages(250).scope("alerts.view"),
    stream(
        "escalation_paths",
        "/v2/escalation_paths",
        "Who is paged, in which order, on which condition",
    )
        .pages(25).scope("escalation_paths.view"),
    stream(
        "escalation_path_templates",
        "/v2/escalation_path_templates",
        "Templates of escalation paths",
    )
        .pages(25).scope("escalation_path_templates.view"),
    stream(
        "schedules",
        "/v2/schedules",
        "On-call schedules with rotations, current and next shifts",
    )
        .pages(25).scope("schedules.view"),
    stream(
        "schedule_entries",
        "/v2/schedule_entries",
        "Who was on call when: as planned, overridden, and in effect",
    )
        .of(OF_SCHEDULES)
        .shape(Shape::Lists("schedule_entries", &["final", "overrides", "scheduled"]))
        .window(Windows::Whole("entry_window_start", "entry_window_end"), "entry_window_start")
        .columns(&[
            Column::parent("schedule_id"),
            Column::new("entry_set", Origin::ListName),
            Column::new(
                "entry_key",
                Origin::Record(&[
                    &["/fingerprint", "/entry_id", "/rotation_id", "/user/id", "/start_at", "/end_at"],
                ]),
            ),
            Column::new("window_start", Origin::WindowStart),
            Column::new("window_end", Origin::WindowEnd),
        ])
        .overlapping().key(&["schedule_id", "entry_set", "entry_key"]).scope("schedules.view"),
    stream("schedule_overrides", "/v2/schedule_overrides", "One-off changes to schedules")
        .of(OF_SCHEDULES).columns(&[Column::parent("schedule_id")]).shape(Shape::List("overrides"))
        .key(&["id", "schedule_id"]).pages(250).scope("schedules.view"),
    stream(
        "schedule_replicas",
        "/v2/schedules/{schedule_id}/replicas",
        "Copies of schedules kept in other providers",
    )
        .of(OF_SCHEDULES).columns(&[Column::parent("schedule_id")]).key(&["id", "schedule_id"])
        .scope("schedules.view"),
    stream(
        "schedule_sync_rules",
        "/v2/schedules/{schedule_id}/sync_rules",
        "Which people a chat group gets from a schedule",
    )
        .of(OF_SCHEDULES).columns(&[Column::parent("schedule_id")]).key(&["id", "schedule_id"])
        .pages(250).scope("schedules.view"),
    stream(
        "schedule_sync_targets",
        "/v2/schedule_sync_targets",
        "Chat groups that follow a schedule",
    )
        .pages(250).scope("schedules.view"),
    stream(
        "on_call_notification_pauses",
        "/v2/on_call_notification_pauses",
        "Times in which people asked not to be paged",
    )
        .pages(250).fixed(&[("from", "1970-01-01T00:00:00Z")]).scope("notification_pauses.view"),
    stream("workflows", "/v2/workflows", "Automations: triggers, conditions, steps")
        .scope("workflows.view"),
    stream("catalog_types", "/v3/catalog_types", "Types of the service catalog")
        .scope("catalog_types.view"),
    stream(
        "catalog_entries",
        "/v3/catalog_entries",
        "Entries of the service catalog with their attributes",
    )
        .of(OF_CATALOG_TYPES).columns(&[Column::parent("catalog_type_id")])
        .key(&["id", "catalog_type_id"]).pages(250).scope("catalog_entries.view"),
    stream("catalog_resources", "/v3/catalog_resources", "What catalog attributes can refer to")
        .shape(Shape::List("resources")).key(&["type"]).scope("catalog_types.view"),
    stream(
        "maintenance_windows",
        "/v1/maintenance_windows",
        "Planned maintenance in which alerts are held back",
    )
        .pages(50).scope("maintenance_windows.view"),
    stream("announcement_rules", "/v2/announcement_rules", "Which incidents are announced where")
        .pages(250).scope("announcement_rules.view"),
    stream(
        "announcement_templates",
        "/v2/announcement_templates",
        "What an announcement looks like",
    )
        .scope("announcement_templates.view"),
    stream("call_routes", "/v2/call_routes", "Phone numbers that page whoever is on call")
        .pages(250).scope("call_routes.view"),
    stream(
        "call_route_allowed_callers",
        "/v2/call_routes/{call_route_id}/allowed_callers",
        "Numbers that may use a call route",
    )
        .of(OF_CALL_ROUTES).columns(&[Column::parent("call_route_id")])
        .shape(Shape::List("allowed_callers")).key(&["id", "call_route_id"])
        .scope("call_routes.view"),
    stream(
        "call_route_options",
        "/v2/call_routes/{call_route_id}/options",
        "Menu options of call routes",
    )
        .of(OF_CALL_ROUTES).columns(&[Column::parent("call_route_id")])
        .shape(Shape::List("options")).key(&["id", "call_route_id"]).scope("call_routes.view"),
    stream("glossary_entries", "/v2/glossary_entries", "Terms the assistant knows")
        .pages(250),
    stream("policies", "/v2/policies", "Rules for follow-ups, post-mortems and on-call readiness")
        .pages(50).scope("policies.view"),
    stream("pay_configs", "/v2/pay_configs", "Pay for on-call: rates, weekly and one-off rules")
        .pages(250).scope("schedule_pay_configs.view"),
    stream(
        "pay_config_one_off_rules",
        "/v2/pay_configs/{pay_config_id}/one_off_rules",
        "Pay rules for single dates, such as holidays",
    )
        .of(OF_PAY_CONFIGS).columns(&[Column::parent("pay_config_id")])
        .shape(Shape::List("one_off_rules")).key(&["id", "pay_config_id"])
        .scope("schedule_pay_configs.view"),
    stream(
        "pay_config_weekly_rules",
        "/v2/pay_configs/{pay_config_id}/weekly_rules",
        "Weekly pay rules, in the order in which they apply",
    )
        .of(OF_PAY_CONFIGS)
        .columns(&[Column::parent("pay_config_id"), Column::new("position", Origin::Position)])
        .shape(Shape::List("weekly_rules")).key(&["id", "pay_config_id"])
        .scope("schedule_pay_configs.view"),
    stream("pay_reports", "/v2/pay_reports", "On-call pay reports with totals by currency")
        .pages(50).scope("schedule_reports.view"),
    stream("secrets", "/v2/secrets", "Names of stored secrets, never their values")
        .pages(250).scope("secrets.view_metadata"),
    stream(
        "secret_versions",
        "/v2/secrets/{id}",
        "When secrets were changed and by whom, never their values",
    )
        .of(OF_SECRETS_ID).shape(Shape::List("versions"))
        .columns(&[Column::new("secret_id", Origin::Parent("id"))]).key(&["secret_id", "version"])
        .scope("secrets.view_metadata").on_request(),
    stream("status_pages", "/v2/status_pages", "Status pages")
        .pages(250),
    stream(
        "status_page_components",
        "/v2/status_page_components",
        "Components shown on status pages",
    ),
    stream(
        "status_page_structures",
        "/v2/status_page_structures/{status_page_id}",
        "How components are grouped on status pages",
    )
        .of(OF_STATUS_PAGES).shape(Shape::Body).columns(&[Column::parent("status_page_id")])
        .key(&["status_page_id"]),
    stream(
        "status_page_component_availability",
        "/v2/status_pages/{status_page_id}/components/{component_id}/availability",
        "Uptime of each component by calendar month",
    )
        .of(&[
            Parent::all(
                "status_page_structures",
                &[
                    Binding::field("status_page_id", "status_page_id", Take::Itself),
                    Binding::field(
                        "component_id",
                        "current_structure",
                        Take::Within("component_id"),
                    ),
                ],
            ),
        ])
        .shape(Shape::Object("availability")).window(Windows::Months("start_at", "end_at"), "after")
        .columns(&[
            Column::parent("status_page_id"),
            Column::parent("component_id"),
            Column::new("window_start", Origin::WindowStart),
            Column::new("window_end", Origin::WindowEnd),
        ])
        .key(&["status_page_id", "component_id", "start_at"]).on_request(),
    stream(
        "status_page_incidents",
        "/v2/status_page_incidents",
        "Incidents on status pages with their updates",
    )
        .of(OF_STATUS_PAGES).pages(250),
    stream(
        "status_page_maintenances",
        "/v2/status_page_maintenances",
        "Maintenance on status pages with its updates",
    )
        .of(OF_STATUS_PAGES).pages(250),
    stream(
        "status_page_response_incidents",
        "/v1/status-pages/{id}/incidents/{incident_id}/response-incidents",
        "Which incidents a status page incident is about",
    )
        .of(&[
            Parent::all(
                "status_page_incidents",
                &[Binding::field("id", "status_page_id", Take::Itself), Binding::id("incident_id")],
            ),
        ])
        .shape(Shape::List("incidents"))
        .columns(&[
            Column::new("status_page_id", Origin::Parent("id")),
            Column::new("status_page_incident_id", Origin::Parent("incident_id")),
        ])
        .key(&["id", "status_page_incident_id"]).on_request(),
    stream("api_keys", "/v1/api_keys", "API keys and their roles, never their tokens")
        .pages(250).scope("api_keys.view"),
    stream("ip_allowlists", "/v1/ip_allowlists", "Addresses that may use the account")
        .shape(Shape::Object("ip_allowlist")).key(&["version"]).scope("security_settings"),
    stream("ip_ranges", "/v1/ip_ranges", "Addresses incident.io sends from")
        .key(&["cidr"]),
    stream(
        "policy_findings",
        "/v2/policy_findings",
        "Where a policy is not met, by whom and since when",
    )
        .pages(250).scope("policies.view"),
    stream(
        "postmortem_documents",
        "/v1/postmortem_documents",
        "Post-mortems: status, editors, where they were exported",
    )
        .pages(250).fixed(&[("sort_by", "created_at_oldest_first")]).ordered()
        .scope("incidents.view"),
    stream(
        "postmortem_document_contents",
        "/v1/postmortem_documents/{id}/content",
        "Text of post-mortems as Markdown",
    )
        .of(OF_POSTMORTEM_DOCUMENTS).shape(Shape::Body)
        .replication(Replication::OnRequest("postmortem_document_updated_at"))
        .columns(&[
            Column::new("postmortem_document_id", Origin::Parent("id")),
            Column::parent_time("postmortem_document_updated_at"),
        ])
        .key(&["postmortem_document_id"]).scope("in_app_postmortems.copy_as_markdown").on_request(),
    stream(
        "user_notification_methods",
        "/v2/users/{user_id}/notification_methods",
        "How people can be reached: personal data",
    )
        .of(OF_USERS).columns(&[Column::parent("user_id")])
        .shape(Shape::List("notification_methods")).key(&["id", "user_id"])
        .scope("notification_methods.view").on_request(),
    stream(
        "user_notification_rules",
        "/v2/users/{user_id}/notification_rules",
        "When and how people are notified of a page",
    )
        .of(OF_USERS).columns(&[Column::parent("user_id")]).shape(Shape::List("notification_rules"))
        .key(&["id", "user_id"]).scope("notification_rules.view").on_request(),
    stream(
        "user_paging_providers",
        "/v2/users/{user_id}/paging_provider",
        "Which provider pages a person",
    )
        .of(OF_USERS).shape(Shape::Body).columns(&[Column::parent("user_id")]).key(&["user_id"])
        .scope("users.view").on_request(),
    stream(
        "incidents",
        "/v2/incidents",
        "Incidents with roles, timestamps, durations and custom fields",
    )
        .pages(250).fixed(INCIDENT_FILTERS).more(MORE_INCIDENTS)
        .modes(Modes::Together("mode[one_of]", &["standard","retrospective","test","tutorial"]))
        .replication(Replication::ByDefault(UPDATED_AT)).times(Granularity::Day).ordered()
        .scope("incidents.view"),
    stream(
        "incident_updates",
        "/v2/incident_updates",
        "Updates of status and severity, with their messages",
    )
        .changed_of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent_time("incident_updated_at")])
        .key(&["id", "incident_id"]).pages(250).scope("incidents.view"),
    stream("actions", "/v3/actions", "Actions taken during incidents")
        .key(&["id", "incident_id"]).pages(250).modes(UNNAMED_MODES)
        .moves(WITH_MODE).replication(Replication::OnRequest(UPDATED_AT))
        .times(Granularity::Instant).ordered().scope("actions.view"),
    stream("follow_ups", "/v3/follow_ups", "Work left to do after incidents")
        .key(&["id", "incident_id"]).pages(250).modes(UNNAMED_MODES)
        .moves(WITH_MODE).replication(Replication::OnRequest(UPDATED_AT))
        .times(Granularity::Instant).ordered().scope("actions.view"),
    stream("escalations", "/v2/escalations", "Pages: who was called, when, and what they answered")
        .pages(50).replication(Replication::OnRequest(UPDATED_AT)).times(Granularity::Day)
        .scope("escalations.view"),
    stream("workflow_runs", "/v2/workflow_runs", "Runs of workflows, step by step")
        .pages(50).replication(Replication::OnRequest("created_at")).unfinished(UNFINISHED_RUNS)
        .newest_first().scope("workflows.view"),
    stream("alerts", "/v2/alerts", "Alerts from every source with their attributes")
        .pages(50).replication(Replication::OnRequest(UPDATED_AT)).times(Granularity::Instant)
        .scope("alerts.view"),
    stream("incident_alerts", "/v2/incident_alerts", "Which alert belongs to which incident")
        .changed_of(OF_INCIDENTS_AND_ALERTS).replication(Replication::OnRequest("changed_at"))
        .columns(&[Column::parent_time("changed_at")])
        .pages(50).scope("alerts.view"),
    stream(
        "alert_notes",
        "/v1/alert_notes",
        "Notes on alerts and alert groups, without signed addresses",
    )
        .of(OF_ALERTS_WITH_NOTES).replication(BY_ALERT)
        .columns(&[Column::parent_time("alert_updated_at")])
        .pages(250).scope("alerts.view").on_request(),
    stream(
        "alert_attachments",
        "/v2/alert_attachments",
        "Links attached to alerts and alert groups",
    )
        .of(OF_ALERTS).replication(BY_ALERT)
        .columns(&[Column::parent_time("alert_updated_at")])
        .pages(250).scope("alerts.view").on_request(),
    stream("incident_attachments", "/v1/incident_attachments", "Links attached to incidents")
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent("incident_id"), Column::parent_time("incident_updated_at")])
        .key(&["id", "incident_id"]).scope("attachments.view").on_request(),
    stream(
        "incident_relationships",
        "/v1/incident_relationships",
        "Which incidents are related to which",
    )
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent("incident_id"), Column::parent_time("incident_updated_at")])
        .key(&["id", "incident_id"]).pages(250).scope("incidents.view").on_request(),
    stream(
        "incident_activity_log_entries",
        "/v2/incident_activity_log_entries",
        "What happened in incidents, step by step",
    )
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent_time("incident_updated_at")]).pages(250).scope("incidents.view")
        .on_request(),
    stream(
        "incident_timeline_items",
        "/v2/incident_timeline_items",
        "Timelines of incidents, as edited",
    )
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent_time("incident_updated_at")]).pages(250).scope("incidents.view")
        .on_request(),
    stream(
        "incident_participants",
        "/v2/incident_participants",
        "Who took part in incidents, actively or watching",
    )
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .shape(Shape::Lists("incident_participants", &["active", "passive"]))
        .columns(&[
            Column::parent("incident_id"),
            Column::new("participation", Origin::ListName),
            Column::new("user_id", Origin::Record(&[&["/user/id"]])),
            Column::parent_time("incident_updated_at"),
        ])
        .key(&["incident_id", "user_id"]).scope("incidents.view").on_request(),
    stream(
        "incident_participant_workloads",
        "/v2/incident_participant_workloads",
        "Minutes each person spent on an incident",
    )
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[
            Column::parent("incident_id"),
            Column::new("user_id", Origin::Record(&[&["/user/id"]])),
            Column::new("data_synced_at", Origin::Beside("/metadata/data_synced_at")),
            Column::parent_time("incident_updated_at"),
        ])
        .key(&["incident_id", "user_id"]).scope("incident_workloads.view").on_request(),
    stream("call_sessions", "/v2/call_sessions", "Calls held during incidents")
        .of(OF_INCIDENTS).replication(BY_INCIDENT)
        .columns(&[Column::parent_time("incident_updated_at")]).pages(250)
        .scope("call_transcripts.view").on_request(),
    stream("call_transcript_entries", "/v2/call_transcript_entries", "What was said in calls")
        .of(OF_CALL_SESSIONS).replication(BY_INCIDENT)
        .columns(&[Column::parent("call_session_id"), Column::parent_time("incident_updated_at")])
        .key(&["id", "call_session_id"]).pages(250).scope("call_transcripts.view").on_request(),
];
