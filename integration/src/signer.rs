//! A key of its own for whoever signs in a test.

use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signer as _, SigningKey};
use graylane_rules::envelope::{Head, Signature};

/// The DER of an Ed25519 private key, but for its 32 bytes (RFC 8410).
const PKCS8: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An Ed25519 key with an id.
#[derive(Clone)]
pub struct Signer {
    id: String,
    key: SigningKey,
}

impl Signer {
    /// The key `id` made of `seed`: the same seed gives the same key, another one of the same id the wrong one.
    pub fn of(id: &str, seed: u8) -> Self {
        Self { id: id.to_owned(), key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half, as a configuration names it: 64 lower-case hexadecimal digits.
    pub fn public(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }

    /// Its signature of what `head` says.
    pub fn sign(&self, head: &Head) -> Signature {
        let signature = self.key.sign(head.signed_text().as_bytes());
        Signature { key: self.id.clone(), ed25519: hex(&signature.to_bytes()) }
    }

    /// Writes its private half to `<id>.pem` in `directory`, as `graylane serve --signing-key` reads it.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let file = directory.join(format!("{}.pem", self.id));
        let der = [PKCS8, self.key.as_bytes()].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64(&der));
        std::fs::write(&file, pem).expect("a key is written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a key is kept private");
        file
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of whole groups of three bytes, which 48 bytes are.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(bytes.len() % 3, 0, "padding is not needed here");
    let groups = bytes.chunks(3).map(|group| group.iter().fold(0, |bits, byte| (bits << 8) | usize::from(*byte)));
    groups.flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift) & 63]))).collect()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::VerifyingKey;
    use graylane_rules::Revision;

    use super::*;

    #[test]
    fn a_signature_is_by_this_key_and_about_this_line() {
        let (signer, other) = (Signer::of("a", 1), Signer::of("a", 2));
        let head = Head::of("default", Revision { epoch: 1, number: 2 }, 1, b"snapshot");
        let signature = signer.sign(&head);
        let bytes: [u8; 64] = crate::from_hex(&signature.ed25519).unwrap().try_into().unwrap();
        let verifies = |signer: &Signer, head: &Head| {
            let public: [u8; 32] = crate::from_hex(&signer.public()).unwrap().try_into().unwrap();
            let key = VerifyingKey::from_bytes(&public).unwrap();
            key.verify_strict(head.signed_text().as_bytes(), &bytes.into()).is_ok()
        };
        assert!(verifies(&signer, &head));
        assert!(!verifies(&other, &head));
        assert!(!verifies(&signer, &Head { expires: 1, ..head }));
    }

    #[test]
    fn the_private_key_is_what_openssl_would_write() {
        // openssl pkey -in a.pem -text, of 32 bytes 0x01.
        let directory = tempfile::TempDir::new().unwrap();
        let text = std::fs::read_to_string(Signer::of("a", 1).write(directory.path())).unwrap();
        assert!(text.contains("\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n"), "{text}");
    }
}
