//! Speaks TLS before a plain server on loopback until stdin ends: its only output line is the port. Made for
//! measuring the tap against an API whose host has a name, without the network. Only for GETs, and answers that
//! tell their length.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

#[derive(Parser)]
struct Arguments {
    /// Host and port of the plain server
    #[arg(long)]
    to: String,
    /// The name in the certificate
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Where to write the certificate of the authority
    #[arg(long)]
    ca_file: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    std::fs::write(&arguments.ca_file, authority.pem())?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([arguments.host])?.signed_by(&key, &authority)?;
    let builder =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
    let (chain, key) =
        (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?);
    let config = Arc::new(builder.with_single_cert(chain, key)?);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    announce(listener.local_addr()?.port())?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (config, to) = (Arc::clone(&config), arguments.to.clone());
            // A client that goes away in the middle is its own affair.
            thread::spawn(move || drop(serve(client, config, &to)));
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Carries requests and answers, one after the other, until the client goes away.
fn serve(client: TcpStream, config: Arc<ServerConfig>, to: &str) -> Result<(), Box<dyn Error>> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(StreamOwned::new(ServerConnection::new(config)?, client));
    let server = TcpStream::connect(to)?;
    server.set_nodelay(true)?;
    let mut server = BufReader::new(server);
    loop {
        let (request, _) = head(&mut client)?;
        server.get_mut().write_all(&request)?;
        let (mut answer, length) = head(&mut server)?;
        let start = answer.len();
        answer.resize(start + length, 0);
        server.read_exact(answer.get_mut(start..).unwrap_or_default())?;
        client.get_mut().write_all(&answer)?;
        client.get_mut().flush()?;
    }
}

/// The head of a message, and how long its body is.
fn head(from: &mut impl BufRead) -> Result<(Vec<u8>, usize), Box<dyn Error>> {
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let start = head.len();
        if from.read_until(b'\n', &mut head)? == 0 {
            return Err("it has ended".into());
        }
        let line = String::from_utf8_lossy(head.get(start..).unwrap_or_default()).to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            return Ok((head, length));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the port is what this program is started for")]
fn announce(port: u16) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{port}")?;
    stdout.flush()
}
