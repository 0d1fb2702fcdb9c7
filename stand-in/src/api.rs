//! Which API a stand-in imitates.

use serde_json::Value;

use super::document::Document;

/// An API, with what has to be known to imitate it.
#[derive(Debug, Clone)]
pub enum Api {
    /// An API as this `OpenAPI` document describes it.
    OpenApi(Value),
    /// Incidents and muting rules of `SignalFx`, under `/v2`.
    SignalFx,
    /// Incidents and alerts of Actian Data Observability, under `/api/backend/{tenant}`.
    Actian,
}

/// An API that is being imitated.
#[derive(Debug)]
pub(crate) enum Served {
    /// By its document, which is itself served as it was given.
    OpenApi { document: Document, source: Value },
    /// By the rules in `signalfx`.
    SignalFx,
    /// By the rules in `actian`.
    Actian,
}

impl From<Api> for Served {
    fn from(api: Api) -> Self {
        match api {
            Api::OpenApi(source) => Self::OpenApi { document: Document::read(&source), source },
            Api::SignalFx => Self::SignalFx,
            Api::Actian => Self::Actian,
        }
    }
}
