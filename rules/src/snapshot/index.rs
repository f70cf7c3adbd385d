//! The index over the rules of a section: which rules a value can be enough for.
//!
//! A rule that matches only where one of some tests holds is *found* by the values that these tests compare with; they
//! carry [`flag::FOUND_BY`]. A [`Key`] says what of an attribute is hashed: all of a value, or its first bytes. The hash
//! leads by open addressing to a run of rules, in order. Two values may share a run, since whoever finds a rule here asks all
//! of its tests anyway; so no value has to be kept. Rules that no test finds stand in a list of their own.

use xxhash_rust::xxh3::xxh3_64_with_seed;
use zerocopy::little_endian::U32;

use super::{
    asks::{Asks, OpenAttribute},
    records::{Key, Test, Value, flag, operator},
    tables::{Texts, slice},
};
use crate::short::ends;

/// The longest value, in bytes, that is found whatever its case.
pub(crate) const FOLD_LIMIT: usize = 256;
/// The longest value, in bytes, that is found at all: longer ones are rare, and looking them up takes as long as they are.
pub(crate) const WHOLE_LIMIT: usize = 1_024;
/// How many of the first bytes of a value are hashed at most.
pub(crate) const PREFIX_LIMIT: usize = 64;
/// The most lengths of prefixes that one attribute is asked for.
pub(crate) const LENGTHS_LIMIT: usize = 16;
/// The most slots in a row that are in use.
pub(crate) const ROW_LIMIT: usize = 256;
/// Marks the last place of a run.
pub(crate) const LAST: u32 = 1 << 31;
/// The most places: what a slot has room for beside its tag.
pub(crate) const PLACES_LIMIT: usize = PLACE as usize;

/// The lower bits of a slot: one more than the first place of the run. 0 where the slot is empty.
const PLACE: u32 = (1 << 20) - 1;

/// The keys of one attribute, opened.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<'s> {
    pub(crate) attribute: OpenAttribute<'s>,
    pub(crate) keys: Vec<OpenKey>,
}

/// A key, opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenKey {
    seed: u64,
    /// So many bytes from the front; 0: the whole value.
    length: usize,
    folds: bool,
}

impl<'s> Lookup<'s> {
    /// One for each attribute that has any of `keys`, in which those of an attribute follow each other.
    pub(crate) fn all(keys: &[Key], asks: &Asks<'s>) -> Vec<Self> {
        let mut open = (0..).zip(keys).map(|(number, key)| OpenKey::of(number, *key));
        let of_attribute = |own: &[Key]| {
            let keys = open.by_ref().take(own.len()).collect();
            Some(Self { attribute: asks.attribute(own.first()?.attribute.get())?, keys })
        };
        keys.chunk_by(|one, next| one.attribute == next.attribute).filter_map(of_attribute).collect()
    }
}

impl OpenKey {
    /// The key of this number.
    pub(crate) fn of(number: u32, key: Key) -> Self {
        let folds = key.flags & flag::FOLD != 0;
        Self { seed: u64::from(number).wrapping_mul(MIX[0]), length: key.length.get().into(), folds }
    }

    /// The hash of what is hashed of a value; None where it cannot be one that is asked for.
    #[inline(always)]
    pub(crate) fn hash(&self, value: &[u8]) -> Option<Hash> {
        let part = match self.length {
            0 => Some(value).filter(|value| value.len() <= WHOLE_LIMIT),
            length => value.get(..length),
        }?;
        if self.folds { self.folded(part) } else { Some(Hash::of(self.seed, part)) }
    }

    /// The same of a copy in lower case; out of the way of those that need none.
    #[inline(never)]
    fn folded(&self, part: &[u8]) -> Option<Hash> {
        let mut lower = [0; FOLD_LIMIT];
        let lower = lower.get_mut(..part.len())?;
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        Some(Hash::of(self.seed, lower))
    }
}

/// The tables of an index. Without keys there is none, and all rules are walked.
#[derive(Clone, Copy)]
pub(crate) struct Index<'s> {
    pub(crate) slots: &'s [U32],
    pub(crate) places: &'s [U32],
}

/// By what hashes are mixed: odd numbers whose bits are as good as random.
const MIX: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// A hash: where to look, and what to look for, of its upper half, to which a multiplication carries all that was mixed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash(u64);

impl Hash {
    /// The hash of a value, or of its first bytes, by the seed of a key.
    ///
    /// Values of 16 bytes at most, which most are, are two numbers that overlap and are mixed by multiplications. That two
    /// values may have one hash is no harm here; so speed is all that matters.
    #[inline(always)]
    fn of(seed: u64, value: &[u8]) -> Self {
        let Some((first, last)) = ends(value) else { return Self(xxh3_64_with_seed(value, seed)) };
        let mixed = (first ^ seed.wrapping_add(value.len() as u64)).wrapping_mul(MIX[1]);
        Self((mixed ^ (mixed >> 32) ^ last).wrapping_mul(MIX[2]))
    }

