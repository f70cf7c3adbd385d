//! On a store itself.

use std::{fs::File, io::BufReader, sync::Arc};

use graylane_store::{NotRestored, NotTaken, Place, Store, open};

use super::By;
use crate::{
    clock::Clock,
    commands::plane::{expect_store, on_store},
    failure::Failure,
    keeping::{Compaction, NotKept, Restoration, Taken, Verification, take_into},
    revisions::Revisions,
};

/// Removes old revisions.
pub fn compact(place: &Place, keep: usize) -> Result<Compaction, Failure> {
    expect_store(place)?;
    on(place, async |store| {
        let done = graylane_store::compact(&*store, keep).await.map_err(Failure::unable)?;
        Ok(Compaction::of(&done))
    })
}

/// Checks that what is there is what was put there.
pub fn verify(place: &Place, namespace: &str) -> Result<Verification, Failure> {
    expect_store(place)?;
    on(place, async |store| {
        let found = graylane_store::verify(&*store, namespace).await.map_err(Failure::unable)?;
        Ok(Verification::of(&found))
    })
}

/// Takes a backup.
pub fn backup(place: &Place, namespace: &str, label: &str, file: &mut File, name: &str) -> Result<Taken, Failure> {
    expect_store(place)?;
    on(place, async |store| {
        let taken = take_into(&*store, namespace, label, Clock::system().now().wall, file, name).await;
        taken.map_err(|why| match why {
            NotKept::NotTaken(NotTaken::Empty(_)) => Failure::refused(why),
            why => Failure::unable(why),
        })
    })
}

/// Restores a backup.
pub fn restore(place: &Place, namespace: &str, file: File, by: By<'_>) -> Result<Restoration, Failure> {
    let By { actor, reason, source } = by;
    let at = Clock::system().now().wall;
    let by = graylane_store::By { actor: actor.to_owned(), reason: reason.to_owned(), source: source.to_owned(), at };
    on(place, async |store| {
        let revisions = Revisions::new(store, namespace, Clock::system(), Vec::new());
        let restored = revisions.restore(&mut BufReader::new(file), &by).await;
        let restored = restored.map_err(|why| match why {
            NotRestored::Store(_) | NotRestored::Unknown { .. } => Failure::unable(why),
            why => Failure::refused(format!("{source}: {why}")),
        })?;
        Ok(Restoration::of(&restored))
    })
}

fn on<T>(place: &Place, work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<T, Failure>) -> Result<T, Failure> {
    on_store(async { work(open(place).await.map_err(Failure::unable)?).await })
}
