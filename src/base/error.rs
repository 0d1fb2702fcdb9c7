//! What can go wrong: for each case what is said, what to do about it, and the exit code, side by
//! side. Where it happened (stream, page) is added by the caller with [`Error::in_stream`].

use std::fmt;
use std::time::Duration;

use crate::base::cut;

/// Everything that ends a run, or a stream of it.
#[derive(Debug, PartialEq)]
pub enum Error {
    /// The command line cannot be understood; what clap says of it.
    Arguments(String),
    /// One or more settings are missing, ill-typed or contradictory; all of them at once.
    Config(Vec<String>),
    /// A config, catalog or state file cannot be read or is not what it should be.
    File {
        /// `config`, `catalog` or `state`.
        what: &'static str,
        /// The path as the user gave it.
        path: String,
        /// What is wrong, with the place in the file where there is one.
        problem: String,
    },
    /// The catalog or the state asks for something that cannot be done.
    Selection(String),
    /// 401: the API does not know the key.
    Unauthorized(ApiMessage),
    /// 403: the key may not read this.
    Forbidden {
        /// The scope the API says is missing.
        scope: Option<String>,
        /// What the API said.
        api: ApiMessage,
    },
    /// Every selected stream answered 403.
    NothingPermitted(Vec<String>),
    /// 404: there is nothing at this address.
    NotFound {
        /// Whether it is this one thing that does not exist, rather than the address.
        is_gone: bool,
        /// Path and query of the request.
        target: String,
        /// What the API said.
        api: ApiMessage,
    },
    /// Any other 3xx or 4xx: the API does not take the request.
    Rejected {
        /// Path and query of the request.
        target: String,
        /// What the API said.
        api: ApiMessage,
    },
    /// The answer is not what the API promises: no JSON, no list, a record without its key.
    Contract(String),
    /// The answer is no JSON at all: half of a body, or the page of a proxy. Another may be.
    Garbled(String),
    /// Fewer records came than the API counts, in two readings.
    Short {
        /// How many came, each counted once.
        received: u64,
        /// How many the API counts.
        total: u64,
    },
    /// A cursor came a second time; going on would page for ever.
    RepeatedCursor(String),
    /// No answer: name not found, refused, cut, timed out. After all retries.
    Unreachable {
        /// The endpoint from the config.
        endpoint: String,
        /// What the network said.
        problem: String,
        /// How many requests were made.
        attempts: u32,
    },
    /// Whoever answers at the endpoint shows a certificate that is not trusted; the next time, too.
    Untrusted {
        /// The endpoint from the config.
        endpoint: String,
        /// What is wrong with the certificate.
        problem: String,
        /// What can be done about it.
        hint: &'static str,
    },
    /// 5xx or 429 that stayed through all retries.
    Unavailable {
        /// What the API said.
        api: ApiMessage,
        /// How many requests were made.
        attempts: u32,
        /// How long the API asks to wait.
        retry_after: Option<Duration>,
    },
    /// The operating system gives no thread to send requests from; what it says.
    NoThread(String),
    /// The reader of stdout is gone.
    OutputClosed,
    /// A signal ended the run before it was done.
    Stopped {
        /// The signal's name.
        signal: &'static str,
        /// The exit code by which a shell knows it.
        code: u8,
    },
    /// stdout, or the summary file, cannot be written for another reason.
    Output(String),
    /// A mistake of ours.
    Bug(String),
    /// An error of one stream.
    InStream {
        /// The stream's name.
        stream: &'static str,
        /// Which page of it, from 1; 0 before the first.
        page: u64,
        /// What went wrong there.
        error: Box<Error>,
    },
    /// Some parents could not be read, and so what belongs to them is missing; the others are done.
    Parents {
        /// What was taken of the first.
        first: String,
        /// How many more.
        others: usize,
        /// What went wrong with the first.
        error: Box<Error>,
    },
    /// A list that is paged by offset kept changing while it was read: it is not known whether all of it
    /// has come.
    Unsettled {
        /// How many requests were made for it.
        requests: u64,
        /// How many records came.
        received: u64,
    },
    /// Of so many parents, so many were gone when something of theirs was asked for: that is no
    /// coincidence.
    TooManyGone {
        /// How many were gone.
        gone: u64,
        /// How many there are.
        parents: u64,
    },
    /// Some streams failed and the others are done; the first failure decides the exit code.
    StreamsFailed {
        /// How many failed.
        failed: usize,
        /// How many were selected.
        selected: usize,
        /// The first failure.
        first: Box<Error>,
    },
}

/// What the API said of an error, in its own words, with what its support asks for.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ApiMessage {
    /// The HTTP status.
    pub status: u16,
    /// The first error's `message`, or the start of a body that is not the API's.
    pub text: String,
    /// The first error's `code`, where the body is the API's.
    pub code: Option<String>,
    /// The API's `request_id`.
    pub request_id: Option<String>,
}

impl fmt::Display for ApiMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.text.is_empty() {
            write!(f, " {:?}", self.text)?;
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id}"),
            None => Ok(()),
        }
    }
}

