//! A certificate authority, as a mesh has one: it certifies who a workload is, by a URI such as
//! `spiffe://cluster.local/ns/shop/sa/frontend`.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};

/// The authority; nobody else knows its key.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "mesh");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, key()).expect("a certificate of its own"))
    }

    /// Envoy's `CommonTlsContext` of whoever is `identity`, a URI, and believes those whom this authority certified; of
    /// these only `peer`, where it is given.
    pub fn context(&self, identity: Option<&str>, peer: Option<&str>) -> Value {
        let text = |pem: String| json!({"inline_string": pem});
        let mut validation = json!({"trusted_ca": text(self.0.as_ref().pem())});
        if let Some(peer) = peer {
            validation["match_typed_subject_alt_names"] = json!([{"san_type": "URI", "matcher": {"exact": peer}}]);
        }
        let certificates: Vec<_> = identity
            .map(|identity| self.certified(identity))
            .map(|(chain, key)| json!({"certificate_chain": text(chain), "private_key": text(key)}))
            .into_iter()
            .collect();
        json!({"tls_certificates": certificates, "validation_context": validation})
    }

    /// Certificate and private key of `identity`.
    fn certified(&self, identity: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        // Not the authority's, or it would look as if it had certified itself.
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(identity.try_into().expect("ASCII"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = key();
        (params.signed_by(&key, &self.0).expect("a certificate").pem(), key.serialize_pem())
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// ECDSA on P-256: what Istio's agent makes where it is told to, and Envoy takes.
fn key() -> KeyPair {
    KeyPair::generate().expect("a key pair")
}
