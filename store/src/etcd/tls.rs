//! TLS: whom we believe, and what we show.

use std::{error::Error, sync::Arc};

use rustls::{
    AlertDescription as Alert, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::address::TlsFiles;

/// Whether it is about certificates: ours, or that of the other side.
pub(super) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        next = match (cause.downcast_ref::<rustls::Error>(), cause.downcast_ref::<std::io::Error>()) {
            (Some(why), _) => return is_about_certificates(why),
            // What it wraps is not its source; that one's source would be.
            (None, Some(why)) => why.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            (None, None) => cause.source(),
        };
    }
    false
}

fn is_about_certificates(why: &rustls::Error) -> bool {
    match why {
        rustls::Error::InvalidCertificate(_) => true,
        rustls::Error::AlertReceived(alert) => matches!(
            alert,
            Alert::BadCertificate
                | Alert::CertificateRequired
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::UnsupportedCertificate
                | Alert::UnknownCA
                | Alert::AccessDenied
        ),
        _ => false,
    }
}

/// What `files` say.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn configured(files: &TlsFiles) -> Result<ClientConfig, String> {
    let wrong = |path: &std::path::Path, why: &dyn std::fmt::Display, expected: &str| {
        format!("{}: found {why}, expected {expected} in PEM", path.display())
    };
    let certificates = |path: &std::path::Path| -> Result<Vec<_>, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        match found {
            Ok(found) if found.is_empty() => Err(wrong(path, &"no certificate", "one")),
            found => found.map_err(|why| wrong(path, &why, "certificates")),
        }
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots.add(certificate).map_err(|why| wrong(&files.ca, &why, "the certificate of an authority"))?;
    }
    let own = files.own.as_ref().map(|(cert, key)| {
        let key = PrivateKeyDer::from_pem_file(key).map_err(|why| wrong(key, &why, "a private key"))?;
        Ok::<_, String>((certificates(cert)?, key))
    });
    verifying(roots, own.transpose()?)
}

/// Believes those whom `roots` certify, and shows `own`.
pub(super) fn verifying(
    roots: RootCertStore,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|why| format!("TLS: {why}"))?.with_root_certificates(roots);
    match own {
        None => Ok(config.with_no_client_auth()),
        Some((chain, key)) => {
            config.with_client_auth_cert(chain, key).map_err(|why| format!("found cert and key that do not fit: {why}"))
        }
    }
}
