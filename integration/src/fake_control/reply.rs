//! What may be answered to a fetcher.

use graylane_rules::{Revision, SNAPSHOT_FORMAT, envelope};

use crate::control::compiled;

/// What the next requests for a snapshot are answered with.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, with this status and media type, at once and whatever was asked for.
    Always {
        /// The status.
        status: u16,
        /// The media type.
        media_type: &'static str,
        /// The body.
        body: Vec<u8>,
    },
    /// As [`Reply::Always`] with 200 and the right media type, but the connection ends after half of the body.
    Torn(Vec<u8>),
    /// No answer to these requests, ever, also not when later ones get another reply.
    Silence,
    /// What a good control plane does: the envelope if it is newer than what was asked for, else 204 after a while.
    Good {
        /// The revision in the envelope.
        revision: Revision,
        /// The envelope.
        envelope: Vec<u8>,
    },
}

impl Reply {
    /// The rules `documents` as `revision`, answered as a good control plane does.
    pub fn good(revision: Revision, documents: &[String]) -> Self {
        Self::Good { revision, envelope: sealed("default", revision, documents) }
    }

    /// `body` with 200 and the right media type.
    pub fn envelope(body: Vec<u8>) -> Self {
        Self::Always { status: 200, media_type: envelope::MEDIA_TYPE, body }
    }
}

/// The rules `documents` in an envelope for `namespace`.
pub fn sealed(namespace: &str, revision: Revision, documents: &[String]) -> Vec<u8> {
    envelope::seal(namespace, revision, SNAPSHOT_FORMAT, &compiled(documents).snapshot)
}
