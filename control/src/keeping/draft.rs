//! A file that stands there whole or not at all.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// A file that is written beside where it is to stand, under its name and `.part`; it is removed unless it is finished.
#[derive(Debug)]
pub struct Draft {
    /// What is written, and may be read again.
    pub file: File,
    at: PathBuf,
    to: PathBuf,
    finished: bool,
}

impl Draft {
    /// An empty one, for `to`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn of(to: &Path) -> io::Result<Self> {
        let mut at = to.as_os_str().to_owned();
        at.push(".part");
        let at = PathBuf::from(at);
        // Documents may be nobody else's business, and so are their backups.
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.read(true).write(true).create(true).truncate(true).open(&at)?;
        Ok(Self { file, at, to: to.to_owned(), finished: false })
    }

    /// Puts it where it is to stand, on the disk and not only in memory; what stood there is replaced.
    ///
    /// # Errors
    /// Where that fails: what stood there stays.
    pub fn finish(self) -> io::Result<()> {
        let to = self.to.clone();
        self.finish_as(to)
    }

    /// The same, under a name that was not known before.
    ///
    /// # Errors
    /// As above.
    pub fn finish_as(mut self, to: PathBuf) -> io::Result<()> {
        self.to = to;
        self.file.sync_all()?;
        std::fs::rename(&self.at, &self.to)?;
        self.finished = true;
        let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to be told.
            let _ = std::fs::remove_file(&self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_draft_replaces_what_stood_there_only_when_it_is_finished() {
        let directory = std::env::temp_dir().join(format!("graylane-draft-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("a.graylane");
        std::fs::write(&file, "old").unwrap();
        let mut draft = Draft::of(&file).unwrap();
        draft.file.write_all(b"new").unwrap();
        drop(draft);
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "the draft is gone");
        let mut draft = Draft::of(&file).unwrap();
        draft.file.write_all(b"new").unwrap();
        draft.finish().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
