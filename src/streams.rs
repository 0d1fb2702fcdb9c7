//! STREAMS: one row per resource of the API, short lists first, long histories last.
//!
//! Paths, parameters and page sizes come from the API's document; where the API was seen to differ
//! (incidents serve 250 a page, not the 500 documented), from what it was seen to do.

use crate::stream::{Detail, Modes, Replication, Shape, Stream};

/// Every stream, in the order in which they are read.
pub static STREAMS: &[Stream] = &[
    Stream::list("identity", "/v1/identity", "The key that reads: its name, roles and teams")
        .shape(Shape::Object("identity"))
        .key(&["name"]),
    Stream::list("severities", "/v1/severities", "Severity levels, in rank order")
        .scope("severities.view"),
    Stream::list(
        "incident_statuses",
        "/v1/incident_statuses",
        "Statuses of the incident lifecycle and their categories",
    )
    .scope("incident_statuses.view"),
    Stream::list("incident_types", "/v1/incident_types", "Incident types")
        .scope("incident_types.view"),
    Stream::list("incident_roles", "/v2/incident_roles", "Roles that people take in incidents")
        .scope("incident_roles.view"),
    Stream::list(
        "incident_timestamps",
        "/v2/incident_timestamps",
        "Named moments of an incident, such as when it was fixed",
    ),
    Stream::list("custom_fields", "/v2/custom_fields", "Custom fields of incidents")
        .scope("custom_fields.view"),
    Stream::list(
        "incident_forms",
        "/v3/incident_forms",
        "Forms people fill when they declare, update or resolve",
    )
    .pages(250),
    Stream::list(
        "incident_templates",
        "/v1/incident_templates",
        "Templates to declare incidents from",
    )
    .pages(250)
    .scope("incident_templates.view"),
    Stream::list("users", "/v2/users", "People, those who have left included")
        .pages(1_000)
        .fixed(&[("include_inactive", "true")])
        .scope("users.view"),
    Stream::list("teams", "/v3/teams", "Teams and their members")
        .pages(250)
        .scope("catalog_entries.view"),
    Stream::list(
        "alert_sources",
        "/v2/alert_sources",
        "Where alerts come from, without their tokens",
    )
    .scope("alert_sources.view"),
    Stream::list("alert_attributes", "/v2/alert_attributes", "Attributes that alerts are given")
        .scope("alert_schema.view"),
    Stream::list(
        "alert_routes",
        "/v3/alert_routes",
        "Rules that turn alerts into incidents and escalations",
    )
    .pages(50)
    .detail(Detail {
        path: "/v3/alert_routes/{id}",
        shape: Shape::Object("alert_route"),
        in_list: &["id", "name", "enabled"],
    })
    .scope("alert_routes.view"),
    Stream::list(
        "alert_tags",
        "/v2/alert_tags",
        "Labels for alerts; archived ones are hidden by the API",
    )
    .pages(250)
    .scope("alerts.view"),
    Stream::list(
        "escalation_paths",
        "/v2/escalation_paths",
        "Who is paged, in which order, on which condition",
    )
    .pages(25)
    .scope("escalation_paths.view"),
    Stream::list(
        "escalation_path_templates",
        "/v2/escalation_path_templates",
        "Templates of escalation paths",
    )
    .pages(25)
    .scope("escalation_path_templates.view"),
    Stream::list(
        "schedules",
        "/v2/schedules",
        "On-call schedules with rotations, current and next shifts",
    )
    .pages(25)
    .scope("schedules.view"),
    Stream::list(
        "schedule_sync_targets",
        "/v2/schedule_sync_targets",
        "Chat groups that follow a schedule",
    )
    .pages(250)
    .scope("schedules.view"),
    Stream::list(
        "on_call_notification_pauses",
        "/v2/on_call_notification_pauses",
        "Times in which people asked not to be paged",
    )
    .pages(250)
    .fixed(&[("from", "1970-01-01T00:00:00Z")])
    .scope("notification_pauses.view"),
    Stream::list("workflows", "/v2/workflows", "Automations: triggers, conditions, steps")
        .scope("workflows.view"),
    Stream::list("catalog_types", "/v3/catalog_types", "Types of the service catalog")
        .scope("catalog_types.view"),
    Stream::list(
        "catalog_resources",
        "/v3/catalog_resources",
        "What catalog attributes can refer to",
    )
    .shape(Shape::List("resources"))
    .key(&["type"])
    .scope("catalog_types.view"),
    Stream::list(
        "maintenance_windows",
        "/v1/maintenance_windows",
        "Planned maintenance in which alerts are held back",
    )
    .pages(50)
    .scope("maintenance_windows.view"),
    Stream::list(
        "announcement_rules",
        "/v2/announcement_rules",
        "Which incidents are announced where",
    )
    .pages(250)
    .scope("announcement_rules.view"),
    Stream::list(
        "announcement_templates",
        "/v2/announcement_templates",
        "What an announcement looks like",
    )
    .scope("announcement_templates.view"),
    Stream::list("call_routes", "/v2/call_routes", "Phone numbers that page whoever is on call")
        .pages(250)
        .scope("call_routes.view"),
    Stream::list("glossary_entries", "/v2/glossary_entries", "Terms the assistant knows")
        .pages(250),
    Stream::list(
        "policies",
        "/v2/policies",
        "Rules for follow-ups, post-mortems and on-call readiness",
    )
    .pages(50)
    .scope("policies.view"),
    Stream::list(
        "pay_configs",
        "/v2/pay_configs",
        "Pay for on-call: rates, weekly and one-off rules",
    )
    .pages(250)
    .scope("schedule_pay_configs.view"),
    Stream::list("pay_reports", "/v2/pay_reports", "On-call pay reports with totals by currency")
        .pages(50)
        .scope("schedule_reports.view"),
    Stream::list("secrets", "/v2/secrets", "Names of stored secrets, never their values")
        .pages(250)
        .scope("secrets.view_metadata"),
    Stream::list("status_pages", "/v2/status_pages", "Status pages").pages(250),
    Stream::list(
        "status_page_components",
        "/v2/status_page_components",
        "Components shown on status pages",
    ),
    Stream::list("api_keys", "/v1/api_keys", "API keys and their roles, never their tokens")
        .pages(250)
        .scope("api_keys.view"),
    Stream::list("ip_allowlists", "/v1/ip_allowlists", "Addresses that may use the account")
        .shape(Shape::Object("ip_allowlist"))
        .key(&["version"])
        .scope("security_settings"),
    Stream::list("ip_ranges", "/v1/ip_ranges", "Addresses incident.io sends from").key(&["cidr"]),
    Stream::list(
        "policy_findings",
        "/v2/policy_findings",
        "Where a policy is not met, by whom and since when",
    )
    .pages(250)
    .scope("policies.view"),
    Stream::list(
        "postmortem_documents",
        "/v1/postmortem_documents",
        "Post-mortems: status, editors, where they were exported",
    )
    .pages(250)
    .fixed(&[("sort_by", "created_at_oldest_first")])
    .scope("incidents.view"),
    Stream::list(
        "incidents",
        "/v2/incidents",
        "Incidents with roles, timestamps, durations and custom fields",
    )
    .pages(250)
    .fixed(INCIDENT_FILTERS)
    .modes(Modes::Together("mode[one_of]", &["standard", "retrospective", "test", "tutorial"]))
    .replication(Replication::UpdatedAtByDay)
    .scope("incidents.view"),
    Stream::list(
        "incident_updates",
        "/v2/incident_updates",
        "Updates of status and severity, with their messages",
    )
    .key(&["id", "incident_id"])
    .pages(250)
    .scope("incidents.view"),
    Stream::list("actions", "/v3/actions", "Actions taken during incidents")
        .key(&["id", "incident_id"])
        .pages(250)
        .modes(Modes::OneByOne("incident_mode"))
        .scope("actions.view"),
    Stream::list("follow_ups", "/v3/follow_ups", "Work left to do after incidents")
        .key(&["id", "incident_id"])
        .pages(250)
        .modes(Modes::OneByOne("incident_mode"))
        .scope("actions.view"),
    Stream::list(
        "escalations",
        "/v2/escalations",
        "Pages: who was called, when, and what they answered",
    )
    .pages(50)
    .scope("escalations.view"),
    Stream::list("workflow_runs", "/v2/workflow_runs", "Runs of workflows, step by step")
        .pages(50)
        .scope("workflows.view"),
    Stream::list("alerts", "/v2/alerts", "Alerts from every source with their attributes")
        .pages(50)
        .scope("alerts.view"),
    Stream::list("incident_alerts", "/v2/incident_alerts", "Which alert belongs to which incident")
        .pages(50)
        .scope("alerts.view"),
];

