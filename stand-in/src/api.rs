//! Which API a stand-in imitates, and what those that are described in prose have in common: each lets a
//! request in, answers it, and says no in its own way.

use serde_json::Value;

use super::actian;
use super::answer::Rules;
use super::denial::Denial;
use super::document::Document;
use super::query::Request;
use super::signalfx;
use super::workspace::Workspace;

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
    /// By rules that were taken from sentences.
    Prose(Prose),
}

/// An API without a document that programs can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prose {
    SignalFx,
    Actian,
}

impl From<Api> for Served {
    fn from(api: Api) -> Self {
        match api {
            Api::OpenApi(source) => Self::OpenApi { document: Document::read(&source), source },
            Api::SignalFx => Self::Prose(Prose::SignalFx),
            Api::Actian => Self::Prose(Prose::Actian),
        }
    }
}

impl Prose {
    /// Whether a request may be answered at all, before anything is looked up.
    pub(crate) fn admit(self, request: &Request, rules: &Rules) -> Result<(), Denial> {
        match self {
            Self::SignalFx => signalfx::admit(request, rules),
            Self::Actian => actian::admit(request, rules),
        }
    }

    /// Answers an admitted request; `turn` says how many times it was answered before.
    pub(crate) fn answer(
        self,
        request: &Request,
        workspace: &Workspace,
        rules: &Rules,
        turn: usize,
    ) -> Result<Value, Denial> {
        match self {
            Self::SignalFx => signalfx::answer(request, workspace, rules),
            Self::Actian => actian::answer(request, workspace, rules, turn),
        }
    }

    /// How the API says no with this status.
    pub(crate) fn denial(self, status: u16) -> Denial {
        match self {
            Self::SignalFx => signalfx::denial(status),
            Self::Actian => actian::denial(status),
        }
    }
}
