//! A writer's three shared keys: where a snapshot is put before the pointer names it.

use graylane_rules::Revision;

use crate::{
    host::{self, Cas, Status},
    pointer::{Place, Pointer, Writer},
};

/// How often a pointer that others move is tried.
const TRIES: usize = 5;

/// A snapshot that lies in shared data, kept so that it can be written again.
#[derive(Debug)]
pub struct Shelved {
    /// Where it lies.
    pub place: Place,
    bytes: Vec<u8>,
}

impl Shelved {
    /// Writes `bytes` where the pointer does not point, then moves the pointer there, only upward. The same revision is
    /// taken once more only as the same bytes, or in another format.
    ///
    /// # Errors
    /// In words, where something newer, or else of that number, is named already, or the host refuses.
    pub fn put(writer: Writer, bytes: &[u8], revision: Revision, format: u16) -> Result<Self, String> {
        let target = Place::of(bytes, revision, format).ok_or("found more bytes than a pointer can tell")?;
        let refused = |status| format!("shared data cannot be used: {status:?}");
        for _ in 0..TRIES {
            let (current, cas) = Pointer::read().map_err(refused)?;
            let named = current.newest;
            let same = named.revision == revision && named.format == format;
            if named.revision > revision || (same && !named.fits(bytes)) {
                return Err(format!("found revision {revision}, expected one after {}", named.revision));
            }
            if same && writer.owns(named.slot) {
                let shelved = Self { place: named, bytes: bytes.to_vec() };
                return shelved.write_again().map(|()| shelved).map_err(refused);
            }
            let place = Place { slot: writer.free(&current), ..target };
            write(&place, bytes).map_err(refused)?;
            match (Pointer { newest: place, ..current }).write(cas) {
                Ok(()) => return Ok(Self { place, bytes: bytes.to_vec() }),
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
        if current.newest == self.place { write(&self.place, &self.bytes) } else { Err(Status::CasMismatch) }
    }
}

/// Names `revision` as the one that everybody took. False where it is not the newest, or others are moving the pointer.
pub fn prove(revision: Revision) -> bool {
    let Ok((current, cas)) = Pointer::read() else { return false };
    let Pointer { newest, proven } = current;
    if newest.revision != revision {
        return false;
    }
    // In an older format more can read it.
    let named = proven.revision == revision && proven.format <= newest.format;
    named || (Pointer { proven: newest, ..current }).write(cas).is_ok()
}

/// Writes the bytes of the newest revision, which everybody took, in an older format beside it, and names them as what
/// everybody took. False where another revision is, or others are moving the pointer, or the host refuses.
pub fn prove_also(writer: Writer, bytes: &[u8], revision: Revision, format: u16) -> bool {
    let (Ok((current, cas)), Some(target)) = (Pointer::read(), Place::of(bytes, revision, format)) else {
        return false;
    };
    let Pointer { newest, proven } = current;
    if newest.revision != revision || proven.revision != revision || format >= newest.format {
        return false;
    }
    let place = Place { slot: writer.free(&current), ..target };
    write(&place, bytes).is_ok() && (Pointer { proven: place, ..current }).write(cas).is_ok()
}

fn write(place: &Place, bytes: &[u8]) -> Result<(), Status> {
    place.slot.key().map_or(Err(Status::NotFound), |key| host::set_shared(key, bytes, Cas::ANY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::host;

    const OURS: Writer = Writer::Bootstrap;

    fn revision(number: u64) -> Revision {
        Revision { epoch: 1, number }
    }

    fn put(bytes: &[u8], number: u64, format: u16) -> Result<Shelved, String> {
        Shelved::put(OURS, bytes, revision(number), format)
    }

    #[test]
    fn the_pointer_only_goes_up_and_what_is_proven_is_not_overwritten() {
        Pointer::create();
        let proven = put(b"proven", 1, 1).unwrap();
        assert!(prove(revision(1)) && prove(revision(1)));
        for number in 2..9 {
            let shelved = put(b"bytes", number, 1).unwrap();
            assert_eq!(Pointer::read().unwrap().0, Pointer { newest: shelved.place, proven: proven.place });
            assert_eq!(host::shared(proven.place.slot.key().unwrap()).unwrap().0, b"proven");
        }
        assert!(!prove(revision(1)), "it is not the newest");
        assert!(put(b"bytes", 2, 1).is_err() && put(b"other", 8, 1).is_err());
        assert_eq!(Pointer::read().unwrap().0.newest.revision, revision(8));
    }

    #[test]
    fn the_same_revision_may_come_in_another_format_or_from_another_writer() {
        let one = put(b"one", 3, 1).unwrap();
        let other = put(b"other", 3, 2).unwrap();
        assert_ne!(one.place.slot, other.place.slot);
        assert_eq!((one.write_again(), other.write_again()), (Err(Status::CasMismatch), Ok(())));
        let elected = Shelved::put(Writer::Odd, b"other", revision(3), 2).unwrap();
        assert!(Writer::Odd.owns(elected.place.slot));
        assert_eq!(Pointer::read().unwrap().0.newest, elected.place);
    }

    #[test]
    fn what_everybody_took_may_lie_there_in_an_older_format_as_well() {
        let newest = put(b"two", 3, 2).unwrap().place;
        assert!(!prove_also(OURS, b"one", revision(3), 1), "not everybody took it");
        assert!(
            prove(revision(3))
                && !prove_also(OURS, b"two", revision(3), 2)
                && !prove_also(OURS, b"one", revision(2), 1)
        );
        assert!(prove_also(OURS, b"one", revision(3), 1));
        let pointer = Pointer::read().unwrap().0;
        assert_eq!((pointer.newest, pointer.proven.revision, pointer.proven.format), (newest, revision(3), 1));
        assert!(pointer.proven.fits(&host::shared(pointer.proven.slot.key().unwrap()).unwrap().0));
        let found = |formats: &[u16]| pointer.newest_in(formats).format;
        assert_eq!((found(&[1]), found(&[1, 2]), found(&[2]), found(&[3])), (1, 2, 2, 2));
        // It is not taken back, and the next one may be written without touching either.
        assert!(prove(revision(3)) && Pointer::read().unwrap().0 == pointer);
        let next = put(b"next", 4, 2).unwrap().place;
        assert!(next.slot != newest.slot && next.slot != pointer.proven.slot);
        assert!(!prove_also(OURS, b"one", revision(3), 1), "it is not the newest any more");
        assert_eq!(Pointer::read().unwrap().0.newest_in(&[1]), next, "older rules are no newest");
    }

    #[test]
    fn lost_bytes_are_written_again_until_the_pointer_moves_on() {
        let shelved = put(b"bytes", 1, 1).unwrap();
        let spoil = || host(|host| host.shared.insert("graylane/a".into(), (b"spoilt".to_vec(), 99)));
        spoil();
        shelved.write_again().unwrap();
        assert_eq!(host::shared("graylane/a").unwrap().0, b"bytes");
        spoil();
        assert_eq!(put(b"bytes", 1, 1).unwrap().place, shelved.place);
        assert_eq!(host::shared("graylane/a").unwrap().0, b"bytes");
        put(b"newer", 2, 1).unwrap();
        assert_eq!(shelved.write_again(), Err(Status::CasMismatch));
    }
}
