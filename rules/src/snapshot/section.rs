//! A section in place: tables as slices, texts as bytes.

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::records::{Attribute, Extent, Range, Rule, SectionHeader, Setting, Split, Test, Text, Value, Variant};

/// One rule set of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'s> {
    pub(crate) number: u32,
    pub(crate) header: &'s SectionHeader,
    pub(crate) variants: &'s [Variant],
    pub(crate) identity: &'s [Attribute],
    pub(crate) attributes: &'s [Attribute],
    pub(crate) rules: &'s [Rule],
    pub(crate) tests: &'s [Test],
    pub(crate) values: &'s [Value],
    pub(crate) splits: &'s [Split],
    pub(crate) ranges: &'s [Range],
    pub(crate) settings: &'s [Setting],
    pub(crate) text: &'s [u8],
}

impl<'s> Section<'s> {
    /// Opens the section `bytes`; None where a table is out of bounds.
    pub(crate) fn open(number: u32, bytes: &'s [u8]) -> Option<Self> {
        let (header, _) = SectionHeader::ref_from_prefix(bytes).ok()?;
        Some(Self {
            number,
            header,
            variants: table(bytes, header.variants)?,
            identity: table(bytes, header.identity)?,
            attributes: table(bytes, header.attributes)?,
            rules: table(bytes, header.rules)?,
            tests: table(bytes, header.tests)?,
            values: table(bytes, header.values)?,
            splits: table(bytes, header.splits)?,
            ranges: table(bytes, header.ranges)?,
            settings: table(bytes, header.settings)?,
            text: table(bytes, header.text)?,
        })
    }

    /// A text of the section. Bounds were checked when the snapshot was loaded.
    pub(crate) fn text(&self, text: Text) -> &'s [u8] {
        slice(self.text, text.offset.get(), text.length.get()).unwrap_or_default()
    }

    /// The text operand of a test.
    pub(crate) fn operand(&self, test: &Test) -> &'s [u8] {
        let operand = u32::try_from(test.a.get()).ok().zip(u32::try_from(test.b.get()).ok());
        operand.and_then(|(offset, length)| slice(self.text, offset, length)).unwrap_or_default()
    }

    /// The values of an `in` test.
    pub(crate) fn operands(&self, test: &Test) -> &'s [Value] {
        let operands = u32::try_from(test.a.get()).ok().zip(u32::try_from(test.b.get()).ok());
        operands.and_then(|(first, count)| slice(self.values, first, count)).unwrap_or_default()
    }

    /// The name of a variant.
    pub(crate) fn variant(&self, place: u16) -> &'s [u8] {
        self.variants.get(usize::from(place)).map(|variant| self.text(variant.name)).unwrap_or_default()
    }

    /// The headers a rule sets.
    pub(crate) fn settings(&self, rule: &Rule) -> &'s [Setting] {
        slice(self.settings, rule.first_setting.get(), rule.settings.get()).unwrap_or_default()
    }

    /// The ranges of a split.
    pub(crate) fn ranges(&self, split: &Split) -> &'s [Range] {
        slice(self.ranges, split.first_range.get(), split.ranges.get()).unwrap_or_default()
    }

    /// The id of a rule, which is what follows the first slash of its path.
    pub(crate) fn rule_id(&self, rule: &Rule) -> &'s [u8] {
        let path = self.text(rule.path);
        let name = self.header.name.length.get() as usize;
        path.get(name.saturating_add(1)..).unwrap_or_default()
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
    items.get(first..first.checked_add(count as usize)?)
}
