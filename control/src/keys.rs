//! Keys that sign envelopes: Ed25519, each with an id by which fetchers know its public half.

mod file;
mod keyring;

use std::{fmt::Write as _, io};

use ed25519_dalek::{
    Signer as _,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes, spki::der::pem::LineEnding},
};

use zeroize::Zeroizing;

pub use file::{read, read_private, write_new};
pub use keyring::Keyring;

/// The longest id, in bytes.
const ID_LIMIT: usize = 63;

/// A key pair and its id.
pub struct SigningKey {
    id: String,
    pair: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// Draws a new one.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn draw(id: String) -> io::Result<Self> {
        let mut seed = Zeroizing::new([0; ed25519_dalek::SECRET_KEY_LENGTH]);
        getrandom::fill(seed.as_mut()).map_err(io::Error::other)?;
        Ok(Self { id, pair: ed25519_dalek::SigningKey::from_bytes(&seed) })
    }

    /// Reads a key as PKCS#8 PEM.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn of_pem(id: String, pem: &str) -> Result<Self, String> {
        let pair = ed25519_dalek::SigningKey::from_pkcs8_pem(pem);
        let pair =
            pair.map_err(|why| format!("found no key ({why}), expected an Ed25519 private key as PKCS#8 PEM"))?;
        Ok(Self { id, pair })
    }

    /// Writes the key as PKCS#8 PEM.
    ///
    /// # Errors
    /// None that is known.
    pub fn pem(&self) -> io::Result<Zeroizing<String>> {
        // Without the public key, which is version 1: no OpenSSL before 3.5 reads version 2.
        let private = KeypairBytes { secret_key: self.pair.to_bytes(), public_key: None };
        private.to_pkcs8_pem(LineEnding::LF).map_err(io::Error::other)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half, 64 lower-case hexadecimal digits: what a fetcher is configured with.
    pub fn public(&self) -> String {
        hexadecimal(self.pair.verifying_key().as_bytes())
    }

    /// The signature of `text`, 128 lower-case hexadecimal digits.
    pub fn sign(&self, text: &str) -> String {
        hexadecimal(&self.pair.sign(text.as_bytes()).to_bytes())
    }
}

/// Reads the id of a key.
///
/// # Errors
/// What would be right.
pub fn parse_id(text: &str) -> Result<String, String> {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if !first || text.len() > ID_LIMIT || !text.bytes().all(letter) {
        let expected = "1 to 63 lower-case letters, digits, '_', '.' and '-', a letter or digit first";
        return Err(format!("found the id {text:?}, expected {expected}"));
    }
    Ok(text.to_owned())
}

/// Two lower-case hexadecimal digits a byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const EMPTY_SIGNED: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    /// What `openssl genpkey` writes for that key: RFC 8410, version 1.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";

    #[test]
    fn a_known_key_is_read_signs_and_is_written_as_others_write_it() {
        let key = SigningKey::of_pem("k".to_owned(), PEM).unwrap();
        assert_eq!(hexadecimal(&key.pair.to_bytes()), SEED);
        assert_eq!((key.public().as_str(), key.sign("").as_str()), (PUBLIC, EMPTY_SIGNED));
        assert_eq!(key.pem().unwrap().as_str(), PEM);
    }

    #[test]
    fn two_drawn_keys_differ() {
        let draw = || SigningKey::draw("k".to_owned()).unwrap().public();
        assert_ne!(draw(), draw());
    }

    #[test]
    fn what_is_no_key_says_what_would_be_one() {
        for pem in ["", "x", &PEM.replace("MC4C", "MC4D"), &PEM.replace("PRIVATE", "PUBLIC")] {
            let refused = SigningKey::of_pem("k".to_owned(), pem).err().unwrap();
            assert!(refused.starts_with("found no key (") && refused.contains("PKCS#8 PEM"), "{refused}");
        }
    }

    #[test]
    fn ids_are_what_a_fetcher_reads() {
        let long = "x".repeat(ID_LIMIT);
        for id in ["a", "0", "release-2024.11_b", &long] {
            assert_eq!(parse_id(id).as_deref(), Ok(id));
        }
        for id in ["", "-a", ".a", "A", "a b", "é", "a/b", &format!("{long}x")] {
            assert!(parse_id(id).is_err_and(|said| said.contains(", expected 1 to 63")), "{id}");
        }
    }
}
