//! Which request: path and query, as pure data. Sending it is left to [`crate::api::client`].

use std::fmt;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A request under the endpoint: a GET, or a POST with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    endpoint: String,
    path: String,
    query: Vec<(String, String)>,
    /// The parameter that says how many records a page may have.
    size: Option<&'static str>,
    /// The fields of the body, and their values as JSON as far as they are bound; none of a GET.
    body: Vec<(&'static str, String)>,
}

/// Brackets are encoded too: the API takes `mode%5Bone_of%5D`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Request {
    /// A request for `path`, without a query.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { endpoint: path.clone(), path, query: Vec::new(), size: None, body: Vec::new() }
    }

    /// The same request with a body of these fields, to be [`Request::bound`].
    #[must_use]
    pub fn posting(mut self, fields: &[&'static str]) -> Self {
        self.body = fields.iter().map(|field| (*field, "[]".to_owned())).collect();
        self
    }

    /// The body, a JSON object; none of a GET.
    #[must_use]
    pub fn body(&self) -> Option<String> {
        if self.body.is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        for (name, value) in &self.body {
            fields.push(format!("{}:{value}", serde_json::Value::from(*name)));
        }
        Some(format!("{{{}}}", fields.join(",")))
    }

    /// The path with its places still open: what the API counts together.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The same request with one more parameter. A name may come several times.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Whether it has a parameter with that value.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.query.iter().any(|(known, of)| known == name && of == value)
    }

    /// The request for the next page, its cursor in `parameter`. A cursor belongs to the query that
    /// produced it, so nothing else changes.
    #[must_use]
    pub fn after(&self, parameter: &str, cursor: &str) -> Self {
        self.replacing(parameter, cursor)
    }

    /// The same request with one value of a parameter, whichever it had.
    #[must_use]
    pub fn replacing(&self, parameter: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.query.retain(|(name, _)| name != parameter);
        other.with(parameter, value)
    }

    /// The same request for pages of so many records, as `parameter` says.
    #[must_use]
    pub fn pages_of(&self, parameter: &'static str, records: u32) -> Self {
        Self { size: Some(parameter), ..self.replacing(parameter, &records.to_string()) }
    }

    /// The same request for pages of another size, where it has one.
    #[must_use]
    pub fn resized(&self, records: u32) -> Self {
        self.size.map_or_else(|| self.clone(), |parameter| self.pages_of(parameter, records))
    }

    /// How many records a page may have, where the request says so.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        let (_, value) = self.query.iter().find(|(name, _)| Some(name.as_str()) == self.size)?;
        value.parse().ok()
    }

    /// The request with a parameter of a child: in the path or the body where that has a place for it,
    /// else in the query. Whatever characters the value has, it stays one path segment; in a body it is
    /// JSON already.
    #[must_use]
    pub fn bound(mut self, parameter: &str, value: &str) -> Self {
        if let Some((_, place)) = self.body.iter_mut().find(|(name, _)| *name == parameter) {
            value.clone_into(place);
            return self;
        }
        let place = format!("{{{parameter}}}");
        if self.path.contains(&place) {
            self.path = self.path.replace(&place, &segment(value));
            return self;
        }
        self.with(parameter, value)
    }
}

/// A text as one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Path and query as they are sent.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            let (name, value) =
                (utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED));
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

/// One list to read to its end, and what is added to its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The request for its first page.
    pub first: Request,
    /// The parent: parameters of the request with their values.
    pub bound: Vec<(&'static str, String)>,
    /// The window that is asked for.
    pub window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Settings that its records carry, with their values.
    pub settings: Vec<(&'static str, String)>,
    /// A parameter under whose values, one after the other, it is read.
    pub parts: Option<(&'static str, &'static [&'static str])>,
}

impl Series {
    /// The pages of a list, from this one on.
    #[must_use]
    pub fn of(first: Request) -> Self {
        Self { first, bound: Vec::new(), window: None, settings: Vec::new(), parts: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_repeated_parameters_are_encoded_as_the_api_takes_them() {
        let request = Request::new("/v2/incidents")
            .with("mode[one_of]", "standard")
            .with("mode[one_of]", "test")
            .with("updated_at[date_range]", "2026-01-01~2026-01-31");
        assert_eq!(
            request.to_string(),
            "/v2/incidents?mode%5Bone_of%5D=standard&mode%5Bone_of%5D=test\
             &updated_at%5Bdate_range%5D=2026-01-01~2026-01-31"
        );
    }

    #[test]
    fn the_next_page_keeps_the_query_and_replaces_the_cursor() {
        let first = Request::new("/v2/users").with("page_size", "1000");
        let third = first.after("after", "a&b").after("after", "c");
        assert_eq!(third.to_string(), "/v2/users?page_size=1000&after=c");
    }

    #[test]
    fn pages_may_be_made_smaller() {
        let large = Request::new("/v2/users").pages_of("page_size", 1_000).after("after", "a");
        let small = large.resized(large.page_size().unwrap() / 2);
        assert_eq!(small.to_string(), "/v2/users?after=a&page_size=500");
        assert_eq!(Request::new("/v1/severities").page_size(), None);
    }

    #[test]
    fn a_bound_value_stays_one_path_segment() {
        let route = Request::new("/v3/alert_routes/{id}").bound("id", "a/b?c");
        assert_eq!(route.to_string(), "/v3/alert_routes/a%2Fb%3Fc");
        let options = Request::new("/v1/custom_field_options").bound("custom_field_id", "a&b");
        assert_eq!(options.to_string(), "/v1/custom_field_options?custom_field_id=a%26b");
    }
}
