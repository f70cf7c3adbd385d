//! What may be answered to a fetcher.

use std::time::Duration;

use graylane_rules::{Revision, Snapshot, envelope};

use super::sealed::sealed;

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
    /// As [`Reply::Always`] with 200 and the right media type, but the body takes so long to come.
    Drip {
        /// The body.
        body: Vec<u8>,
        /// How long it takes.
        over: Duration,
    },
    /// No answer to these requests, ever, also not when later ones get another reply.
    Silence,
    /// What a good control plane does: the envelope if it is newer than what was asked for, else 204 after a while.
    Good {
        /// The revision in the envelope.
        revision: Revision,
        /// The envelope.
        envelope: Vec<u8>,
    },
    /// The same for a revision that is there in several formats: the highest of them that was asked for, else 204.
    Formats {
        /// The revision in all envelopes.
        revision: Revision,
        /// The envelopes, with the format of the snapshot in each.
        envelopes: Vec<(u16, Vec<u8>)>,
    },
    /// One of these after another, a request each, and again from the first.
    InTurn(Vec<Reply>),
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

    /// Nothing newer, said at once.
    pub fn nothing() -> Self {
        Self::Always { status: 204, media_type: "text/plain", body: Vec::new() }
    }

    /// A page that says 503.
    pub fn unavailable() -> Self {
        Self::Always { status: 503, media_type: "text/plain", body: b"upstream connect error".to_vec() }
    }

    /// The reply to request `number`, from 0, if this is several in turn.
    pub(super) fn at(&self, number: usize) -> &Self {
        match self {
            Self::InTurn(replies) if !replies.is_empty() => replies[number % replies.len()].at(number / replies.len()),
            one => one,
        }
    }

    /// What it publishes, as a history sees it: what may be served from now on. Wrong replies publish nothing.
    pub(super) fn published(&self) -> Vec<(Revision, Snapshot)> {
        match self {
            Self::Good { revision, envelope } => {
                snapshot(envelope).map(|snapshot| (*revision, snapshot)).into_iter().collect()
            }
            Self::Formats { revision, envelopes } => {
                let readable = envelopes.iter().find_map(|(_, envelope)| snapshot(envelope));
                readable.map(|snapshot| (*revision, snapshot)).into_iter().collect()
            }
            Self::InTurn(replies) => replies.iter().flat_map(Self::published).collect(),
            Self::Always { .. } | Self::Torn(_) | Self::Drip { .. } | Self::Silence => Vec::new(),
        }
    }
}

fn snapshot(envelope: &[u8]) -> Option<Snapshot> {
    let (_, bytes) = envelope::open(envelope).ok()?;
    Snapshot::load(bytes.to_vec()).ok()
}
