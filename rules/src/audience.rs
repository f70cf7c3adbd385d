//! Audiences: named lists of identities, which a snapshot keeps as fingerprints.

use xxhash_rust::xxh3::xxh3_128;

/// The bytes of a fingerprint. With 100,000 members, one of 8 * 10^23 identities that are none is taken for one.
const SIZE: usize = 12;

/// What stands for an identity: the upper bytes of its XXH3 of 128 bits.
pub(crate) type Fingerprint = [u8; SIZE];

/// The fingerprint of an identity.
pub(crate) fn fingerprint(identity: &[u8]) -> Fingerprint {
    let hash = xxh3_128(identity).to_be_bytes();
    let mut fingerprint = [0; SIZE];
    for (byte, &value) in fingerprint.iter_mut().zip(&hash) {
        *byte = value;
    }
    fingerprint
}
