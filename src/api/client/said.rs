//! What the body of an error says, in whichever of the usual forms an API writes it.

use serde_json::Value;

use crate::base::cut;
use crate::base::error::ApiMessage;

/// How many characters are shown of a body that is not the API's.
const SHOWN: usize = 80;

/// What the body of an error says, whichever of the forms it has that APIs write.
pub(super) struct Said {
    pub(super) api: ApiMessage,
    /// The missing scope.
    pub(super) scope: Option<String>,
    /// When to come again.
    pub(super) retry_after: Option<String>,
    /// Whether it has a code where errors with codes have it.
    pub(super) is_coded: bool,
    pub(super) is_json: bool,
    pub(super) is_html: bool,
}

impl Said {
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
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
        let scope = text("/errors/0/metadata/scope").map(|scope| cut::text(&scope));
        let is_json = !body.is_null();
        let words: String = match words {
            Some(words) => cut::text(&words),
            None if body.is_object() => String::new(),
            None => plain.chars().take(SHOWN).collect(),
        };
        Self {
            is_coded: coded.is_some() || scope.is_some(),
            is_json,
            is_html: !is_json && plain.starts_with('<'),
            scope,
            retry_after: text("/rate_limit/retry_after"),
            api: ApiMessage {
                status,
                text: words,
                code: coded.or_else(|| first(&["/code", "/error/code"])),
                request_id: text("/request_id").map(|id| cut::text(&id)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_api_says_is_cut_and_what_something_else_does_is_cut_shorter() {
        let long = "x".repeat(9_000);
        for (body, length) in [
            (format!("{long:?}"), cut::MOST_CHARACTERS + 1),
            (format!(r#"{{"message": {long:?}}}"#), cut::MOST_CHARACTERS + 1),
            (format!("[{long:?}]"), SHOWN),
            (format!("<html>{long}"), SHOWN),
        ] {
            let Said { api, .. } = Said::of(400, body.as_bytes());
            assert_eq!(api.text.chars().count(), length);
        }
    }
}
