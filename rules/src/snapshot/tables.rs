//! A container in place: tables as slices, texts as bytes.

use std::cmp::Ordering;

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::records::{Extent, Text};

/// The text of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'s>(&'s [u8]);

impl<'s> Texts<'s> {
    /// The text `bytes`.
    pub(crate) fn new(bytes: &'s [u8]) -> Self {
        Self(bytes)
    }

    /// All texts, one after the other.
    pub(crate) fn all(self) -> &'s [u8] {
        self.0
    }

    /// A text. Bounds were checked when the snapshot was loaded.
    pub(crate) fn text(self, text: Text) -> &'s [u8] {
        slice(self.0, text.offset.get(), text.length.get()).unwrap_or_default()
    }

    /// A text that may be left out: an empty one is none.
    pub(crate) fn optional(self, text: Text) -> Option<&'s [u8]> {
        (text.length.get() > 0).then(|| self.text(text))
    }

    /// Whether the text is within bounds.
    pub(crate) fn has(self, text: Text) -> bool {
        self.at(text.offset.get(), text.length.get()).is_some()
    }

    /// So many bytes from `offset` on; None where they are out of bounds.
    pub(crate) fn at(self, offset: u32, length: u32) -> Option<&'s [u8]> {
        slice(self.0, offset, length)
    }
}

/// The records of a table.
pub(crate) fn table<T>(container: &[u8], extent: Extent) -> Option<&[T]>
where
    T: FromBytes + Immutable + KnownLayout + Unaligned,
{
    let bytes = container.get(extent.offset.get() as usize..)?;
    let (records, _) = <[T]>::ref_from_prefix_with_elems(bytes, extent.count.get() as usize).ok()?;
    Some(records)
}

/// `count` items from `first` on.
pub(crate) fn slice<T>(items: &[T], first: u32, count: u32) -> Option<&[T]> {
    let first = first as usize;
    items.get(first..first.saturating_add(count as usize))
}

/// Those of `items`, which are in order, that are `Equal`.
pub(crate) fn equal_range<T>(items: &[T], order: impl Fn(&T) -> Ordering) -> &[T] {
    let start = items.partition_point(|item| order(item).is_lt());
    let rest = items.get(start..).unwrap_or_default();
    let count = rest.partition_point(|item| order(item).is_eq());
    rest.get(..count).unwrap_or_default()
}
