//! Why a request was not answered with a 200, and whether it may be sent again.

use std::time::Duration;

use serde::de::IgnoredAny;
use serde_json::Value;
use ureq::http::HeaderMap;

use super::text;
use crate::base::error::{ApiMessage, Error};
use crate::page::explain;
use crate::source::Errors;
use crate::source::request::Request;

/// How many characters are shown of a body that is not the API's, and of what an API says.
const SHOWN: usize = 80;
const LONGEST_WORDS: usize = 500;

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
}

#[derive(Debug)]
enum What {
    Transport(String),
    Status(ApiMessage),
    /// An answer that no API gives, and the error to end with if it keeps coming.
    Answer(Box<Error>),
}

impl Passing {
    /// An answer that is not the API's, as from a proxy; `error` is what to end with if it keeps
    /// coming.
    #[must_use]
    pub fn answer(error: Error) -> Self {
        Self { what: What::Answer(error.into()), retry_after: None }
    }

    /// Whether what came is no answer of an API.
    pub(super) fn is_no_answer(&self) -> bool {
        matches!(self.what, What::Answer(_))
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
            What::Transport(problem) => problem.clone(),
            What::Status(api) => api.to_string(),
            What::Answer(error) => error.to_string(),
        }
    }

    pub(super) fn into_error(self, endpoint: &str, attempts: u32) -> Error {
        match self.what {
            What::Transport(problem) => {
                Error::Unreachable { endpoint: endpoint.to_owned(), problem, attempts }
            }
            What::Status(api) => Error::Unavailable { api, attempts },
            What::Answer(error) => *error,
        }
    }
}

/// Checks that a body is JSON. One that is not comes from something on the way, which may pass.
pub(super) fn whole(body: &[u8]) -> Result<(), Failure> {
    let json: Result<IgnoredAny, _> = serde_json::from_slice(body);
    json.map(drop).map_err(|error| {
        let problem = explain(&error, &String::from_utf8_lossy(body));
        Failure::Passing(Passing::answer(Error::Garbled(problem)))
    })
}

/// There was no answer, or half of one. That may pass, unless the request cannot be written or the
/// answer is too large.
pub(super) fn broken(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            Failure::Final(Error::Config(vec![format!("`endpoint` cannot be used: {error}")]))
        }
        ureq::Error::BodyExceedsLimit(limit) => {
            Failure::Final(Error::Contract(format!("it is larger than {limit} bytes")))
        }
        other => Failure::Passing(Passing {
            what: What::Transport(other.to_string()),
            retry_after: None,
        }),
    }
}

/// What a status other than 200 means.
pub(super) fn refusal(
    request: &Request,
    errors: Errors,
    (status, headers): (u16, &HeaderMap),
    body: &[u8],
) -> Failure {
    let said = Said::of(status, body);
    let (is_the_apis, is_gone) = match errors {
        Errors::Coded(gone) => (said.is_coded, said.api.code.as_deref() == Some(gone)),
        Errors::Plain => (!said.is_html, true),
    };
    let Said { api, scope, .. } = said;
    let target = request.to_string();
    match status {
        429 | 408 | 500.. => {
            Failure::Passing(Passing { what: What::Status(api), retry_after: retry_after(headers) })
        }
        // An API always answers with a body; a 204 comes from something on the way.
        204 => Failure::Passing(Passing::answer(Error::Rejected { target, api })),
        401 => Failure::Final(Error::Unauthorized(api)),
        // Only the API itself knows what a key may read, or what exists; a proxy does not.
        403 if is_the_apis => Failure::Final(Error::Forbidden { scope, api }),
        404 if is_the_apis => Failure::Final(Error::NotFound { is_gone, target, api }),
        _ => Failure::Final(Error::Rejected { target, api }),
    }
}

/// What the body of an error says, whichever of the forms it has that APIs write.
struct Said {
    api: ApiMessage,
    /// The missing scope.
    scope: Option<String>,
    /// Whether it has a code where errors with codes have it.
    is_coded: bool,
    is_html: bool,
}

impl Said {
    fn of(status: u16, body: &[u8]) -> Self {
        let plain = String::from_utf8_lossy(body);
        let plain = plain.trim();
        let body: Value = serde_json::from_str(plain).unwrap_or(Value::Null);
        let text = |place: &str| {
            let text = match body.pointer(place)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(text).filter(|text| !text.is_empty())
        };
        let first = |places: &[&str]| places.iter().find_map(|place| text(place));
        // `errors` may be empty; the type still tells that the API is speaking.
        let coded = first(&["/errors/0/code", "/type"]);
        let words = first(&[
            "/errors/0/message",
            "/type",
            "/message",
            "/error/message",
            "/error",
            "/description",
            "",
        ]);
        let scope = text("/errors/0/metadata/scope");
        let is_json = !body.is_null();
        let words: String = match words {
            Some(words) => words.chars().take(LONGEST_WORDS).collect(),
            None if body.is_object() => String::new(),
            None => plain.chars().take(SHOWN).collect(),
        };
        Self {
            is_coded: coded.is_some() || scope.is_some(),
            is_html: !is_json && plain.starts_with('<'),
            scope,
            api: ApiMessage {
                status,
                text: words,
                code: coded.or_else(|| first(&["/code", "/error/code"])),
                request_id: text("/request_id"),
            },
        }
    }
}

/// `Retry-After` in whole seconds.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, "retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Option<Error> {
        let request = Request::new("/v2/users");
        let head = (status, &HeaderMap::new());
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
    fn what_a_proxy_says_is_shown_in_part_and_means_neither_forbidden_nor_missing() {
        let page = format!("<html>{}", "x".repeat(500));
        for status in [403, 404] {
            let Some(Error::Rejected { api, .. }) = refused(status, &page) else { panic!() };
            assert_eq!(api.text.len(), SHOWN);
        }
    }

    #[test]
    fn what_an_api_says_is_cut_too() {
        let long = "x".repeat(9_000);
        for (body, length) in [
            (format!("{long:?}"), LONGEST_WORDS),
            (format!(r#"{{"message": {long:?}}}"#), LONGEST_WORDS),
            (format!("[{long:?}]"), SHOWN),
        ] {
            let Some(Error::Rejected { api, .. }) = refused(400, &body) else { panic!() };
            assert_eq!(api.text.len(), length);
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
}
