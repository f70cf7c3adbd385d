//! Moving the head, and finding out whether it moved where nobody answers.

use std::time::{Duration, Instant};

use crate::{Advance, Digest, Ground, Head, Store, StoreError};

/// So long it is tried to find out what became of a transaction that was not answered.
const DOUBT: Duration = Duration::from_secs(5);

/// So long between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Why it is not said that the head moved.
#[derive(Debug)]
pub enum NotAdvanced {
    /// It has not.
    Store(StoreError),
    /// Nobody knows whether it has: the store did not answer in time.
    Unknown(StoreError),
}

/// Moves the head of `namespace`, as [`Store::advance`]. Where that is not answered, it asks for what came of it.
///
/// # Errors
/// Why it is not said that the head moved.
pub async fn advance(
    store: &dyn Store,
    namespace: &str,
    on: &Ground,
    next: &Head,
    manifest: &[u8],
) -> Result<Advance, NotAdvanced> {
    let why = match store.advance(namespace, on, next, manifest).await {
        Err(why) if why.is_passing() => why,
        answered => return answered.map_err(NotAdvanced::Store),
    };
    let began = Instant::now();
    while began.elapsed() < DOUBT {
        match store.manifest(namespace, next.revision).await {
            Ok(Some(bytes)) if Digest::of(&bytes) == next.manifest => return Ok(Advance::Done),
            Ok(Some(_)) => return Ok(Advance::Moved),
            Ok(None) | Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
    Err(NotAdvanced::Unknown(why))
}
