//! TLS of the client.

use std::{error::Error, io, path::Path, sync::Arc};

use rustls::{AlertDescription, ClientConfig, version::TLS13};
use tokio_rustls::TlsConnector;

use crate::access::tls::{authorities, certificates, private_key, provider};

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
        Some(rustls::Error::InvalidCertificate(_)) => {
            "a certificate of the host's name by an authority in --ca; --server-name where it has another name"
        }
        Some(rustls::Error::InvalidMessage(_)) => "a server that encrypts: is it http://?",
        Some(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)) => "a server that speaks TLS 1.3",
        _ => "TLS 1.3",
    };
    format!("found no handshake ({why}), expected {expected}")
}

/// What an error says, with the alert of the server where one is behind it: client certificates are refused by that, after
/// the handshake.
pub fn said(why: &hyper::Error) -> String {
    let cause = why.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.map_or_else(|| why.to_string(), ToString::to_string)
}

fn tls_error(why: &io::Error) -> Option<&rustls::Error> {
    why.get_ref().and_then(|inner| inner.downcast_ref())
}
