//! SHA-256, as registries and checksum files write it.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of `bytes`, 64 hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of `bytes` in a registry: `sha256:` and the digits.
pub(crate) fn named(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}
