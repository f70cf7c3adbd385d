//! What a connection says of whoever is at its other end.

use std::{net::IpAddr, sync::Arc};

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The other end of a connection; an extension of each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it comes from.
    pub address: IpAddr,
    /// What its client certificate, which was verified, says that it is: SPIFFE IDs and other URIs, then DNS names. None
    /// where it has shown none.
    pub names: Option<Arc<[String]>>,
}

/// The URIs and DNS names of a certificate.
pub fn names(certificate: &CertificateDer<'_>) -> Arc<[String]> {
    // It was verified, so it can be read; one that cannot has no name, by which nobody is let in.
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Arc::default() };
    certificate.valid_uri_names().chain(certificate.valid_dns_names()).map(str::to_owned).collect()
}
