//! The small shared record that says where snapshots lie, and what they are.

use graylane_rules::Revision;
use xxhash_rust::xxh3::xxh3_128;
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U16, U32, U64, U128},
};

use crate::host::{self, Cas, Status};

/// The shared key of the pointer.
const KEY: &str = "graylane/pointer";

/// The only form of the record there is; readers ignore others, so that an older one keeps what it has.
const VERSION: u8 = 1;

/// What to load: the newest snapshot, or, for a VM that must refuse that one, the last that everybody took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// The newest snapshot; its revision only ever grows.
    pub newest: Place,
    /// The newest one that every live VM was running. A VM that begins while the newest is being refused has this one. It
    /// may be the newest itself, in an older format.
    pub proven: Place,
}

/// Where a snapshot lies. All zero: nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its revision.
    pub revision: Revision,
    /// The shared key that holds its bytes.
    pub slot: Slot,
    /// The format of the bytes.
    pub format: u16,
    /// How many they are.
    pub length: u32,
    /// Their xxh3_128.
    pub hash: u128,
}

/// A shared key that holds a snapshot, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot(Option<u8>);

/// All slots, three for each writer.
const SLOTS: [&str; 9] = [
    "graylane/a",
    "graylane/b",
    "graylane/c",
    "graylane/d",
    "graylane/e",
    "graylane/f",
    "graylane/g",
    "graylane/h",
    "graylane/i",
];

/// Whose slots are written: two writers never share any. A stalled writer that comes back in the midst of writing would
/// otherwise spoil what the pointer names by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writer {
    /// The fetcher that Envoy's bootstrap names: a, b, c.
    #[default]
    Bootstrap,
    /// A VM elected at an odd turn: d, e, f.
    Odd,
    /// A VM elected at an even turn: g, h, i.
    Even,
}

impl Slot {
    /// The shared key; none where there is no slot.
    pub fn key(self) -> Option<&'static str> {
        SLOTS.get(usize::from(self.0?)).copied()
    }

    fn encode(self) -> u8 {
        self.0.map_or(0, |place| place.saturating_add(1))
    }

    fn decode(byte: u8) -> Option<Self> {
        let slot = Self(byte.checked_sub(1));
        (byte == 0 || slot.key().is_some()).then_some(slot)
    }
}

impl Writer {
    /// Whether `slot` may be written.
    pub fn owns(self, slot: Slot) -> bool {
        self.slots().contains(&slot)
    }

    /// A slot of this writer that `pointer` does not name. Of three, two can be named.
    pub fn free(self, pointer: &Pointer) -> Slot {
        let named = [pointer.newest.slot, pointer.proven.slot];
        self.slots().into_iter().find(|slot| !named.contains(slot)).unwrap_or_default()
    }

    fn slots(self) -> [Slot; 3] {
        match self {
            Writer::Bootstrap => [0, 1, 2],
            Writer::Odd => [3, 4, 5],
            Writer::Even => [6, 7, 8],
        }
        .map(|place| Slot(Some(place)))
    }
}

impl Place {
    /// The place of `bytes`, which do not lie anywhere yet. None where they are more than 4 GiB.
    pub fn of(bytes: &[u8], revision: Revision, format: u16) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok()?;
        Some(Self { revision, slot: Slot::default(), format, length, hash: xxh3_128(bytes) })
    }

    /// Whether `bytes` are the ones meant.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        u32::try_from(bytes.len()) == Ok(self.length) && xxh3_128(bytes) == self.hash
    }

    fn encode(&self) -> PlaceRecord {
        PlaceRecord {
            epoch: self.revision.epoch.into(),
            number: self.revision.number.into(),
            slot: self.slot.encode(),
            format: self.format.into(),
            length: self.length.into(),
            hash: self.hash.into(),
        }
    }

    fn decode(record: &PlaceRecord) -> Option<Self> {
        let revision = Revision { epoch: record.epoch.get(), number: record.number.get() };
        let (format, length, hash) = (record.format.get(), record.length.get(), record.hash.get());
        Some(Self { revision, slot: Slot::decode(record.slot)?, format, length, hash })
    }
}

