//! Typed documents to the records of a snapshot.

use std::collections::BTreeMap;

use zerocopy::{Immutable, IntoBytes};

use super::{
    records::{Extent, Text},
    tables::Texts,
};

/// Where stands what was written already: the first and how many. One kind of map for all there is, since each takes
/// kilobytes of code.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<Vec<u8>, (u32, u32)>);

impl Known {
    /// The place of what has these bytes for a key.
    pub(crate) fn place(&self, key: &[u8]) -> Option<(u32, u32)> {
        self.0.get(key).copied()
    }

    /// Keeps a place in mind.
    pub(crate) fn insert(&mut self, key: Vec<u8>, place: (u32, u32)) {
        self.0.insert(key, place);
    }
}

/// Bytes of a container: a header whose place is kept free, then tables, then text.
pub(crate) struct Container {
    bytes: Vec<u8>,
    text: Vec<u8>,
    known: Known,
}

impl Container {
    /// A container whose header takes `header` bytes.
    pub(crate) fn new(header: usize) -> Self {
        Self { bytes: vec![0; header], text: Vec::new(), known: Known::default() }
    }

    /// The place of a text; equal texts stand once.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        self.bytes(text.as_bytes())
    }

    /// The place of bytes among the texts; equal ones stand once.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Text {
        if let Some((offset, length)) = self.known.place(bytes) {
            return Text { offset: offset.into(), length: length.into() };
        }
        let place = Text { offset: size(self.text.len()), length: size(bytes.len()) };
        self.text.extend_from_slice(bytes);
        self.known.insert(bytes.to_owned(), (place.offset.get(), place.length.get()));
        place
    }

    /// The text so far.
    pub(crate) fn texts(&self) -> Texts<'_> {
        Texts::new(&self.text)
    }

    /// Appends a table.
    pub(crate) fn table<T: IntoBytes + Immutable>(&mut self, records: &[T]) -> Extent {
        let offset = size(self.bytes.len());
        self.bytes.extend_from_slice(records.as_bytes());
        Extent { offset, count: size(records.len()) }
    }

    /// Appends the text; no text may be added after it.
    pub(crate) fn close_text(&mut self) -> Extent {
        let text = std::mem::take(&mut self.text);
        self.table(&text)
    }

    /// Appends bytes and tells where they begin.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Overwrites the records at `offset`, whose place was kept.
    pub(crate) fn put<T: IntoBytes + Immutable>(&mut self, offset: usize, records: &[T]) {
        for (byte, &value) in self.bytes.iter_mut().skip(offset).zip(records.as_bytes()) {
            *byte = value;
        }
    }

    /// Puts the header into its place and gives the bytes.
    pub(crate) fn finish<H: IntoBytes + Immutable>(mut self, header: H) -> Vec<u8> {
        self.put(0, &[header]);
        self.bytes
    }
}

/// A size as the format keeps it. Above 4 GiB it saturates; the limit of 2 MiB refuses that later.
pub(crate) fn size(bytes: usize) -> zerocopy::little_endian::U32 {
    u32::try_from(bytes).unwrap_or(u32::MAX).into()
}

/// A place in a table of at most 65,535; more variants or splits are refused when decoded.
pub(crate) fn place(place: usize) -> zerocopy::little_endian::U16 {
    u16::try_from(place).unwrap_or(u16::MAX).into()
}