    /// The slot to begin at, of so many that `mask` covers their numbers.
    pub(crate) fn home(self, mask: usize) -> usize {
        (self.0 >> 32) as usize & mask
    }

    /// What a slot says that begins the run from `place` on.
    pub(crate) fn slot(self, place: u32) -> u32 {
        (self.tag() << 20) | place.saturating_add(1)
    }

    /// The tag that a slot has for this hash, of 12 bits that do not choose the home.
    pub(crate) fn tag(self) -> u32 {
        (self.0 >> 52) as u32
    }
}

/// The tag of a slot in use, and the first place of its run.
pub(crate) fn in_use(slot: u32) -> Option<(u32, u32)> {
    Some((slot >> 20, (slot & PLACE).checked_sub(1)?))
}

impl<'s> Index<'s> {
    /// The first place of the run that a value of the attribute of `key` leads to.
    #[inline(always)]
    pub(crate) fn find(&self, key: &OpenKey, value: &[u8]) -> Option<u32> {
        let hash = key.hash(value)?;
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash.home(mask);
        // A row has an end; that was checked when the snapshot was loaded.
        while let Some((tag, place)) = in_use(self.slots.get(at)?.get()) {
            if tag == hash.tag() {
                return Some(place);
            }
            at = at.wrapping_add(1) & mask;
        }
        None
    }

    /// The numbers of the rules, in order, that a value of the attribute of `key` can be enough for: up to the one marked
    /// [`LAST`].
    #[inline(always)]
    pub(crate) fn run(&self, key: &OpenKey, value: &[u8]) -> Option<&'s [U32]> {
        self.places.get(self.find(key, value)? as usize..)
    }
}

/// The operands of tests.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'s> {
    pub(crate) texts: Texts<'s>,
    pub(crate) values: &'s [Value],
}

impl<'s> Operands<'s> {
    /// The values one of which has to be there for `test` to hold, or for a prefix what one has to begin with; None where
    /// the test is none that a rule can be found by.
    pub(crate) fn of(self, test: &Test) -> Option<impl Iterator<Item = &'s [u8]> + Clone> {
        let (a, b) = (test.a.get(), test.b.get());
        let (one, several): (_, &[Value]) = match test.operator {
            operator::EXACT | operator::PREFIX => (Some(self.texts.at(a, b)?), &[]),
            operator::IN => (None, slice(self.values, a, b)?),
            _ => return None,
        };
        let operands = one.into_iter().chain(several.iter().map(move |value| self.texts.text(value.text)));
        let whole = test.operator != operator::PREFIX;
        let folds = test.flags & flag::FOLD != 0;
        let limit = if folds { FOLD_LIMIT } else { WHOLE_LIMIT };
        let fits = |operand: &[u8]| if whole { operand.len() <= limit } else { !operand.is_empty() };
        operands.clone().all(fits).then_some(operands)
    }
}

/// The key by which `test` is found, of the `keys` of its attribute, and its place among them: for a prefix the longest that
/// fits.
pub(crate) fn key_of(keys: &[Key], test: &Test, operand: &[u8]) -> Option<(usize, Key)> {
    let most = if test.operator == operator::PREFIX { operand.len().min(PREFIX_LIMIT) } else { 0 };
    let fits = |key: &Key| {
        let length = usize::from(key.length.get());
        key.flags == test.flags & flag::FOLD && length <= most && (length > 0) == (most > 0)
    };
    keys.iter().copied().enumerate().filter(|(_, key)| fits(key)).max_by_key(|(_, key)| key.length.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot is full of hashes: who changes them changes the format, and its number, once one was released.
    #[test]
    fn hashes_stay_as_they_are() {
        let key = |flags, length: u16| Key { attribute: 0.into(), flags, reserved: 0, length: length.into() };
        let hash = |number, key, value: &[u8]| OpenKey::of(number, key).hash(value).map(|hash| hash.0);
        let values: [&[u8]; 6] = [b"", b"a", b"abc", b"staging", b"web-2.4.1", b"more than sixteen bytes"];
        let whole = values.map(|value| hash(3, key(0, 0), value));
        let pinned = [
            14_528_730_820_951_574_126,
            11_353_431_217_045_640_614,
            3_729_689_827_933_749_386,
            10_435_596_554_031_706_256,
            3_902_333_908_802_946_376,
            1_351_323_371_335_355_046,
        ];
        assert_eq!(whole, pinned.map(Some));
        assert_eq!(hash(3, key(flag::FOLD, 0), b"STAGING"), whole[3]);
        assert_eq!(hash(3, key(0, 7), b"staging-2"), whole[3]);
        assert_eq!((hash(3, key(0, 8), b"staging"), hash(3, key(0, 0), &[b'a'; WHOLE_LIMIT + 1])), (None, None));
        assert_ne!(hash(2, key(0, 0), b"staging"), whole[3]);
    }
}
