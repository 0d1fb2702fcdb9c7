//! What Actian Data Observability answers, from its document: lists without pages and without an
//! order, figures, one incident, and the alerts that a body asks for. Pure; sockets, limits and
//! faults are left to others.

use serde_json::{Value, json};

use super::answer::Rules;
use super::denial::Denial;
use super::query::Request;
use super::row::outer_public;
use super::time;
use super::workspace::Workspace;

mod figures;
mod filters;

use filters::Filters;

/// The only tenant: in a path it is one segment, percent-encoded.
pub const ACTIAN_TENANT: &str = "harbour works/7";
const INCIDENTS: &str = "/incidents";
const DETAIL: &str = "/incidents/{id}";
const SUMMARY: &str = "/incidents/summary";
const DISTRIBUTION: &str = "/incidents/distribution";
const ALERTS: &str = "/configuration/alerts/by_filters";
/// The members that the body of a request for alerts has, no more and no fewer.
const ASKED: [&str; 3] = ["sources", "upload_dates", "violation_names"];

/// Whether a request may be answered at all, before anything is looked up.
pub(crate) fn admit(request: &Request, rules: &Rules) -> Result<(), Denial> {
    let within = request.within_tenant().filter(|(tenant, _)| tenant == ACTIAN_TENANT);
    let Some((_, path)) = within else {
        return Err(Denial::web_interface());
    };
    let bearer = format!("Bearer {}", rules.key);
    match (request.header("x-tlm-key"), request.header("authorization")) {
        (Some(key), None) if key == rules.key => {}
        (None, Some(authorization)) if authorization == bearer => {}
        _ => return Err(denial(401)),
    }
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.split(';').next().unwrap_or_default().trim() != "application/json" {
        return Err(denial(415));
    }
    if rules.forbidden.iter().any(|prefix| request.is_under(prefix)) {
        return Err(denial(403));
    }
    let method = if path == ALERTS { "POST" } else { "GET" };
    if is_known(&path) && request.method != method {
        return Err(denial(405));
    }
    Ok(())
}

/// Answers an admitted request; `turn` says how many times it was answered before.
pub(crate) fn answer(
    request: &Request,
    workspace: &Workspace,
    rules: &Rules,
    turn: usize,
) -> Result<Value, Denial> {
    let path = request.within_tenant().map(|(_, path)| path).unwrap_or_default();
    match path.as_str() {
        INCIDENTS => {
            let filters = Filters::read(request)?;
            let incidents = workspace.stored(INCIDENTS).iter().filter(|row| filters.pass(row));
            Ok(list(incidents.collect(), rules, turn))
        }
        SUMMARY => {
            refuse_parameters(request)?;
            Ok(figures::summary(workspace.stored(INCIDENTS), workspace.stored(SUMMARY)))
        }
        DISTRIBUTION => {
            let filters = Filters::read(request)?;
            let incidents = workspace.stored(INCIDENTS).iter().filter(|row| filters.pass(row));
            let stored = if filters.is_empty() { workspace.stored(DISTRIBUTION) } else { &[] };
            let mut days = figures::distribution(incidents, stored);
            rotate(&mut days, turn);
            Ok(json!({"incidents": days}))
        }
        ALERTS => {
            refuse_parameters(request)?;
            let alerts = alerts(&request.body, workspace.stored(ALERTS))?;
            Ok(list(alerts, rules, turn))
        }
        _ => {
            let Some(id) = path.strip_prefix("/incidents/").filter(|id| !id.contains('/')) else {
                return Err(denial(404));
            };
            refuse_parameters(request)?;
            detail(id, workspace)
        }
    }
}

/// How the API says no with this status.
pub(crate) fn denial(status: u16) -> Denial {
    match status {
        400 => Denial::described(400, "The request is not valid."),
        401 => Denial::text(401, "The key or token is missing, doubled or not valid"),
        403 => Denial::described(403, "You are not allowed to do that."),
        404 => Denial::text(404, "Not found"),
        405 => Denial::text(405, "Method not allowed"),
        415 => Denial::text(415, "Unsupported media type"),
        429 => Denial::text(429, "Too many requests"),
        status => Denial::bare(status, "Something went wrong"),
    }
}

