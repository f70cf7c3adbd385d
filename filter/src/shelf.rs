//! The fetcher's two shared keys: where a snapshot is put before the pointer names it.

use graylane_rules::Revision;

use crate::{
    host::{self, Cas, Status},
    pointer::Pointer,
};

/// How often a pointer that others move is tried.
const TRIES: usize = 5;

/// A snapshot that lies in shared data, kept so that it can be written again.
#[derive(Debug)]
pub struct Shelved {
    /// Where it lies.
    pub pointer: Pointer,
    bytes: Vec<u8>,
}

impl Shelved {
    /// Writes `bytes` where the pointer does not point, then moves the pointer there, only upward.
    ///
    /// Bytes the pointer names already are written again in their place.
    ///
    /// # Errors
    /// In words, where something newer, or else of that number, is named already, or the host refuses.
    pub fn put(bytes: &[u8], revision: Revision, format: u16) -> Result<Self, String> {
        let target = Pointer::to(bytes, revision, format).ok_or("found more bytes than a pointer can tell")?;
        let refused = |status| format!("shared data cannot be used: {status:?}");
        for _ in 0..TRIES {
            let (current, cas) = Pointer::read().map_err(refused)?;
            let pointer = Pointer { slot: current.slot.other(), ..target };
            if current.revision == revision && current.fits(bytes) {
                let shelved = Self { pointer: current, bytes: bytes.to_vec() };
                return shelved.write_again().map(|()| shelved).map_err(refused);
            }
            if current.revision >= revision {
                return Err(format!("found revision {revision}, expected one after {}", current.revision));
            }
            write(&pointer, bytes).map_err(refused)?;
            match pointer.write(cas) {
                Ok(()) => return Ok(Self { pointer, bytes: bytes.to_vec() }),
                Err(Status::CasMismatch) => {}
                Err(status) => return Err(refused(status)),
            }
        }
        Err("the pointer is being moved by others all the time".to_owned())
    }

    /// Writes the bytes again, for a reader that found others. Only while the pointer names them: rewriting a slot
    /// after the pointer moved on could hit something newer.
    ///
    /// # Errors
    /// The host's refusal; [`Status::CasMismatch`] where the pointer moved on.
    pub fn write_again(&self) -> Result<(), Status> {
        let (current, _) = Pointer::read()?;
        if current == self.pointer { write(&self.pointer, &self.bytes) } else { Err(Status::CasMismatch) }
    }
}

fn write(pointer: &Pointer, bytes: &[u8]) -> Result<(), Status> {
    pointer.slot.key().map_or(Err(Status::NotFound), |key| host::set_shared(key, bytes, Cas::ANY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::fake::host, pointer::Slot};

    fn revision(number: u64) -> Revision {
        Revision { epoch: 1, number }
    }

    #[test]
    fn slots_alternate_and_the_pointer_only_goes_up() {
        Pointer::create();
        for (number, slot) in [(1, Slot::A), (2, Slot::B), (3, Slot::A)] {
            let shelved = Shelved::put(b"bytes", revision(number), 1).unwrap();
            assert_eq!((shelved.pointer.slot, Pointer::read().unwrap().0), (slot, shelved.pointer));
        }
        assert!(Shelved::put(b"bytes", revision(2), 1).is_err());
        assert!(Shelved::put(b"other", revision(3), 1).is_err());
        assert_eq!(Pointer::read().unwrap().0.revision, revision(3));
    }

    #[test]
    fn lost_bytes_are_written_again_until_the_pointer_moves_on() {
        let shelved = Shelved::put(b"bytes", revision(1), 1).unwrap();
        let spoil = || host(|host| host.shared.insert("graylane/a".into(), (b"spoilt".to_vec(), 99)));
        spoil();
        shelved.write_again().unwrap();
        assert_eq!(host::shared("graylane/a").unwrap().0, b"bytes");
        spoil();
        assert_eq!(Shelved::put(b"bytes", revision(1), 1).unwrap().pointer, shelved.pointer);
        assert_eq!(host::shared("graylane/a").unwrap().0, b"bytes");
        Shelved::put(b"newer", revision(2), 1).unwrap();
        assert_eq!(shelved.write_again(), Err(Status::CasMismatch));
    }
}
