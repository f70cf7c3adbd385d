//! Envelopes, right ones and wrong ones.

use graylane_rules::{
    Revision, SNAPSHOT_FORMAT,
    envelope::{Head, Signature},
};

use crate::{Signer, control::compiled};

/// Where the number of the format stands in a snapshot: behind the eight bytes that every one begins with.
const FORMAT: std::ops::Range<usize> = 8..10;

/// An envelope that is not sealed yet: what shall be written on it.
#[derive(Clone, Debug)]
pub struct Envelope {
    head: Head,
    snapshot: Vec<u8>,
}

impl Envelope {
    /// The rules `documents` as `revision`, for the namespace `default`, unsigned and valid for ever.
    ///
    /// # Panics
    /// Where they do not compile.
    pub fn of(revision: Revision, documents: &[String]) -> Self {
        Self::with(revision, SNAPSHOT_FORMAT, compiled(documents).snapshot)
    }

    /// These bytes, whatever they are, in the same way.
    pub fn with(revision: Revision, format: u16, snapshot: Vec<u8>) -> Self {
        Self { head: Head::of("default", revision, format, &snapshot), snapshot }
    }

    /// For another namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.head.namespace);
        self
    }

    /// In another format, which differs in its number alone, as that of builds with `next-format` does.
    #[must_use]
    pub fn format(self, format: u16) -> Self {
        let snapshot = in_format(format, self.snapshot);
        let renewed = Head::of(&self.head.namespace, self.head.revision(), format, &snapshot);
        Self { head: Head { issued: self.head.issued, expires: self.head.expires, ..renewed }, snapshot }
    }

    /// Written at `seconds` since 1970.
    #[must_use]
    pub fn issued(mut self, seconds: u64) -> Self {
        self.head.issued = seconds;
        self
    }

    /// To be accepted until `seconds` since 1970.
    #[must_use]
    pub fn expires(mut self, seconds: u64) -> Self {
        self.head.expires = seconds;
        self
    }

    /// Signed with this key too. What is changed afterwards is not what was signed.
    #[must_use]
    pub fn signed_by(mut self, signer: &Signer) -> Self {
        let signature = signer.sign(&self.head);
        self.head.signatures.push(signature);
        self
    }

    /// With this signature, whatever it is.
    #[must_use]
    pub fn signature(mut self, key: &str, ed25519: &str) -> Self {
        self.head.signatures.push(Signature { key: key.to_owned(), ed25519: ed25519.to_owned() });
        self
    }

    /// The bytes.
    pub fn seal(&self) -> Vec<u8> {
        self.head.seal(&self.snapshot)
    }
}

/// `snapshot` under the number of another format, as builds with `next-format` write it.
///
/// # Panics
/// Where it is in no format that is known here.
pub(crate) fn in_format(format: u16, mut snapshot: Vec<u8>) -> Vec<u8> {
    assert_eq!(snapshot[FORMAT], SNAPSHOT_FORMAT.to_le_bytes(), "the format is no longer where it was");
    snapshot[FORMAT].copy_from_slice(&format.to_le_bytes());
    snapshot
}

/// The rules `documents` in an envelope for `namespace`.
pub fn sealed(namespace: &str, revision: Revision, documents: &[String]) -> Vec<u8> {
    Envelope::of(revision, documents).namespace(namespace).seal()
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Snapshot, envelope::open};

    use super::*;
    use crate::samples;

    const REVISION: Revision = Revision { epoch: 1, number: 2 };

    #[test]
    fn another_format_is_the_same_snapshot_under_another_number() {
        let documents = [samples::numbered(1)];
        let next = SNAPSHOT_FORMAT + 1;
        let (one, two) = (Envelope::of(REVISION, &documents), Envelope::of(REVISION, &documents).format(next));
        let (one, two) = (one.seal(), two.seal());
        let ((_, one), (head, two)) = (open(&one).unwrap(), open(&two).unwrap());
        assert_eq!((head.format, two.len()), (next, one.len()));
        assert_eq!(one.iter().zip(two).filter(|(one, two)| one != two).count(), 1);
        assert!(Snapshot::load(two.to_vec()).unwrap_err().to_string().contains(&format!("format {next}")));
    }

    #[test]
    fn what_is_signed_can_be_spoilt_afterwards() {
        let envelope = Envelope::of(REVISION, &[samples::numbered(1)]).expires(5).signed_by(&Signer::of("a", 1));
        let (sound, spoilt) = (envelope.seal(), envelope.expires(6).seal());
        let (sound, spoilt) = (open(&sound).unwrap().0, open(&spoilt).unwrap().0);
        assert_eq!(sound.signatures, [Signer::of("a", 1).sign(&sound)]);
        assert_ne!(spoilt.signatures, [Signer::of("a", 1).sign(&spoilt)]);
    }
}
