//! SignalFx, which is Splunk Observability Cloud: incidents with their events, and rules that mute alerts.

use packed::{Packed, packed};
use serde_json::{Value, json};

use crate::base::error::Hints;
use crate::source::stream::{Shape, Stream};
use crate::source::{
    Address, Document, Errors, Filters, Key, Paging, Quota, Quotas, Settings, Source,
};

/// The source.
pub static SIGNALFX: Source = Source {
    name: "signalfx",
    title: "SignalFx",
    streams: STREAMS,
    address: Address { host: Some("https://api.{realm}.signalfx.com"), base: "/v2" },
    keys: &[Key { setting: "api_key", header: "X-SF-TOKEN", before: "" }],
    headers: &[],
    // No limit is documented, and no header that tells one.
    quotas: Quotas { key: Quota(600), paths: &[], headers: None },
    errors: Errors::Plain,
    identity: None,
    paging: Paging::Offset {
        size: "limit",
        offset: "offset",
        total: "count",
        // The vendor's newer pages. Clients get a 500 for what lies beyond.
        ceiling: 10_000,
    },
    filters: Filters::NONE,
    settings: Settings {
        schemas: settings,
        modes: None,
        window: None,
        unfinished: None,
        filters: None,
        variables: &[],
    },
    schemas: |stream| SCHEMAS.text(stream),
    document: Some(Document {
        text: || DOCUMENTS.text("document"),
        overlay: || DOCUMENTS.text("overlay"),
        path: None,
    }),
    #[cfg(feature = "demo")]
    sample: Some(super::sample::signalfx),
    #[cfg(not(feature = "demo"))]
    sample: None,
    // The company was founded then.
    first_year: 2013,
    hints: Hints {
        key: "check `api_key`, an access token of the organisation, and that `realm` is the one of your \
              profile page",
        endpoint: "check `realm` or `endpoint`; it is https://api.REALM.signalfx.com",
        answer: "check `realm` or `endpoint`, and proxies; else report this",
        permission: "use a token with the API permission",
    },
};

static SCHEMAS: Packed = packed!("schemas/signalfx");
static DOCUMENTS: Packed = packed!("documents/signalfx");

/// The streams, in the order in which they are read.
pub static STREAMS: &[Stream] = &[
    Stream::list(
        &SIGNALFX,
        "incidents",
        "/incident",
        "Incidents with their events, open and resolved",
    )
    .shape(Shape::Bare(&["results"]))
    .key(&["incidentId"])
    .pages(PAGE)
    // The document has only resolved ones under `true`, the newer pages have all: both are read, the
    // open ones first, since none goes back.
    .parts("includeResolved", &["false", "true"]),
    Stream::list(
        &SIGNALFX,
        "alert_muting_rules",
        "/alertmuting",
        "Rules that mute alerts: past, present, future",
    )
    .shape(Shape::Bare(&["results"]))
    .pages(PAGE)
    // The default hides past and future ones.
    .fixed(&[("include", "All")]),
];

/// So many records are asked for. What comes counts: nobody documents how many it may be.
const PAGE: u32 = 1_000;

fn settings() -> Value {
    json!({
        "api_key": {"description": "An access token of the organisation, or of a user's session. One of \
            `api_key` and `api_key_file` is needed"},
        "realm": {"type": "string", "default": "us0", "pattern": "^[a-z0-9-]+$",
            "description": "The realm of the organisation, as the profile page shows it"},
        "endpoint": {"description": "Where the API is, with `/v2` or without, where that is not what \
            `realm` says. https, or http on loopback"},
    })
}
