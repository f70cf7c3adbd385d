//! The encoding of a token.

/// Without padding.
pub fn base64url(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |bits: &[u8]| bits.iter().chain([0; 5].iter()).take(6).fold(0, |digit, bit| digit << 1 | bit);
    bits.chunks(6).map(|bits| DIGITS[usize::from(digit(bits))]).collect()
}
