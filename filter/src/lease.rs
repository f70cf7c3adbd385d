//! Who fetches: the shared record that names one VM of the process, and shows that it lives.
//!
//! The fetcher that Envoy's bootstrap names holds it by right: come back from a stall, it takes it back. Where there is none,
//! or it died, a VM of the HTTP filter takes it by compare-and-swap, and gives way to whoever else is named. Time is the
//! host's monotonic clock, which all VMs of the process share.

use std::time::Duration;

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U32, U64},
};

use crate::{
    host::{self, Cas, Status},
    pointer::Writer,
};

/// The shared key of the lease.
const KEY: &str = "graylane/lease";

/// A holder not heard of for so long is taken for dead. The longest tick is 1 s.
pub const STALE: Duration = Duration::from_secs(3);

/// So long after the first configuration nobody stands for election: a bootstrap fetcher comes within a few ticks.
pub const OPENING: Duration = Duration::from_millis(500);

const VERSION: u8 = 1;

/// The lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; 0: nobody yet.
    pub holder: u64,
    /// How many elections there were.
    pub turns: u32,
    /// Whether the holder was elected.
    pub elected: bool,
    /// When the holder last showed that it lives; before the first one, when the key was made.
    pub beat: Duration,
    /// When a control plane last said what is newest; zero: never.
    pub confirmed: Duration,
}

/// What became of a holder's attempt to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It held the lease and still does.
    Still,
    /// It holds it now, and somebody else did before.
    Taken,
    /// Somebody else holds it.
    Lost,
    /// Another bootstrap fetcher holds it, and lives: an Envoy must have one alone.
    Rival,
}

impl Lease {
    /// Makes the key where there is none.
    pub fn create(now: Duration) {
        let vacant = Self { beat: now, ..Self::default() };
        let _ = host::set_shared(KEY, vacant.encode().as_bytes(), Cas::ABSENT);
    }

    /// Reads the lease and its version at `now`. What is not there, or of another form, is held by nobody; what happened at a
    /// time yet to come never did.
    pub fn read(now: Duration) -> (Self, Cas) {
        match host::shared(KEY) {
            Ok((bytes, cas)) => (Self::decode(&bytes).unwrap_or_default().believed(now), cas),
            Err(_) => (Self::default(), Cas::ABSENT),
        }
    }

    /// The lease without times that cannot be. Nobody could be elected for as long as a beat lies ahead, and rules would pass
    /// for confirmed, which might be for ever. Another VM may have read the one clock a little later than this one did, never
    /// by as much as [`STALE`].
    fn believed(self, now: Duration) -> Self {
        let latest = now.saturating_add(STALE);
        let past = |time: Duration| if time > latest { Duration::ZERO } else { time };
        Self { beat: past(self.beat), confirmed: past(self.confirmed), ..self }
    }

    /// Whether the holder lives. An inbox that nobody empties would grow without bound.
    pub fn lives(&self, now: Duration) -> bool {
        self.holder != 0 && now.saturating_sub(self.beat) < STALE
    }

    /// Whether a VM that waits `patience` longer than others may take it.
    pub fn is_vacant(&self, now: Duration, patience: Duration) -> bool {
        let silence = if self.holder == 0 { OPENING } else { STALE };
        now.saturating_sub(self.beat) >= silence.saturating_add(patience)
    }

    /// Elects `holder`, unless somebody wrote since `cas` was read. Gives the lease that it holds.
    pub fn elect(&self, holder: u64, now: Duration, cas: Cas) -> Result<Self, Status> {
        let turns = self.turns.wrapping_add(1);
        let lease = Self { holder, turns, elected: true, beat: now, confirmed: self.confirmed };
        host::set_shared(KEY, lease.encode().as_bytes(), cas).map(|()| lease)
    }

    /// Whose slots the holder writes. Two holders elected one after the other write different ones.
    pub fn writer(&self) -> Writer {
        match (self.elected, self.turns.wrapping_rem(2)) {
            (false, _) => Writer::Bootstrap,
            (true, 1) => Writer::Odd,
            (true, _) => Writer::Even,
        }
    }

