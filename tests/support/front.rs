//! What stands between a tap and a stand-in: a server that speaks TLS, and proxies.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use stand_in::StandIn;

/// An authority that nobody knows.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, as a file.
    pub fn pem(&self) -> String {
        self.0.pem()
    }
}

/// A port on loopback, and how many connections came to it.
pub struct Listening {
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Listening {
    fn new(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, serve) = (Arc::clone(&connections), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                // A client that goes away in the middle is its own affair.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream)));
            }
        });
        Self { port, connections }
    }

    /// A server that speaks TLS with a certificate of `authority`, and asks `stand_in`.
    pub fn tls(stand_in: &StandIn, authority: &Authority, host: &str, is_expired: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if is_expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = params.signed_by(&key, &authority.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let chain = vec![certificate.der().clone()];
        let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let behind = stand_in.url().replace("http://", "");
        Self::new(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let head = head(&mut stream)?.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let mut behind = TcpStream::connect(&behind)?;
            behind.write_all(head.as_bytes())?;
            let mut answer = Vec::new();
            behind.read_to_end(&mut answer)?;
            stream.write_all(&answer)?;
            stream.conn.send_close_notify();
            stream.flush()
        })
    }

    /// A proxy for CONNECT that answers with this status, and lets through where that is 200.
    pub fn connect(status: &'static str) -> Self {
        Self::new(move |mut client| {
            let head = head(&mut client)?;
            client.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())?;
            let target = head.split(' ').nth(1).unwrap();
            if status.starts_with("200") { join(client, target) } else { Ok(()) }
        })
    }

    /// A proxy for SOCKS 5 that resolves names itself.
    pub fn socks5h() -> Self {
        Self::new(|mut client| {
            let mut greeting = [0; 3];
            client.read_exact(&mut greeting)?;
            client.write_all(&[5, 0])?;
            let mut request = [0; 5];
            client.read_exact(&mut request)?;
            assert_eq!(request[..4], [5, 1, 0, 3], "a name to connect to");
            let mut name = vec![0; usize::from(request[4])];
            client.read_exact(&mut name)?;
            let mut port = [0; 2];
            client.read_exact(&mut port)?;
            client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
            let name = String::from_utf8(name).unwrap();
            join(client, &format!("{name}:{}", u16::from_be_bytes(port)))
        })
    }

    /// A server that answers every request with these bytes and closes.
    pub fn canned(answer: Vec<u8>) -> Self {
        Self::new(move |mut client| {
            head(&mut client)?;
            client.write_all(&answer)
        })
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The head of a request.
fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// Carries bytes both ways until one side ends.
fn join(client: TcpStream, target: &str) -> std::io::Result<()> {
    let server = TcpStream::connect(target)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ended = std::io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    let (mut from, mut to) = (server, client);
    std::io::copy(&mut from, &mut to)?;
    to.shutdown(Shutdown::Write)
}
