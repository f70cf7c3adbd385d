//! Regular expressions as tables: built when rules are compiled, only walked when a request is decided.
//!
//! An automaton has a class for each byte and, for each of its states, the next state for each class. State 0 is dead:
//! nothing leads out of it. The states from [`Shape::first_accepting`] on accept a value that ends there.

#[cfg(feature = "regex")]
mod build;
#[cfg(feature = "regex")]
mod minimal;

use zerocopy::{FromBytes, little_endian::U16};

use crate::snapshot::records::Shape;

#[cfg(feature = "regex")]
pub(crate) use build::{Effort, Refused, build, read};

/// The most bytes of one automaton, and of all automata of a namespace: 512 KiB.
pub(crate) const AUTOMATA_LIMIT: usize = 512 << 10;

/// The longest regular expression, in bytes.
pub(crate) const PATTERN_LIMIT: usize = 4_096;

/// The state nothing leads out of.
const DEAD: usize = 0;

/// A regular expression and what it was compiled to, for whoever compiles rules without being able to compile expressions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Automaton {
    /// The expression, as rules write it.
    pub pattern: String,
    /// Whether ASCII letters are compared without case.
    pub ignore_case: bool,
    /// The table. Whoever takes it checks it; that it belongs to the expression cannot be checked.
    pub bytes: Vec<u8>,
}

/// The two parts of a table; None where it does not have the length it should have.
pub(crate) fn parts(bytes: &[u8]) -> Option<(&Shape, &[U16])> {
    let (shape, rest) = Shape::ref_from_prefix(bytes).ok()?;
    let transitions = <[U16]>::ref_from_bytes(rest).ok()?;
    (transitions.len() == size(shape)).then_some((shape, transitions))
}

/// How many transitions an automaton of this shape has.
pub(crate) fn size(shape: &Shape) -> usize {
    usize::from(shape.states.get()).saturating_mul(usize::from(shape.classes.get()))
}

/// Whether every step of a walk stays within the automaton: at most [`AUTOMATA_LIMIT`], at least the dead state.
pub(crate) fn is_sound(shape: &Shape, transitions: &[U16]) -> bool {
    let (classes, states) = (shape.classes.get(), shape.states.get());
    (1..=256).contains(&classes)
        && shape.class_of.iter().all(|&class| u16::from(class) < classes)
        && shape.start.get() < states
        && shape.first_accepting.get() <= states
        && transitions.len() == size(shape)
        && size_of_val(transitions) <= AUTOMATA_LIMIT
        && transitions.iter().all(|next| next.get() < states)
}

/// Whether the automaton accepts the whole value. Takes one step a byte.
pub(crate) fn accepts(shape: &Shape, transitions: &[U16], value: &[u8]) -> bool {
    let classes = usize::from(shape.classes.get());
    let mut state = usize::from(shape.start.get());
    for &byte in value {
        let class = shape.class_of.get(usize::from(byte)).copied().unwrap_or(0);
        let next = transitions.get(state.wrapping_mul(classes).wrapping_add(usize::from(class)));
        state = next.map_or(DEAD, |next| usize::from(next.get()));
        if state == DEAD {
            return false;
        }
    }
    state >= usize::from(shape.first_accepting.get())
}