/// The exit codes, with what each means to an orchestrator.
pub const EXIT_CODES: [(u8, &str); 10] = [
    (
        0,
        "everything selected was read; streams that the key may not read are named in the last line",
    ),
    (1, "a bug in the tap"),
    (2, "usage: arguments, config, catalog or state, or a certificate that is not trusted"),
    (3, "not allowed: the key is unknown, or may read none of the selected streams"),
    (4, "the API broke its contract: not JSON, a missing list, a wrong path"),
    (5, "try later: no connection, a lasting 5xx or 429, or a list that came short"),
    (6, "the output cannot be written: the reader of stdout is gone, or the disk is full"),
    (129, "ended by SIGHUP: the terminal is gone"),
    (130, "ended by SIGINT: Ctrl-C"),
    (143, "ended by SIGTERM: the scheduler or the container was stopped"),
];

/// What a user can do about errors that have to do with the source.
pub struct Hints {
    /// About a key that is not known.
    pub key: &'static str,
    /// About a path that does not exist.
    pub endpoint: &'static str,
    /// About an answer that is not as promised.
    pub answer: &'static str,
    /// About a permission that nobody names.
    pub permission: &'static str,
}

impl Error {
    /// The same error, with the stream and the page it happened on, where it has to do with those.
    #[must_use]
    pub fn in_stream(self, stream: &'static str, page: u64) -> Self {
        if matches!(self, Self::OutputClosed | Self::Output(_) | Self::Stopped { .. }) {
            return self;
        }
        Self::InStream { stream, page, error: Box::new(self) }
    }

    /// What happened and what to do about it, on one line: Meltano shows only the last one.
    #[must_use]
    pub fn line(&self, hints: &Hints) -> String {
        format!("{self}; hint: {}", self.hint(hints))
    }

