//! TLS of the server: 1.3 and nothing older, with certificates that can be replaced while it serves.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use rustls::{
    AlertDescription, RootCertStore, ServerConfig, ServerConnection,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version::TLS13,
};

use super::{certificate::Validity, peer};
use crate::{mutex::locked, secret};

/// The files that TLS goes by.
#[derive(Clone, Debug)]
pub struct Files {
    /// The server's certificate, with those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show.
    pub client_ca: Option<PathBuf>,
}

/// A file that cannot be used.
#[derive(Debug)]
pub struct Fault {
    /// The option that names it.
    pub option: &'static str,
    /// `FILE: found …, expected …`.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.problem)
    }
}

/// What connections are encrypted with, which can be replaced.
pub struct Tls(Mutex<Used>);

/// What is in use.
struct Used {
    configuration: Arc<ServerConfig>,
    validity: Validity,
}

impl Tls {
    /// With what stands in `files`.
    ///
    /// # Errors
    /// Every file that cannot be used `now`, and why.
    pub fn read(files: &Files, now: Timestamp) -> Result<Self, Vec<Fault>> {
        Ok(Self(Mutex::new(files.read(now)?)))
    }

    /// From now on with what stands in `files`.
    ///
    /// # Errors
    /// Every file that cannot be used `now`, and why. What was in use stays.
    pub fn read_again(&self, files: &Files, now: Timestamp) -> Result<(), Vec<Fault>> {
        let read = files.read(now)?;
        *locked(&self.0) = read;
        Ok(())
    }

    /// What a new connection is encrypted with.
    pub fn configuration(&self) -> Arc<ServerConfig> {
        Arc::clone(&locked(&self.0).configuration)
    }

    /// When the certificate that is shown is valid.
    pub fn validity(&self) -> Validity {
        locked(&self.0).validity
    }
}

impl Files {
    fn read(&self, now: Timestamp) -> Result<Used, Vec<Fault>> {
        let of = |option| move |problem| Fault { option, problem };
        let certificate = self.certificates_of_now(now).map_err(of("--tls-cert"));
        let key = private_key(&self.key).map_err(of("--tls-key"));
        let roots = self.client_ca.as_deref().map(authorities).transpose().map_err(of("--client-ca"));
        let ((certificate, validity), key, roots) = match (certificate, key, roots) {
            (Ok(certificate), Ok(key), Ok(roots)) => (certificate, key, roots),
            (certificate, key, roots) => {
                return Err([certificate.err(), key.err(), roots.err()].into_iter().flatten().collect());
            }
        };
        let found = |option, path: &Path, why: String| {
            vec![Fault { option, problem: format!("{}: found {why}", path.display()) }]
        };
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13]);
        let builder = builder.map_err(|why| vec![of("--tls-cert")(format!("no TLS 1.3: {why}"))])?;
        let builder = match (roots, &self.client_ca) {
            (Some(roots), Some(path)) => {
                // Whoever shows none may have a token: who may come in is decided by roles, for each request.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = verifier.allow_unauthenticated().build();
                let no =
                    |why| found("--client-ca", path, format!("no authorities ({why}), expected certificates in PEM"));
                builder.with_client_cert_verifier(verifier.map_err(no)?)
            }
            _ => builder.with_no_client_auth(),
        };
        let no = |why| found("--tls-key", &self.key, format!("no key of the certificate ({why}), expected its own"));
        let mut configuration = builder.with_single_cert(certificate, key).map_err(no)?;
        // A session that is resumed shows no certificate again, however long that has expired. Connections last.
        configuration.send_tls13_tickets = 0;
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Used { configuration: Arc::new(configuration), validity })
    }

    /// The certificates that are shown, and when the server's own is valid. Of those behind it clients need not all.
    fn certificates_of_now(&self, now: Timestamp) -> Result<(Vec<CertificateDer<'static>>, Validity), String> {
        let told = |why: String| format!("{}: {why}", self.certificate.display());
        let certificates = certificates(&self.certificate)?;
        let own = certificates.first().ok_or_else(|| told("found no certificate, expected one".to_owned()))?;
        let validity = Validity::of(own).map_err(told)?;
        validity.expect_now(now).map_err(told)?;
        Ok((certificates, validity))
    }
}

/// Whether an alert says that whoever sent it does not take the certificate that it was shown.
pub fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription::{
        BadCertificate, CertificateExpired, CertificateRevoked, CertificateUnknown, DecryptError, UnknownCA,
        UnsupportedCertificate,
    };
    matches!(
        alert,
        BadCertificate
            | CertificateExpired
            | CertificateRevoked
            | CertificateUnknown
            // It is of an authority that has the name of one that is trusted, and another key.
            | DecryptError
            | UnknownCA
            | UnsupportedCertificate
    )
}

/// The one implementation of ciphers and signatures that is linked.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What the client's certificate says that it is; None where it has shown none.
pub fn names(connection: &ServerConnection) -> Option<Arc<[String]>> {
    connection.peer_certificates()?.first().map(peer::names)
}

/// The certificates in a file of PEM: at least one.
///
/// # Errors
/// Which file, what was found and what would be right.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let pem = secret::read_open(path).map_err(told)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|why| told(format!("found no certificates ({why}), expected some in PEM")))?;
    if found.is_empty() {
        return Err(told("found no certificate, expected at least one in PEM".to_owned()));
    }
    Ok(found)
}

/// The private key in a file of PEM, which others than its owner must not be able to use.
///
/// # Errors
/// Which file, what was found and what would be right.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let pem = secret::read(path).map_err(told)?;
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|why| told(format!("found no private key ({why}), expected one in PEM")))
}

/// The authorities in a file of PEM.
///
/// # Errors
/// Which file, what was found and what would be right.
pub fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|why| format!("{}: found no authority ({why}), expected its certificate", path.display()))?;
    }
    Ok(roots)
}
