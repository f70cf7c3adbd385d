//! A file that stands there whole or not at all.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// What the names of drafts begin and end with.
const PREFIX: &str = ".graylane-";
const SUFFIX: &str = ".part";

/// A file that is written beside where it is to stand, under a name that nobody else has; it is removed unless it is finished. Nobody
/// but its owner may read it: documents may be nobody else's business, and so are their backups.
#[derive(Debug)]
pub struct Draft {
    draft: NamedTempFile,
    to: PathBuf,
}

impl Draft {
    /// An empty one, for `to`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn of(to: &Path) -> io::Result<Self> {
        let draft = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory(to))?;
        Ok(Self { draft, to: to.to_owned() })
    }

    /// Whether a file has the name of a draft: what a process that was killed left there.
    pub fn is_name_of_one(path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    }

    /// What is written, and may be read again.
    pub fn file(&mut self) -> &mut File {
        self.draft.as_file_mut()
    }

    /// Puts it where it is to stand, on the disk and not only in memory; what stood there is replaced.
    ///
    /// # Errors
    /// Where that fails: what stood there stays.
    pub fn finish(self) -> io::Result<()> {
        let to = self.to.clone();
        self.finish_as(&to)
    }

    /// The same, under a name that was not known before.
    ///
    /// # Errors
    /// As above.
    pub fn finish_as(self, to: &Path) -> io::Result<()> {
        self.draft.as_file().sync_all()?;
        self.draft.persist(to).map_err(|why| why.error)?;
        File::open(directory(to))?.sync_all()
    }
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_draft_replaces_what_stood_there_only_when_it_is_finished() {
        let scratch = Scratch::new("draft");
        let file = scratch.path("a.graylane");
        std::fs::write(&file, "old").unwrap();
        let mut draft = Draft::of(&file).unwrap();
        draft.file().write_all(b"new").unwrap();
        drop(draft);
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(scratch.path(".")).unwrap().count(), 1, "the draft is gone");
        let (mut one, mut other) = (Draft::of(&file).unwrap(), Draft::of(&file).unwrap());
        one.file().write_all(b"one").unwrap();
        other.file().write_all(b"other").unwrap();
        one.finish().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"one");
        other.finish_as(&scratch.path("b.graylane")).unwrap();
        assert_eq!(std::fs::read(scratch.path("b.graylane")).unwrap(), b"other");
        assert_eq!(std::fs::read(&file).unwrap(), b"one");
    }
}
