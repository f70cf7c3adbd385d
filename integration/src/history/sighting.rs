//! By which revision a request was decided, and how, as one place saw it.

use graylane_rules::Revision;

use super::{Name, Names};

/// What the headers of a response, or a line of the access log, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The revision; None for embedded rules and where nothing was decided.
    pub revision: Option<Revision>,
    /// The variant; several of several variant headers are joined by commas.
    pub variant: Option<Name>,
    /// Why.
    pub reason: Option<Name>,
}

/// What an upstream saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Its name.
    pub name: Option<Name>,
    /// The revision, as the route told it.
    pub revision: Option<Revision>,
    /// The header `x-gray-variant`.
    pub variant: Option<Name>,
    /// The header `x-feature-flags`.
    pub flags: Option<Name>,
}

impl Told {
    /// What these texts say; a revision that is none, such as `embedded`, is None.
    pub fn of(names: &mut Names, revision: Option<&str>, variant: Option<&str>, reason: Option<&str>) -> Self {
        Self {
            revision: revision.and_then(|revision| revision.parse().ok()),
            variant: variant.map(|variant| names.of(variant)),
            reason: reason.map(|reason| names.of(reason)),
        }
    }

    /// In words.
    pub(super) fn words(&self, names: &Names) -> String {
        let Self { revision, variant, reason } = *self;
        format!("revision {}, variant {}, {}", shown(revision), text(names, variant), text(names, reason))
    }
}

impl Upstream {
    /// In words.
    pub(super) fn words(&self, names: &Names) -> String {
        let Self { name, revision, variant, flags } = *self;
        let [name, variant, flags] = [name, variant, flags].map(|name| text(names, name));
        format!("{name} saw revision {}, variant {variant}, flags {flags}", shown(revision))
    }
}

/// A revision in words.
pub(super) fn shown(revision: Option<Revision>) -> String {
    revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string())
}

/// A name in words.
pub(super) fn text(names: &Names, name: Option<Name>) -> String {
    name.map_or_else(|| "none".to_owned(), |name| names.text(name).to_owned())
}
