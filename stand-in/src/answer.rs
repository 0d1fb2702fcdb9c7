//! What the API answers: a request and the data in, a status and a body out. Pure; sockets, limits and
//! faults are left to others.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use serde_json::{Map, Value, json};

use super::cursor::Cursor;
use super::document::{Document, Endpoint, List, Meta, Shape, placeholder};
use super::filters::filters;
use super::hidden;
use super::page::Page;
use super::parent::lists_of;
use super::places::Places;
use super::query::{Query, Request};
use super::readings::Readings;
use super::refusal::Refusal;
use super::row::Row;
use super::sequence::{By, Sequence};
use super::window;
use super::workspace::{Collection, Workspace};

/// Where the document itself is served, without a key.
pub(crate) const DOCUMENT_PATH: &str = "/v1/openapiV3.json";

/// What every answer depends on besides the request and the data.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) key: String,
    pub(crate) forbidden: Vec<String>,
    pub(crate) page_cap: Option<usize>,
    pub(crate) uncapped: Vec<String>,
    /// Microseconds since 1970.
    pub(crate) now: i64,
    /// Where days begin.
    pub(crate) zone: FixedOffset,
    /// Values that filters take besides those of the document.
    pub(crate) undocumented: Vec<String>,
    /// What holds where documents disagree.
    pub(crate) readings: Readings,
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// Of a list with pages: its property, and where the page was asked to start.
    pub(crate) page: Option<(String, Cursor)>,
}

impl Answer {
    fn of(body: Value) -> Self {
        Self { body, page: None }
    }
}

/// Whether a request may be answered at all, before anything is looked up.
pub(crate) fn admit(request: &Request, document: &Document, rules: &Rules) -> Result<(), Refusal> {
    if request.method != "GET" {
        return Err(Refusal::new(405, "method_not_allowed", "the stand-in only answers GET"));
    }
    if request.path() == DOCUMENT_PATH {
        return Ok(());
    }
    match request.authorization.as_deref() {
        None => {
            let message = "no authorization material provided in request";
            return Err(Refusal::new(401, "missing_authorization_material", message));
        }
        Some(given) if given != format!("Bearer {}", rules.key) => {
            let message = "this API key is not valid";
            return Err(Refusal::new(401, "invalid_authorization_material", message));
        }
        Some(_) => {}
    }
    let path = request.path();
    let Some((endpoint, _)) = document.find(&path) else {
        return Err(Refusal::new(404, "not_found", format!("there is no endpoint {path}")));
    };
    if rules.forbidden.iter().any(|prefix| path.starts_with(prefix)) {
        let mut literals =
            endpoint.path.split('/').filter(|segment| placeholder(segment).is_none());
        let scope = format!("{}.view", literals.next_back().unwrap_or_default());
        let message = format!("this API key lacks the scope {scope}");
        return Err(Refusal { scope: Some(scope), ..Refusal::new(403, "missing_scope", message) });
    }
    Ok(())
}

/// Answers an admitted request.
pub(crate) fn answer(
    request: &Request,
    document: &Document,
    workspace: &Workspace,
    rules: &Rules,
) -> Result<Answer, Refusal> {
    let path = request.path();
    let Some((endpoint, bound)) = document.find(&path) else {
        return Err(Refusal::new(404, "not_found", format!("there is no endpoint {path}")));
    };
    let query = Query::check(endpoint, bound, request)?;
    hidden::check(&endpoint.path, &query)?;
    let asked = Asked { request, document, workspace, rules, endpoint, query };
    match &endpoint.shape {
        Shape::List(list) => {
            asked.check_parents(None)?;
            asked.list(list)
        }
        Shape::Detail { list, property, others } => asked.detail(list, property, others),
        Shape::Whole { property, least } => {
            asked.check_parents(None)?;
            asked.whole(property.as_deref(), least).map(Answer::of)
        }
        Shape::Other => Err(Refusal::unsupported(&endpoint.path)),
    }
}

/// A valid request together with all that its answer depends on.
struct Asked<'a> {
    request: &'a Request,
    document: &'a Document,
    workspace: &'a Workspace,
    rules: &'a Rules,
    endpoint: &'a Endpoint,
    query: Query,
}