impl Pointer {
    /// The newest snapshot, in a format that is one of `formats` where it lies there in such a one.
    pub fn newest_in(&self, formats: &[u16]) -> Place {
        let readable = |place: &Place| formats.contains(&place.format);
        let also = self.proven.revision == self.newest.revision && readable(&self.proven);
        if also && !readable(&self.newest) { self.proven } else { self.newest }
    }

    /// Makes the key where there is none, without touching an existing one.
    pub fn create() {
        // A mismatch means that it is there, which is all that is wanted.
        let _ = host::set_shared(KEY, Pointer::default().encode().as_bytes(), Cas::ABSENT);
    }

    /// Reads the pointer and its version. A missing key, or a record of another form, is the zero pointer.
    pub fn read() -> Result<(Self, Cas), Status> {
        match host::shared(KEY) {
            Ok((bytes, cas)) => Ok((Self::decode(&bytes).unwrap_or_default(), cas)),
            Err(Status::NotFound) => Ok((Self::default(), Cas::ABSENT)),
            Err(status) => Err(status),
        }
    }

    /// Writes the pointer if nobody wrote since `cas` was read.
    pub fn write(&self, cas: Cas) -> Result<(), Status> {
        host::set_shared(KEY, self.encode().as_bytes(), cas)
    }

    fn encode(&self) -> Record {
        Record { version: VERSION, newest: self.newest.encode(), proven: self.proven.encode() }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::ref_from_bytes(bytes).ok().filter(|record| record.version == VERSION)?;
        Some(Self { newest: Place::decode(&record.newest)?, proven: Place::decode(&record.proven)? })
    }
}

/// The pointer as it lies in shared data: 79 bytes.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Record {
    version: u8,
    newest: PlaceRecord,
    proven: PlaceRecord,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct PlaceRecord {
    epoch: U64,
    number: U64,
    slot: u8,
    format: U16,
    length: U32,
    hash: U128,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::host;

    #[test]
    fn what_is_written_is_read_and_creation_never_overwrites() {
        assert_eq!(Pointer::read(), Ok((Pointer::default(), Cas::ABSENT)));
        Pointer::create();
        let (zero, cas) = Pointer::read().unwrap();
        let revision = Revision { epoch: 7, number: 1 << 40 };
        let newest = Place { slot: Slot(Some(8)), ..Place::of(b"bytes", revision, 3).unwrap() };
        let pointer = Pointer { newest, proven: Place { slot: Slot(Some(0)), ..newest } };
        pointer.write(cas).unwrap();
        Pointer::create();
        assert_eq!((zero, Pointer::read().unwrap().0), (Pointer::default(), pointer));
        assert_eq!(Pointer::default().write(cas), Err(Status::CasMismatch));
        assert!(newest.fits(b"bytes") && !newest.fits(b"bytez") && !newest.fits(b"byte"));
    }

    #[test]
    fn a_foreign_record_is_no_pointer() {
        for bytes in [&b""[..], b"nonsense", &[2; 79], &[1; 78], &[255; 79], &[0; 80]] {
            host(|host| host.shared.insert(KEY.into(), (bytes.to_vec(), 5)));
            assert_eq!(Pointer::read(), Ok((Pointer::default(), Cas(5))), "{bytes:?}");
        }
    }

    #[test]
    fn a_writer_has_a_free_slot_whatever_is_named_and_shares_none() {
        let writers = [Writer::Bootstrap, Writer::Odd, Writer::Even];
        let place = |slot| Place { slot, ..Place::default() };
        for writer in writers {
            for newest in writer.slots() {
                for proven in writer.slots() {
                    let pointer = Pointer { newest: place(newest), proven: place(proven) };
                    let free = writer.free(&pointer);
                    assert!(writer.owns(free) && free != newest && free != proven);
                    assert_eq!(writers.iter().filter(|other| other.owns(free)).count(), 1);
                }
            }
        }
    }
}
