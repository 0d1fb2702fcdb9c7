//! Whose certificates are trusted: those of this computer, and those of `ca_file`.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use crate::config::gather::Environment;
use crate::config::key::shown;

/// The variables that name other certificates than the platform's, to us as to `OpenSSL`.
const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// The certificates of `ca_file`, if it is set.
pub(super) fn of_file(path: &str, problems: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    if path.is_empty() {
        return Vec::new();
    }
    read(path).unwrap_or_else(|problem| {
        problems.push(format!("`ca_file` {:?} {problem}", shown(path)));
        Vec::new()
    })
}

fn read(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let number = found.len() + 1;
        let broken = |why: String| format!("is broken at its certificate {number}: {why}");
        let certificate = certificate.map_err(|error| broken(error.to_string()))?;
        // The client would leave it out in silence.
        let is_one = RootCertStore::empty().add(certificate.clone());
        is_one.map_err(|error| broken(error.to_string()))?;
        found.push(certificate);
    }
    if found.is_empty() {
        return Err("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".into());
    }
    Ok(found)
}

/// The certificates that this computer trusts, or those that the environment names instead.
pub(super) fn of_platform(
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Vec<CertificateDer<'static>> {
    let mut named = Vec::new();
    let mut loaded = CertificateResult::default();
    for (variable, value) in [FILE, FOLDERS].map(|name| (name, environment.get(name))) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        named.push(format!("`{variable}` {value:?}"));
        let paths = std::env::split_paths(value).filter(|_| variable == FOLDERS);
        for folder in paths.filter(|path| !path.as_os_str().is_empty()) {
            join(&mut loaded, load_certs_from_paths(None, Some(&folder)));
        }
        if variable == FILE {
            join(&mut loaded, load_certs_from_paths(Some(Path::new(value)), None));
        }
    }
    if named.is_empty() {
        // What cannot be read of a platform's certificates is missed where it is needed.
        return load_native_certs().certs;
    }
    if loaded.certs.is_empty() {
        let why = loaded.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        problems.push(format!("there is no certificate in {}{why}", named.join(" or ")));
    }
    loaded.certs
}

fn join(all: &mut CertificateResult, more: CertificateResult) {
    all.certs.extend(more.certs);
    all.errors.extend(more.errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a `ca_file` with this content.
    fn problem(content: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem").display().to_string();
        std::fs::write(&path, content).unwrap();
        let mut problems = Vec::new();
        assert!(of_file(&path, &mut problems).is_empty());
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].replace(&path, "PATH")
    }

    #[test]
    fn a_file_that_holds_no_certificate_says_why() {
        let is_empty =
            r#"`ca_file` "PATH" holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"#;
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for content in ["", "hello", "\u{0}\u{1}", key] {
            assert_eq!(problem(content), is_empty);
        }
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let end = "\n-----END CERTIFICATE-----\n";
        for content in [
            format!("{begin}AAAA"),
            format!("{begin}not base64!{end}"),
            format!("{begin}AAAA{end}"),
        ] {
            let problem = problem(&content);
            let start = r#"`ca_file` "PATH" is broken at its certificate 1: "#;
            assert!(problem.starts_with(start), "{problem}");
        }
    }

    #[test]
    fn variables_that_name_no_certificate_are_a_problem_with_their_values() {
        let folder = tempfile::tempdir().unwrap().path().display().to_string();
        for (variable, value) in [(FILE, "/nowhere/a.pem"), (FOLDERS, "/nowhere:/neither")] {
            let environment =
                [(variable, value), (FOLDERS, folder.as_str())].into_iter().rev().take(2);
            let environment =
                environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let mut problems = Vec::new();
            assert!(of_platform(&environment, &mut problems).is_empty());
            assert_eq!(problems.len(), 1);
            assert!(problems[0].contains(&format!("`{variable}` {value:?}")), "{problems:?}");
            assert!(problems[0].contains("No such file"), "{problems:?}");
        }
    }
}
