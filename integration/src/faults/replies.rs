//! Answers of a control plane, the right ones and each of the wrong ones.

use std::time::{SystemTime, UNIX_EPOCH};

use graylane_rules::{Revision, envelope};

use super::rules::rules;
use crate::{
    Signer,
    fake_control::{Envelope, Reply},
};

/// The revision of rules `number`.
pub(super) fn revision(number: u32) -> Revision {
    Revision { epoch: 7, number: number.into() }
}

/// Rules `number`, signed, as a good control plane answers.
pub(super) fn good(signer: &Signer, number: u32) -> Reply {
    Reply::Good { revision: revision(number), envelope: unsigned(number).signed_by(signer).seal() }
}

pub(super) fn unavailable(_: &Signer, _: u32) -> Reply {
    Reply::unavailable()
}

pub(super) fn garbage(_: &Signer, number: u32) -> Reply {
    let mut random = crate::bench::statistics::Random::new(number.into());
    Reply::envelope((0..2000).flat_map(|_| random.next().to_le_bytes()).collect())
}

pub(super) fn truncated(signer: &Signer, number: u32) -> Reply {
    Reply::Torn(unsigned(number + 1).signed_by(signer).seal())
}

/// Sound to its last byte, but for what follows it.
pub(super) fn oversized(signer: &Signer, number: u32) -> Reply {
    let mut body = unsigned(number + 1).signed_by(signer).seal();
    body.resize(envelope::LIMIT + 1, b' ');
    Reply::envelope(body)
}

pub(super) fn older(signer: &Signer, number: u32) -> Reply {
    let before = Revision { epoch: 6, ..revision(number + 1) };
    Reply::envelope(Envelope::of(before, &[rules(number + 1)]).signed_by(signer).seal())
}

/// By a key of the right id, which is another one.
pub(super) fn wrongly_signed(signer: &Signer, number: u32) -> Reply {
    Reply::envelope(unsigned(number + 1).signed_by(&Signer::of(signer.id(), 2)).seal())
}

pub(super) fn without_signature(_: &Signer, number: u32) -> Reply {
    Reply::envelope(unsigned(number + 1).seal())
}

pub(super) fn for_others(signer: &Signer, number: u32) -> Reply {
    Reply::envelope(unsigned(number + 1).namespace("others").signed_by(signer).seal())
}

pub(super) fn expired(signer: &Signer, number: u32) -> Reply {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    Reply::envelope(unsigned(number + 1).issued(now - 60).expires(now - 1).signed_by(signer).seal())
}

fn unsigned(number: u32) -> Envelope {
    Envelope::of(revision(number), &[rules(number)])
}
