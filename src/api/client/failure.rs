//! Why a request was not answered with a 200, and whether it may be sent again.

use std::io::ErrorKind;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use ureq::Timeout;
use ureq::http::{HeaderMap, Uri};

use super::asked::asked;
use super::certificate::untrusted;
use super::said::Said;
use super::text;
use crate::base::cut;
use crate::base::error::{ApiMessage, Error};
use crate::page::explain;
use crate::source::Errors;
use crate::source::request::Request;

/// What ureq says of more than 128 headers: the error has a name only in a crate below it.
const TOO_MANY_HEADERS: &str = "too many headers";

/// Why an attempt failed.
#[derive(Debug)]
pub enum Failure {
    /// The next attempt may succeed.
    Passing(Passing),
    /// The next attempt would fail too.
    Final(Error),
}

/// A failure that may pass.
#[derive(Debug)]
pub struct Passing {
    what: What,
    /// How long the API asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// Where a quota is used up: the header that tells which.
    pub(super) quotas: Option<String>,
}

/// The settings that bound how long an answer may take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) whole: Duration,
}

#[derive(Debug)]
enum What {
    Transport(String),
    /// Nobody is at the address, or it has none.
    Nowhere(String),
    Status(ApiMessage),
    /// An answer that no API gives, and the error to end with if it keeps coming.
    Answer(Box<Error>),
}

impl Passing {
    /// An answer that is not the API's, as from a proxy; `error` is what to end with if it keeps
    /// coming.
    #[must_use]
    pub fn answer(error: Error) -> Self {
        What::Answer(error.into()).into()
    }

    /// Nobody wants the rest of an answer.
    pub(super) fn unwanted() -> Self {
        What::Transport("it is not wanted any more".to_owned()).into()
    }

    /// Whether what came is no answer of an API.
    pub(super) fn is_no_answer(&self) -> bool {
        matches!(self.what, What::Answer(_))
    }

    /// Whether nobody was there to answer.
    pub(super) fn is_of_nobody(&self) -> bool {
        matches!(self.what, What::Nowhere(_))
    }

    /// Whether the answer may have been too much for the API, or for something on the way.
    #[must_use]
    pub fn is_of_a_gateway(&self) -> bool {
        matches!(&self.what, What::Status(api) if [502, 503, 504].contains(&api.status))
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.what {
            What::Transport(problem) | What::Nowhere(problem) => problem.clone(),
            What::Status(api) => api.to_string(),
            What::Answer(error) => error.to_string(),
        }
    }

    pub(super) fn into_error(self, endpoint: &str, attempts: u32) -> Error {
        match self.what {
            What::Transport(problem) | What::Nowhere(problem) => {
                Error::Unreachable { endpoint: endpoint.to_owned(), problem, attempts }
            }
            What::Status(api) => {
                Error::Unavailable { api, attempts, retry_after: self.retry_after }
            }
            What::Answer(error) => *error,
        }
    }
}

impl From<What> for Passing {
    fn from(what: What) -> Self {
        Self { what, retry_after: None, quotas: None }
    }
}

impl Timeouts {
    /// What had not happened when the time was up.
    fn problem(&self, timeout: Timeout) -> String {
        let (missing, wait, setting) = match timeout {
            Timeout::Resolve | Timeout::Connect => ("no connection", self.connect, "connect"),
            Timeout::RecvResponse => ("no byte of an answer", self.first_byte, "first_byte"),
            _ => ("no end of the answer", self.whole, "request"),
        };
        format!("{missing} within {} seconds (`{setting}_timeout`)", wait.as_secs())
    }
}

/// Checks that a body is JSON. One that is not comes from something on the way, which may pass.
pub(super) fn whole(body: &[u8]) -> Result<(), Failure> {
    let json: Result<IgnoredAny, _> = serde_json::from_slice(body);
    json.map(drop).map_err(|error| {
        let start = body.trim_ascii_start();
        let start = start.get(..cut::MOST_CHARACTERS).unwrap_or(start);
        let problem = explain(&error, &String::from_utf8_lossy(start));
        Failure::Passing(Passing::answer(Error::Garbled(problem)))
    })
}

/// No server takes a longer address, and many not half of it. Cursors and ids are what may make it so long.
const LONGEST_ADDRESS: usize = 16 << 10;

/// Checks that a request has an address that can be sent.
pub(super) fn short_enough(request: &Request) -> Result<(), Failure> {
    let address = request.to_string();
    if address.len() <= LONGEST_ADDRESS {
        return Ok(());
    }
    Err(Failure::Final(Error::Contract(format!(
        "a cursor, an id or a filter makes an address of {} letters, and no more than {LONGEST_ADDRESS} are \
         sent: {}",
        address.len(),
        cut::text(&address)
    ))))
}

