//! A source of two streams: rows, a document and sample data are all that it takes.

use include_dir::{Dir, include_dir};
use serde_json::{Value, json};
use stand_in::{DEFAULT_KEY, NOW, Options, StandIn, Workspace};
use tap_incident::base::error::{Error, Hints};
use tap_incident::singer::catalog;
use tap_incident::source::openapi::Openapi;
use tap_incident::source::stream::{Binding, Column, Parent, Stream};
use tap_incident::source::{
    Address, Document, Errors, Filters, Key, Paging, Quota, Quotas, Sample, Settings, Source,
};

use crate::support::Tap;

static LIGHTHOUSE: Source = Source {
    name: "lighthouse",
    title: "Lighthouse",
    streams: &[
        Stream::list(&LIGHTHOUSE, "lamps", "/v1/lamps", "Lamps and when they were lit").pages(3),
        Stream::list(&LIGHTHOUSE, "keepers", "/v1/keepers", "Who keeps which lamp")
            .of(&[Parent::all("lamps", &[Binding::id("lamp_id")])])
            .columns(&[Column::parent("lamp_id")])
            .key(&["id", "lamp_id"]),
    ],
    address: Address { host: Some("https://lighthouse.example"), base: "" },
    keys: &[Key { setting: "api_key", header: "Authorization", before: "Bearer " }],
    headers: &[],
    quotas: Quotas { key: Quota(600), paths: &[], headers: None },
    errors: Errors::Coded("resource_not_found"),
    identity: None,
    paging: Paging::Cursor {
        size: "page_size",
        object: "pagination_meta",
        after: "after",
        total: "total_record_count",
    },
    filters: Filters {
        created: "lit_at",
        changed: "lit_at",
        from: "{field}.from",
        until: "{field}.until",
        between: ("{field}.between", ","),
    },
    settings: Settings {
        schemas: || json!({}),
        modes: None,
        window: None,
        unfinished: None,
        filters: None,
        variables: &[],
    },
    schemas,
    document: Some(Document {
        text: || Some(include_str!("toy/document.json").to_owned()),
        overlay: || Some("{}".to_owned()),
        path: None,
    }),
    sample: Some(sample),
    first_year: 1900,
    hints: Hints {
        key: "ask the keeper",
        endpoint: "look for the light",
        answer: "listen for the horn",
        permission: "knock",
    },
};

static SCHEMAS: Dir = include_dir!("$CARGO_MANIFEST_DIR/tests/suite/toy/schemas");

fn schemas(stream: &str) -> Option<String> {
    SCHEMAS.get_file(format!("{stream}.json"))?.contents_utf8().map(str::to_owned)
}

fn serve() -> Result<StandIn, String> {
    let files = [
        ("v1.lamps", include_str!("toy/v1.lamps.json")),
        ("v1.keepers", include_str!("toy/v1.keepers.json")),
    ];
    let document = Openapi::embedded(&LIGHTHOUSE).map_err(|error| error.to_string())?;
    let workspace = Workspace::from_files(files, 1)?;
    let server = StandIn::start(document.as_value(), workspace, Options::default());
    server.map_err(|error| error.to_string())
}

fn sample() -> Result<Sample, Error> {
    let server = serve().map_err(Error::Bug)?;
    let (endpoint, key) = (server.url(), DEFAULT_KEY.to_owned());
    Ok(Sample { endpoint, places: Vec::new(), key, now: NOW, server: Box::new(server) })
}

fn tap() -> Tap {
    Tap::bare().reads(&LIGHTHOUSE).arg("--demo")
}

#[test]
fn all_rows_of_all_streams_arrive() {
    let ran = tap().run().ok();
    let ids = |stream: &str, field: &str| {
        let records = ran.records(stream);
        records.iter().map(|record| record[field].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("lamps", "id"), ["L1", "L2", "L3", "L4"]);
    assert_eq!(ids("lamps", "lumens"), [json!(700), Value::Null, json!(900), json!(40)]);
    assert_eq!(ids("keepers", "id"), ["K1", "K1", "K2"]);
    assert_eq!(ids("keepers", "lamp_id"), ["L1", "L3", "L3"]);
    assert_eq!(ids("keepers", "name")[0], "Ida \"Ⅱ\" Lewis");
    assert!(ran.counts().contains("streams=2 of 2 records=7 requests=6 "), "{}", ran.stderr);
}

#[test]
fn its_schemas_are_what_its_document_says() {
    let document = Openapi::embedded(&LIGHTHOUSE).unwrap();
    for stream in LIGHTHOUSE.streams {
        let file = SCHEMAS.get_file(format!("{}.json", stream.name)).unwrap();
        let schema: Value = serde_json::from_slice(file.contents()).unwrap();
        assert_eq!(document.schema(stream).unwrap(), schema, "{}", stream.name);
    }
}

#[test]
fn its_catalog_has_its_streams_only() {
    let catalog = catalog::discover(&LIGHTHOUSE).unwrap();
    let names = catalog["streams"].as_array().unwrap().iter().map(|entry| &entry["stream"]);
    assert_eq!(names.collect::<Vec<_>>(), ["lamps", "keepers"]);
    let ran = tap().arg("--select").arg("lamp").run();
    assert_eq!(ran.code, 2);
    assert!(ran.last_line().contains("the nearest is `lamps`"), "{}", ran.stderr);
}

#[test]
fn its_hints_are_its_own_and_nobody_else_s_key_is_sent_there() {
    let stand_in = serve().unwrap();
    let tap = Tap::of(&stand_in).reads(&LIGHTHOUSE).set("api_key", "wrong");
    let ran = tap.run();
    assert_eq!(ran.code, 3);
    assert!(ran.last_line().contains("hint: ask the keeper"), "{}", ran.stderr);
    let tap = Tap::bare().reads(&LIGHTHOUSE).set("endpoint", &stand_in.url());
    let ran = tap.variable("INCIDENT_API_KEY", "another's").run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let asked = stand_in.requests();
    assert!(asked.iter().all(|seen| seen.status == 401), "{asked:?}");
}

#[test]
fn settings_of_another_source_are_unknown() {
    let ran = tap().set("incident_modes", "standard").run().ok();
    assert!(ran.stderr.contains("incident_modes"), "{}", ran.stderr);
}
