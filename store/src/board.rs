//! What replicas tell each other while they live.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::StoreError;

/// The most bytes of a note.
pub const NOTE_LIMIT: usize = 512 << 10;

/// A board of notes, which many processes share. A note has a key that is its poster's own, and is there as long as its
/// poster: some ten seconds longer at most.
#[async_trait]
pub trait Board: Send + Sync + std::fmt::Debug {
    /// Who posts here; nobody else is called so.
    fn poster(&self) -> &str;

    /// Posts notes, each in the place of what this poster had under that key; None takes it away. All followers are told.
    ///
    /// The board answers for what was posted: where it forgets a note, or did not take it, it is posted again later, until
    /// another one stands in its place.
    ///
    /// # Errors
    /// Where the board does not answer; a note of more than [`NOTE_LIMIT`] bytes is refused, and with it all others.
    async fn post(&self, namespace: &str, notes: Vec<(String, Option<Vec<u8>>)>) -> Result<(), StoreError>;

    /// Tells of every note of a namespace, those of this poster included: first of all that are there, then of each change.
    /// Between two notices of a note, others of the same note may be left out, but never the last. It goes on, if with
    /// pauses, until the receiver is dropped.
    ///
    /// # Errors
    /// Where the board does not answer.
    async fn follow(&self, namespace: &str) -> Result<mpsc::Receiver<Notice>, StoreError>;
}

/// What followers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// This is the note now.
    Posted {
        /// Whose it is.
        poster: String,
        /// Its key.
        key: String,
        /// What it says.
        note: Vec<u8>,
    },
    /// There is no such note any more.
    Gone {
        /// Whose it was.
        poster: String,
        /// Its key.
        key: String,
    },
    /// All that was there in the beginning is told.
    Complete,
}