impl Asked<'_> {
    fn list(&self, list: &List) -> Result<Answer, Refusal> {
        let cursor = self.cursor()?;
        let filters = filters(&self.endpoint.path, &self.query, self.rules)?;
        let mut tests = hidden::shown(&self.endpoint.path, &self.query, self.rules.now)?;
        tests.extend(filters.tests);
        let bound = self.query.bound.clone();
        tests.push(Box::new(move |row| bound.iter().all(|(name, value)| row.matches(name, value))));
        let passes = |row: &Row<'_>| tests.iter().all(|test| test(row));
        let Some(collection) = self.workspace.collection(&self.endpoint.path) else {
            return Ok(self.empty_list(list, cursor));
        };
        if collection.is_whole {
            let body = self.stored(collection, None).map(Answer::of);
            return Ok(body.unwrap_or_else(|| self.empty_list(list, cursor)));
        }
        let order = hidden::order(&self.endpoint.path, list.is_paged, &self.query);
        let sequence = self.workspace.sequence(collection, order);
        let mut places = Places::from(0..sequence.len());
        for id in self.parent_ids() {
            places = places.shared(&sequence.of_month(id));
        }
        if let (Some(created), By::Time("created_at")) = (filters.created, order.by) {
            places = places.within(&sequence.between(created.from, created.until));
        }
        if let Some(updated) = filters.updated {
            places = places.shared(&collection.updated(&sequence, updated));
        }
        let start = cursor.last.as_ref().map_or(0, |last| sequence.after(last));
        let size = if list.is_paged { self.page_size() } else { usize::MAX };
        let rest = places.clone().within(&(start..usize::MAX));
        let mut page = Page::read(&sequence, &rest, size, &passes);
        if list.counts_records {
            page.count(&sequence, &places, &passes);
        }
        let first = page.positions.first().and_then(|at| sequence.row(*at));
        let others = self.others(&list.others, first.as_ref());
        page.rows = self.rows_of(list, &sequence, &page);
        Ok(self.list_answer(list, page, others, cursor))
    }

    fn empty_list(&self, list: &List, cursor: Cursor) -> Answer {
        self.list_answer(list, Page::default(), self.others(&list.others, None), cursor)
    }

    fn page_size(&self) -> usize {
        let path = &self.endpoint.path;
        let cap = self.rules.page_cap.filter(|_| !self.rules.uncapped.contains(path));
        let most = cap.unwrap_or(usize::MAX);
        hidden::page_size(path, self.query.page_size).min(most).max(1)
    }

    fn cursor(&self) -> Result<Cursor, Refusal> {
        let fingerprint = self.query.fingerprint;
        let unknown = hidden::unknown_cursor(&self.endpoint.path);
        match &self.query.after {
            None => Ok(Cursor { fingerprint, again: 0, last: None }),
            Some(after) => Cursor::read(after, fingerprint, unknown),
        }
    }

    fn rows_of(&self, list: &List, sequence: &Sequence, page: &Page) -> Vec<Value> {
        let left_out = hidden::left_out(&self.endpoint.path, &self.query);
        let rows = page.positions.iter().filter_map(|at| sequence.row(*at));
        let public = rows.map(|row| {
            let mut row = row.public();
            if let Some(members) = row.as_object_mut() {
                members.retain(|name, _| !list.omitted.contains(name) && Some(&**name) != left_out);
            }
            row
        });
        public.collect()
    }

    fn list_answer(
        &self,
        list: &List,
        page: Page,
        others: Map<String, Value>,
        cursor: Cursor,
    ) -> Answer {
        let follows = page.has_more || (page.is_full && hidden::may_end_empty(&self.endpoint.path));
        let after = page.last.filter(|_| follows && list.is_paged);
        let mut body = others;
        let is_only_page = after.is_none() && cursor.last.is_none();
        if list.meta == Meta::Always || (list.meta == Meta::Optional && !is_only_page) {
            let size = hidden::page_size(&self.endpoint.path, self.query.page_size);
            let next = after.map(|last| Cursor { last: Some(last), again: 0, ..cursor }.text());
            let members = [
                ("page_size", Some(json!(size))),
                ("after", next.map(Value::String)),
                ("total_record_count", page.count.map(|count| json!(count))),
            ];
            let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            body.insert("pagination_meta".to_owned(), members.collect());
        }
        body.insert(list.property.clone(), Value::Array(page.rows));
        let page = list.is_paged.then(|| (list.property.clone(), cursor));
        Answer { body: Value::Object(body), page }
    }

    fn detail(
        &self,
        list: &str,
        property: &str,
        others: &BTreeMap<String, Value>,
    ) -> Result<Answer, Refusal> {
        let own = self.endpoint.path.rsplit('/').next().and_then(placeholder).unwrap_or_default();
        self.check_parents(Some(own))?;
        if ["expand", "skip_step_upgrades"].iter().any(|name| self.query.one(name) == Some("true"))
        {
            return Err(Refusal::unsupported("expand"));
        }
        let missing = || Refusal::missing(property);
        let own_bodies = self.workspace.collection(&self.endpoint.path);
        if let Some(body) = own_bodies.and_then(|bodies| self.stored(bodies, Some(property))) {
            return Ok(Answer::of(body));
        }
        let collection = self.workspace.collection(list).ok_or_else(missing)?;
        let id = self.query.bound.get(own).map_or("", String::as_str);
        let found = self.workspace.find(collection, id, |row| {
            let mut outer = self.query.bound.iter().filter(|(name, _)| *name != own);
            let is_inside = outer.all(|(name, value)| row.matches(name, value));
            (is_inside && !row.is_vanished()).then(|| {
                let mut body = self.others(others, Some(&row));
                body.insert(property.to_owned(), row.public());
                Answer::of(Value::Object(body))
            })
        });
        found.flatten().ok_or_else(missing)
    }

    fn whole(&self, property: Option<&str>, least: &Value) -> Result<Value, Refusal> {
        let body = match self.workspace.collection(&self.endpoint.path) {
            None => least.clone(),
            Some(collection) => self.stored(collection, property).unwrap_or_else(|| least.clone()),
        };
        match self.endpoint.path.as_str() {
            "/v2/schedule_entries" => {
                window::schedule_entries(body, &self.query, self.request, self.rules.now)
            }
            path if path.ends_with("/availability") => window::availability(body, &self.query),
            _ => Ok(body),
        }
    }

    /// The stored answer whose parameters are those of the request.
    fn stored(&self, collection: &Collection, property: Option<&str>) -> Option<Value> {
        let is_window = |name: &str| name.ends_with("_at") || name.starts_with("entry_window");
        let single = |(name, values): (&'_ String, &'_ Vec<String>)| {
            Some((name.clone(), values.first()?.clone()))
        };
        let given = self.query.given.iter().filter_map(single);
        let wanted: Vec<(String, String)> =
            given.chain(self.query.bound.clone()).filter(|(name, _)| !is_window(name)).collect();
        let order = hidden::order(&self.endpoint.path, false, &self.query);
        let sequence = self.workspace.sequence(collection, order);
        let mut places = Places::from(0..sequence.len());
        for (_, value) in &wanted {
            places = places.shared(&sequence.of_month(value));
        }
        let mut rows = places.iter().filter_map(|at| sequence.row(at));
        let row = rows.find(|row| wanted.iter().all(|(name, value)| row.matches(name, value)))?;
        match property {
            Some(property) if !collection.is_whole => Some(json!({property: row.public()})),
            _ => Some(row.public()),
        }
    }

    /// The properties of an answer besides its rows: what the row keeps under a private key, the
    /// parent that the request or the row names, or the least that the schema allows.
    fn others(&self, least: &BTreeMap<String, Value>, row: Option<&Row<'_>>) -> Map<String, Value> {
        let other = |name: &String, least: &Value| {
            let own = row.and_then(|row| row.at(&format!("/_{name}")));
            let parameter = format!("{name}_id");
            let named = || {
                let in_row = || Some(row?.text(&format!("/{parameter}"))?.into_owned());
                let id = self.query.one(&parameter).map(str::to_owned).or_else(in_row)?;
                let parent = self.parents(&parameter).next()?;
                self.workspace.find(parent, &id, |parent| parent.public())
            };
            own.or_else(named).unwrap_or_else(|| least.clone())
        };
        least.iter().map(|(name, least)| (name.clone(), other(name, least))).collect()
    }

    /// Refuses a request for children of something that does not exist (any more).
    fn check_parents(&self, own: Option<&str>) -> Result<(), Refusal> {
        let given =
            self.query.given.iter().filter_map(|(name, values)| Some((name, values.first()?)));
        for (name, id) in given.chain(&self.query.bound) {
            let Some(parent) = self.parents(name).next().filter(|_| own != Some(name)) else {
                continue;
            };
            let is_there = self.workspace.find(parent, id, |row| !row.is_vanished());
            if is_there != Some(true) {
                return Err(Refusal::missing(name.trim_end_matches("_id")));
            }
        }
        Ok(())
    }

    /// The collections that may hold what a parameter names, the newest version first.
    fn parents(&self, parameter: &str) -> impl Iterator<Item = &Collection> {
        let names = lists_of(&self.endpoint.path, parameter);
        names.into_iter().flat_map(|name| {
            let lists: Vec<&Endpoint> = self.document.lists(&name).collect();
            lists.into_iter().rev().filter_map(|list| self.workspace.collection(&list.path))
        })
    }

    fn parent_ids(&self) -> impl Iterator<Item = &str> {
        let given = self.query.given.iter().filter(|(name, values)| {
            name.ends_with("_id") && *name != "external_id" && values.len() == 1
        });
        let given = given.flat_map(|(_, values)| values);
        given.chain(self.query.bound.values()).map(String::as_str)
    }
}
