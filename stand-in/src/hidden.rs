//! Rules of single endpoints that the document does not put into its schemas: the order of a list, rows
//! that are hidden unless they are asked for, and parameters that mean more than a property's value.

use super::filters::Test;
use super::query::Query;
use super::refusal::Refusal;
use super::row::Row;
use super::sequence::{By, Order};
use super::time;

/// The incident modes that lists show when no mode is asked for.
const USUAL_MODES: &[&str] = &["standard", "retrospective"];
/// The status categories that incidents hide when no category is asked for.
const UNUSUAL_CATEGORIES: &[&str] = &["declined", "canceled", "merged"];
/// Above this page size a schedule comes without its next shifts.
const MOST_WITH_SHIFTS: usize = 25;
/// What the incidents endpoint really serves, whatever its document says.
const MOST_INCIDENTS: usize = 250;

/// The order of a list.
pub(crate) fn order(path: &str, is_paged: bool, query: &Query) -> Order {
    let oldest = query.one("sort_by") == Some("created_at_oldest_first");
    let (by, is_newest_first) = match path {
        "/v2/incidents" | "/v1/postmortem_documents" => (By::Time("created_at"), !oldest),
        "/v2/alerts" | "/v2/escalations" | "/v2/workflow_runs" | "/v2/pay_reports" => {
            (By::Time("created_at"), true)
        }
        "/v2/incident_timeline_items" => (By::Time("timestamp"), false),
        "/v2/alert_tags" => (By::Name, false),
        _ if is_paged => (By::Id, false),
        _ => (By::File, false),
    };
    Order { by, is_newest_first }
}

/// How many rows a page really has.
pub(crate) fn page_size(path: &str, asked: usize) -> usize {
    if path == "/v2/incidents" { asked.min(MOST_INCIDENTS) } else { asked }
}

/// Whether a full page has a cursor even when nothing follows.
pub(crate) fn may_end_empty(path: &str) -> bool {
    path.ends_with("/actions") || path.ends_with("/follow_ups")
}

/// The status that an unknown cursor is answered with.
pub(crate) fn unknown_cursor(path: &str) -> u16 {
    if path == "/v2/workflow_runs" { 404 } else { 422 }
}

/// A property that this page leaves out.
pub(crate) fn left_out(path: &str, query: &Query) -> Option<&'static str> {
    let is_large = query.page_size > MOST_WITH_SHIFTS;
    (path == "/v2/schedules" && is_large).then_some("next_shifts")
}

/// Combinations of parameters that an endpoint refuses.
pub(crate) fn check(path: &str, query: &Query) -> Result<(), Refusal> {
    let has = |name: &str| query.given.contains_key(name);
    match path {
        "/v1/alert_notes" if has("alert_id") == has("alert_group_id") => {
            Err(Refusal::required("alert_id"))
        }
        "/v1/incident_attachments"
            if !(has("incident_id") || (has("external_id") && has("resource_type"))) =>
        {
            Err(Refusal::required("incident_id"))
        }
        _ if query.one("filter_mode") == Some("any") => Err(Refusal::unsupported("filter_mode")),
        _ => Ok(()),
    }
}

/// The rows that a list shows, as far as operators do not decide it.
pub(crate) fn shown(path: &str, query: &Query, now: i64) -> Result<Vec<Test>, Refusal> {
    let mut tests = by_default(path, query, now);
    for (name, values) in &query.given {
        if let Some(test) = by_parameter(path, name, values, now)? {
            tests.push(test);
        }
    }
    Ok(tests)
}

