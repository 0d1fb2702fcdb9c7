//! Whose certificates are trusted, and what is said of one that is not.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::front::{Authority, Listening};
use crate::support::{Ran, Tap, stand_in};
use stand_in::DEFAULT_KEY;

fn to(port: u16) -> Tap {
    let tap = Tap::bare().set("api_key", DEFAULT_KEY).only(&["severities"]);
    tap.set("endpoint", &format!("https://localhost:{port}"))
}

/// A file with this content, as long as the folder lives.
fn file(content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, content).unwrap();
    (folder, path.display().to_string())
}

/// A server whose certificate is not taken: asked once, and given up without a wait.
fn refused(ran: &Ran, server: &Listening, says: &str, hint: &str) {
    assert_eq!((ran.code, server.connections()), (2, 1), "{}", ran.stderr);
    assert_eq!(ran.waited, Duration::ZERO);
    let start = format!(
        "the certificate shown at `https://localhost:{}` is not trusted: {says}",
        server.port
    );
    assert!(ran.last_line().contains(&start), "{}", ran.last_line());
    assert!(ran.last_line().contains(hint), "{}", ran.last_line());
}

#[test]
fn a_certificate_of_an_unknown_issuer_ends_the_run_at_once() {
    let stand_in = stand_in();
    let server = Listening::tls(&stand_in, &Authority::new(), "localhost", false);
    let ran = to(server.port).run();
    refused(
        &ran,
        &server,
        "nobody who is trusted has issued it",
        "hint: set `ca_file`, or SSL_CERT_FILE",
    );
    assert!(stand_in.requests().is_empty());
}

#[test]
fn a_certificate_of_another_host_or_time_ends_the_run_at_once() {
    let (stand_in, authority) = (stand_in(), Authority::new());
    let (_folder, path) = file(&authority.pem());
    for (host, is_expired, says, hint) in [
        (
            "other.test",
            false,
            "certificate not valid for name \"localhost\"",
            "hint: check the host",
        ),
        ("localhost", true, "certificate expired", "hint: check this computer's clock"),
    ] {
        let server = Listening::tls(&stand_in, &authority, host, is_expired);
        refused(&to(server.port).set("ca_file", &path).run(), &server, says, hint);
    }
}

#[test]
fn an_authority_is_trusted_that_a_file_names() {
    let (stand_in, authority) = (stand_in(), Authority::new());
    let server = Listening::tls(&stand_in, &authority, "localhost", false);
    // Among others, and before another.
    let pem = format!("{}{}{}", Authority::new().pem(), authority.pem(), Authority::new().pem());
    let (_folder, path) = file(&pem);
    let expected = Tap::of(&stand_in).only(&["severities"]).run().ok().column("severities", "id");
    for tap in [
        to(server.port).set("ca_file", &path),
        to(server.port).variable("SSL_CERT_FILE", &path),
        to(server.port).variable("SSL_CERT_FILE", &path).set("ca_file", &path),
        to(server.port).variable("SSL_CERT_DIR", &path.replace("/ca.pem", ":/nowhere")),
    ] {
        assert_eq!(tap.run().ok().column("severities", "id"), expected);
    }
}

#[test]
fn a_file_is_trusted_besides_those_of_the_platform() {
    let (stand_in, one, other) = (stand_in(), Authority::new(), Authority::new());
    let (_folder, path) = file(&one.pem());
    let (_other_folder, other_path) = file(&other.pem());
    for authority in [&one, &other] {
        let server = Listening::tls(&stand_in, authority, "localhost", false);
        to(server.port).set("ca_file", &path).variable("SSL_CERT_FILE", &other_path).run().ok();
    }
}

#[test]
fn the_binary_trusts_what_its_environment_names() {
    let (stand_in, authority) = (stand_in(), Authority::new());
    let server = Listening::tls(&stand_in, &authority, "localhost", false);
    let (_folder, path) = file(&authority.pem());
    let output = Command::new(env!("CARGO_BIN_EXE_tap-incident"))
        .args(["--select", "severities"])
        .env_clear()
        .env("TAP_INCIDENT_API_KEY", DEFAULT_KEY)
        .env("TAP_INCIDENT_ENDPOINT", format!("https://localhost:{}", server.port))
        .env("SSL_CERT_FILE", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn faults_of_files_with_certificates_are_told_with_all_others() {
    let tap =
        to(1).set("ca_file", "/tmp/nowhere.pem").variable("SSL_CERT_FILE", "/tmp/neither.pem");
    let ran = tap.set("start_date", "soon").run();
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.last_line());
}
