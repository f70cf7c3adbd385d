//! Where the records of a snapshot are, for a mutator to change them rather than break the file.

use std::ops::Range;

use graylane_rules::fuzzing::{SECTION_TABLES, SECTIONS, TABLES};

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
        tables.extend(tables_of(bytes, section, SECTION_TABLES));
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
    Some((number(bytes, SECTIONS)? + 8 * place, sections(bytes).nth(place)?))
}

/// Where the sections are said to stand.
fn sections(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let table = number(bytes, SECTIONS).zip(number(bytes, SECTIONS + 4));
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