fn is_known(path: &str) -> bool {
    path == ALERTS || path == INCIDENTS || path.starts_with("/incidents/")
}

fn refuse_parameters(request: &Request) -> Result<(), Denial> {
    match request.pairs().first() {
        None => Ok(()),
        Some((name, _)) => Err(Denial::text(400, &format!("Unknown query parameter: {name}"))),
    }
}

/// A list without an order: it begins with another row each time.
fn list(mut rows: Vec<&Value>, rules: &Rules, turn: usize) -> Value {
    rotate(&mut rows, turn);
    let rows: Vec<Value> = rows.into_iter().map(outer_public).collect();
    if rules.readings.is_wrapped { json!({"data": rows}) } else { Value::Array(rows) }
}

fn rotate<T>(rows: &mut [T], turn: usize) {
    if !rows.is_empty() {
        rows.rotate_left((turn + 1) % rows.len());
    }
}

/// One incident. A row of the list without a detail of its own has one that says the same and is empty
/// otherwise; `_vanished` in either is a 404.
fn detail(id: &str, workspace: &Workspace) -> Result<Value, Denial> {
    let Ok(id) = id.parse::<i64>() else {
        return Err(Denial::described(400, "incidentId must be an integer"));
    };
    let mut found = None;
    for row in workspace.stored(DETAIL).iter().chain(workspace.stored(INCIDENTS)) {
        if row.get("id").and_then(Value::as_i64) != Some(id) {
            continue;
        }
        if row.get("_vanished").and_then(Value::as_bool) == Some(true) {
            return Err(denial(404));
        }
        found = found.or(Some(row));
    }
    let Some(row) = found else { return Err(denial(404)) };
    let mut body = outer_public(row);
    let is_own = workspace.stored(DETAIL).iter().any(|own| std::ptr::eq(own, row));
    if let Some(members) = body.as_object_mut().filter(|_| !is_own) {
        members.remove("created_time");
        members.insert("metrics".to_owned(), json!([]));
        members.insert("history".to_owned(), json!([]));
    }
    Ok(body)
}

/// The alerts that each of three lists names; one that is empty names all.
fn alerts<'a>(body: &str, rows: &'a [Value]) -> Result<Vec<&'a Value>, Denial> {
    let asked: Value = serde_json::from_str(body)
        .map_err(|error| Denial::described(400, &format!("The body is not JSON: {error}")))?;
    let members = asked.as_object().filter(|members| members.len() == ASKED.len());
    let mut lists: Vec<Vec<&str>> = Vec::new();
    for name in ASKED {
        let items = members.and_then(|members| members.get(name)).and_then(Value::as_array);
        let texts = items.and_then(|items| items.iter().map(Value::as_str).collect());
        let Some(texts) = texts else {
            let message = "The body must have sources, upload_dates and violation_names, each a \
                list of strings, and nothing else.";
            return Err(Denial::described(400, message));
        };
        lists.push(texts);
    }
    let mut found = Vec::new();
    for row in rows {
        let members = ["_asset_id", "metric_time", "violation_name"];
        let mut is_asked = true;
        for (wanted, member) in lists.iter().zip(members) {
            let stated = row.get(member).and_then(Value::as_str).unwrap_or_default();
            is_asked &= wanted.is_empty() || wanted.iter().any(|wanted| are_same(wanted, stated));
        }
        if is_asked {
            found.push(row);
        }
    }
    Ok(found)
}

/// Times are the same however many digits they have.
fn are_same(wanted: &str, stated: &str) -> bool {
    let moment = time::moment(wanted);
    wanted == stated || (moment.is_some() && moment == time::moment(stated))
}