/// There was no answer, or half of one. That may pass, unless the request cannot be written or the
/// answer is too large, and unless who answers cannot be trusted.
pub(super) fn broken(error: &ureq::Error, endpoint: &str, timeouts: &Timeouts) -> Failure {
    if let Some(untrusted) = untrusted(error, endpoint) {
        return Failure::Final(untrusted);
    }
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) if endpoint.parse::<Uri>().is_err() => {
            Failure::Final(Error::Config(vec![format!("`endpoint` cannot be used: {error}")]))
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure::Final(Error::Contract(format!(
            "it makes a request that cannot be sent: {error}"
        ))),
        ureq::Error::Tls(_) => {
            Failure::Final(Error::Config(vec![format!("`endpoint` cannot be used: {error}")]))
        }
        ureq::Error::Timeout(timeout) => {
            Failure::Passing(What::Transport(timeouts.problem(*timeout)).into())
        }
        ureq::Error::ConnectProxyFailed(reason) if is_refused(reason) => {
            Failure::Final(Error::Config(vec![format!(
                "the proxy in the environment does not take the request: {reason}"
            )]))
        }
        ureq::Error::LargeResponseHeader(size, limit) => Failure::Final(Error::Contract(format!(
            "its headers have {size} bytes, more than {limit}"
        ))),
        ureq::Error::Protocol(error) if error.to_string().contains(TOO_MANY_HEADERS) => {
            Failure::Final(Error::Contract(format!("it has more headers than are read: {error}")))
        }
        other if is_of_nobody(other) => Failure::Passing(What::Nowhere(other.to_string()).into()),
        other => Failure::Passing(What::Transport(other.to_string()).into()),
    }
}

/// Whether the host has no address, or nobody listens there.
fn is_of_nobody(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        // What a resolver says has a kind that is not stable.
        ureq::Error::Io(error) => {
            error.kind() == ErrorKind::ConnectionRefused
                || error.to_string().starts_with("failed to lookup address")
        }
        _ => false,
    }
}

/// Whether a proxy will say the same the next time: it wants another password, or knows no such host. What
/// ureq tells of its answer is a sentence with the status in it.
fn is_refused(reason: &str) -> bool {
    let mut numbers = reason.split(|next: char| !next.is_ascii_digit());
    let status = numbers.find_map(|number| number.parse::<u16>().ok());
    status.is_some_and(|status| (400..500).contains(&status) && ![408, 429].contains(&status))
}

