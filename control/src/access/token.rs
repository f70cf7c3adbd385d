//! Tokens: random, shown once, and kept as a digest.

use std::{fmt, io};

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::keys::hexadecimal;

/// What each token begins with, so that scanners for secrets know one where it stands by mistake.
const PREFIX: &str = "graylane_";

/// How many hexadecimal digits follow: 256 bits.
const DIGITS: usize = 64;

/// So many of them are a part of a token, and of no name of a file.
const PART: usize = 8;

/// A new token, which nobody sees again.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Draws one: 256 random bits.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn draw() -> io::Result<Self> {
        let mut bits = Zeroizing::new([0; 32]);
        getrandom::fill(bits.as_mut()).map_err(io::Error::other)?;
        let digits = Zeroizing::new(hexadecimal(bits.as_ref()));
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", digits.as_str()))))
    }

    /// How one looks, for messages.
    pub fn form() -> String {
        format!("{PREFIX} and {DIGITS} digits")
    }

    /// Whether a text has the form of a token.
    pub fn is_form_of(text: &str) -> bool {
        text.strip_prefix(PREFIX).is_some_and(|digits| digits.len() == DIGITS && leading_digits(digits) == DIGITS)
    }

    /// Whether a token, or a good part of one, stands somewhere in a text.
    pub fn is_in(text: &str) -> bool {
        text.split(PREFIX).skip(1).any(|rest| leading_digits(rest) >= PART)
    }

    /// What a caller sends.
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_hexdigit).count()
}

/// The SHA-256 of a token: what a file of callers has of it.
///
/// A slow hash with a salt is for what people think up, which can be guessed. A token is 256 random bits: whoever has its
/// digest would have to try 2^255 of them, however quick each try is, and no two are alike, so there is no table to save by a
/// salt. A slow hash would but let anybody keep the processor busy with wrong tokens.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of the text of a token.
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, place) in bytes.iter_mut().zip((0_usize..64).step_by(2)) {
            *byte = u8::from_str_radix(text.get(place..place.saturating_add(2))?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

/// Not the digits: they are no secret, but belong into no log either.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_random_and_known_by_what_sha256sum_says() {
        let (one, two) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert_ne!(one.text(), two.text());
        assert_eq!(one.text().len(), PREFIX.len() + 64);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), abc);
        let read = Digest::parse(&abc.to_uppercase()).unwrap();
        assert!(bool::from(read.is(&Digest::of(b"abc"))) && !bool::from(read.is(&Digest::of(b"abd"))));
        for wrong in ["", "ba78", &abc.replace('b', "g"), &format!("{abc}00"), &"é".repeat(32)] {
            assert!(Digest::parse(wrong).is_none(), "{wrong}");
        }
    }
}
