//! The minimal move: from the ranges there are to other slot counts.
//!
//! How many slots change hands is given: what the growing variants gain, and not one more. Which ones is a choice, and it
//! is made a step at a time so that ranges stay few: first what ends a range, then what moves a border, and a new range
//! only where neither is possible.

use std::collections::BTreeSet;

use super::{RANGES_LIMIT, Range, counts_of};
use crate::slot::SLOTS;

/// The minimal move would leave more than 1,024 ranges, the most that a split may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges {
    /// How many it would leave.
    pub ranges: usize,
}

/// The ranges after the minimal move from `ranges` to `counts`: the slots of each variant, all slots together.
///
/// A variant loses a slot only where its count shrinks; where nothing has to change, `ranges` come back as they are.
///
/// # Errors
/// Where there would be more ranges than a split may have.
pub(super) fn moved(ranges: &[Range], counts: &[u32]) -> Result<Vec<Range>, TooManyRanges> {
    if counts_of(ranges, counts.len()) == counts {
        return Ok(ranges.to_vec());
    }
    let mut moving = Moving::new(ranges, counts);
    while let Some(step) = moving.best() {
        moving.take(&step);
    }
    match moving.pieces.len() {
        few if few <= RANGES_LIMIT => Ok(moving.ranges()),
        ranges => Err(TooManyRanges { ranges }),
    }
}

/// A range by its length.
#[derive(Clone, Copy, Debug)]
struct Piece {
    slots: u32,
    owner: usize,
}

/// What a step does; what leaves the fewest ranges comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A whole range between two of one variant that grows: two ranges less.
    Between,
    /// A whole range to a neighbour: one less.
    Beside,
    /// A whole range to both neighbours: one less.
    Shared,
    /// Part of a range to a neighbour: the border moves.
    Border,
    /// A whole range to a variant that is no neighbour.
    Whole,
    /// A new range where two shrinking variants meet: both can give to it.
    Seam,
    /// A new range elsewhere.
    New,
}

/// A piece, and the two parts it becomes; one of them may be empty.
struct Step {
    order: (Kind, u32),
    place: usize,
    parts: [Piece; 2],
}

/// An allocation on its way.
struct Moving {
    pieces: Vec<Piece>,
    /// Slots that each variant still has to give.
    owed: Vec<u32>,
    /// Slots that each variant still has to get.
    due: Vec<u32>,
    /// The same for those that get any, by their number.
    takers: BTreeSet<(u32, usize)>,
}

impl Moving {
    fn new(ranges: &[Range], counts: &[u32]) -> Self {
        let before = counts_of(ranges, counts.len());
        let both = || before.iter().zip(counts);
        let due: Vec<u32> = both().map(|(before, after)| after.saturating_sub(*before)).collect();
        let takers = due.iter().enumerate().filter(|(_, due)| **due > 0).map(|(owner, due)| (*due, owner)).collect();
        let owed = both().map(|(before, after)| before.saturating_sub(*after)).collect();
        let ends = ranges.iter().skip(1).map(|range| range.from).chain([SLOTS]);
        let pieces = ranges.iter().zip(ends);
        let pieces =
            pieces.map(|(range, end)| Piece { slots: end.saturating_sub(range.from), owner: range.variant }).collect();
        Self { pieces: joined(pieces), owed, due, takers }
    }

    /// The step that leaves the fewest ranges; among such, that of the smallest range, which is the first to end. None
    /// when all is done.
    fn best(&self) -> Option<Step> {
        let steps = (0..self.pieces.len()).filter_map(|place| {
            let piece = self.pieces.get(place).filter(|piece| self.owed_by(Some(piece.owner)) > 0)?;
            Some(self.step(place, *piece))
        });
        steps.min_by_key(|step| step.order)
    }

    /// The best that can be done with a piece of a variant that shrinks.
    fn step(&self, place: usize, piece: Piece) -> Step {
        let owner = |place: Option<usize>| Some(self.pieces.get(place?)?.owner);
        let (left, right) = (owner(place.checked_sub(1)), owner(place.checked_add(1)));
        let whole = self.to_neighbours(piece, left, right);
        let found = whole.or_else(|| self.across_border(piece, left, right));
        let (order, parts) = found.unwrap_or_else(|| self.to_stranger(piece, left, right));
        Step { order, place, parts }
    }

