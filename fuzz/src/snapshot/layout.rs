//! What a mutator has to know of `rules/src/snapshot/records.rs` to change the records rather than break the file.
//!
//! Were the two to differ one day, the mutator would get less far; it would find nothing that is not there.

use std::ops::Range;

/// What a snapshot begins with.
pub(super) const MAGIC: &[u8] = b"graylane";
/// Where the length of the whole stands.
pub(super) const LENGTH: usize = 12;
/// The bytes of the first record.
pub(super) const HEADER: usize = 64;
/// The bytes of the first record of a section.
pub(super) const SECTION_HEADER: usize = FIRST_EXTENT + 8 * RECORDS.len();
/// Where the extents of the tables of a section begin.
const FIRST_EXTENT: usize = 44;

/// Where the extents of the tables stand in the header, and how large their records are: outputs, scopes, sections,
/// audiences, their members, text.
const TABLES: [(usize, usize); 6] = [(16, 16), (24, 22), (32, 8), (40, 8), (48, 12), (56, 1)];
/// How large the records in a section are: variants, identity, attributes, rules, tests, values, comparisons, automata,
/// transitions, splits, ranges, settings, keys, slots, places, always, text.
const RECORDS: [usize; 17] = [8, 10, 10, 28, 28, 8, 34, 276, 2, 32, 8, 16, 6, 4, 4, 4, 1];

/// The tables of a section, one extent after the other.
fn section_tables() -> [(usize, usize); RECORDS.len()] {
    std::array::from_fn(|place| (FIRST_EXTENT + 8 * place, RECORDS[place]))
}

/// A table: where its extent stands, where its records do, and the bytes of one; `within` is what its offset counts from.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) within: usize,
    pub(super) extent: usize,
    pub(super) records: Range<usize>,
    pub(super) size: usize,
}

/// The tables of a snapshot that are where they say, and those of its sections.
pub(super) fn tables(bytes: &[u8]) -> Vec<Table> {
    let mut tables = tables_of(bytes, 0..bytes.len(), &TABLES);
    for section in sections(bytes) {
        tables.extend(tables_of(bytes, section, &section_tables()));
    }
    tables
}

fn tables_of(bytes: &[u8], container: Range<usize>, extents: &[(usize, usize)]) -> Vec<Table> {
    let table = |&(at, size): &(usize, usize)| {
        let extent = container.start + at;
        let first = container.start.checked_add(number(bytes, extent)?)?;
        let end = first.checked_add(number(bytes, extent + 4)?.checked_mul(size)?)?;
        (end <= container.end && end <= bytes.len()).then_some(Table {
            within: container.start,
            extent,
            records: first..end,
            size,
        })
    };
    extents.iter().filter_map(table).collect()
}

/// Where the extent of the last section stands, if that reaches to the end: a section that can grow.
pub(super) fn last_section(bytes: &[u8]) -> Option<(usize, Range<usize>)> {
    let place = sections(bytes).position(|section| section.end == bytes.len())?;
    Some((number(bytes, TABLES[2].0)? + 8 * place, sections(bytes).nth(place)?))
}

/// Where the sections are said to stand.
fn sections(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let at = TABLES[2].0;
    let table = number(bytes, at).zip(number(bytes, at + 4));
    let (first, count) = table.unwrap_or_default();
    (0..count).map_while(move |place| {
        let record = first.checked_add(place.checked_mul(8)?)?;
        let start = number(bytes, record)?;
        Some(start..start.checked_add(number(bytes, record + 4)?)?)
    })
}

/// How many records there are, texts not counted.
pub(super) fn records(bytes: &[u8]) -> usize {
    tables(bytes).iter().filter(|table| table.size > 1).map(|table| table.records.len() / table.size).sum()
}

/// How long the sections are together.
pub(super) fn sections_length(bytes: &[u8]) -> usize {
    sections(bytes).map(|section| section.len()).fold(0, usize::saturating_add)
}

/// The number of 32 bits at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
}
