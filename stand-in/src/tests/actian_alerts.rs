//! Alerts of Actian by three lists: what each names, and what is not a body.

use serde_json::{Value, json};

use super::support::{Connection, Received};
use crate::{Api, Options, Readings, StandIn, Workspace};

const T1: &str = "2026-11-19T14:12:51.871Z";
const T2: &str = "2026-11-19T20:13:55.325Z";
const V1: &str = "FEATURE.s132j7ja1";
const V2: &str = "DATA.a531";
const ASSET: &str = "5x0e34yk1re4";

fn sample(options: Options) -> StandIn {
    StandIn::serving(Api::Actian, Workspace::actian().unwrap(), options).unwrap()
}

fn posted(stand_in: &StandIn, body: &str) -> Received {
    let path = "/api/backend/harbour%20works%2F7/configuration/alerts/by_filters";
    let head =
        format!("POST {path} HTTP/1.1\r\nX-TLM-Key: demo-key\r\nContent-Type: application/json");
    Connection::open(stand_in).send_with(&head, body).unwrap()
}

fn alerts(stand_in: &StandIn, sources: &[&str], dates: &[&str], names: &[&str]) -> Vec<Value> {
    let body = json!({"sources": sources, "upload_dates": dates, "violation_names": names});
    posted(stand_in, &body.to_string()).json().as_array().unwrap().clone()
}

#[test]
fn two_lists_give_their_cross_product() {
    let stand_in = sample(Options::default());
    let found = alerts(&stand_in, &[ASSET], &[T1, T2], &[V1, V2]);
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for alert in &found {
        let of = |name: &str| alert[name].as_str().unwrap();
        pairs.push((of("metric_time"), of("violation_name")));
    }
    pairs.sort_unstable();
    // Nobody asked for the first pair.
    assert_eq!(pairs, [(T1, V2), (T1, V1), (T1, V1), (T2, V2)]);
    assert!(found.iter().all(|alert| alert.get("_asset_id").is_none()));
}

#[test]
fn an_empty_list_does_not_filter() {
    let stand_in = sample(Options::default());
    assert_eq!(alerts(&stand_in, &[], &[], &[]).len(), 23);
    assert_eq!(alerts(&stand_in, &[ASSET], &[], &[]).len(), 13);
    assert_eq!(alerts(&stand_in, &[], &["2026-11-20T09:00:00Z"], &[]).len(), 2);
    assert_eq!(alerts(&stand_in, &["nobody"], &[], &[]).len(), 0);
}

#[test]
fn times_are_compared_as_times() {
    let stand_in = sample(Options::default());
    let times = ["2026-11-19T15:12:51.871000+01:00"];
    assert_eq!(alerts(&stand_in, &[ASSET], &times, &[V2]).len(), 1);
    assert_eq!(alerts(&stand_in, &[ASSET], &["2026-11-19T14:12:51Z"], &[V2]).len(), 0);
}

#[test]
fn the_order_differs_between_requests_with_the_same_body() {
    let stand_in = sample(Options::default());
    let ask = || alerts(&stand_in, &[ASSET], &[], &[]);
    let first = ask();
    let _beside = alerts(&stand_in, &[], &[], &[]);
    let second = ask();
    assert_ne!(first, second);
    assert_eq!(first[1..], second[..12]);
}

#[test]
fn alerts_may_come_in_an_object() {
    let readings = Readings { is_wrapped: true, ..Readings::default() };
    let stand_in = sample(Options { readings, ..Options::default() });
    let body = r#"{"sources":[],"upload_dates":[],"violation_names":[]}"#;
    assert_eq!(posted(&stand_in, body).json()["data"].as_array().unwrap().len(), 23);
    assert_eq!(stand_in.requests()[0].body, body);
}

#[test]
fn a_body_of_another_form_is_refused() {
    let stand_in = sample(Options::default());
    for body in [
        "",
        "sources=a",
        "[]",
        "null",
        "{}",
        r#"{"sources":[],"upload_dates":[]}"#,
        r#"{"sources":[],"upload_dates":[],"violation_names":[],"limit":1}"#,
        r#"{"sources":"a","upload_dates":[],"violation_names":[]}"#,
        r#"{"sources":[],"upload_dates":[null],"violation_names":[]}"#,
        r#"{"sources":[],"upload_dates":[],"violation_names":[1]}"#,
    ] {
        let received = posted(&stand_in, body);
        assert_eq!(received.status, 400, "{body}");
        assert!(received.json()["description"].is_string());
    }
}