/// Without these the API hides declined, canceled and merged incidents, and lists newest first, so
/// that an incident opened while a page is read would move all others down.
const INCIDENT_FILTERS: &[(&str, &str)] = &[
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

/// The stream of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Stream> {
    STREAMS.iter().find(|stream| stream.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::schema;
    use crate::stream::REPLICATION_KEY;

    #[test]
    fn names_are_unique_and_of_the_letters_that_meltano_and_stitch_take() {
        let names = STREAMS.iter().map(|stream| stream.name).collect::<BTreeSet<_>>();
        assert_eq!(names.len(), STREAMS.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn every_row_has_a_schema_with_its_key_and_its_replication_key() {
        for stream in STREAMS {
            let schema = schema::embedded(stream).unwrap();
            let property = |name: &str| schema.pointer(&format!("/properties/{name}"));
            assert!(stream.key.iter().all(|name| property(name).is_some()), "{}", stream.name);
            if stream.replication != Replication::FullTable {
                assert_eq!(property(REPLICATION_KEY).unwrap()["format"], "date-time");
            }
        }
    }

    #[test]
    fn every_row_says_what_it_is_in_a_line() {
        for stream in STREAMS {
            assert!((10..80).contains(&stream.about.len()), "{}", stream.name);
            assert!(stream.path.starts_with("/v") && !stream.path.contains('{'), "{}", stream.name);
        }
    }

    #[test]
    fn a_detail_is_asked_for_by_id() {
        for detail in STREAMS.iter().filter_map(|stream| stream.detail) {
            assert!(detail.path.contains("{id}") && detail.in_list.contains(&"id"));
        }
    }
}
