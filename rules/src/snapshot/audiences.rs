//! The audiences of a snapshot, in place.

use super::{
    records::{Audience, Extent},
    tables::{slice, table},
};
use crate::audience::Fingerprint;

/// The audiences that the rules of a snapshot ask for. Their tables are opened where they are asked for: few decisions do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audiences<'s> {
    bytes: &'s [u8],
    audiences: Extent,
    members: Extent,
}

impl<'s> Audiences<'s> {
    /// Those whose tables are within the snapshot `bytes`.
    pub(super) fn of(bytes: &'s [u8], audiences: Extent, members: Extent) -> Self {
        Self { bytes, audiences, members }
    }

    /// Whether an identity is a member of the audience `number`. Bounds were checked when the snapshot was loaded.
    pub(crate) fn includes(&self, number: u32, identity: &Fingerprint) -> bool {
        let audience = self.all().and_then(|all| all.get(number as usize));
        let members = audience.and_then(|audience| self.members(audience));
        members.is_some_and(|members| members.binary_search(identity).is_ok())
    }

    /// All of them; None where their table is out of bounds.
    pub(super) fn all(&self) -> Option<&'s [Audience]> {
        table(self.bytes, self.audiences)
    }

    /// The members of an audience; None where they are out of bounds.
    pub(super) fn members(&self, audience: &Audience) -> Option<&'s [Fingerprint]> {
        slice(table(self.bytes, self.members)?, audience.first.get(), audience.members.get())
    }
}
