//! Bad weather that a test orders: which request it hits, and what it does to the answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::Answer;
use super::cursor::Cursor;
use super::query::Request;

/// Something that goes wrong with some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the path of the request starts with, with or without `/api/backend/{tenant}`; empty for any
    /// request; and after a `*` what its query has in it.
    pub path: String,
    /// How many matching requests pass first.
    pub skip: usize,
    /// How many requests it hits after that; `usize::MAX` for all of them.
    pub times: usize,
    /// What happens to them.
    pub action: Action,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The answer is an error of the API with this status.
    Status(u16),
    /// The answer is a 429 that asks to wait.
    RetryAfter {
        /// How long to wait.
        seconds: u64,
    },
    /// The answer has this status and this body.
    StatusBody(u16, String),
    /// The answer is a web page with this status, as a proxy sends it.
    Html(u16),
    /// The connection ends in the middle of the body.
    CutBody,
    /// The connection ends before the answer.
    CloseBeforeAnswer,
    /// The answer is a 200 with this body.
    Body(String),
    /// The page has the cursor that it was asked for. Only requests with a cursor match.
    SameCursor,
    /// The page has no rows but a cursor that leads on.
    EmptyPage,
    /// The page lacks its first row.
    ThinPage,
    /// The answer has no `Date` header.
    NoDate,
    /// The clock of the API shows this time.
    Date(DateTime<Utc>),
    /// The answer is late.
    Delay(Duration),
    /// These bytes are sent, whatever they are, and the connection ends.
    Raw(Vec<u8>),
    /// The bytes of the answer, header and all, are changed on their way.
    Rewritten(Rewrite),
    /// The connection is reset in place of an answer, where the system can do that; elsewhere it ends.
    Reset,
}

/// How the bytes of an answer are changed, and whether the connection ends after them.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite {
    /// What becomes of them.
    pub by: fn(Vec<u8>) -> Vec<u8>,
    /// Whether the connection ends.
    pub closes: bool,
}

impl PartialEq for Rewrite {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.by, other.by) && self.closes == other.closes
    }
}

impl Eq for Rewrite {}

impl Fault {
    /// A fault that hits each request whose path starts so.
    #[must_use]
    pub fn always(path: &str, action: Action) -> Self {
        Self { path: path.to_owned(), skip: 0, times: usize::MAX, action }
    }

    /// A fault that hits the first request whose path starts so.
    #[must_use]
    pub fn once(path: &str, action: Action) -> Self {
        Self { times: 1, ..Self::always(path, action) }
    }

    fn matches(&self, request: &Request) -> bool {
        let needs_cursor = self.action == Action::SameCursor;
        let (path, query) = self.path.split_once('*').unwrap_or((&self.path, ""));
        request.is_under(path)
            && request.target.contains(query)
            && (!needs_cursor || request.value("after").is_some())
    }
}

/// What happens to a request, which is given with its path and query, where no fault hits it.
pub type Weather = Box<dyn FnMut(&str) -> Option<Action> + Send>;

/// The faults of a running stand-in, and how many requests each has seen.
#[derive(Default)]
pub(crate) struct Faults {
    ordered: Vec<(Fault, usize)>,
    weather: Option<Weather>,
    /// How many requests were hit.
    pub(crate) hits: usize,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.ordered.push((fault, 0));
    }

    pub(crate) fn set_weather(&mut self, weather: Weather) {
        self.weather = Some(weather);
    }

    /// What happens to this request: the action of the first fault that hits it, or of the weather.
    pub(crate) fn next(&mut self, request: &Request) -> Option<Action> {
        let mut action = None;
        for (fault, seen) in self.ordered.iter_mut().filter(|(fault, _)| fault.matches(request)) {
            let hits = *seen >= fault.skip && *seen - fault.skip < fault.times;
            *seen += 1;
            if hits && action.is_none() {
                action = Some(fault.action.clone());
            }
        }
        let weather = self.weather.as_mut();
        let action = action.or_else(|| weather.and_then(|weather| weather(&request.target)));
        self.hits += usize::from(action.is_some());
        action
    }
}

/// Gives a page the cursor that it was asked for.
pub(crate) fn repeat_cursor(answer: &mut Answer, request: &Request) {
    if let Some(after) = request.value("after") {
        set_after(&mut answer.body, &after);
    }
}

/// Takes the rows of a page away; its cursor leads to them.
pub(crate) fn empty(answer: &mut Answer) {
    let Some((property, start)) = &answer.page else { return };
    let again = Cursor { again: start.again.saturating_add(1), ..start.clone() };
    // An answer that is kept whole may be no list.
    let Some(rows) = answer.body.get_mut(property).and_then(Value::as_array_mut) else { return };
    rows.clear();
    set_after(&mut answer.body, &again.text());
}

/// Takes the first row of a page away.
pub(crate) fn thin(answer: &mut Answer) {
    let Some((property, _)) = &answer.page else { return };
    let rows = answer.body.get_mut(property).and_then(Value::as_array_mut);
    if let Some(rows) = rows.filter(|rows| !rows.is_empty()) {
        rows.remove(0);
    }
}

fn set_after(body: &mut Value, after: &str) {
    if let Some(members) = body.as_object_mut() {
        let meta = members.entry("pagination_meta").or_insert_with(|| json!({"page_size": 25}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("after".to_owned(), json!(after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Request {
        Request { target: target.to_owned(), ..Request::default() }
    }

    #[test]
    fn a_fault_skips_then_hits_then_stops() {
        let mut faults = Faults::default();
        let action = Action::Status(500);
        faults.add(Fault { path: "/v2/users".to_owned(), skip: 1, times: 2, action });
        let hits = ["/v2/users", "/v2/alerts", "/v2/users", "/v2/users/1", "/v2/users"]
            .map(|target| faults.next(&request(target)).is_some());
        assert_eq!(hits, [false, false, true, true, false]);
    }

    #[test]
    fn the_same_cursor_needs_a_cursor() {
        let mut faults = Faults::default();
        faults.add(Fault::once("", Action::SameCursor));
        assert_eq!(faults.next(&request("/v2/users")), None);
        assert_eq!(faults.next(&request("/v2/users?after=x")), Some(Action::SameCursor));
    }
}
