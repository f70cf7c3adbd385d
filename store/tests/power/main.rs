//! Power is cut at any moment: what was acknowledged is there, and nothing is half there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]
#![allow(clippy::arithmetic_side_effects, reason = "the same")]

mod disk;
#[path = "../suite/mod.rs"]
mod suite;

use disk::Disk;
use fastrand::Rng;
use graylane_store::{Advance, Digest, Head, PIECE_LIMIT, Redb, Store, StoreError, compact, verify};
use suite::{NAMESPACE, following};

/// How many disks are tried, each of which loses power several times.
const DISKS: u64 = 150;
const CUTS: usize = 3;
/// The most operations until power is cut.
const OPERATIONS: u64 = 250;

/// What a writer knows.
#[derive(Default)]
struct Known {
    acknowledged: Vec<Head>,
    /// What was written last, if nobody said whether it is there.
    unsure: Option<Head>,
}

impl Known {
    /// Writes until there is no power.
    async fn write(&mut self, store: &Redb, rng: &mut Rng) -> StoreError {
        loop {
            let done = match rng.u32(..12) {
                0 => self.compact(store, rng.usize(1..6)).await,
                _ => self.publish(store, rng).await,
            };
            if let Err(why) = done {
                return why;
            }
        }
    }

    async fn compact(&mut self, store: &Redb, keep: usize) -> Result<(), StoreError> {
        // From its first step on, those that are older may be gone.
        let still = self.acknowledged.len().saturating_sub(keep);
        self.acknowledged.drain(..still);
        compact(store, keep).await.map(drop)
    }

    async fn publish(&mut self, store: &Redb, rng: &mut Rng) -> Result<(), StoreError> {
        let size = if rng.u32(..20) == 0 { PIECE_LIMIT + 9 } else { rng.usize(..9_000) };
        let seed = rng.u8(..);
        let content: Vec<u8> = (0..size).map(|place| seed.wrapping_add((place / 7) as u8)).collect();
        let on = store.ground(NAMESPACE).await?;
        let (manifest, cut) = following(&on, NAMESPACE, &content);
        store.put(&cut).await?;
        let bytes = manifest.bytes().unwrap();
        let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
        self.unsure = Some(head);
        assert_eq!(store.advance(NAMESPACE, &on, &head, &bytes).await?, Advance::Done);
        self.acknowledged.push(head);
        self.unsure = None;
        Ok(())
    }

    /// Compares with what is there. What nobody was sure of is known from now on.
    async fn compare(&mut self, store: &Redb) -> Result<(), String> {
        let found = verify(store, NAMESPACE).await.map_err(|why| why.to_string())?;
        if !found.faults.is_empty() {
            return Err(format!("{:?}", found.faults));
        }
        for head in &self.acknowledged {
            let manifest = store.manifest(NAMESPACE, head.revision).await.map_err(|why| why.to_string())?;
            if manifest.map(|bytes| Digest::of(&bytes)) != Some(head.manifest) {
                return Err(format!("{} was acknowledged and is gone", head.revision));
            }
        }
        let head = store.ground(NAMESPACE).await.map_err(|why| why.to_string())?.head;
        let unsure = self.unsure.take();
        if head != self.acknowledged.last().copied() {
            if head != unsure {
                return Err(format!("found the head {head:?}, expected {:?} or {unsure:?}", self.acknowledged.last()));
            }
            self.acknowledged.extend(unsure);
        }
        Ok(())
    }
}

/// What happened to some disks.
#[derive(Default)]
struct Tally {
    revisions: usize,
    undecided: usize,
}

/// One disk that loses power several times.
async fn live(seed: u64, honest: bool, tally: &mut Tally) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed);
    let (mut known, mut bytes, mut made) = (Known::default(), Vec::new(), false);
    for _cut in 0..CUTS {
        let disk = Disk::new(bytes, rng.u64(1..OPERATIONS), honest);
        if let Ok(store) = Redb::on(disk.clone()) {
            made = true;
            known.write(&store, &mut rng).await;
            tally.undecided += usize::from(known.unsure.is_some());
        }
        bytes = disk.after_power_cut(&mut rng);
        match Redb::on(Disk::new(bytes.clone(), u64::MAX, true)) {
            Ok(store) => known.compare(&store).await?,
            // Half of an empty store: a file comes to its name only once it is whole.
            Err(_) if !made => bytes.clear(),
            Err(why) => return Err(why.to_string()),
        }
        tally.revisions += known.acknowledged.len();
    }
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_survives() {
    let mut tally = Tally::default();
    for seed in 0..DISKS {
        live(seed, true, &mut tally).await.unwrap_or_else(|why| panic!("disk {seed}: {why}"));
    }
    println!("{} revisions, {} undecided", tally.revisions, tally.undecided);
    assert!(tally.revisions > 1_000 && tally.undecided > 10, "there was something to lose");
}

/// Were it not, nothing would be found anywhere.
#[tokio::test]
async fn a_disk_that_says_it_synced_and_did_not_is_found_out() {
    let mut found = 0;
    for seed in 0..10 {
        found += usize::from(live(seed, false, &mut Tally::default()).await.is_err());
    }
    assert!(found > 5, "found {found} of 10");
}
