//! What all connections of a running stand-in share, each part behind a lock of its own. A lock that a
//! panicking test has poisoned is used on: the data behind it is still whole.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::answer::Rules;
use super::api::{Api, Served};
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
    /// The method, in capitals.
    pub method: String,
    /// All headers in their order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// What came after the headers.
    pub body: String,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) served: Served,
    pub(crate) rules: Rules,
    pub(crate) latency: Duration,
    pub(crate) gzip: bool,
    pub(crate) answers_per_connection: Option<usize>,
    clock: Clock,
    started: Instant,
    workspace: RwLock<Workspace>,
    pub(crate) on_request: Mutex<Option<OnRequest>>,
    pub(crate) on_answer: Mutex<Option<OnAnswer>>,
    pub(crate) faults: Mutex<Faults>,
    buckets: Mutex<Buckets>,
    /// How many times each request was answered.
    turns: Mutex<BTreeMap<String, usize>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) connections: Mutex<BTreeMap<u64, TcpStream>>,
    pub(crate) is_stopped: AtomicBool,
}

impl Shared {
    /// What a stand-in starts with.
    pub(crate) fn new(api: Api, workspace: Workspace, options: Options) -> Self {
        let rules = Rules {
            key: options.key,
            forbidden: options.forbidden,
            page_cap: options.page_cap,
            uncapped: options.uncapped,
            now: (options.clock)().timestamp_micros(),
            zone: options.zone,
            undocumented: options.undocumented,
            readings: options.readings,
        };
        Self {
            served: Served::from(api),
            rules,
            latency: options.latency,
            gzip: options.gzip,
            answers_per_connection: options.answers_per_connection,
            clock: options.clock,
            started: Instant::now(),
            workspace: RwLock::new(workspace),
            on_request: Mutex::new(options.on_request),
            on_answer: Mutex::new(options.on_answer),
            faults: Mutex::default(),
            buckets: Mutex::new(Buckets::new(options.limits)),
            turns: Mutex::default(),
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
        seen.push(Seen {
            target: request.target.clone(),
            status: 0,
            method: request.method.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        });
        seen.len() - 1
    }

    /// How many times a request like this one was answered before. Others beside it do not count, so that
    /// a run is the same whatever is asked for side by side.
    pub(crate) fn turn(&self, request: &Request) -> usize {
        let mut turns = lock(&self.turns);
        let turn = turns.entry(format!("{}\n{}", request.target, request.body)).or_default();
        *turn += 1;
        *turn - 1
    }
}

/// Takes a lock, whoever panicked with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