    /// The whole piece to one neighbour or both.
    fn to_neighbours(
        &self,
        piece: Piece,
        left: Option<usize>,
        right: Option<usize>,
    ) -> Option<((Kind, u32), [Piece; 2])> {
        let slots = piece.slots;
        let (to_left, to_right) = (self.due_to(left), self.due_to(right));
        if slots > self.owed_by(Some(piece.owner)) {
            return None;
        }
        let (kind, first) = match left == right {
            true if to_left >= slots => (Kind::Between, slots),
            false if to_left >= slots => (Kind::Beside, slots),
            false if to_right >= slots => (Kind::Beside, 0),
            false if to_left.saturating_add(to_right) >= slots => (Kind::Shared, to_left),
            _ => return None,
        };
        let part = |slots, owner: Option<usize>| Piece { slots, owner: owner.unwrap_or(piece.owner) };
        Some(((kind, slots), [part(first, left), part(slots.saturating_sub(first), right)]))
    }

    /// As much of the piece as can go to a neighbour.
    fn across_border(
        &self,
        piece: Piece,
        left: Option<usize>,
        right: Option<usize>,
    ) -> Option<((Kind, u32), [Piece; 2])> {
        let most = piece.slots.min(self.owed_by(Some(piece.owner)));
        let order = (Kind::Border, piece.slots);
        match (left.filter(|_| self.due_to(left) > 0), right.filter(|_| self.due_to(right) > 0)) {
            (Some(left), _) => Some((order, piece.cut(most.min(self.due_to(Some(left))), left))),
            (None, Some(right)) => {
                let [given, kept] = piece.cut(most.min(self.due_to(Some(right))), right);
                Some((order, [kept, given]))
            }
            (None, None) => None,
        }
    }

    /// The whole piece to the variant it fits best, or an end of it to the one that gets most.
    fn to_stranger(&self, piece: Piece, left: Option<usize>, right: Option<usize>) -> ((Kind, u32), [Piece; 2]) {
        let owed = self.owed_by(Some(piece.owner));
        let fitting = self.takers.range((piece.slots, 0)..).next().filter(|_| piece.slots <= owed);
        if let Some(&(_, taker)) = fitting {
            return ((Kind::Whole, piece.slots), piece.cut(piece.slots, taker));
        }
        let (due, taker) = self.takers.last().copied().unwrap_or((0, piece.owner));
        let [given, kept] = piece.cut(piece.slots.min(owed).min(due), taker);
        let seams = (self.owed_by(left) > 0, self.owed_by(right) > 0);
        let kind = if seams == (false, false) { Kind::New } else { Kind::Seam };
        let parts = if seams.1 { [kept, given] } else { [given, kept] };
        // A large range stays one for longest.
        ((kind, u32::MAX.saturating_sub(piece.slots)), parts)
    }

    fn take(&mut self, step: &Step) {
        let Some(piece) = self.pieces.get(step.place).copied() else { return };
        for part in step.parts.iter().filter(|part| part.owner != piece.owner) {
            if let Some(owed) = self.owed.get_mut(piece.owner) {
                *owed = owed.saturating_sub(part.slots);
            }
            if let Some(due) = self.due.get_mut(part.owner) {
                self.takers.remove(&(*due, part.owner));
                *due = due.saturating_sub(part.slots);
                if *due > 0 {
                    self.takers.insert((*due, part.owner));
                }
            }
        }
        self.pieces.splice(step.place..=step.place, step.parts);
        self.pieces = joined(std::mem::take(&mut self.pieces));
    }

    fn owed_by(&self, owner: Option<usize>) -> u32 {
        owner.and_then(|owner| self.owed.get(owner)).copied().unwrap_or(0)
    }

    fn due_to(&self, owner: Option<usize>) -> u32 {
        owner.and_then(|owner| self.due.get(owner)).copied().unwrap_or(0)
    }

    fn ranges(&self) -> Vec<Range> {
        let mut from = 0u32;
        let begin = |piece: &Piece| {
            let range = Range { from, variant: piece.owner };
            from = from.saturating_add(piece.slots);
            range
        };
        self.pieces.iter().map(begin).collect()
    }
}

impl Piece {
    /// So many slots of it for somebody else, and the rest.
    fn cut(self, slots: u32, owner: usize) -> [Piece; 2] {
        [Piece { slots, owner }, Piece { slots: self.slots.saturating_sub(slots), owner: self.owner }]
    }
}

/// The same without empty pieces, and one piece where two of one owner met.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces.into_iter().filter(|piece| piece.slots > 0) {
        match joined.last_mut() {
            Some(last) if last.owner == piece.owner => last.slots = last.slots.saturating_add(piece.slots),
            _ => joined.push(piece),
        }
    }
    joined
}
