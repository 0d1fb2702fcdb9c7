//! Filters with an operator: which ones each list takes, and which rows pass. What the API knows and this
//! table does not is refused, never ignored.

use super::answer::Rules;
use super::query::{Filter, Query};
use super::refusal::Refusal;
use super::row::Row;
use super::window::Window;

/// Whether a row is listed.
pub(crate) type Test = Box<dyn Fn(&Row<'_>) -> bool>;

/// Where a row has what a filter compares.
#[derive(Debug, Clone, Copy)]
enum Field {
    Text(&'static str),
    /// A list, and where its items have the text.
    Texts(&'static str, &'static str),
    Flag(&'static str),
}

struct Rule {
    list: &'static str,
    name: &'static str,
    field: Field,
    operators: &'static [&'static str],
}

const ANY_OR_NONE: &[&str] = &["one_of", "not_in"];
const INCIDENTS: &str = "/v2/incidents";
const ALERTS: &str = "/v2/alerts";
const ESCALATIONS: &str = "/v2/escalations";

const fn rule(
    list: &'static str,
    name: &'static str,
    field: Field,
    operators: &'static [&'static str],
) -> Rule {
    Rule { list, name, field, operators }
}

const RULES: &[Rule] = &[
    rule(INCIDENTS, "status", Field::Text("/incident_status/id"), ANY_OR_NONE),
    rule(INCIDENTS, "status_category", Field::Text("/incident_status/category"), ANY_OR_NONE),
    rule(INCIDENTS, "severity", Field::Text("/severity/id"), ANY_OR_NONE),
    rule(INCIDENTS, "incident_type", Field::Text("/incident_type/id"), ANY_OR_NONE),
    rule(INCIDENTS, "mode", Field::Text("/mode"), &["one_of"]),
    rule(ALERTS, "deduplication_key", Field::Text("/deduplication_key"), &["is"]),
    rule(ALERTS, "status", Field::Text("/status"), ANY_OR_NONE),
    rule(ALERTS, "alert_source", Field::Text("/alert_source_id"), ANY_OR_NONE),
    rule(ALERTS, "alert_group_id", Field::Texts("/alert_group_ids", ""), &["one_of"]),
    rule(ALERTS, "has_notes", Field::Flag("/_has_notes"), &["is"]),
    rule(ALERTS, "tags", Field::Texts("/tags", "/name"), &["one_of", "all_of", "not_in"]),
    rule(ESCALATIONS, "escalation_path", Field::Text("/escalation_path_id"), ANY_OR_NONE),
    rule(ESCALATIONS, "status", Field::Text("/status"), ANY_OR_NONE),
    rule(ESCALATIONS, "alert", Field::Texts("/related_alerts", "/id"), ANY_OR_NONE),
    rule(ESCALATIONS, "incident", Field::Texts("/related_incidents", "/id"), ANY_OR_NONE),
    rule(ESCALATIONS, "idempotency_key", Field::Text("/_idempotency_key"), &["is", "starts_with"]),
];

/// The values that a filter takes where it takes only some.
const CHOICES: &[(&str, &[&str])] = &[
    ("mode", &["standard", "retrospective", "test", "tutorial"]),
    (
        "status_category",
        &["triage", "live", "learning", "paused", "closed", "declined", "canceled", "merged"],
    ),
];

/// The filters of a query: the rows that pass, and the windows of `created_at` and `updated_at` they lie
/// in.
#[derive(Default)]
pub(crate) struct Filters {
    pub(crate) tests: Vec<Test>,
    pub(crate) created: Option<Window>,
    pub(crate) updated: Option<Window>,
}

/// Reads all filters of a query to a list.
pub(crate) fn filters(list: &str, query: &Query, rules: &Rules) -> Result<Filters, Refusal> {
    let days = [INCIDENTS, ESCALATIONS].contains(&list).then_some(rules.zone);
    let mut filters = Filters::default();
    for filter in &query.filters {
        if !["created_at", "updated_at"].contains(&filter.name.as_str()) {
            filters.tests.push(test(list, filter, rules)?);
            continue;
        }
        let of_name = query.filters.iter().filter(|other| other.name == filter.name);
        if of_name.count() > 1 {
            let message = format!("{} takes one operator at a time", filter.name);
            return Err(Refusal::invalid(&filter.name, message));
        }
        let window = Window::of_filter(filter, days)?;
        let pointer = format!("/{}", filter.name);
        if filter.name == "created_at" {
            filters.created = Some(window);
        } else {
            filters.updated = Some(window);
        }
        filters.tests.push(Box::new(move |row| {
            row.moment(&pointer).is_some_and(|moment| window.holds(moment))
        }));
    }
    Ok(filters)
}

fn test(list: &str, filter: &Filter, rules: &Rules) -> Result<Test, Refusal> {
    let Filter { name, keys, values } = filter;
    let rule = RULES.iter().find(|rule| rule.list == list && rule.name == name);
    let (Some(rule), [operator]) = (rule, keys.as_slice()) else {
        return Err(Refusal::unsupported(name));
    };
    if (name.as_str(), list) == ("severity", INCIDENTS) && ["gte", "lte"].contains(&&**operator) {
        return Err(Refusal::unsupported(name));
    }
    if !rule.operators.contains(&operator.as_str()) {
        let message = format!("{name} takes the operators {}", rule.operators.join(", "));
        return Err(Refusal::invalid(name, message));
    }
    let choices = CHOICES.iter().find(|(choice, _)| choice == name);
    let bad = |value: &&String| {
        let is_documented = choices.is_none_or(|(_, all)| all.contains(&value.as_str()));
        !(is_documented || rules.undocumented.contains(value))
    };
    if let Some(value) = values.iter().find(bad) {
        return Err(Refusal::invalid(name, format!("{value} is not a {name}")));
    }
    if ["is", "starts_with"].contains(&operator.as_str()) && values.len() > 1 {
        return Err(Refusal::invalid(name, format!("{name} takes one value with {operator}")));
    }
    compare(name, rule.field, operator, values.clone())
}

fn compare(name: &str, field: Field, operator: &str, wanted: Vec<String>) -> Result<Test, Refusal> {
    if let Field::Flag(pointer) = field {
        let wanted: bool = wanted
            .concat()
            .parse()
            .map_err(|_| Refusal::invalid(name, format!("{name} must be true or false")))?;
        return Ok(Box::new(move |row| row.flag(pointer).unwrap_or(false) == wanted));
    }
    let has =
        move |row: &Row<'_>, wanted: &str| texts(row, field).iter().any(|text| same(text, wanted));
    Ok(match operator {
        "not_in" => Box::new(move |row| !wanted.iter().any(|each| has(row, each))),
        "all_of" => Box::new(move |row| wanted.iter().all(|each| has(row, each))),
        "starts_with" => Box::new(move |row| {
            let texts = texts(row, field);
            wanted.iter().any(|each| texts.iter().any(|text| text.starts_with(each)))
        }),
        _ => Box::new(move |row| wanted.iter().any(|each| has(row, each))),
    })
}

fn texts(row: &Row<'_>, field: Field) -> Vec<String> {
    match field {
        Field::Text(pointer) => row.text(pointer).into_iter().map(Into::into).collect(),
        Field::Texts(list, within) => row.texts(list, within).into_iter().map(Into::into).collect(),
        Field::Flag(_) => Vec::new(),
    }
}

/// Tags are compared without regard to case; ids and enum values never differ in case only.
fn same(text: &str, wanted: &str) -> bool {
    text == wanted || text.to_lowercase() == wanted.to_lowercase()
}