    /// Whether it is that the key may not read a stream.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::InStream { error, .. } => error.is_forbidden(),
            other => matches!(other, Self::Forbidden { .. }),
        }
    }

    /// The exit code; see [`EXIT_CODES`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Bug(_) => 1,
            Self::Arguments(_)
            | Self::Config(_)
            | Self::File { .. }
            | Self::Selection(_)
            | Self::Untrusted { .. } => 2,
            Self::Unauthorized(_) | Self::Forbidden { .. } | Self::NothingPermitted(_) => 3,
            Self::NotFound { .. }
            | Self::Rejected { .. }
            | Self::Contract(_)
            | Self::Garbled(_)
            | Self::TooManyGone { .. }
            | Self::RepeatedCursor(_) => 4,
            Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::NoThread(_)
            | Self::Short { .. }
            | Self::Unsettled { .. } => 5,
            Self::OutputClosed | Self::Output(_) => 6,
            Self::Stopped { code, .. } => *code,
            Self::InStream { error, .. } | Self::Parents { error, .. } => error.exit_code(),
            Self::StreamsFailed { first, .. } => first.exit_code(),
        }
    }

    /// What the API said, if it is the API's error.
    #[must_use]
    pub fn api(&self) -> Option<&ApiMessage> {
        match self {
            Self::Unauthorized(api)
            | Self::Forbidden { api, .. }
            | Self::NotFound { api, .. }
            | Self::Rejected { api, .. }
            | Self::Unavailable { api, .. } => Some(api),
            Self::InStream { error, .. } | Self::Parents { error, .. } => error.api(),
            Self::StreamsFailed { first, .. } => first.api(),
            Self::Arguments(_)
            | Self::Config(_)
            | Self::File { .. }
            | Self::Selection(_)
            | Self::NothingPermitted(_)
            | Self::Contract(_)
            | Self::Garbled(_)
            | Self::Short { .. }
            | Self::Unsettled { .. }
            | Self::TooManyGone { .. }
            | Self::RepeatedCursor(_)
            | Self::Unreachable { .. }
            | Self::NoThread(_)
            | Self::Untrusted { .. }
            | Self::OutputClosed
            | Self::Stopped { .. }
            | Self::Output(_)
            | Self::Bug(_) => None,
        }
    }

    /// Why a stream is skipped that the key may not read: the permission that the API names, or else the
    /// one that the stream is known to need.
    #[must_use]
    pub fn refusal(&self, known: Option<&str>) -> String {
        match self {
            Self::Forbidden { scope, api } => {
                let scope = scope.as_deref().or(known).unwrap_or("unknown");
                format!("it needs `{scope}` ({api})")
            }
            other => other.to_string(),
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self, hints: &Hints) -> String {
        match self {
            Self::Arguments(_) => "see `tap-incident --help`".into(),
            Self::Config(_) => "docs/settings.md lists all settings".into(),
            Self::File { what, .. } => {
                format!("give the path of a {what} file that holds one JSON object")
            }
            Self::Selection(_) => "`tap-incident --discover` prints a catalog to start from".into(),
            Self::Unauthorized(_) => hints.key.into(),
            Self::Forbidden { scope: Some(scope), .. } => {
                format!("make a key with the scope `{scope}`, or deselect the stream")
            }
            Self::Forbidden { scope: None, .. } | Self::NothingPermitted(_) => {
                hints.permission.into()
            }
            Self::NotFound { .. } => hints.endpoint.into(),
            Self::Rejected { .. }
            | Self::Contract(_)
            | Self::Garbled(_)
            | Self::RepeatedCursor(_) => hints.answer.into(),
            Self::Unreachable { .. } => "check `endpoint`, the network and the proxy".into(),
            Self::Untrusted { hint, .. } => (*hint).into(),
            Self::Unavailable { .. } => {
                "run it again later; the state is safe to go on from".into()
            }
            Self::Stopped { .. } => "run it again: the state is safe to go on from".into(),
            Self::NoThread(_) => {
                "raise the number of processes or threads that the user or the container may have"
                    .into()
            }
            Self::OutputClosed => {
                "see why the target ended; the state is safe to go on from".into()
            }
            Self::Output(_) => "check the disk and the target".into(),
            Self::Bug(_) => "please report this line".into(),
            Self::InStream { error, .. } | Self::Parents { error, .. } => error.hint(hints),
            Self::Short { .. } => {
                "run it again later: the bookmark has not moved; if it stays, report it".into()
            }
            Self::Unsettled { .. } => {
                "run it again when less is going on there; what came has been written".into()
            }
            Self::TooManyGone { .. } => {
                "run it again; if it stays, check that the key may read all parents".into()
            }
            Self::StreamsFailed { first, .. } => first.hint(hints),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(problem) => f.write_str(&cut::text(problem)),
            Self::Selection(problem) => f.write_str(problem),
            Self::Config(problems) => write!(f, "config: {}", problems.join("; ")),
            Self::File { what, path, problem } => write!(f, "{what} file `{path}`: {problem}"),
            Self::Unauthorized(api) => write!(f, "the API does not accept the key ({api})"),
            Self::Forbidden { api, .. } => write!(f, "the key may not read it ({api})"),
            Self::NothingPermitted(streams) => {
                let streams = cut::list(streams.iter().map(String::as_str));
                write!(f, "the key may read none of the selected streams: {streams}")
            }
            Self::NotFound { target, api, .. } => {
                write!(f, "there is nothing at `{}` ({api})", cut::text(target))
            }
            Self::Rejected { target, api } => {
                write!(f, "the API does not take the request `{}` ({api})", cut::text(target))
            }
            Self::Contract(problem) | Self::Garbled(problem) => {
                write!(f, "the API's answer is not as promised: {}", cut::text(problem))
            }
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Unavailable { .. }
            | Self::NoThread(_) => self.of_way(f),
            Self::OutputClosed => f.write_str("the reader of the output is gone"),
            Self::Stopped { signal, .. } => write!(f, "ended by {signal} before it was done"),
            Self::Output(problem) => write!(f, "the output cannot be written: {problem}"),
            Self::Bug(problem) => write!(f, "bug in tap-incident: {problem}"),
            Self::InStream { stream, page: 0, error } => write!(f, "stream `{stream}`: {error}"),
            Self::InStream { stream, page, error } => {
                write!(f, "stream `{stream}`, page {page}: {error}")
            }
            Self::RepeatedCursor(_)
            | Self::Parents { .. }
            | Self::Short { .. }
            | Self::Unsettled { .. }
            | Self::TooManyGone { .. } => self.of_list(f),
            Self::StreamsFailed { failed, selected, first } => {
                write!(f, "{failed} of {selected} streams failed; the first: {first}")
            }
        }
    }
}

impl Error {
    /// Why no answer came.
    fn of_way(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { endpoint, problem, attempts } => {
                let problem = cut::text(problem);
                write!(f, "no answer from `{endpoint}` after {attempts} attempts: {problem}")
            }
            Self::Untrusted { endpoint, problem, .. } => {
                write!(f, "the certificate shown at `{endpoint}` is not trusted: {problem}")
            }
            Self::Unavailable { api, attempts, retry_after } => {
                write!(f, "the API could not answer in {attempts} attempts ({api})")?;
                let Some(wait) = retry_after else { return Ok(()) };
                write!(f, "; it asks to wait {} seconds", wait.as_secs_f64().ceil())
            }
            Self::NoThread(problem) => {
                write!(f, "the operating system gives no thread to send requests from: {problem}")
            }
            _ => Ok(()),
        }
    }

    /// What is wrong with a list, or with records of it.
    fn of_list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepeatedCursor(cursor) => {
                write!(f, "the API gave the cursor `{}` a second time", cut::text(cursor))
            }
            Self::Parents { first, others, error } => {
                write!(f, "parent `{}`", cut::text(first))?;
                if *others > 0 {
                    write!(f, " and {others} more")?;
                }
                write!(f, ": {error}")
            }
            Self::Short { received, total } => {
                write!(f, "{received} records came where the API counts {total}")
            }
            Self::Unsettled { requests, received } => write!(
                f,
                "the list changes faster than it can be read: {received} records came in {requests} \
                 requests, and it is not known whether these are all"
            ),
            Self::TooManyGone { gone, parents } => {
                write!(f, "{gone} of {parents} parents were gone when they were asked for")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Output(error.to_string()),
        }
    }
}
