//! Content of any size, cut into pieces.

use serde::{Deserialize, Serialize};

use crate::{Digest, Store, StoreError};

/// The most bytes of a piece: a third of what etcd takes in one request.
pub const PIECE_LIMIT: usize = 512 << 10;

/// The most bytes of an object: no document and no snapshot is larger, nor is a list of all documents.
const OBJECT_LIMIT: u64 = 64 << 20;

/// Content that is kept: its digest, and those of the pieces it is cut into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// The SHA-256 of all of it.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its pieces in order; left out where it is one, whose digest is its own, or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pieces: Vec<Digest>,
}

/// Bytes of at most [`PIECE_LIMIT`], and their digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.digest, self.bytes.len())
    }
}

impl Object {
    /// That it is no larger than anything that is kept, and cut as [`pieces`] cuts: what is one piece has its digest.
    ///
    /// # Errors
    /// Found and expected.
    pub fn expect_as_cut(&self) -> Result<(), String> {
        let (size, found) = (self.size, self.pieces.len());
        if size > OBJECT_LIMIT {
            return Err(format!("found an object of {size} bytes, expected at most {OBJECT_LIMIT}"));
        }
        let cut = size.div_ceil(PIECE_LIMIT as u64);
        let expected = if cut > 1 { cut } else { 0 };
        if u64::try_from(found).is_ok_and(|found| found == expected) {
            return Ok(());
        }
        Err(format!("found an object of {size} bytes that names {found} pieces, expected {expected}"))
    }

    /// The digests of its pieces, in order.
    pub fn pieces(&self) -> Vec<Digest> {
        match (self.size, self.pieces.as_slice()) {
            (0, _) => Vec::new(),
            (_, []) => vec![self.sha256],
            (_, pieces) => pieces.to_vec(),
        }
    }
}

/// Cuts `bytes` into pieces.
pub fn pieces(bytes: &[u8]) -> (Object, Vec<Piece>) {
    let cut = bytes.chunks(PIECE_LIMIT).map(|chunk| Piece { digest: Digest::of(chunk), bytes: chunk.to_vec() });
    let cut: Vec<_> = cut.collect();
    let several = if cut.len() > 1 { cut.iter().map(|piece| piece.digest).collect() } else { Vec::new() };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    (Object { sha256: Digest::of(bytes), size, pieces: several }, cut)
}

/// The bytes of `object`, checked.
///
/// # Errors
/// Where the store does not answer, or what it holds is not what was put there.
pub async fn fetch(store: &dyn Store, object: &Object) -> Result<Vec<u8>, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt { place: store.place().to_owned(), why };
    object.expect_as_cut().map_err(corrupt)?;
    let mut bytes = Vec::with_capacity(usize::try_from(object.size).unwrap_or(0));
    for digest in object.pieces() {
        let found = store.piece(&digest).await?;
        let piece = found.ok_or_else(|| corrupt(format!("found no piece {digest}, expected it")))?;
        bytes.extend_from_slice(&piece);
        if u64::try_from(bytes.len()).is_ok_and(|read| read > object.size) {
            break;
        }
    }
    match Digest::of(&bytes) {
        found if found == object.sha256 => Ok(bytes),
        found => Err(corrupt(format!("found the digest {found}, expected {}", object.sha256))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_cut_where_it_is_large_alone() {
        for (size, expected) in [(0, 0), (1, 1), (PIECE_LIMIT, 1), (PIECE_LIMIT + 1, 2), (3 * PIECE_LIMIT, 3)] {
            let bytes: Vec<u8> = (0..size).map(|place| (place / 1_000) as u8).collect();
            let (object, cut) = pieces(&bytes);
            assert_eq!((object.pieces().len(), cut.len()), (expected, expected), "{size}");
            assert_eq!(object.pieces(), cut.iter().map(|piece| piece.digest).collect::<Vec<_>>());
            assert_eq!(cut.concat_bytes(), bytes);
            let text = serde_json::to_string(&object).unwrap();
            assert_eq!(text.contains("pieces"), expected > 1, "{text}");
            assert_eq!(serde_json::from_str::<Object>(&text).unwrap(), object);
        }
    }

    #[test]
    fn what_is_cut_otherwise_is_none() {
        let (object, _) = pieces(&vec![7; 3 * PIECE_LIMIT]);
        assert_eq!(object.expect_as_cut(), Ok(()));
        let many = Object { pieces: vec![object.sha256; 14_500], ..object.clone() };
        assert!(many.expect_as_cut().unwrap_err().contains("names 14500 pieces, expected 3"));
        assert!(Object { size: OBJECT_LIMIT + 1, ..object }.expect_as_cut().is_err());
        // One piece under another digest than its own would be another content than it says.
        let (small, _) = pieces(b"small");
        assert_eq!(small.expect_as_cut(), Ok(()));
        assert!(Object { pieces: vec![many.sha256], ..small }.expect_as_cut().is_err());
    }

    trait Concatenated {
        fn concat_bytes(&self) -> Vec<u8>;
    }

    impl Concatenated for Vec<Piece> {
        fn concat_bytes(&self) -> Vec<u8> {
            self.iter().flat_map(|piece| piece.bytes.clone()).collect()
        }
    }
}
