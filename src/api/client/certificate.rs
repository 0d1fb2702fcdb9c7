//! Whether a connection failed for the certificate that was shown, and what can be done about it.

use rustls::CertificateError;

use crate::base::error::Error;

/// That a certificate is not trusted, and what to do, if that is why a connection failed.
pub(super) fn untrusted(error: &ureq::Error, endpoint: &str) -> Option<Error> {
    let flaw = flaw(error)?;
    let (problem, hint) = match flaw {
        CertificateError::UnknownIssuer => (
            "nobody who is trusted has issued it".to_owned(),
            "set `ca_file`, or SSL_CERT_FILE, to a PEM file with the certificate of its issuer",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (flaw.to_string(), "check the host in `endpoint`: the certificate is for another one")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => (
            flaw.to_string(),
            "check this computer's clock; if it is right, the server needs another certificate",
        ),
        other => (other.to_string(), "the server needs another certificate"),
    };
    Some(Error::Untrusted { endpoint: endpoint.to_owned(), problem, hint })
}

/// What is wrong with the certificate that was shown, if that is why a connection failed.
fn flaw(error: &ureq::Error) -> Option<&CertificateError> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    match error {
        rustls::Error::InvalidCertificate(flaw) => Some(flaw),
        _ => None,
    }
}
