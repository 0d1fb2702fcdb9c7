//! A request as it came, and its query checked against the document: what is not in there, missing or ill
//! typed is refused. What the parameters mean is left to others.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::document::{Endpoint, Kind, Shape};
use super::refusal::Refusal;
use super::time;

/// How many rows a page has when the request does not say.
const USUAL_PAGE_SIZE: usize = 25;

/// A request, taken apart but not judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as they were received.
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) host: String,
    pub(crate) takes_gzip: bool,
    /// All headers in their order, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// The value of a header, if it was sent; the name in lower case.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    }

    /// The path with its percent-encoding undone.
    pub(crate) fn path(&self) -> String {
        decoded(self.target.split('?').next().unwrap_or_default())
    }

    /// Of a path `/api/backend/{tenant}/…`: the tenant, which is one segment whatever it decodes
    /// to, and the path behind it with its percent-encoding undone.
    pub(crate) fn within_tenant(&self) -> Option<(String, String)> {
        let path = self.target.split('?').next().unwrap_or_default();
        let inner = path.strip_prefix("/api/backend/")?;
        let end = inner.find('/').unwrap_or(inner.len());
        let (tenant, path) = inner.split_at(end);
        Some((decoded(tenant), decoded(path)))
    }

    /// Whether the path, or what stands behind the tenant in it, starts so.
    pub(crate) fn is_under(&self, prefix: &str) -> bool {
        self.path().starts_with(prefix)
            || self.within_tenant().is_some_and(|(_, path)| path.starts_with(prefix))
    }

    /// The query's names and values, in their order.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| {
                (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
            })
            .collect()
    }

    /// The value of a parameter, if it is given.
    pub(crate) fn value(&self, wanted: &str) -> Option<String> {
        self.pairs().into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }
}

/// A query that the document allows.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// What stands for the placeholders of the path.
    pub(crate) bound: BTreeMap<String, String>,
    /// Parameters without an operator, paging left out.
    pub(crate) given: BTreeMap<String, Vec<String>>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) page_size: usize,
    pub(crate) after: Option<String>,
    /// Differs between queries that must not share a cursor.
    pub(crate) fingerprint: u64,
}

/// A parameter with operators: `attributes[ID][one_of]=a` and `=b` is one with two keys and two values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) keys: Vec<String>,
    pub(crate) values: Vec<String>,
}

impl Query {
    /// Checks the query of a request to an endpoint.
    pub(crate) fn check(
        endpoint: &Endpoint,
        bound: BTreeMap<String, String>,
        request: &Request,
    ) -> Result<Self, Refusal> {
        let fingerprint = fingerprint(request);
        let page_size = USUAL_PAGE_SIZE;
        let (given, filters) = (BTreeMap::new(), Vec::new());
        let mut query = Self { bound, given, filters, page_size, after: None, fingerprint };
        for (name, value) in request.pairs() {
            query.take(endpoint, &name, value)?;
        }
        for parameter in endpoint.parameters.iter().filter(|each| each.is_required) {
            let name = &parameter.name;
            let is_given = query.given.contains_key(name) || parameter.is_in_path;
            if !is_given && !request.pairs().iter().any(|(given, _)| given == name) {
                return Err(Refusal::required(name));
            }
        }
        Ok(query)
    }

    /// The value of a parameter that is given once.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.given.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    fn take(&mut self, endpoint: &Endpoint, full: &str, value: String) -> Result<(), Refusal> {
        let (name, keys) = keys_of(full);
        let parameter = endpoint.parameter(name).filter(|parameter| !parameter.is_in_path);
        let Some(parameter) = parameter else {
            return Err(Refusal::invalid(
                full,
                format!("{full} is not a parameter of this endpoint"),
            ));
        };
        match (&parameter.kind, keys) {
            // The API ignores an object that is not written with brackets.
            (Kind::Object, None) => return Ok(()),
            (Kind::Object, Some(keys)) => self.add_filter(name, keys, value),
            (_, Some(_)) => {
                return Err(Refusal::invalid(full, format!("{name} does not take an operator")));
            }
            (kind, None) => {
                check_value(name, kind, &value)?;
                self.add(name, kind, value, matches!(endpoint.shape, Shape::List(_)))?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        kind: &Kind,
        value: String,
        is_list: bool,
    ) -> Result<(), Refusal> {
        let values = self.given.entry(name.to_owned()).or_default();
        if !values.is_empty() && *kind != Kind::Array {
            return Err(Refusal::invalid(name, format!("{name} is given twice")));
        }
        values.push(value.clone());
        match name {
            "page_size" if is_list => self.page_size = value.parse().unwrap_or(USUAL_PAGE_SIZE),
            "after" if is_list => self.after = Some(value),
            _ => return Ok(()),
        }
        Ok(())
    }

    fn add_filter(&mut self, name: &str, keys: Vec<String>, value: String) {
        let same = |filter: &&mut Filter| filter.name == name && filter.keys == keys;
        match self.filters.iter_mut().find(same) {
            Some(filter) => filter.values.push(value),
            None => self.filters.push(Filter { name: name.to_owned(), keys, values: vec![value] }),
        }
    }
}

/// Splits `name[key][key]`; without a complete bracket there are no keys.
fn keys_of(full: &str) -> (&str, Option<Vec<String>>) {
    let brackets =
        full.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?)));
    match brackets {
        Some((name, keys)) => (name, Some(keys.split("][").map(str::to_owned).collect())),
        None => (full, None),
    }
}

fn check_value(name: &str, kind: &Kind, value: &str) -> Result<(), Refusal> {
    match kind {
        Kind::Integer { least, most } => match value.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(()),
            Ok(_) => Err(Refusal::invalid(name, format!("{name} must be {least} to {most}"))),
            Err(_) => Err(Refusal::invalid(name, format!("{name} must be an integer"))),
        },
        Kind::Boolean if !["true", "false"].contains(&value) => {
            Err(Refusal::invalid(name, format!("{name} must be true or false")))
        }
        Kind::Choice(choices) if !choices.iter().any(|choice| choice == value) => {
            Err(Refusal::invalid(name, format!("{name} must be one of {}", choices.join(", "))))
        }
        Kind::Time if time::moment(value).is_none() => {
            Err(Refusal::invalid(name, format!("{name} must be an RFC 3339 timestamp")))
        }
        Kind::Text | Kind::Array | Kind::Object | Kind::Boolean | Kind::Choice(_) | Kind::Time => {
            Ok(())
        }
    }
}

/// FNV-1a over the path and all parameters but the cursor, whatever their order.
fn fingerprint(request: &Request) -> u64 {
    let mut pairs = request.pairs();
    pairs.retain(|(name, _)| name != "after");
    pairs.sort();
    let mut text = request.path();
    for (name, value) in pairs {
        text.extend(["\n", &name, "=", &value]);
    }
    hash(&text)
}

/// FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
