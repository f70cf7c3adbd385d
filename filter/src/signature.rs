//! Who published a snapshot, and whether it may still be taken.
//!
//! Signed is what the envelope's first line says, the SHA-256 of the snapshot among it. The check is made once a
//! publication, before anything is written, and never on the way of a request.

use ed25519_dalek::{Signature, VerifyingKey};
use graylane_rules::envelope::Head;

use crate::config::{Keys, quoted};

/// So many signatures of an envelope are looked at; the rest is not, whatever it is.
const LIMIT: usize = 8;

/// Checks that one of `keys` signed `head` and, as it can be believed then, that it has not expired at `now_unix`, in
/// seconds since 1970. Without keys nothing is looked at.
///
/// # Errors
/// What was found, and what would be right.
pub fn verify(head: &Head, keys: &Keys, now_unix: u64) -> Result<(), String> {
    if keys.is_empty() {
        return Ok(());
    }
    if !is_signed(head, keys) {
        let expected = list(keys.keys());
        return Err(match found(head, keys) {
            None => format!("found no signature, expected one by {expected}"),
            Some(found) => format!("found {found}, expected a valid signature by {expected}"),
        });
    }
    if head.expires != 0 && head.expires <= now_unix {
        let expires = head.expires;
        return Err(format!(
            "found an expiry at {expires}, expected one after {now_unix} (this host's clock, in seconds since 1970)"
        ));
    }
    Ok(())
}

/// The bytes of an Ed25519 public key, from 64 lower-case hexadecimal digits. None also for those under which anything
/// can be signed, or nothing.
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    let key = unhex(text)?;
    VerifyingKey::from_bytes(&key).ok().filter(|key| !key.is_weak()).map(|_| key)
}

fn is_signed(head: &Head, keys: &Keys) -> bool {
    let text = head.signed_text();
    head.signatures.iter().take(LIMIT).any(|signature| {
        let key = keys.get(&signature.key).and_then(|key| VerifyingKey::from_bytes(key).ok());
        let bytes = unhex(&signature.ed25519).map(|bytes| Signature::from_bytes(&bytes));
        key.zip(bytes).is_some_and(|(key, bytes)| key.verify_strict(text.as_bytes(), &bytes).is_ok())
    })
}

/// What is wrong with the signatures, of which none holds. None where there are none.
fn found(head: &Head, keys: &Keys) -> Option<String> {
    let ids = || head.signatures.iter().take(LIMIT).map(|signature| &signature.key);
    let (known, unknown): (Vec<_>, Vec<_>) = ids().partition(|id| keys.contains_key(*id));
    match (known.is_empty(), unknown.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("a signature by {}, which is unknown here", list(unknown.into_iter()))),
        (false, _) => Some(format!("a signature by {} that does not fit the envelope", list(known.into_iter()))),
    }
}

fn list<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(|id| quoted(id)).collect::<Vec<_>>().join(" or ")
}

