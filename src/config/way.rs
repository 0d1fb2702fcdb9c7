//! How the API is reached: through which proxy, and whose certificates are trusted on the way.

mod no_proxy;
mod proxy;
mod trust;

use rustls::pki_types::CertificateDer;

use self::proxy::proxy;
use self::trust::{of_file, of_platform};
use super::gather::Environment;
use super::key::Secret;
use super::values::Values;

/// What lies between this computer and the API.
#[derive(Debug, Default)]
pub struct Way {
    /// The address of a proxy, with user and password; none where the API is asked directly.
    pub proxy: Option<Secret>,
    /// Certificates of authorities that are trusted. Where there are none, a list that is built in is
    /// used: a bare container has no others.
    pub trusted: Vec<CertificateDer<'static>>,
}

impl Way {
    pub(super) fn to(
        endpoint: &str,
        values: &Values,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut trusted = of_file(&values.text("ca_file"), problems);
        // Plain http is loopback: nobody shows a certificate, and a proxy would see the key in the clear.
        if !endpoint.starts_with("https://") {
            return Self { proxy: None, trusted };
        }
        trusted.extend(of_platform(environment, problems));
        Self { proxy: proxy(endpoint, environment, problems), trusted }
    }
}
