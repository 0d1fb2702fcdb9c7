//! What all connections of a running stand-in share, each part behind a lock of its own. A lock that a
//! panicking test has poisoned is used on: the data behind it is still whole.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::answer::Rules;
use super::document::Document;
use super::faults::Faults;
use super::limits::{Allowance, Buckets};
use super::options::{Clock, OnAnswer, OnRequest, Options};
use super::query::Request;
use super::workspace::Workspace;

/// A request that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Path and query as they came.
    pub target: String,
    /// The status of the answer; 0 while there is none.
    pub status: u16,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) document: Document,
    /// The document as it was given.
    pub(crate) source: Value,
    pub(crate) rules: Rules,
    pub(crate) latency: Duration,
    pub(crate) gzip: bool,
    clock: Clock,
    started: Instant,
    workspace: RwLock<Workspace>,
    pub(crate) on_request: Mutex<Option<OnRequest>>,
    pub(crate) on_answer: Mutex<Option<OnAnswer>>,
    pub(crate) faults: Mutex<Faults>,
    buckets: Mutex<Buckets>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) connections: Mutex<BTreeMap<u64, TcpStream>>,
    pub(crate) is_stopped: AtomicBool,
}

impl Shared {
    /// What a stand-in starts with.
    pub(crate) fn new(document: &Value, workspace: Workspace, options: Options) -> Self {
        let rules = Rules {
            key: options.key,
            forbidden: options.forbidden,
            page_cap: options.page_cap,
            uncapped: options.uncapped,
            now: (options.clock)().timestamp_micros(),
            zone: options.zone,
            undocumented: options.undocumented,
        };
        Self {
            document: Document::read(document),
            source: document.clone(),
            rules,
            latency: options.latency,
            gzip: options.gzip,
            clock: options.clock,
            started: Instant::now(),
            workspace: RwLock::new(workspace),
            on_request: Mutex::new(options.on_request),
            on_answer: Mutex::new(options.on_answer),
            faults: Mutex::default(),
            buckets: Mutex::new(Buckets::new(options.limits)),
            seen: Mutex::default(),
            connections: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// What time it is for the API.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Takes one request out of the limits.
    pub(crate) fn take(&self, path: &str) -> Allowance {
        lock(&self.buckets).take(path, self.started.elapsed())
    }

    /// Reads the data.
    pub(crate) fn read<T>(&self, reader: impl FnOnce(&Workspace) -> T) -> T {
        reader(&self.workspace.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the data.
    pub(crate) fn write(&self, change: impl FnOnce(&mut Workspace)) {
        change(&mut self.workspace.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Remembers a request and gives it its number.
    pub(crate) fn note(&self, request: &Request) -> usize {
        let mut seen = lock(&self.seen);
        seen.push(Seen { target: request.target.clone(), status: 0 });
        seen.len() - 1
    }
}

/// Takes a lock, whoever panicked with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