fn by_default(path: &str, query: &Query, now: i64) -> Vec<Test> {
    let has_filter = |name: &str| query.filters.iter().any(|filter| filter.name == name);
    let mut tests: Vec<Test> = vec![Box::new(|row| row.flag("/_archived") != Some(true))];
    match path {
        "/v2/incidents" => {
            if !has_filter("mode") {
                tests.push(Box::new(|row| is_one_of(row, "/mode", USUAL_MODES)));
            }
            if !has_filter("status_category") {
                let category = "/incident_status/category";
                tests.push(Box::new(move |row| !is_one_of(row, category, UNUSUAL_CATEGORIES)));
            }
        }
        "/v3/actions" | "/v3/follow_ups" if query.one("incident_mode").is_none() => {
            tests.push(Box::new(|row| USUAL_MODES.contains(&incident_mode(row).as_str())));
        }
        "/v2/users" if query.one("include_inactive") != Some("true") => {
            tests.push(Box::new(|row| row.flag("/is_active") != Some(false)));
        }
        "/v2/on_call_notification_pauses" if query.one("from").is_none() => {
            tests.push(Box::new(move |row| row.moment("/ends_at").is_none_or(|end| end > now)));
        }
        "/v2/alert_tags" => tests.push(Box::new(|row| row.text("/archived_at").is_none())),
        "/v2/workflow_runs" => tests.push(Box::new(|row| row.text("/cancelled_at").is_none())),
        "/v2/pay_reports" => {
            tests.push(Box::new(|row| !is_one_of(row, "/status", &["pending", "generating"])));
        }
        _ => {}
    }
    tests
}

fn by_parameter(
    path: &str,
    name: &str,
    values: &[String],
    now: i64,
) -> Result<Option<Test>, Refusal> {
    let value = values.first().cloned().unwrap_or_default();
    let moment = time::moment(&value).unwrap_or_default();
    let test: Test = match (path, name) {
        (_, "page_size" | "after" | "sort_by" | "filter_mode" | "include_inactive") => {
            return Ok(None);
        }
        (_, "incident_mode") => Box::new(move |row| incident_mode(row) == value),
        (_, "search") => Box::new(move |row| contains(row, "/name", &value)),
        (_, "identifier") => Box::new(move |row| is_identified(row, &value)),
        ("/v2/on_call_notification_pauses", "from") => {
            Box::new(move |row| row.moment("/ends_at").is_none_or(|end| end > moment))
        }
        ("/v2/on_call_notification_pauses", "to") => {
            Box::new(move |row| row.moment("/starts_at").is_none_or(|start| start < moment))
        }
        ("/v1/maintenance_windows", "status") => {
            Box::new(move |row| window_status(row, now) == value)
        }
        ("/v2/secrets", "team_ids") => {
            let teams = values.to_vec();
            Box::new(move |row| teams.iter().any(|team| row.matches("owning_team_ids", team)))
        }
        (_, "component_id" | "group_id" | "sub_page_id" | "start_at" | "end_at") => {
            return Err(Refusal::unsupported(name));
        }
        _ => {
            let (name, values) = (name.to_owned(), values.to_vec());
            Box::new(move |row| values.iter().any(|value| row.matches(&name, value)))
        }
    };
    Ok(Some(test))
}

fn is_one_of(row: &Row<'_>, pointer: &str, texts: &[&str]) -> bool {
    row.text(pointer).is_some_and(|text| texts.contains(&text.as_ref()))
}

fn incident_mode(row: &Row<'_>) -> String {
    row.text("/_incident_mode").map_or_else(|| "standard".to_owned(), Into::into)
}

fn contains(row: &Row<'_>, pointer: &str, part: &str) -> bool {
    row.text(pointer).is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()))
}

fn is_identified(row: &Row<'_>, identifier: &str) -> bool {
    ["id", "external_id", "aliases"].iter().any(|name| row.matches(name, identifier))
}

fn window_status(row: &Row<'_>, now: i64) -> &'static str {
    let start = row.moment("/start_at").unwrap_or(i64::MIN);
    let end = row.moment("/end_at").unwrap_or(i64::MAX);
    if now < start {
        "upcoming"
    } else if now < end {
        "active"
    } else {
        "past"
    }
}
