//! What `SignalFx` answers, from its document and from what public clients tell: lists by limit and
//! offset, newest first as the rows stand, and nothing else. Pure; sockets, limits and faults are
//! left to others.

use serde_json::{Value, json};

use super::answer::Rules;
use super::denial::Denial;
use super::query::Request;
use super::row::outer_public;
use super::workspace::Workspace;

mod unrest;

pub use unrest::signalfx_unrest;

/// The list of incidents.
pub(crate) const INCIDENTS: &str = "/v2/incident";
/// The list of muting rules.
pub(crate) const MUTING_RULES: &str = "/v2/alertmuting";
/// How many rows come when the request does not say.
const USUAL_LIMIT: usize = 50;
/// No row behind this one is given.
const CEILING: usize = 10_000;
/// A number of milliseconds below this is one of seconds: as milliseconds it would be before 1973.
const LEAST_MILLIS: i64 = 100_000_000_000;

/// Whether a request may be answered at all, before anything is looked up.
pub(crate) fn admit(request: &Request, rules: &Rules) -> Result<(), Denial> {
    if request.header("x-sf-token") != Some(&rules.key) {
        return Err(denial(401));
    }
    let path = request.path();
    if ![INCIDENTS, MUTING_RULES].contains(&path.as_str()) {
        return Err(denial(404));
    }
    if rules.forbidden.iter().any(|prefix| path.starts_with(prefix)) {
        return Err(denial(403));
    }
    if request.method != "GET" {
        return Err(denial(405));
    }
    Ok(())
}

/// Answers an admitted request.
pub(crate) fn answer(
    request: &Request,
    workspace: &Workspace,
    rules: &Rules,
) -> Result<Value, Denial> {
    let window = Window::asked(request, rules)?;
    let rows = workspace.stored(&request.path());
    if request.path() == MUTING_RULES {
        return muting_rules(request, rows, &window, rules.now / 1_000);
    }
    incidents(request, rows, &window, rules)
}

/// How the API says no with this status.
pub(crate) fn denial(status: u16) -> Denial {
    match status {
        400 => Denial::nested(400, "BAD_REQUEST", "the request is not valid"),
        401 => Denial::bare(401, "Unauthorized: this token is not valid"),
        404 => Denial::text(404, "HTTP 404 Not Found"),
        403 => Denial::coded(403, "this token may not do that"),
        405 => Denial::coded(405, "HTTP 405 Method Not Allowed"),
        429 => Denial::coded(429, "there were too many requests"),
        status => Denial::text(status, "There was an error processing your request."),
    }
}

fn incidents(
    request: &Request,
    rows: &[Value],
    window: &Window,
    rules: &Rules,
) -> Result<Value, Denial> {
    let includes_resolved = match request.value("includeResolved").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("includeResolved must be true or false")),
    };
    let is_listed = |row: &Value| match (includes_resolved, rules.readings.true_is_all) {
        (true, true) => true,
        (includes_resolved, _) => is_active(row) != includes_resolved,
    };
    let (page, _) = window.of(rows, is_listed);
    if rules.readings.is_wrapped {
        return Ok(json!({"results": page}));
    }
    Ok(Value::Array(page))
}

/// A row that does not say whether it is active may do so under a private key; otherwise it is.
fn is_active(row: &Value) -> bool {
    let stated = row.get("_active").or_else(|| row.get("active"));
    stated.and_then(Value::as_bool).unwrap_or(true)
}

fn muting_rules(
    request: &Request,
    rows: &[Value],
    window: &Window,
    now: i64,
) -> Result<Value, Denial> {
    // What they do exactly is not written down, so nobody should lean on them.
    for name in ["orderBy", "query"] {
        if request.value(name).is_some() {
            return Err(invalid(&format!("the stand-in does not know what {name} does")));
        }
    }
    let include = request.value("include").unwrap_or_else(|| "Ongoing".to_owned());
    if !["Past", "Future", "Ongoing", "Open", "All"].contains(&include.as_str()) {
        return Err(invalid("include must be one of Past, Future, Ongoing, Open, All"));
    }
    let is_listed = |row: &Value| {
        let state = state(row, now);
        include == "All" || include == state || (include == "Open" && state != "Past")
    };
    let (page, count) = window.of(rows, is_listed);
    Ok(json!({"count": count, "results": page}))
}

/// Where a rule stands against the clock, in the words of the parameter `include`.
fn state(row: &Value, now: i64) -> &'static str {
    let moment = |name: &str| {
        let moment = row.get(name).and_then(Value::as_i64).unwrap_or(0);
        if moment < LEAST_MILLIS { moment * 1_000 } else { moment }
    };
    let (start, stop) = (moment("startTime"), moment("stopTime"));
    if start > now {
        return "Future";
    }
    // Zero is for ever.
    if stop != 0 && stop <= now { "Past" } else { "Ongoing" }
}

/// Which part of a list is asked for.
struct Window {
    offset: usize,
    limit: usize,
}

impl Window {
    fn asked(request: &Request, rules: &Rules) -> Result<Self, Denial> {
        let mut limit = integer(request, "limit")?.unwrap_or(USUAL_LIMIT);
        let mut offset = integer(request, "offset")?.unwrap_or(0);
        if rules.readings.ignores_offset {
            offset = 0;
        }
        if offset + limit > CEILING {
            return Err(denial(500));
        }
        if !rules.uncapped.contains(&request.path()) {
            limit = limit.min(rules.page_cap.unwrap_or(usize::MAX));
        }
        Ok(Self { offset, limit })
    }

    /// The rows of this part as they are sent, and how many the whole list has.
    fn of(&self, rows: &[Value], is_listed: impl Fn(&Value) -> bool) -> (Vec<Value>, usize) {
        let mut page = Vec::new();
        let mut count = 0;
        for row in rows {
            if !is_listed(row) {
                continue;
            }
            if count >= self.offset && page.len() < self.limit {
                page.push(outer_public(row));
            }
            count += 1;
        }
        (page, count)
    }
}

/// A parameter of the type int32 that counts something.
fn integer(request: &Request, name: &str) -> Result<Option<usize>, Denial> {
    let Some(text) = request.value(name) else { return Ok(None) };
    match text.parse::<i32>().map(usize::try_from) {
        Ok(Ok(number)) => Ok(Some(number)),
        Ok(Err(_)) => Err(invalid(&format!("{name} must not be negative"))),
        Err(_) => Err(invalid(&format!("{name} must be an integer"))),
    }
}

fn invalid(message: &str) -> Denial {
    Denial::nested(400, "BAD_REQUEST", message)
}