/// `N` bytes from twice as many lower-case hexadecimal digits.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use graylane_rules::{Revision, envelope};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn known(ids: &[(&str, u8)]) -> Keys {
        ids.iter().map(|&(id, seed)| (id.to_owned(), key(seed).verifying_key().to_bytes())).collect()
    }

    fn head() -> Head {
        let revision = Revision { epoch: 7, number: 9 };
        Head { issued: NOW - 10, expires: NOW + 10, ..Head::of("shop", revision, 1, b"snapshot") }
    }

    fn signed(mut head: Head, signers: &[(&str, u8)]) -> Head {
        let text = head.signed_text();
        head.signatures = signers.iter().map(|&(id, seed)| signature(id, &key(seed).sign(text.as_bytes()))).collect();
        head
    }

    fn signature(id: &str, signature: &Signature) -> envelope::Signature {
        let hex = signature.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        envelope::Signature { key: id.to_owned(), ed25519: hex }
    }

    #[test]
    fn a_signature_of_a_known_key_is_enough_and_without_keys_none_is_needed() {
        assert_eq!(verify(&signed(head(), &[("a", 1)]), &known(&[("a", 1)]), NOW), Ok(()));
        assert_eq!(verify(&head(), &Keys::new(), NOW), Ok(()));
        assert_eq!(verify(&Head { expires: 1, ..head() }, &Keys::new(), NOW), Ok(()));
    }

    #[test]
    fn keys_are_rotated_without_a_gap() {
        let both = signed(head(), &[("new", 2), ("old", 1)]);
        for keys in [&[("old", 1)][..], &[("old", 1), ("new", 2)], &[("new", 2)]] {
            assert_eq!(verify(&both, &known(keys), NOW), Ok(()), "{keys:?}");
        }
        for signer in [("old", 1), ("new", 2)] {
            assert_eq!(verify(&signed(head(), &[signer]), &known(&[("old", 1), ("new", 2)]), NOW), Ok(()));
        }
    }

    #[test]
    fn nothing_signed_may_be_changed() {
        let changes: [fn(&mut Head); 8] = [
            |head| head.namespace = "shopping".to_owned(),
            |head| head.epoch += 1,
            |head| head.revision += 1,
            |head| head.issued += 1,
            |head| head.expires = 0,
            |head| head.format += 1,
            |head| head.length += 1,
            |head| head.sha256 = envelope::digest(b"another snapshot"),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut head = signed(head(), &[("a", 1)]);
            change(&mut head);
            let error = verify(&head, &known(&[("a", 1)]), NOW).unwrap_err();
            let expected =
                "found a signature by \"a\" that does not fit the envelope, expected a valid signature by \"a\"";
            assert_eq!(error, expected, "change {place}");
        }
    }

    #[test]
    fn who_signed_and_who_should_have_is_said() {
        let keys = known(&[("a", 1), ("b", 2)]);
        let error = |head: Head| verify(&head, &keys, NOW).unwrap_err();
        assert_eq!(error(head()), "found no signature, expected one by \"a\" or \"b\"");
        let stranger = "found a signature by \"c\\n\" or \"d\", which is unknown here, expected a valid signature by \"a\" or \"b\"";
        assert_eq!(error(signed(head(), &[("c\n", 1), ("d", 3)])), stranger);
        let wrong = error(signed(head(), &[("c", 3), ("a", 3)]));
        assert!(wrong.starts_with("found a signature by \"a\" that does not fit the envelope"), "{wrong}");
    }

    #[test]
    fn a_signature_is_128_lower_case_digits() {
        let whole = signed(head(), &[("a", 1)]);
        let hex = whole.signatures[0].ed25519.clone();
        for text in [hex.to_ascii_uppercase(), hex[..126].to_owned(), format!("{hex}00"), format!("{}é", &hex[2..])] {
            let mut head = whole.clone();
            head.signatures[0].ed25519 = text.clone();
            assert!(verify(&head, &known(&[("a", 1)]), NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn eight_signatures_are_looked_at() {
        let wrong = |count| (0..count).map(|_| ("a", 3)).chain([("a", 1)]).collect::<Vec<_>>();
        assert_eq!(verify(&signed(head(), &wrong(7)), &known(&[("a", 1)]), NOW), Ok(()));
        assert!(verify(&signed(head(), &wrong(8)), &known(&[("a", 1)]), NOW).is_err());
    }

    #[test]
    fn what_expired_is_refused_from_that_very_second() {
        let until = |expires| verify(&signed(Head { expires, ..head() }, &[("a", 1)]), &known(&[("a", 1)]), NOW);
        assert_eq!((until(0), until(NOW + 1), until(u64::MAX)), (Ok(()), Ok(()), Ok(())));
        for expires in [NOW, NOW - 1, 1] {
            let error = until(expires).unwrap_err();
            let expected = format!("found an expiry at {expires}, expected one after {NOW}");
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn keys_under_which_anything_is_signed_are_none() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let good = key(1).verifying_key().to_bytes();
        assert_eq!(public_key(&hex(&good)), Some(good));
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!((public_key(&hex(&identity)), public_key(&hex(&[0; 32]))), (None, None));
    }
}
