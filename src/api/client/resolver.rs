//! Where hosts are. ureq asks for the addresses of a host before each request, also where a connection is left
//! from the last one, and every look-up of its own takes a thread. Here what was found is known for a minute.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::config::{Config, IpFamily};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};

use crate::base::clock::Clock;
use crate::base::event;
use crate::base::log::Log;

/// So long the addresses of a host are known: a service that moves is found again within a minute.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// The hosts that were looked up; threads share it.
#[derive(Clone)]
pub(super) struct Hosts {
    inner: Arc<dyn Resolver>,
    clock: Arc<dyn Clock>,
    log: Arc<Log>,
    known: Arc<Mutex<BTreeMap<String, Host>>>,
    /// Held by the thread that looks a host up, so that the others wait for what it finds.
    turn: Arc<Mutex<()>>,
}

/// What is known of a host and a port.
#[derive(Default)]
struct Host {
    /// How often it was looked up.
    looked_up: u64,
    found: Option<Found>,
    /// Why the last look-up failed.
    failed: Option<ureq::Error>,
}

struct Found {
    family: IpFamily,
    /// All of them, in the order in which they are to be tried.
    addresses: ResolvedSocketAddrs,
    until: Duration,
}

impl Hosts {
    /// Looks hosts up as `inner` does, but each of them once a minute.
    pub(super) fn new(inner: impl Resolver, clock: Arc<dyn Clock>, log: Arc<Log>) -> Self {
        let (known, turn) = (Arc::default(), Arc::default());
        Self { inner: Arc::new(inner), clock, log, known, turn }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Host>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses that are known, or how often the host was looked up so far.
    fn recall(&self, name: &str, family: IpFamily) -> Result<ResolvedSocketAddrs, u64> {
        let known = self.known();
        let Some(host) = known.get(name) else { return Err(0) };
        let now = self.clock.elapsed();
        match &host.found {
            Some(found) if found.family == family && now < found.until => {
                Ok(found.addresses.clone())
            }
            _ => Err(host.looked_up),
        }
    }

    /// What another thread came to that looked the host up while this one waited: it would find the same.
    fn failed_since(&self, name: &str, looked_up: u64) -> Option<ureq::Error> {
        let known = self.known();
        let host = known.get(name).filter(|host| host.looked_up != looked_up)?;
        host.failed.as_ref().map(copied)
    }

    /// Looks the host up and notes what came of it.
    fn look_up(
        &self,
        (name, uri): (&str, &Uri),
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let answer = self.inner.resolve(uri, config, timeout);
        let mut known = self.known();
        let host = known.entry(name.to_owned()).or_default();
        host.looked_up += 1;
        (host.found, host.failed) = (None, None);
        match &answer {
            Ok(addresses) => {
                self.log.tell(&event::host_found(name, addresses));
                host.found = Some(Found {
                    family: config.ip_family(),
                    addresses: addresses.clone(),
                    until: self.clock.elapsed().saturating_add(KNOWN_FOR),
                });
            }
            Err(error) => host.failed = Some(copied(error)),
        }
        answer
    }

    /// Forgets the addresses of a host where nobody took a connection, unless others were found meanwhile.
    fn forget(&self, uri: &Uri, refused: &ResolvedSocketAddrs) {
        let Some(name) = name(uri) else { return };
        let mut known = self.known();
        if let Some(host) = known.get_mut(&name) {
            host.found.take_if(|found| found.addresses == *refused);
        }
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Resolver for Hosts {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        // What has no host is an error that ureq has words for.
        let Some(name) = name(uri) else { return self.inner.resolve(uri, config, timeout) };
        let looked_up = match self.recall(&name, config.ip_family()) {
            Ok(addresses) => return Ok(addresses),
            Err(looked_up) => looked_up,
        };
        // Whoever has the turn has the same timeout, and began before.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(addresses) = self.recall(&name, config.ip_family()) {
            return Ok(addresses);
        }
        match self.failed_since(&name, looked_up) {
            Some(error) => Err(error),
            None => self.look_up((&name, uri), config, timeout),
        }
    }
}

/// Host and port, by which addresses are known.
fn name(uri: &Uri) -> Option<String> {
    DefaultResolver::host_and_port(uri.scheme()?, uri.authority()?)
}

/// The same error once more. Those that a look-up ends with keep their kind and their words.
fn copied(error: &ureq::Error) -> ureq::Error {
    match error {
        ureq::Error::HostNotFound => ureq::Error::HostNotFound,
        ureq::Error::Timeout(timeout) => ureq::Error::Timeout(*timeout),
        ureq::Error::Io(error) => io::Error::new(error.kind(), error.to_string()).into(),
        other => ureq::Error::Other(other.to_string().into()),
    }
}

/// Makes connections, and has a host looked up anew where that failed. Of several addresses ureq itself tries
/// the next one where nobody listens.
#[derive(Debug)]
pub(super) struct Connecting<C> {
    pub(super) connector: C,
    pub(super) hosts: Hosts,
}

impl<In: Transport, C: Connector<In>> Connector<In> for Connecting<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connected = self.connector.connect(details, chained);
        if connected.is_err() {
            self.hosts.forget(details.uri, &details.addrs);
        }
        connected
    }
}

#[cfg(test)]
mod tests;
