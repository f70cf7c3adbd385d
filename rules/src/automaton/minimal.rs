//! The smallest table that accepts the same values.

use std::collections::BTreeMap;

use zerocopy::{IntoBytes, little_endian::U16};

use crate::snapshot::records::Shape;

/// So many transitions are looked at for making an automaton smaller. One that would take more stays as it is.
const EFFORT: usize = 1 << 20;

/// An automaton, a row of next states for each state.
pub(super) struct Rows {
    /// The class of each byte.
    pub(super) class_of: Vec<u8>,
    pub(super) classes: usize,
    pub(super) start: usize,
    pub(super) next: Vec<usize>,
    pub(super) accepting: Vec<bool>,
}

/// Makes one state of those that accept the same rests of values, and one class of bytes that lead to the same states.
///
/// State 0 stays the dead one; those that accept come last.
pub(super) fn minimal(rows: Rows) -> Rows {
    let blocks = blocks(&rows).unwrap_or_else(|| (0..rows.accepting.len()).collect());
    with_fewer_classes(renumbered(&rows, &blocks))
}

/// For each state the number of its block: states are told apart as long as they lead to states that are. None: too much effort.
fn blocks(rows: &Rows) -> Option<Vec<usize>> {
    let mut blocks: Vec<usize> = rows.accepting.iter().map(|&accepts| usize::from(accepts)).collect();
    let (mut count, mut effort) = (0, 0usize);
    loop {
        effort = effort.checked_add(rows.next.len()).filter(|&effort| effort <= EFFORT)?;
        let mut known = BTreeMap::new();
        let mut finer = Vec::with_capacity(blocks.len());
        for (block, row) in blocks.iter().zip(rows.next.chunks(rows.classes)) {
            let leads_to: Vec<usize> = row.iter().filter_map(|&next| blocks.get(next).copied()).collect();
            let fresh = known.len();
            finer.push(*known.entry((*block, leads_to)).or_insert(fresh));
        }
        if known.len() == count {
            return Some(finer);
        }
        (blocks, count) = (finer, known.len());
    }
}

/// The automaton of the blocks: that of state 0 first, then those that do not accept.
fn renumbered(rows: &Rows, blocks: &[usize]) -> Rows {
    let mut members: BTreeMap<usize, usize> = BTreeMap::new();
    for (state, &block) in blocks.iter().enumerate() {
        members.entry(block).or_insert(state);
    }
    let accepts = |state: usize| rows.accepting.get(state).copied().unwrap_or(false);
    let mut order: Vec<usize> = members.values().copied().collect();
    order.sort_by_key(|&state| (accepts(state), state));
    let block_of = |state: usize| blocks.get(state).copied().unwrap_or(0);
    let numbers: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(number, &state)| (block_of(state), number)).collect();
    let number = |state: usize| numbers.get(&block_of(state)).copied().unwrap_or(0);
    let row = |state: usize| rows.next.iter().skip(state.saturating_mul(rows.classes)).take(rows.classes);
    Rows {
        class_of: rows.class_of.clone(),
        classes: rows.classes,
        start: number(rows.start),
        next: order.iter().flat_map(|&state| row(state).map(|&next| number(next))).collect(),
        accepting: order.iter().map(|&state| accepts(state)).collect(),
    }
}

fn with_fewer_classes(rows: Rows) -> Rows {
    let column = |class: usize| rows.next.iter().skip(class).step_by(rows.classes).copied().collect::<Vec<_>>();
    let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    let merged: Vec<usize> = (0..rows.classes)
        .map(|class| {
            let fresh = known.len();
            let number = *known.entry(column(class)).or_insert(fresh);
            if number == fresh {
                kept.push(class);
            }
            number
        })
        .collect();
    let class_of =
        |&class: &u8| merged.get(usize::from(class)).and_then(|&class| u8::try_from(class).ok()).unwrap_or(0);
    let row = |row: &[usize]| kept.iter().filter_map(|&class| row.get(class).copied()).collect::<Vec<_>>();
    Rows {
        class_of: rows.class_of.iter().map(class_of).collect(),
        classes: kept.len(),
        next: rows.next.chunks(rows.classes).flat_map(row).collect(),
        ..rows
    }
}

impl Rows {
    /// The bytes of the table; None where there are too many states.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        let number = |number: usize| u16::try_from(number).ok().map(U16::new);
        let states = self.accepting.len();
        let shape = Shape {
            class_of: self.class_of.try_into().ok()?,
            classes: number(self.classes)?,
            states: number(states)?,
            start: number(self.start)?,
            first_accepting: number(self.accepting.iter().position(|&accepts| accepts).unwrap_or(states))?,
        };
        let next: Vec<U16> = self.next.into_iter().map(number).collect::<Option<_>>()?;
        Some([shape.as_bytes(), next.as_bytes()].concat())
    }
}
