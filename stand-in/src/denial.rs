//! Answers that say no, in the forms of the APIs that are described in prose: they have several,
//! and which one comes is not written down.

use serde_json::{Value, json};

use super::http::JSON;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const WEB_INTERFACE: &str = "<!DOCTYPE html>\n<html><head><title>Data Observability</title></head>\n\
    <body><div id=\"root\"></div><script src=\"/main.js\"></script></body></html>\n";

/// An answer without data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Denial {
    /// Plain text.
    pub(crate) fn text(status: u16, message: &str) -> Self {
        Self { status, content_type: TEXT, body: message.to_owned() }
    }

    /// A JSON string and nothing around it.
    pub(crate) fn bare(status: u16, message: &str) -> Self {
        Self::of(status, &json!(message))
    }

    /// An object with the status as its code.
    pub(crate) fn coded(status: u16, message: &str) -> Self {
        Self::of(status, &json!({"code": status, "message": message}))
    }

    /// An object in an object.
    pub(crate) fn nested(status: u16, code: &str, message: &str) -> Self {
        Self::of(status, &json!({"error": {"code": code, "message": message}}))
    }

    /// An object with a sentence.
    pub(crate) fn described(status: u16, description: &str) -> Self {
        Self::of(status, &json!({"description": description}))
    }

    /// The page of the web interface, which answers whatever the API does not: with a 200.
    pub(crate) fn web_interface() -> Self {
        Self { status: 200, content_type: HTML, body: WEB_INTERFACE.to_owned() }
    }

    fn of(status: u16, body: &Value) -> Self {
        Self { status, content_type: JSON, body: body.to_string() }
    }
}
