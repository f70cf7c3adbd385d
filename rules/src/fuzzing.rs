//! What a fuzz target has to know of a snapshot to change its records rather than break the file.

use std::mem::offset_of;

use crate::snapshot::{
    records::{Audience, Header, MAGIC, Output, Scope, SectionExtent, SectionHeader},
    section,
};

/// A table: where its extent stands in the header of its container, and the bytes of a record.
pub type Table = (usize, usize);

/// What a snapshot begins with; behind it, its format.
pub const BEGINNING: [u8; 8] = MAGIC;
/// The bytes of the header of a snapshot.
pub const HEADER: usize = size_of::<Header>();
/// Where that has the length of the whole.
pub const LENGTH: usize = offset_of!(Header, length);
/// Where it has the extent of the sections.
pub const SECTIONS: usize = offset_of!(Header, sections);
/// The tables of a snapshot.
pub const TABLES: [Table; 6] = [
    (offset_of!(Header, outputs), size_of::<Output>()),
    (offset_of!(Header, scopes), size_of::<Scope>()),
    (SECTIONS, size_of::<SectionExtent>()),
    (offset_of!(Header, audiences), size_of::<Audience>()),
    (offset_of!(Header, members), size_of::<crate::audience::Fingerprint>()),
    (offset_of!(Header, text), 1),
];
/// The bytes of the header of a section.
pub const SECTION_HEADER: usize = size_of::<SectionHeader>();
/// The tables of a section.
pub const SECTION_TABLES: &[Table] = section::LAYOUT;
