//! Actian Data Observability: incidents of data assets, the alerts that make them up, figures over all.

use packed::{Packed, packed};
use serde_json::{Value, json};

use crate::base::error::Hints;
use crate::source::stream::{Binding, Column, Origin, Parent, Shape, Stream, Take};
use crate::source::{
    Address, Document, Errors, Filters, Key, Paging, Quota, Quotas, Settings, Source,
};

/// The source.
pub static ACTIAN: Source = Source {
    name: "actian",
    title: "Actian Data Observability",
    streams: STREAMS,
    address: Address { host: None, base: "/api/backend/{tenant}" },
    keys: &[
        Key { setting: "api_key", header: "X-TLM-Key", before: "" },
        Key { setting: "access_token", header: "Authorization", before: "Bearer " },
    ],
    headers: &[("Content-Type", "application/json")],
    // No limit is documented, and no header that tells one.
    quotas: Quotas { key: Quota(600), paths: &[], headers: None },
    errors: Errors::Plain,
    identity: None,
    paging: Paging::None,
    filters: Filters::NONE,
    settings: Settings {
        schemas: settings,
        modes: None,
        window: None,
        unfinished: None,
        filters: Some("filters"),
        variables: &[],
    },
    schemas: |stream| SCHEMAS.text(stream),
    document: Some(Document {
        text: || DOCUMENTS.text("document"),
        overlay: || DOCUMENTS.text("overlay"),
        path: None,
    }),
    #[cfg(feature = "demo")]
    sample: Some(super::sample::actian),
    #[cfg(not(feature = "demo"))]
    sample: None,
    first_year: 2020,
    hints: Hints {
        key: "check `api_key`, or `access_token`, which is good for an hour only",
        endpoint: "check `tenant` and `endpoint`",
        answer: "check `tenant` and `endpoint`: a tenant that does not exist answers with a web page; then \
                 check proxies",
        permission: "use a key of a user who may see incidents",
    },
};

static SCHEMAS: Packed = packed!("schemas/actian");
static DOCUMENTS: Packed = packed!("documents/actian");

/// The streams, in the order in which they are read.
pub static STREAMS: &[Stream] = &[
    Stream::list(
        &ACTIAN,
        "incident_summary",
        "/incidents/summary",
        "How many incidents there are, and how long they took; one row",
    )
    .shape(Shape::Body)
    .key(&["tenant"])
    .columns(&[Column::new("tenant", Origin::Setting("tenant")), READ_AT]),
    Stream::list(
        &ACTIAN,
        "incident_distribution",
        "/incidents/distribution",
        "How many incidents there were each day, by severity and impact",
    )
    .shape(Shape::List("incidents"))
    .key(&["date"])
    .filtered()
    .columns(&[READ_AT]),
    Stream::list(&ACTIAN, "incidents", "/incidents", "Incidents: alerts of one data asset")
        .shape(LIST)
        .filtered()
        .counted_by(&TOTAL),
    Stream::list(
        &ACTIAN,
        "incident_details",
        "/incidents/{incident_id}",
        "Incidents with their metrics and their history",
    )
    .shape(Shape::Body)
    .of(&[Parent::all("incidents", &[Binding::id("incident_id")])])
    // An answer with the id of another incident is no answer to this request.
    .columns(&[Column::new("id", Origin::ParentNumber("incident_id"))])
    .on_request(),
    Stream::list(
        &ACTIAN,
        "incident_alerts",
        "/configuration/alerts/by_filters",
        "The alerts that make up an incident",
    )
    .shape(LIST)
    .key(&["incident_id", "alert_key"])
    .posts(&["sources", "upload_dates", "violation_names"])
    .of(&[Parent::all("incident_details", REFERENCES)])
    .columns(&[
        Column::parent_number("incident_id"),
        Column::new("alert_key", Origin::Parts(IDENTITY)),
        // The description is an object in the document, and a text on other pages of the vendor.
        Column::new("description_text", Origin::Record(&[&["/description"]])),
    ])
    .overlapping()
    .on_request(),
];

/// The document has a bare list, clients saw one under `data`.
const LIST: Shape = Shape::Bare(&["data"]);
/// Figures as of now: each row says when that was.
const READ_AT: Column = Column::new("read_at", Origin::ReadAt);
/// The number of incidents. Nobody documents that the list has all of them.
static TOTAL: Parent = Parent::all(
    "incident_summary",
    &[Binding { parameter: "total", field: "total", take: Take::IfThere, is_asked: false }],
);
/// What the alerts of an incident are asked for with, as the document says.
const REFERENCES: &[Binding] = &[
    Binding::beside("incident_id", "id"),
    Binding::listed("sources", "asset_id", None),
    Binding::listed("upload_dates", "history", Some("metric_time")),
    Binding::listed("violation_names", "history", Some("violation_name")),
];
/// An alert has no id. These tell one from another.
const IDENTITY: &[&str] = &[
    "source",
    "job_id",
    "metric_time",
    "violation_name",
    "policy_name",
    "attribute",
    "segment",
    "type",
];

fn settings() -> Value {
    let filter = |description: &str| json!({"description": description});
    json!({
        "api_key": {"description": "A key of the API, which lives long. One of `api_key`, `api_key_file` \
            and `access_token` is needed"},
        "access_token": {"type": "string", "secret": true, "writeOnly": true,
            "description": "A token that was got for a user, good for an hour"},
        "endpoint": {"description": "Where your Actian is: https and its host, with `/api/backend` and the \
            tenant behind it or without. Needed"},
        "tenant": {"type": "string", "description": "The name of the tenant, as the address has it. Needed"},
        "filters": {"type": "object",
            "description": "Only incidents that these parameters of the API let through, and their \
                distribution: a text, a number, or a list. Without it everything",
            "properties": {
                "project_ids": filter("Projects"),
                "connection_types": filter("Types of the asset's connection"),
                "alert_policy_ids": filter("Policies"),
                "severities": filter("LOW, MEDIUM, HIGH"),
                "impacts": filter("LOW, MEDIUM, HIGH"),
                "connection_ids": filter("Connections"),
                "from_time": filter("Start of a range of time"),
                "to_time": filter("End of a range of time"),
                "text_to_search": filter("Part of the name of a policy or a source"),
            }},
    })
}
