//! An authority, and who it says people are: X.509 certificates with SPIFFE IDs.
#![allow(dead_code, reason = "tests of the control plane have it as well, and each takes what it needs")]

use std::{fmt, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use serde_json::{Value, json};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// An authority's certificate of itself, and its key, that has the name `host`: what no server can show.
    pub fn of_host(host: &str) -> Identity {
        let (mut params, key) = leaf("spiffe://cluster.local/ns/graylane/sa/control", host);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// Says that somebody is `uri`, and listens as `host`.
    pub fn identity(&self, uri: &str, host: &str) -> Identity {
        self.sign(leaf(uri, host))
    }

    /// Said so, until the year 2001.
    pub fn expired(&self, uri: &str, host: &str) -> Identity {
        let (mut params, key) = leaf(uri, host);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        self.sign((params, key))
    }

    /// Says so until the beginning of a day, by year, month and day.
    pub fn until(&self, uri: &str, host: &str, (year, month, day): (i32, u8, u8)) -> Identity {
        let (mut params, key) = leaf(uri, host);
        params.not_after = date_time_ymd(year, month, day);
        self.sign((params, key))
    }

    fn sign(&self, (params, key): (CertificateParams, KeyPair)) -> Identity {
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

impl Authority {
    /// Envoy's `CommonTlsContext` of whoever is `identity`, a URI, and believes those whom this authority certified; of
    /// these only `peer`, where it is given.
    pub fn context(&self, identity: Option<&str>, peer: Option<&str>) -> Value {
        let text = |pem: &str| json!({"inline_string": pem});
        let mut validation = json!({"trusted_ca": text(self.pem())});
        if let Some(peer) = peer {
            validation["match_typed_subject_alt_names"] = json!([{"san_type": "URI", "matcher": {"exact": peer}}]);
        }
        let identity = identity.map(|uri| self.identity(uri, "workload"));
        let certificates: Vec<_> = identity
            .iter()
            .map(|own| json!({"certificate_chain": text(&own.certificate), "private_key": text(&own.key)}))
            .collect();
        json!({"tls_certificates": certificates, "validation_context": validation})
    }
}

impl Identity {
    /// What somebody says of himself, without any authority.
    pub fn pretended(uri: &str) -> Self {
        let (params, key) = leaf(uri, "anybody");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self { certificate, key: key.serialize_pem() }
    }

    /// Writes it into `directory`, as `<name>.pem` and `<name>-key.pem`.
    pub fn write(&self, directory: &Path, name: &str) {
        std::fs::write(directory.join(format!("{name}.pem")), &self.certificate).expect("a certificate is written");
        std::fs::write(directory.join(format!("{name}-key.pem")), &self.key).expect("a key is written");
    }
}

fn leaf(uri: &str, host: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    let (uri, host) = (uri.try_into().expect("ASCII"), host.try_into().expect("ASCII"));
    // Not the authority's name, or the certificate would be its own issuer.
    params.distinguished_name.push(DnType::CommonName, "somebody");
    params.subject_alt_names = vec![SanType::URI(uri), SanType::DnsName(host)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    (params, KeyPair::generate().expect("a key"))
}
