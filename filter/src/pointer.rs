//! The small shared record that says where the newest snapshot lies, and what it is.

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

/// Where the newest snapshot lies. All zero: none was written yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Its revision; only ever grows.
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

/// The shared keys that hold snapshots. A writer has two and writes the one the pointer does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// No key: nothing was written yet.
    #[default]
    None,
    /// The first key of the bootstrap fetcher.
    A,
    /// Its second key.
    B,
}

impl Slot {
    /// The shared key; none for [`Slot::None`].
    pub fn key(self) -> Option<&'static str> {
        match self {
            Slot::None => None,
            Slot::A => Some("graylane/a"),
            Slot::B => Some("graylane/b"),
        }
    }

    /// The one of a writer's two that is free while the pointer names this one.
    pub fn other(self) -> Self {
        match self {
            Slot::A => Slot::B,
            Slot::None | Slot::B => Slot::A,
        }
    }
}

impl Pointer {
    /// The pointer to `bytes`, which do not lie anywhere yet. None where they are more than 4 GiB.
    pub fn to(bytes: &[u8], revision: Revision, format: u16) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok()?;
        Some(Self { revision, slot: Slot::None, format, length, hash: xxh3_128(bytes) })
    }

    /// Whether `bytes` are the ones meant.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        u32::try_from(bytes.len()) == Ok(self.length) && xxh3_128(bytes) == self.hash
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
        Record {
            version: VERSION,
            epoch: self.revision.epoch.into(),
            number: self.revision.number.into(),
            slot: match self.slot {
                Slot::None => 0,
                Slot::A => b'a',
                Slot::B => b'b',
            },
            format: self.format.into(),
            length: self.length.into(),
            hash: self.hash.into(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::ref_from_bytes(bytes).ok().filter(|record| record.version == VERSION)?;
        let slot = match record.slot {
            0 => Slot::None,
            b'a' => Slot::A,
            b'b' => Slot::B,
            _ => return None,
        };
        let revision = Revision { epoch: record.epoch.get(), number: record.number.get() };
        let (format, length, hash) = (record.format.get(), record.length.get(), record.hash.get());
        Some(Self { revision, slot, format, length, hash })
    }
}

/// The pointer as it lies in shared data: 40 bytes.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Record {
    version: u8,
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
        let pointer = Pointer { slot: Slot::B, ..Pointer::to(b"bytes", revision, 3).unwrap() };
        pointer.write(cas).unwrap();
        Pointer::create();
        assert_eq!((zero, Pointer::read().unwrap().0), (Pointer::default(), pointer));
        assert_eq!(Pointer::default().write(cas), Err(Status::CasMismatch));
        assert!(pointer.fits(b"bytes") && !pointer.fits(b"bytez") && !pointer.fits(b"byte"));
    }

    #[test]
    fn a_foreign_record_is_no_pointer() {
        for bytes in [&b""[..], b"nonsense", &[2; 40], &[1; 40], &[0; 41]] {
            host(|host| host.shared.insert(KEY.into(), (bytes.to_vec(), 5)));
            assert_eq!(Pointer::read(), Ok((Pointer::default(), Cas(5))), "{bytes:?}");
        }
    }
}
