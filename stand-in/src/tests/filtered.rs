//! Filters with an operator.

use serde_json::json;

use super::support::Api;

fn timed(name: &'static str) -> Api {
    let row = |id: &str, at: &str| json!({"id": id, "created_at": at, "updated_at": at, "mode": "standard"});
    let rows = json!({"rows": [
        row("A", "2026-11-01T23:59:59.999900Z"), row("B", "2026-11-02T00:00:00Z"),
        row("C", "2026-11-02T10:00:00.123900Z"), row("D", "2026-11-03T00:00:00Z")]});
    Api::new(&[(name, rows)])
}

fn exact(filter: &str) -> Vec<String> {
    let mut ids = timed("v2.alerts").ids(&format!("/v2/alerts?page_size=50&{filter}"));
    ids.sort();
    ids
}

fn days(filter: &str) -> Vec<String> {
    let target = format!("/v2/incidents?sort_by=created_at_oldest_first&{filter}");
    timed("v2.incidents").ids(&target)
}

#[test]
fn alerts_compare_exact_instants_to_the_millisecond() {
    assert_eq!(exact("updated_at[gte]=2026-11-02T10:00:00.123Z"), ["C", "D"]);
    assert_eq!(exact("updated_at[gte]=2026-11-02T10:00:00.123950Z"), ["C", "D"]);
    assert_eq!(exact("updated_at[gte]=2026-11-02T10:00:00.124Z"), ["D"]);
    assert_eq!(exact("updated_at[lte]=2026-11-02T10:00:00.123Z"), ["A", "B", "C"]);
    assert_eq!(exact("created_at[lte]=2026-11-02"), ["A", "B"]);
    assert_eq!(exact("created_at[gte]=2026-11-02"), ["B", "C", "D"]);
}

#[test]
fn an_exact_range_is_half_open() {
    let range = "2026-11-02T00:00:00Z~2026-11-03T00:00:00Z";
    assert_eq!(exact(&format!("updated_at[date_range]={range}")), ["B", "C"]);
    assert_eq!(exact(&format!("created_at[date_range]={range}")), ["B", "C"]);
    assert_eq!(exact("updated_at[date_range]=2026-11-02~2026-11-03"), ["B", "C"]);
}

#[test]
fn incidents_compare_whole_days_and_both_ends_belong_to_a_range() {
    assert_eq!(days("updated_at[gte]=2026-11-02"), ["B", "C", "D"]);
    assert_eq!(days("updated_at[lte]=2026-11-02"), ["A", "B", "C"]);
    assert_eq!(days("created_at[date_range]=2026-11-01~2026-11-02"), ["A", "B", "C"]);
    assert_eq!(days("created_at[date_range]=2026-11-03~2026-11-03"), ["D"]);
}

#[test]
fn days_begin_where_the_zone_says_and_exact_instants_stay() {
    let ids = |name: &'static str, zone: i32, target: &str| {
        let mut api = timed(name);
        api.rules.zone = chrono::FixedOffset::east_opt(zone * 3_600).unwrap();
        api.ids(target)
    };
    let day = "/v2/incidents?sort_by=created_at_oldest_first&\
               updated_at[date_range]=2026-11-02~2026-11-02";
    assert_eq!(ids("v2.incidents", 0, day), ["B", "C"]);
    assert_eq!(ids("v2.incidents", 14, day), ["A", "B"]);
    assert_eq!(ids("v2.incidents", -12, day), ["D"]);
    let exact = "/v2/alerts?page_size=50&updated_at[gte]=2026-11-02";
    assert_eq!(ids("v2.alerts", 14, exact), ids("v2.alerts", 0, exact));
}

#[test]
fn time_filters_are_strict() {
    let api = Api::new(&[]);
    for filter in [
        "updated_at[gte]=2026-11-02&updated_at[lte]=2026-11-03",
        "updated_at[gte]=2026-11-02&updated_at[gte]=2026-11-03",
        "updated_at[gte]=2026-11-02T00:00:00Z",
        "updated_at[date_range]=2026-11-02T00:00:00Z~2026-11-03T00:00:00Z",
        "updated_at[date_range]=2026-11-02",
        "updated_at[date_range]=2026-11-03~2026-11-02",
        "updated_at[gt]=2026-11-02",
        "updated_at[gte]=yesterday",
    ] {
        assert_eq!(api.status(&format!("/v2/incidents?{filter}")), 422, "{filter}");
        assert_eq!(api.status(&format!("/v2/escalations?{filter}")), 422, "{filter}");
    }
    assert_eq!(
        api.status("/v2/incidents?updated_at[gte]=2026-11-02&created_at[lte]=2026-11-02"),
        200
    );
    assert_eq!(api.status("/v2/alerts?page_size=5&updated_at[gte]=2026-11-02T00:00:00Z"), 200);
}

#[test]
fn alerts_are_found_by_what_they_belong_to() {
    let rows = json!({"rows": [
        {"id": "A", "status": "firing", "alert_source_id": "S1", "alert_group_ids": ["G1", "G2"],
            "_has_notes": true, "tags": [{"name": "Known issue"}], "deduplication_key": "k 1"},
        {"id": "B", "status": "resolved", "alert_source_id": "S2", "tags": []}]});
    let api = Api::new(&[("v2.alerts", rows)]);
    for filter in [
        "status[one_of]=firing",
        "status[not_in]=resolved",
        "alert_source[one_of]=S1",
        "alert_group_id[one_of]=G2&alert_group_id[one_of]=G9",
        "has_notes[is]=true",
        "tags[one_of]=known+issue",
        "deduplication_key[is]=k%201",
    ] {
        assert_eq!(api.ids(&format!("/v2/alerts?page_size=9&{filter}")), ["A"], "{filter}");
    }
    for filter in ["has_notes[is]=false", "tags[not_in]=KNOWN%20ISSUE", "alert_source[not_in]=S1"] {
        assert_eq!(api.ids(&format!("/v2/alerts?page_size=9&{filter}")), ["B"], "{filter}");
    }
}

#[test]
fn what_a_filter_does_not_take_is_refused() {
    let api = Api::new(&[]);
    for filter in [
        "alert_group_id[not_in]=G",
        "has_notes[is]=maybe",
        "has_notes[one_of]=true",
        "deduplication_key[is]=a&deduplication_key[is]=b",
        "attributes[A][one_of]=x",
    ] {
        assert_eq!(api.status(&format!("/v2/alerts?page_size=9&{filter}")), 422, "{filter}");
    }
}
