//! Where Graylane's revisions are kept.
//!
//! A namespace is a chain of numbered [`Manifest`]s, each with the digest of the one before it, and a [`Head`] that names the
//! last. What a manifest is about, documents and a snapshot, is cut into content-addressed [`Piece`]s, which are written
//! first; then one transaction of four operations compares the head and the generation, and puts the manifest and the new
//! head. So a revision is there whole or not at all, and one rule set costs what a thousand do.
//!
//! A [`Store`] is opened by URL: [`open`].

mod advancing;
mod backup;
mod board;
mod cached;
mod compact;
mod digest;
mod error;
mod etcd;
mod head;
mod history;
mod manifest;
mod object;
mod place;
mod redb;
mod revision_text;
mod store;
mod verify;

pub use advancing::{NotAdvanced, advance};
pub use backup::{
    By, Compile, Compiled, Contents, Header, LABEL_LIMIT, NotRestored, NotTaken, Restored, Unreadable, restore,
    take_backup, verify_backup,
};
pub use board::{Board, NOTE_LIMIT, Notice};
pub use cached::Cached;
pub use compact::{Compacted, compact, listing};
pub use digest::Digest;
pub use error::StoreError;
pub use etcd::{Etcd, EtcdAddress};
pub use head::{Ground, Head};
pub use history::{Kept, NotKept, manifest, manifest_of};
pub use manifest::{
    Action, Entry, Freeze, Link, Listing, MANIFEST_LIMIT, Manifest, Overlay, SnapshotEntry, SwitchedOff,
};
pub use object::{Object, PIECE_LIMIT, Piece, fetch, pieces};
pub use place::{InvalidPlace, Place, open};
pub use redb::Redb;
pub use store::{Advance, Stamped, Store};
pub use verify::{Fault, Verified, verify};
