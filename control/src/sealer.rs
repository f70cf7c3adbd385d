//! Sealing: envelopes that are dated and signed, and made anew before they are too old to be accepted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Bytes;
use graylane_rules::envelope::{Head, Signature};
use prometheus_client::metrics::counter::Counter;

use crate::{clock::Moment, keys::Keyring, memory::Account, mutex::locked};

/// What puts snapshots into envelopes.
///
/// Without keys an envelope has neither date nor signature and is never made anew.
pub struct Sealer {
    keyring: Mutex<Arc<Keyring>>,
    valid_for: Duration,
    /// How many signatures were made.
    pub signatures: Counter,
}

/// An envelope, and what it was sealed with.
pub struct Sealed {
    /// What fetchers are sent.
    pub envelope: Bytes,
    /// Its first line.
    pub head: Head,
    keyring: Arc<Keyring>,
}

impl Sealer {
    /// Signs with all of `keyring`; what it signs may be accepted for `valid_for`, at least two seconds.
    pub fn new(keyring: Keyring, valid_for: Duration) -> Self {
        Self { keyring: Mutex::new(Arc::new(keyring)), valid_for, signatures: Counter::default() }
    }

    /// The keys it signs with.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&locked(&self.keyring))
    }

    /// Signs with `keyring` from now on; what others sealed is no longer fresh.
    pub fn replace(&self, keyring: Keyring) {
        *locked(&self.keyring) = Arc::new(keyring);
    }

    /// Seals `snapshot`, which `head` is about; the envelope stands in `account`.
    pub fn seal(&self, mut head: Head, snapshot: &[u8], now: Moment, account: &Arc<Account>) -> Sealed {
        let keyring = self.keyring();
        if !keyring.is_empty() {
            head.issued = now.unix_seconds();
            head.expires = head.issued.saturating_add(self.valid_for.as_secs().max(2));
            head.signatures = keyring.sign(&head);
            self.signatures.inc_by(u64::try_from(head.signatures.len()).unwrap_or(0));
        }
        Sealed { envelope: account.shared(head.seal(snapshot)), head, keyring }
    }

    /// Whether an envelope has the signatures of all keys and of no other, and more than half of its validity before it.
    pub fn is_fresh(&self, sealed: &Sealed, now: Moment) -> bool {
        let Head { issued, expires, .. } = sealed.head;
        let half = issued.saturating_add(expires.saturating_sub(issued) / 2);
        // A clock that was set back makes a date of the future, whose end is further away than was asked for.
        let dated = (issued..half).contains(&now.unix_seconds());
        Arc::ptr_eq(&sealed.keyring, &self.keyring()) && (dated || sealed.keyring.is_empty())
    }
}

impl Sealed {
    /// The ids of the keys that signed it.
    pub fn signed_by(&self) -> impl Iterator<Item = &str> {
        self.head.signatures.iter().map(|Signature { key, .. }| key.as_str())
    }
}
