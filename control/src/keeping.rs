//! What keeps a store in order: backups and their return, checking that all is there, and removing what is old; the same for
//! the API and for commands that work on a store itself.

mod draft;
pub mod schedule;
mod told;

pub use draft::Draft;
pub use schedule::Schedule;
pub use told::{Compaction, Restoration, Taken, Verification};

use std::{fmt, fs::File, io};

use graylane_store::{NotTaken, Store, Unreadable, take_backup};
use jiff::Timestamp;

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