/// What a status other than 200 means; the answer was sent at `now`.
pub(super) fn refusal(
    request: &Request,
    errors: Errors,
    (status, headers, now): (u16, &HeaderMap, DateTime<Utc>),
    body: &[u8],
) -> Failure {
    let said = Said::of(status, body);
    let (is_the_apis, is_gone) = match errors {
        Errors::Coded(gone) => (said.is_coded, said.api.code.as_deref() == Some(gone)),
        Errors::Plain => (!said.is_html, true),
    };
    let Said { api, scope, retry_after, is_json, .. } = said;
    let target = request.to_string();
    match status {
        429 | 408 | 500.. => {
            let of_header = text(headers, "retry-after").and_then(|text| asked(text, now));
            let retry_after = of_header.or_else(|| asked(&retry_after?, now));
            Failure::Passing(Passing { retry_after, ..What::Status(api).into() })
        }
        // An API always answers with a body; a 204 comes from something on the way.
        204 => Failure::Passing(Passing::answer(Error::Rejected { target, api })),
        401 => Failure::Final(Error::Unauthorized(api)),
        // Only the API itself knows what a key may read, or what exists; a proxy does not. Its page is HTML,
        // while JSON of any shape is what an API writes: a stream that is left out is told of, and one that
        // failed would keep the others' run from succeeding for ever.
        403 if is_the_apis || is_json => Failure::Final(Error::Forbidden { scope, api }),
        404 if is_the_apis => Failure::Final(Error::NotFound { is_gone, target, api }),
        _ => Failure::Final(Error::Rejected { target, api }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Option<Error> {
        let request = Request::new("/v2/users");
        let head = (status, &HeaderMap::new(), DateTime::UNIX_EPOCH);
        match refusal(&request, Errors::Coded("resource_not_found"), head, body.as_bytes()) {
            Failure::Final(error) => Some(error),
            Failure::Passing(_) => None,
        }
    }

    #[test]
    fn the_scope_of_a_403_is_the_one_that_the_api_names() {
        let body = r#"{"type": "authorization_error", "status": 403, "request_id": "r1", "errors":
            [{"code": "missing_scope", "message": "no", "metadata": {"scope": "users.view"}}]}"#;
        let Some(Error::Forbidden { scope, api }) = refused(403, body) else { panic!() };
        assert_eq!(scope.as_deref(), Some("users.view"));
        assert_eq!(api.to_string(), "403 \"no\", request r1");
        assert_eq!(api.code.as_deref(), Some("missing_scope"));
    }

    #[test]
    fn an_error_of_the_api_without_errors_is_still_the_apis() {
        let body = r#"{"type": "authorization_error", "status": 403, "errors": []}"#;
        let Some(Error::Forbidden { scope: None, api }) = refused(403, body) else { panic!() };
        assert_eq!(api.to_string(), "403 \"authorization_error\"");
        assert!(matches!(refused(404, r#"{"type": "not_found"}"#), Some(Error::NotFound { .. })));
    }

    #[test]
    fn a_403_in_json_of_any_shape_is_the_apis_and_a_page_a_text_or_nothing_is_not() {
        for body in [
            "[]",
            r#"["no"]"#,
            r#""no""#,
            "{}",
            r#"{"error": "no"}"#,
            r#"{"errors": {}}"#,
            r#"{"errors": [{"code": null}]}"#,
            r#"{"status": 403}"#,
        ] {
            let found = refused(403, body);
            assert!(
                matches!(found, Some(Error::Forbidden { scope: None, .. })),
                "{body}: {found:?}"
            );
            let missing = refused(404, body);
            assert!(matches!(missing, Some(Error::Rejected { .. })), "{body}: {missing:?}");
        }
        for body in ["", "null", "<html>", "Forbidden", "{\"half"] {
            assert!(matches!(refused(403, body), Some(Error::Rejected { .. })), "{body}");
        }
    }

    #[test]
    fn an_address_that_is_too_long_is_the_apis_fault_and_not_the_endpoints() {
        let request = |length| Request::new("/v2/users").with("after", "x".repeat(length));
        assert!(short_enough(&request(LONGEST_ADDRESS - 20)).is_ok());
        let Err(Failure::Final(error)) = short_enough(&request(LONGEST_ADDRESS)) else { panic!() };
        assert_eq!(error.exit_code(), 4);
        assert!(error.to_string().chars().count() < 700, "{error}");
        let bad = || ureq::Error::BadUri("x".into());
        for (endpoint, code) in [("https://api.example.com", 4), ("https://a b", 2)] {
            let timeouts = Timeouts::default();
            let Failure::Final(error) = broken(&bad(), endpoint, &timeouts) else { panic!() };
            assert_eq!(error.exit_code(), code, "{endpoint}");
        }
    }

    #[test]
    fn what_a_proxy_says_is_shown_in_part_and_means_neither_forbidden_nor_missing() {
        let page = format!("<html>{}", "x".repeat(500));
        for status in [403, 404] {
            let Some(Error::Rejected { api, .. }) = refused(status, &page) else { panic!() };
            assert!(api.text.len() < page.len(), "{}", api.text);
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for status in [204, 408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(refused(status, "{}"), None, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 422] {
            assert!(refused(status, "{}").is_some(), "{status}");
        }
    }

    #[test]
    fn when_to_come_again_is_in_the_header_or_else_in_the_body() {
        let said = r#"{"rate_limit": {"retry_after": "Thu, 01 Jan 1970 00:00:18 UTC"}}"#;
        let asked = |headers: &HeaderMap, status| {
            let head = (status, headers, DateTime::UNIX_EPOCH);
            let request = Request::new("/v2/users");
            match refusal(&request, Errors::Coded("gone"), head, said.as_bytes()) {
                Failure::Passing(passing) => passing.retry_after.map(|wait| wait.as_secs()),
                Failure::Final(error) => panic!("{error}"),
            }
        };
        let mut headers = HeaderMap::new();
        for status in [429, 503] {
            assert_eq!(asked(&headers, status), Some(18));
        }
        headers.insert("retry-after", " 7".parse().unwrap());
        assert_eq!(asked(&headers, 429), Some(7));
        headers.insert("retry-after", "soon".parse().unwrap());
        assert_eq!(asked(&headers, 429), Some(18));
    }

    #[test]
    fn a_timeout_is_told_with_its_setting() {
        let second = Duration::from_secs;
        let timeouts = Timeouts { connect: second(1), first_byte: second(2), whole: second(3) };
        for (timeout, expected) in [
            (Timeout::Resolve, "no connection within 1 seconds (`connect_timeout`)"),
            (Timeout::Connect, "no connection within 1 seconds (`connect_timeout`)"),
            (Timeout::RecvResponse, "no byte of an answer within 2 seconds (`first_byte_timeout`)"),
            (Timeout::Global, "no end of the answer within 3 seconds (`request_timeout`)"),
        ] {
            let Failure::Passing(passing) = broken(&ureq::Error::Timeout(timeout), "", &timeouts)
            else {
                panic!()
            };
            assert_eq!(passing.reason(), expected);
        }
    }
}
