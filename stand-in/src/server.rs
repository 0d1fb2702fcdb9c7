//! The running stand-in: a listener on loopback, a thread for each connection, and what tests may see and
//! change while it runs.

use std::io::{Result, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::api::Api;
use super::faults::{Action, Fault, Rewrite, Weather};
use super::http::{Received, Receiver};
use super::options::Options;
use super::query::Request;
use super::reply::reply;
use super::shared::{Seen, Shared, lock};
use super::workspace::Workspace;

/// A running stand-in; it stops when it is dropped.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts to serve a workspace under the paths of an API document.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn start(document: &Value, workspace: Workspace, options: Options) -> Result<Self> {
        Self::serving(Api::OpenApi(document.clone()), workspace, options)
    }

    /// Starts to serve a workspace as an API does.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn serving(api: Api, workspace: Workspace, options: Options) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(api, workspace, options));
        let accepted = Arc::clone(&shared);
        let acceptor = thread::Builder::new().spawn(move || accept(&listener, &accepted))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// Changes the data while it is served.
    pub fn edit(&self, change: impl FnOnce(&mut Workspace)) {
        self.shared.write(change);
    }

    /// Adds a fault; of several that hit a request, the first one added acts.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Lets the weather decide on requests that no fault hits.
    pub fn storm(&self, weather: Weather) {
        lock(&self.shared.faults).set_weather(weather);
    }

    /// Takes all faults away, and the weather; how many requests these have hit.
    #[must_use]
    pub fn calm(&self) -> usize {
        std::mem::take(&mut *lock(&self.shared.faults)).hits
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        // The acceptor looks at the flag when the next connection comes.
        let _woken = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ended = acceptor.join();
        }
        for connection in lock(&self.shared.connections).values() {
            let _closed = connection.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (0..).zip(listener.incoming()) {
        if shared.is_stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok((stream, copy)) = stream.and_then(|stream| Ok((stream.try_clone()?, stream))) else {
            continue;
        };
        lock(&shared.connections).insert(number, copy);
        let shared = Arc::clone(shared);
        let serving = move || {
            // A client that goes away in the middle is its own affair.
            let _gone = serve(stream, &shared);
            // The list holds the socket too: it closes only now.
            lock(&shared.connections).remove(&number);
        };
        // Without a thread the connection is dropped, which the client sees.
        let _thread = thread::Builder::new().spawn(serving);
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut sender = stream.try_clone()?;
    let mut receiver = Receiver::new(stream);
    let mut answers = 0;
    while let Some(Received { request, closes }) = receiver.next()? {
        if shared.answers_per_connection == Some(answers) {
            break;
        }
        answers += 1;
        let sent = answer(shared, &request, closes)?;
        if sent.resets {
            reset(&sender)?;
        }
        sender.write_all(&sent.bytes)?;
        if sent.closes || shared.is_stopped.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(())
}

/// Has a connection end with a reset when it is closed.
#[cfg(unix)]
fn reset(stream: &TcpStream) -> Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?)
}

#[cfg(not(unix))]
fn reset(_: &TcpStream) -> Result<()> {
    Ok(())
}

/// What is sent for a request, and what becomes of the connection.
#[derive(Default)]
struct Sent {
    bytes: Vec<u8>,
    closes: bool,
    resets: bool,
}

impl Sent {
    /// These bytes, and then nothing more.
    fn last(bytes: Vec<u8>) -> Self {
        Self { bytes, closes: true, resets: false }
    }
}

/// What is sent for a request.
fn answer(shared: &Shared, request: &Request, closes: bool) -> Result<Sent> {
    let number = shared.note(request);
    if let Some(on_request) = lock(&shared.on_request).as_mut() {
        shared.write(|workspace| on_request(&request.target, workspace));
    }
    let action = lock(&shared.faults).next(request);
    pause(shared.latency);
    let mut rewrite = None;
    match &action {
        Some(Action::Delay(delay)) => pause(*delay),
        Some(Action::Raw(bytes)) => return Ok(Sent::last(bytes.clone())),
        Some(Action::Reset) => return Ok(Sent { resets: true, ..Sent::last(Vec::new()) }),
        Some(Action::Rewritten(change)) => rewrite = Some(*change),
        _ => {}
    }
    let Some(mut reply) = reply(shared, request, number, action) else {
        return Ok(Sent::last(Vec::new()));
    };
    if shared.gzip && request.takes_gzip {
        reply.gzip()?;
    }
    if let Some(seen) = lock(&shared.seen).get_mut(number) {
        seen.status = reply.status;
    }
    let closes = closes || reply.is_cut || rewrite.is_some_and(|rewrite| rewrite.closes);
    let sent = Sent { bytes: reply.bytes(closes), closes, resets: false };
    Ok(match rewrite {
        Some(Rewrite { by, .. }) => Sent { bytes: by(sent.bytes), ..sent },
        None => sent,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow API is the point; without latency it returns"
)]
fn pause(duration: Duration) {
    if !duration.is_zero() {
        thread::sleep(duration);
    }
}
