//! The connections to the API: ureq's defaults that bite are set here and nowhere else, and one that the
//! server had closed while nobody used it is told from one that failed.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::{WithBody, WithoutBody};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, Either, NextTimeout, Transport,
};
use ureq::{Agent, Proxy, RequestBuilder};

use super::resolver::{Connecting, Hosts};
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::log::Log;
use crate::config::{Config, Way};

/// How much is sent at a time. A request has to fit in.
const REQUEST_BUFFER: usize = 32 << 10;
/// How large the headers of an answer may be.
const LARGEST_HEAD: usize = 64 << 10;
/// How much is read at a time: more than the headers of an answer, or they would never be whole.
const ANSWER_BUFFER: usize = LARGEST_HEAD + (8 << 10);

/// Connections with the config's timeouts, over the way it tells.
///
/// # Errors
/// [`Error::Config`] for a proxy that cannot be used after all.
pub(super) fn agent(
    config: &Config,
    clock: &Arc<dyn Clock>,
    log: &Arc<Log>,
) -> Result<Agent, Error> {
    let proxy = match &config.way.proxy {
        Some(proxy) => Some(Proxy::new(proxy.expose()).map_err(|error| {
            Error::Config(vec![format!("the proxy in the environment cannot be used: {error}")])
        })?),
        None => None,
    };
    let is_proxied = proxy.is_some();
    let hosts = Hosts::new(DefaultResolver::default(), Arc::clone(clock), Arc::clone(log));
    let connector = Connecting { connector: DefaultConnector::default(), hosts: hosts.clone() };
    let connector = connector.chain(Watch { is_proxied });
    Ok(Agent::with_parts(settings(config, proxy), connector, hosts))
}

/// What ureq is told of the config.
fn settings(config: &Config, proxy: Option<Proxy>) -> ureq::config::Config {
    Agent::config_builder()
        // An error status comes with a body that says why.
        .http_status_as_error(false)
        // A redirect of the API would be news; following it could leak the key.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // There is no timeout by default.
        .timeout_resolve(Some(config.connect_timeout))
        .timeout_connect(Some(config.connect_timeout))
        .timeout_recv_response(Some(config.first_byte_timeout))
        .timeout_global(Some(config.request_timeout))
        .max_idle_connections_per_host(config.concurrency + 1)
        .max_idle_connections(config.concurrency + 1)
        // By default each connection holds 256 KiB.
        .input_buffer_size(ANSWER_BUFFER)
        .output_buffer_size(REQUEST_BUFFER)
        .max_response_header_size(LARGEST_HEAD)
        .user_agent(&config.user_agent)
        .tls_config(TlsConfig::builder().root_certs(roots(&config.way)).build())
        // Left out, ureq would look into the environment itself.
        .proxy(proxy)
        .build()
}

fn roots(way: &Way) -> RootCerts {
    if way.trusted.is_empty() {
        return RootCerts::WebPki;
    }
    way.trusted.iter().map(|one| Certificate::from_der(one).to_owned()).into()
}

/// A request that takes none of the idle connections: where one was closed, others may be.
pub(super) trait Fresh {
    fn fresh(self) -> Self;
}

impl Fresh for RequestBuilder<WithoutBody> {
    fn fresh(self) -> Self {
        self.config().max_idle_age(Duration::ZERO).build()
    }
}

impl Fresh for RequestBuilder<WithBody> {
    fn fresh(self) -> Self {
        self.config().max_idle_age(Duration::ZERO).build()
    }
}

/// Whether a connection that had been used before was closed before anything of an answer came: the
/// server had ended it, and has not seen the request.
pub(super) fn was_closed(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Other(error) if error.is::<Closed>())
}

#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server had closed the connection")
    }
}

impl std::error::Error for Closed {}

/// Watches the connections to the API.
#[derive(Debug)]
struct Watch {
    is_proxied: bool,
}

impl<In: Transport> Connector<In> for Watch {
    type Out = Either<In, Watched<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // A connection to the proxy itself is made by the same chain, with a config without one. What goes
        // over it are no requests.
        let is_to_proxy = self.is_proxied && details.config.proxy().is_none();
        Ok(chained.map(|inner| {
            if is_to_proxy {
                Either::A(inner)
            } else {
                Either::B(Watched { inner, has_answered: false, was_used: false })
            }
        }))
    }
}

#[derive(Debug)]
struct Watched<In> {
    inner: In,
    /// Whether something has come since a request was sent.
    has_answered: bool,
    /// Whether there was a request before this one.
    was_used: bool,
}

impl<In: Transport> Watched<In> {
    fn seen(&self, error: ureq::Error) -> ureq::Error {
        let is_end = matches!(&error, ureq::Error::Io(error) if matches!(
            error.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof
        ));
        if is_end && self.is_closed() { ureq::Error::Other(Closed.into()) } else { error }
    }

    fn is_closed(&self) -> bool {
        self.was_used && !self.has_answered
    }
}

impl<In: Transport> Transport for Watched<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // What is sent after an answer is the next request.
        self.was_used |= std::mem::take(&mut self.has_answered);
        self.inner.transmit_output(amount, timeout).map_err(|error| self.seen(error))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let has_come = self.inner.await_input(timeout).map_err(|error| self.seen(error))?;
        if !has_come && self.is_closed() {
            return Err(ureq::Error::Other(Closed.into()));
        }
        self.has_answered |= has_come;
        Ok(has_come)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
