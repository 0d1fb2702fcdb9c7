//! Which request: path and query, as pure data. Sending it is left to [`crate::api::client`].

use std::fmt;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A GET request under the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    endpoint: String,
    path: String,
    query: Vec<(String, String)>,
    /// The parameter that says how many records a page may have.
    size: Option<&'static str>,
}

/// Brackets are encoded too: the API takes `mode%5Bone_of%5D`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Request {
    /// A request for `path`, without a query.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { endpoint: path.clone(), path, query: Vec::new(), size: None }
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

    fn replacing(&self, parameter: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.query.retain(|(name, _)| name != parameter);
        other.with(parameter, value)
    }

    /// The request with a parameter of a child: in the path where that has a place for it, else in
    /// the query. Whatever characters the value has, it stays one path segment.
    #[must_use]
    pub fn bound(mut self, parameter: &str, value: &str) -> Self {
        let place = format!("{{{parameter}}}");
        if self.path.contains(&place) {
            let segment = utf8_percent_encode(value, ENCODED).to_string();
            self.path = self.path.replace(&place, &segment);
            return self;
        }
        self.with(parameter, value)
    }
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
