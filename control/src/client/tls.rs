//! TLS of the client.

use std::{error::Error, io, path::Path, sync::Arc};

use rustls::{AlertDescription, CertificateError, ClientConfig, OtherError, version::TLS13};
use tokio_rustls::TlsConnector;

use crate::access::tls::{authorities, certificates, is_about_certificate, private_key, provider};

/// What believes the authorities in `ca`, and shows its `own` certificate, whose key is in the second file.
///
/// # Errors
/// Which file cannot be used, and why.
pub fn connector(ca: &Path, own: Option<(&Path, &Path)>) -> Result<TlsConnector, String> {
    let roots = authorities(ca)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]);
    let builder = builder.map_err(|why| format!("no TLS 1.3: {why}"))?.with_root_certificates(roots);
    let configuration = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let no = |why| format!("{}: found no key of the certificate ({why}), expected its own", key.display());
            builder.with_client_auth_cert(chain, private_key(key)?).map_err(no)?
        }
    };
    Ok(TlsConnector::from(Arc::new(configuration)))
}

/// Why there was no handshake, in words that say what to do.
pub fn no_handshake(why: &io::Error) -> String {
    let expected = match tls_error(why) {
        Some(rustls::Error::InvalidCertificate(wrong)) => return no_certificate(wrong),
        Some(rustls::Error::InvalidMessage(_)) => "a server that encrypts: is it http://?",
        Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)) => "a server that speaks TLS 1.3",
        _ => "TLS 1.3",
    };
    format!("found no handshake ({why}), expected {expected}")
}

/// What is wrong with the certificate that the server shows.
fn no_certificate(wrong: &CertificateError) -> String {
    let is_authority = |other: &OtherError| {
        let why = other.0.downcast_ref::<webpki::Error>();
        matches!(why, Some(webpki::Error::CaUsedAsEndEntity))
    };
    let (found, expected) = match wrong {
        CertificateError::Other(other) if is_authority(other) => {
            ("a certificate authority's certificate".to_owned(), "the server's own, which the authority certifies")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (format!("a certificate that is no longer valid ({wrong})"), "one that is")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (format!("a certificate that is not valid yet ({wrong})"), "one that is")
        }
        // Of the same name as one in the file, or of another one.
        CertificateError::BadSignature | CertificateError::UnknownIssuer => {
            ("a certificate by an authority that --ca does not have".to_owned(), "one by an authority in --ca")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("a certificate of another server ({wrong})"),
            "one of the host's name; --server-name where it has another name",
        ),
        _ => (format!("a certificate that cannot be believed ({wrong})"), "one by an authority in --ca"),
    };
    format!("found {found}, expected {expected}")
}

/// Why there was no answer where a connection was made: somebody may listen who expects TLS.
pub fn no_answer(why: &hyper::Error, is_encrypted: bool) -> String {
    if let Some(told) = cause(why).and_then(refused_certificate) {
        return told;
    }
    let is_another = why.is_parse() || why.is_incomplete_message();
    let hint = if is_another && !is_encrypted { ": is it https://?" } else { "" };
    format!("found no HTTP answer ({}), expected one{hint}", said(why))
}

/// What the alert of a server means that does not take the client's certificate: it comes after the handshake, in the place of
/// an answer.
fn refused_certificate(why: &io::Error) -> Option<String> {
    let Some(rustls::Error::AlertReceived(alert)) = tls_error(why) else { return None };
    match alert {
        AlertDescription::CertificateRequired => {
            let found = "found that the control plane wants a client certificate";
            Some(format!("{found} ({why}), expected --cert and --key: one of an authority in its --client-ca"))
        }
        alert if is_about_certificate(*alert) || *alert == AlertDescription::AccessDenied => {
            let found = "found that the control plane refuses the certificate in --cert";
            Some(format!(
                "{found} ({why}), expected one of an authority in its --client-ca, and one that is still valid"
            ))
        }
        _ => None,
    }
}

/// What an error says, with what is behind it.
fn said(why: &hyper::Error) -> String {
    cause(why).map_or_else(|| why.to_string(), ToString::to_string)
}

fn cause(why: &hyper::Error) -> Option<&io::Error> {
    why.source().and_then(|source| source.downcast_ref())
}

fn tls_error(why: &io::Error) -> Option<&rustls::Error> {
    why.get_ref().and_then(|inner| inner.downcast_ref())
}
