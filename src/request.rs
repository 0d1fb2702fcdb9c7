//! Which request: path and query, as pure data. Sending it is left to [`crate::client`].

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A GET request under the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    path: String,
    query: Vec<(String, String)>,
}

/// Brackets are encoded too: the API takes `mode%5Bone_of%5D`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Request {
    /// A request for `path`, without a query.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: Vec::new() }
    }

    /// The same request with one more parameter. A name may come several times.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The request for the next page. A cursor belongs to the query that produced it, so nothing
    /// else changes.
    #[must_use]
    pub fn after(&self, cursor: &str) -> Self {
        let mut next = self.clone();
        next.query.retain(|(name, _)| name != "after");
        next.with("after", cursor)
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

/// `path` with `{id}` filled in. The id is one path segment, whatever characters it has.
#[must_use]
pub fn fill(path: &str, id: &str) -> String {
    path.replace("{id}", &utf8_percent_encode(id, ENCODED).to_string())
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
        let third = first.after("a&b").after("c");
        assert_eq!(third.to_string(), "/v2/users?page_size=1000&after=c");
    }

    #[test]
    fn an_id_stays_one_path_segment() {
        assert_eq!(fill("/v3/alert_routes/{id}", "a/b?c"), "/v3/alert_routes/a%2Fb%3Fc");
    }
}
