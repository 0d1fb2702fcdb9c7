//! Answers that say no, in the form of the API's errors.

use serde_json::{Value, json};

/// Why a request is not answered with data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The parameter at fault.
    pub(crate) field: Option<String>,
    /// The scope that the key lacks.
    pub(crate) scope: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { status, code, message, field: None, scope: None }
    }

    /// A parameter with a value that the API does not take.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let field = Some(field.to_owned());
        Self { field, ..Self::new(422, "invalid_value", message) }
    }

    /// A parameter that is missing.
    pub(crate) fn required(field: &str) -> Self {
        let field = Some(field.to_owned());
        let message = format!("{} is required", field.as_deref().unwrap_or_default());
        Self { field, ..Self::new(422, "is_required", message) }
    }

    /// Something that the API does and the stand-in does not.
    pub(crate) fn unsupported(field: &str) -> Self {
        let message = format!("the stand-in does not know what {field} does with this value");
        let field = Some(field.to_owned());
        Self { field, ..Self::new(422, "not_supported_by_the_stand_in", message) }
    }

    /// An object that is not there or was deleted.
    pub(crate) fn missing(what: &str) -> Self {
        Self::new(404, "resource_not_found", format!("there is no {what} with this ID"))
    }

    /// What a request gets that the test wants to fail with this status.
    pub(crate) fn of_status(status: u16) -> Self {
        let (code, message) = match status {
            401 => ("invalid_authorization_material", "this API key is not valid"),
            403 => ("missing_scope", "this API key may not do that"),
            404 => ("resource_not_found", "there is nothing here"),
            422 => ("invalid_value", "this request is not valid"),
            429 => ("too_many_requests", "there were too many requests; try again later"),
            503 => ("service_unavailable", "the service is not available; try again later"),
            _ => ("internal_error", "something went wrong on our side"),
        };
        Self::new(status, code, message)
    }

    /// The body of the answer.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(error) = error.as_object_mut() {
            if let Some(field) = &self.field {
                error.insert("source".to_owned(), json!({"field": field}));
            }
            if let Some(scope) = &self.scope {
                error.insert("metadata".to_owned(), json!({"scope": scope}));
            }
        }
        json!({"type": kind(self.status), "status": self.status, "request_id": request_id,
            "errors": [error]})
    }
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "authorization_error",
        404 => "not_found",
        405 => "method_not_allowed",
        422 => "validation_error",
        429 => "too_many_requests",
        _ => "internal_error",
    }
}
