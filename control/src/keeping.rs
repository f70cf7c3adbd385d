//! What keeps a store in order: backups and their return, checking that all is there, and removing what is old; the same for
//! the API and for commands that work on a store itself.

mod draft;
pub mod schedule;
mod told;

pub use draft::Draft;
pub use schedule::Schedule;
pub use told::{Compaction, Restoration, Taken, Verification};

use std::{fmt, fs::File, io};

use graylane_store::{NotTaken, Store, StoreError, Unreadable, take_backup};
use jiff::Timestamp;

use crate::{
    finding::{Finding, parts},
    found::said,
};

/// The kind of problem that it is where no backup is taken.
pub const BACKUP: &str = "backup";

/// What follows where no backup is taken.
pub const AGAIN: &str = "it is tried again";

/// What a backup is over HTTP.
pub const MEDIA_TYPE: &str = "application/vnd.graylane.backup";

/// Why there is no backup.
#[derive(Debug)]
pub enum NotKept {
    /// It was not taken.
    NotTaken(NotTaken),
    /// It cannot be written, read again or put where it belongs: which file, and why.
    Unwritten(String, io::Error),
    /// What was written is not what was to be.
    Damaged(Unreadable),
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTaken(why) => why.fmt(f),
            Self::Unwritten(file, why) => write!(f, "{file}: {why}"),
            Self::Damaged(why) => write!(f, "found a backup that was just written and is none: {why}"),
        }
    }
}

impl NotKept {
    /// The same for whoever looks at what is kept in `directory`: what is wrong, and what to do about it.
    pub fn finding(&self, directory: &str) -> Finding {
        match self {
            Self::NotTaken(NotTaken::Store(why)) => no_store(directory, why),
            Self::NotTaken(NotTaken::Unwritten(why)) => unwritten(directory, why),
            Self::Unwritten(_, why) => unwritten(directory, why),
            Self::NotTaken(why) => Finding::because(directory, BACKUP, &why.to_string(), "something to keep", AGAIN),
            Self::Damaged(why) => {
                let why = why.to_string();
                let (found, instead) = parts(&why);
                let instead = instead.map(|instead| format!(" in the place of {instead}")).unwrap_or_default();
                let found = format!("a backup that was just written and is none ({found}{instead})");
                let expected =
                    "a store of which `graylane verify` finds nothing, and a disk that keeps what is written";
                Finding::about(directory, BACKUP, found, &format!("{expected}; {AGAIN}"))
            }
        }
    }
}

/// That a backup could not be taken because a store did not do its part.
pub fn no_store(directory: &str, why: &StoreError) -> Finding {
    Finding::because(directory, BACKUP, &why.to_string(), "a store that answers", AGAIN)
}

/// That a backup could not be written to `place`, or what is kept there not be looked at.
pub fn unwritten(place: &str, why: &io::Error) -> Finding {
    Finding::about(place, BACKUP, said(why), &format!("a directory that can be written; {AGAIN}"))
}

impl From<NotTaken> for NotKept {
    fn from(why: NotTaken) -> Self {
        Self::NotTaken(why)
    }
}

/// Writes a backup of `namespace` into `file`, from where that stands, and reads it again.
///
/// # Errors
/// Why there is none.
pub async fn take_into(
    store: &dyn Store,
    namespace: &str,
    label: &str,
    at: Timestamp,
    file: &mut File,
    name: &str,
) -> Result<Taken, NotKept> {
    let unwritten = |why| NotKept::Unwritten(name.to_owned(), why);
    let mut output = io::BufWriter::new(&mut *file);
    take_backup(store, namespace, label, at, &mut output).await?;
    drop(output);
    verified(file).map_err(|why| match why {
        Unreadable::Io(why) => unwritten(why),
        wrong => NotKept::Damaged(wrong),
    })
}

/// What is in the backup in `file`, which is read from its beginning and stands there again.
///
/// # Errors
/// Where it cannot be read, or is not whole.
pub fn verified(file: &mut File) -> Result<Taken, Unreadable> {
    use io::Seek as _;
    file.rewind()?;
    let contents = graylane_store::verify_backup(&mut io::BufReader::new(&mut *file))?;
    file.rewind()?;
    Ok(Taken::of(contents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_is_no_backup_is_one_sentence() {
        let said = |why: NotKept| why.finding("backups").to_string();
        let silent = StoreError::Unavailable {
            place: "etcd://a:1".to_owned(),
            why: "a:1: found no connection (refused), expected a member of etcd".to_owned(),
        };
        for (why, told) in [
            (
                NotTaken::Store(silent).into(),
                "found no connection (refused) at etcd://a:1, a:1, expected a member of etcd",
            ),
            (
                NotKept::Damaged(Unreadable::Wrong("byte 7: found the digest x, expected y".to_owned())),
                "found a backup that was just written and is none (the digest x at byte 7 in the place of y), expected a store of \
                 which `graylane verify` finds nothing, and a disk that keeps what is written",
            ),
            (
                NotKept::Unwritten("backups".to_owned(), io::ErrorKind::StorageFull.into()),
                "found no space left, expected a directory that can be written",
            ),
        ] {
            assert_eq!(said(why), format!("backups backup: {told}; it is tried again"));
        }
    }
}
