//! What the control plane publishes, and the record of all that may ever be used.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use graylane_rules::{
    Revision, SNAPSHOT_FORMAT,
    envelope::{self, Head},
};

/// The namespace that is fetched.
pub(super) const NAMESPACE: &str = "shop";

/// The private keys of `a` and `b`, and one that nobody knows.
static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| [1, 2, 3].map(|byte| SigningKey::from_bytes(&[byte; 32])));

/// The public keys of `a` and `b`, as a configuration has them.
pub(super) static PUBLIC_KEYS: LazyLock<[String; 2]> =
    LazyLock::new(|| [0, 1].map(|place| hex(KEYS[place].verifying_key().as_bytes())));

thread_local! {
    /// Signing takes longer than a short script; the same texts come again and again.
    static SIGNATURES: RefCell<BTreeMap<(usize, String), String>> = RefCell::default();
}

/// How a publication is signed, or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Nobody,
    A,
    B,
    Stranger,
    /// By a stranger who says that it is `a`.
    Impostor,
    /// By `a` for another namespace.
    Elsewhere,
    /// By `a`, but expired long ago.
    Expired,
    /// By `a`, in a format that nobody reads.
    Future,
}

impl By {
    pub(super) const ALL: [Self; 8] = {
        use By::*;
        [Nobody, A, B, Stranger, Impostor, Elsewhere, Expired, Future]
    };
}

/// An envelope of `snapshot`.
pub(super) fn envelope(namespace: &str, revision: Revision, snapshot: &[u8], signer: By) -> Vec<u8> {
    let namespace = if signer == By::Elsewhere { "other" } else { namespace };
    let format = if signer == By::Future { 77 } else { SNAPSHOT_FORMAT };
    let mut head = Head::of(namespace, revision, format, snapshot);
    head.issued = 1_700_000_000;
    head.expires = if signer == By::Expired { 1_000 } else { 0 };
    let (id, key) = match signer {
        By::Nobody => return head.seal(snapshot),
        By::B => ("b", 1),
        By::Stranger => ("c", 2),
        By::Impostor => ("a", 2),
        _ => ("a", 0),
    };
    let ed25519 = signed(key, head.signed_text());
    head.signatures = vec![envelope::Signature { key: id.to_owned(), ed25519 }];
    head.seal(snapshot)
}

fn signed(key: usize, text: String) -> String {
    SIGNATURES.with(|signatures| {
        let sign = |(key, text): &(usize, String)| hex(&KEYS[*key].sign(text.as_bytes()).to_bytes());
        let mut signatures = signatures.borrow_mut();
        let wanted = (key, text);
        let signature = signatures.get(&wanted).cloned().unwrap_or_else(|| sign(&wanted));
        signatures.insert(wanted, signature.clone());
        signature
    })
}

/// What may be used, because an envelope that is right brought it.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Whether somebody takes what is not signed.
    pub(super) unsigned: bool,
    /// Whether somebody is configured in a way that is not known here, and may take anything that is whole.
    pub(super) anything: bool,
    brought: BTreeMap<Revision, BTreeSet<Vec<u8>>>,
}

impl Record {
    /// Notes what an answer brings at the wall clock's `unix`, if it may be taken at all.
    pub(super) fn note(&mut self, body: &[u8], unix: u64) {
        let Ok((head, snapshot)) = envelope::open(body) else { return };
        let signed = self.unsigned || (is_signed(&head) && (head.expires == 0 || head.expires > unix));
        if self.anything || (signed && head.namespace == NAMESPACE) {
            self.brought.entry(head.revision()).or_default().insert(snapshot.to_vec());
        }
    }

    /// Whether `bytes` were ever brought as `revision`.
    pub(super) fn has(&self, revision: Revision, bytes: &[u8]) -> bool {
        self.brought.get(&revision).is_some_and(|brought| brought.contains(bytes))
    }

    /// Whether `bytes` were ever brought, whatever their revision.
    pub(super) fn has_bytes(&self, bytes: &[u8]) -> bool {
        self.brought.values().any(|brought| brought.contains(bytes))
    }

    /// The greatest revision that was brought.
    pub(super) fn greatest(&self) -> Revision {
        self.brought.last_key_value().map(|(revision, _)| *revision).unwrap_or_default()
    }
}

fn is_signed(head: &Head) -> bool {
    let text = head.signed_text();
    head.signatures.iter().any(|signature| {
        let key = match signature.key.as_str() {
            "a" => &KEYS[0],
            "b" => &KEYS[1],
            _ => return false,
        };
        let bytes = unhex(&signature.ed25519).map(|bytes| Signature::from_bytes(&bytes));
        let key: VerifyingKey = key.verifying_key();
        bytes.is_some_and(|bytes| key.verify_strict(text.as_bytes(), &bytes).is_ok())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<[u8; 64]> {
    let bytes: Option<Vec<u8>> =
        digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes?.try_into().ok()
}