    /// Shows that `holder` lives. A bootstrap fetcher (not `elected`) takes the lease from whoever was elected, or is silent.
    pub fn renew(holder: u64, elected: bool, now: Duration, confirmed: Duration) -> Held {
        let (found, cas) = Self::read(now);
        if elected && (found.holder != holder || !found.elected) {
            return Held::Lost;
        }
        if !elected && !found.elected && found.holder != holder && found.lives(now) {
            return Held::Rival;
        }
        // What an earlier holder heard of the control plane is news as well.
        let lease = Self { holder, elected, beat: now, confirmed: confirmed.max(found.confirmed), ..found };
        match host::set_shared(KEY, lease.encode().as_bytes(), cas) {
            Ok(()) if found.holder == holder => Held::Still,
            Ok(()) => Held::Taken,
            // Somebody wrote in between. An elected holder was replaced; a bootstrap fetcher tries again with its next tick.
            Err(_) => Held::Lost,
        }
    }

    /// Gives the lease up, if `holder` has it: the next is elected without waiting for silence.
    pub fn resign(holder: u64, now: Duration) {
        let (found, cas) = Self::read(now);
        if found.holder == holder {
            let vacant = Self { holder: 0, elected: false, beat: now, ..found };
            let _ = host::set_shared(KEY, vacant.encode().as_bytes(), cas);
        }
    }

