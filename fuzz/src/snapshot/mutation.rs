//! Mutations of a snapshot that mostly leave one behind.

use std::sync::LazyLock;

use graylane_rules::fuzzing::{BEGINNING, HEADER, LENGTH};

use super::layout::{Table, last_section, number, tables};
use crate::{cases, draw::Draw};

/// libFuzzer's own mutation: buffer, size, most, new size.
type Any = fn(&mut [u8], usize, usize) -> usize;

/// What to begin with where there is no snapshot yet.
static WHOLE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| cases::files().iter().map(|file| file.compiled().snapshot.bytes().to_vec()).collect());

/// Changes the `size` bytes in `buffer`, which has room for `most`; gives the new size.
pub fn mutate(buffer: &mut [u8], size: usize, most: usize, seed: u32, any: Any) -> usize {
    let mut draw = Draw::new(seed);
    let size = if size < HEADER || draw.one_in(1_000) { begin(buffer, size, most, &mut draw) } else { size };
    let size = match draw.below(8) {
        0 | 1 => any(buffer, size, most),
        2 => double(buffer, size, most, &mut draw),
        _ => {
            for _ in 0..=draw.below(3) {
                change(&mut buffer[..size], &mut draw);
            }
            size
        }
    };
    if size >= HEADER && !draw.one_in(50) {
        mend(&mut buffer[..size]);
    }
    size
}

fn begin(buffer: &mut [u8], size: usize, most: usize, draw: &mut Draw) -> usize {
    let whole = draw.of(&WHOLE);
    match buffer.get_mut(..whole.len()) {
        Some(place) if whole.len() <= most => {
            place.copy_from_slice(whole);
            whole.len()
        }
        _ => size,
    }
}

/// Writes what no snapshot can do without: the magic number, the format, the length.
fn mend(bytes: &mut [u8]) {
    bytes[..8].copy_from_slice(&BEGINNING);
    bytes[8..10].copy_from_slice(&graylane_rules::SNAPSHOT_FORMAT.to_le_bytes());
    put(bytes, LENGTH, bytes.len());
}

/// Changes one extent or one record.
fn change(bytes: &mut [u8], draw: &mut Draw) {
    let tables = tables(bytes);
    let Some(table) = (!tables.is_empty()).then(|| draw.of(&tables).clone()) else { return };
    match draw.below(8) {
        0 => write(bytes, table.extent + 4 * draw.below(2), draw),
        1 => stretch(bytes, &table),
        2 => {
            let other = draw.of(&tables).extent;
            bytes.copy_within(other..other + 8, table.extent);
        }
        3 | 4 => copy_record(bytes, &table, draw),
        _ if table.records.is_empty() => {}
        _ => {
            let record = table.records.start + table.size * draw.below(table.records.len() / table.size);
            let at = record + if table.size < 4 { 0 } else { draw.below(table.size - 3) };
            write(bytes, at, draw);
        }
    }
}

/// Writes an interesting number of one or four bytes.
fn write(bytes: &mut [u8], at: usize, draw: &mut Draw) {
    let Some(old) = number(bytes, at).map(|number| number as u32) else { return };
    let new = match draw.below(8) {
        0 => 0,
        1 => old.wrapping_add(1),
        2 => old.wrapping_sub(1),
        3 => u32::MAX - draw.below(2) as u32,
        4 => draw.below(bytes.len() + 1) as u32,
        5 => draw.below(16) as u32,
        _ => {
            bytes[at] = draw.number() as u8;
            return;
        }
    };
    bytes[at..at + 4].copy_from_slice(&new.to_le_bytes());
}

/// Makes a table reach to the end.
fn stretch(bytes: &mut [u8], table: &Table) {
    put(bytes, table.extent + 4, (bytes.len() - table.records.start) / table.size);
}

/// Writes one record of a table over another, or a part of it.
fn copy_record(bytes: &mut [u8], table: &Table, draw: &mut Draw) {
    let records = table.records.len() / table.size;
    if records < 2 {
        return;
    }
    let (from, to) = (table.records.start + table.size * draw.below(records), table.size * draw.below(records));
    let skip = draw.below(table.size);
    bytes.copy_within(from + skip..from + table.size, table.records.start + to + skip);
}

/// Moves a table behind everything else, twice as long: the same records once more.
fn double(buffer: &mut [u8], size: usize, most: usize, draw: &mut Draw) -> usize {
    let last = last_section(&buffer[..size]);
    // What belongs to a section must stay within it.
    let grows =
        |table: &Table| table.extent < HEADER || last.as_ref().is_some_and(|(_, last)| last.start == table.within);
    let tables: Vec<Table> = tables(&buffer[..size]).into_iter().filter(grows).collect();
    if tables.is_empty() {
        return size;
    }
    let table = draw.of(&tables).clone();
    let longer = size + 2 * table.records.len();
    if longer > most || table.records.is_empty() {
        return size;
    }
    for to in [size, size + table.records.len()] {
        buffer.copy_within(table.records.clone(), to);
    }
    put(buffer, table.extent, size - table.within);
    put(buffer, table.extent + 4, 2 * table.records.len() / table.size);
    if let Some((extent, last)) = last.filter(|_| table.extent >= HEADER) {
        put(buffer, extent + 4, longer - last.start);
    }
    longer
}

fn put(bytes: &mut [u8], at: usize, number: usize) {
    bytes[at..at + 4].copy_from_slice(&(number as u32).to_le_bytes());
}
