//! The public keys that publications are signed with.

use std::collections::BTreeMap;

use serde::{Deserializer, de::Error};

use super::{Invalid, is_id, quoted, unique::unique};
use crate::signature;

/// Ed25519 public keys by their ids.
pub type Keys = BTreeMap<String, [u8; 32]>;

/// The most keys a fetcher knows; a rotation needs two.
const LIMIT: usize = 8;

const ID: &str = "a key's id: 1 to 63 lower-case letters, digits, '-', '_' and '.', the first a letter or digit";
const KEY: &str = "an Ed25519 public key as 64 lower-case hexadecimal digits (`graylane keys new` prints it)";

/// Reads `{"<id>": "<64 hexadecimal digits>"}`.
pub fn keys<'de, D: Deserializer<'de>>(from: D) -> Result<Keys, D::Error> {
    let texts = unique::<_, String>(from, "keys")?;
    if texts.is_empty() {
        let expected = "at least one, or no `keys` at all, which takes what nobody has signed";
        return Err(D::Error::custom(Invalid::new("keys", "none", expected)));
    }
    if texts.len() > LIMIT {
        let found = format!("{} keys", texts.len());
        return Err(D::Error::custom(Invalid::new("keys", &found, &format!("at most {LIMIT}"))));
    }
    let mut keys = Keys::new();
    for (id, text) in texts {
        let key = key(&id, &text).map_err(D::Error::custom)?;
        keys.insert(id, key);
    }
    Ok(keys)
}

fn key(id: &str, text: &str) -> Result<[u8; 32], Invalid> {
    if !is_id(id, b"-_.") {
        return Err(Invalid::new("keys", &quoted(id), ID));
    }
    signature::public_key(text).ok_or_else(|| Invalid::new(&format!("keys.{id}"), &quoted(text), KEY))
}
