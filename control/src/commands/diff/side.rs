//! One of the two states that are compared.

use std::{ffi::OsString, path::Path};

use crate::{
    commands::{
        plane::Plane,
        sources::{self, Source, is_revision},
    },
    documents::Gathered,
    failure::Failure,
};

/// A state of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where it says itself.
    Of(Source),
    /// A revision of whom the command asks.
    Revision(String),
}

impl Side {
    /// A URL; a path that is there; a revision; or else a path that is not there.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn read(text: &OsString) -> Result<Self, String> {
        let revision =
            text.to_str().map(|text| text.strip_prefix('#').unwrap_or(text)).filter(|text| is_revision(text));
        match revision {
            Some(revision) if !Path::new(text).exists() => Ok(Self::Revision(revision.to_owned())),
            _ => Source::read(text).map(Self::Of),
        }
    }

    /// What a revision is compared with where nothing is said.
    ///
    /// # Errors
    /// Where it is no revision: whether files are the old or the new side, nobody could tell.
    pub fn default_other(&self) -> Result<Self, String> {
        match self {
            Self::Of(Source::Files(path)) => {
                let path = path.display();
                Err(format!(
                    "found {path} alone, expected two sides; what publishing it changes: graylane diff head {path}"
                ))
            }
            Self::Of(Source::Revision(place, _)) => Ok(Self::Of(Source::Revision(place.clone(), "head".to_owned()))),
            Self::Revision(_) => Ok(Self::Revision("head".to_owned())),
        }
    }

    /// Its documents.
    ///
    /// # Errors
    /// Where a revision cannot be read. A file that cannot be is a finding.
    pub fn gathered(&self, plane: &Plane) -> Result<Gathered, Failure> {
        match self {
            Self::Of(Source::Files(path)) => {
                let mut gathered = Gathered::of(std::slice::from_ref(path));
                if !path.exists() {
                    // It may have been meant for one.
                    let expected = "a document, or a directory of them; or a revision, such as 41 or 1732450000.41";
                    gathered.unreadable.iter_mut().for_each(|finding| expected.clone_into(&mut finding.expected));
                }
                Ok(gathered)
            }
            Self::Of(Source::Revision(place, revision)) => sources::of(plane.elsewhere(place).published(revision)?),
            Self::Revision(revision) => sources::of(plane.published(revision)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_revision_is_one_unless_there_is_such_a_file() {
        let read = |text: &str| Side::read(&OsString::from(text)).unwrap();
        for (text, revision) in [("41", "41"), ("#41", "41"), ("1732450000.41", "1732450000.41"), ("head", "head")] {
            assert_eq!(read(text), Side::Revision(revision.to_owned()), "{text}");
        }
        // Those of the crate that is tested.
        for text in ["src", "rules/", "4x", "1.2.3", "redb://a.redb#41"] {
            assert!(matches!(read(text), Side::Of(_)), "{text}");
        }
        let said = Side::Of(Source::Files("rules/".into())).default_other().unwrap_err();
        assert!(said.ends_with("graylane diff head rules/"), "{said}");
    }
}