    fn encode(&self) -> Record {
        let nanos = |time: Duration| U64::new(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        Record {
            version: VERSION,
            holder: self.holder.into(),
            turns: self.turns.into(),
            elected: self.elected.into(),
            beat: nanos(self.beat),
            confirmed: nanos(self.confirmed),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::ref_from_bytes(bytes).ok().filter(|record| record.version == VERSION)?;
        Some(Self {
            holder: record.holder.get(),
            turns: record.turns.get(),
            elected: record.elected != 0,
            beat: Duration::from_nanos(record.beat.get()),
            confirmed: Duration::from_nanos(record.confirmed.get()),
        })
    }
}

/// The lease as it lies in shared data: 30 bytes.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Record {
    version: u8,
    holder: U64,
    turns: U32,
    elected: u8,
    beat: U64,
    confirmed: U64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_vacant_soon_at_first_and_after_a_silence_later() {
        Lease::create(s(10));
        Lease::create(s(20));
        let (lease, _) = Lease::read(s(10));
        assert_eq!((lease.holder, lease.beat, lease.lives(s(10))), (0, s(10), false));
        assert!(
            !lease.is_vacant(s(10) + OPENING / 2, Duration::ZERO) && lease.is_vacant(s(10) + OPENING, Duration::ZERO)
        );
        assert!(!lease.is_vacant(s(10) + OPENING, Duration::from_millis(1)));
        assert_eq!(Lease::renew(7, false, s(11), s(0)), Held::Taken);
        assert_eq!(Lease::renew(7, false, s(12), s(12)), Held::Still);
        let (lease, _) = Lease::read(s(14));
        assert!(lease.lives(s(14)) && !lease.is_vacant(s(14), Duration::ZERO));
        assert!(!lease.lives(s(15)) && lease.is_vacant(s(15), Duration::ZERO));
    }

    #[test]
    fn of_two_bootstrap_fetchers_one_works_until_it_is_silent() {
        Lease::create(s(0));
        assert_eq!(Lease::renew(7, false, s(1), s(0)), Held::Taken);
        assert_eq!(
            (Lease::renew(8, false, s(2), s(0)), Lease::renew(7, false, s(3), s(0))),
            (Held::Rival, Held::Still)
        );
        assert_eq!(Lease::renew(8, false, s(5), s(0)), Held::Rival);
        assert_eq!(
            (Lease::renew(8, false, s(6), s(0)), Lease::renew(7, false, s(6), s(0))),
            (Held::Taken, Held::Rival)
        );
    }

    #[test]
    fn of_two_that_stand_one_is_elected_and_successors_write_elsewhere() {
        Lease::create(s(0));
        let (lease, cas) = Lease::read(s(1));
        let first = lease.elect(1, s(1), cas).unwrap();
        assert_eq!(lease.elect(2, s(1), cas), Err(Status::CasMismatch));
        assert_eq!((Lease::renew(1, true, s(2), s(2)), Lease::renew(2, true, s(2), s(0))), (Held::Still, Held::Lost));
        // The bootstrap fetcher comes and takes it; the next to be elected still writes elsewhere than the first.
        assert_eq!(Lease::renew(9, false, s(3), s(0)), Held::Taken);
        assert_eq!(Lease::renew(1, true, s(3), s(3)), Held::Lost);
        let (lease, cas) = Lease::read(s(9));
        assert_eq!((lease.writer(), lease.confirmed), (Writer::Bootstrap, s(2)));
        let second = lease.elect(2, s(9), cas).unwrap();
        assert_eq!((first.writer(), second.writer()), (Writer::Odd, Writer::Even));
    }

    #[test]
    fn who_resigns_is_succeeded_soon_and_only_the_holder_can() {
        Lease::create(s(0));
        assert_eq!(Lease::renew(9, false, s(1), s(1)), Held::Taken);
        Lease::resign(8, s(2));
        assert_eq!(Lease::read(s(2)).0.holder, 9);
        Lease::resign(9, s(2));
        assert!(Lease::read(s(2)).0.is_vacant(s(2) + OPENING, Duration::ZERO));
    }

    /// Whatever lies in shared data, by whomever.
    fn lies(lease: Lease) {
        let bytes = lease.encode().as_bytes().to_vec();
        crate::host::fake::host(|host| host.shared.insert(KEY.into(), (bytes, 5)));
    }

    #[test]
    fn a_beat_that_is_yet_to_come_keeps_nobody_from_being_elected() {
        let held = Lease { holder: 7, turns: 3, elected: true, beat: s(103), confirmed: s(99) };
        lies(held);
        let (lease, _) = Lease::read(s(100));
        assert!(lease == held && lease.lives(s(100)), "a clock that was read a little later");
        for beat in [s(104), s(1 << 32), Duration::MAX] {
            for holder in [0, 7] {
                lies(Lease { holder, beat, ..held });
                let (lease, cas) = Lease::read(s(100));
                assert!(!lease.lives(s(100)) && lease.is_vacant(s(100), s(1)), "{lease:?}");
                let elected = lease.elect(8, s(100), cas).unwrap();
                assert_eq!((elected.turns, elected.confirmed), (4, s(99)));
                assert_eq!(Lease::renew(8, true, s(101), s(0)), Held::Still);
                assert!(Lease::read(s(102)).0.lives(s(102)));
            }
        }
    }

    #[test]
    fn a_confirmation_that_is_yet_to_come_is_carried_on_by_nobody() {
        let held = Lease { holder: 7, turns: 3, elected: true, beat: s(100), confirmed: s(104) };
        let carried = |carry: &dyn Fn()| {
            lies(held);
            carry();
            Lease::read(s(1000)).0.confirmed
        };
        let renewed = || assert_eq!(Lease::renew(7, true, s(100), s(98)), Held::Still);
        let taken = || assert_eq!(Lease::renew(9, false, s(100), s(98)), Held::Taken);
        assert_eq!((carried(&renewed), carried(&taken)), (s(98), s(98)));
        assert_eq!(carried(&|| Lease::resign(7, s(100))), s(0));
        let elected = || _ = Lease::read(s(100)).0.elect(8, s(100), Cas(5)).unwrap();
        assert_eq!(carried(&elected), s(0));
        lies(Lease { confirmed: s(103), ..held });
        renewed();
        assert_eq!(Lease::read(s(1000)).0.confirmed, s(103), "a clock that was read a little later");
    }

    #[test]
    fn a_foreign_record_is_held_by_nobody() {
        for bytes in [&b""[..], b"nonsense", &[9; 30], &[1; 31]] {
            crate::host::fake::host(|host| host.shared.insert(KEY.into(), (bytes.to_vec(), 5)));
            assert_eq!(Lease::read(s(9)), (Lease::default(), Cas(5)), "{bytes:?}");
        }
    }
}
