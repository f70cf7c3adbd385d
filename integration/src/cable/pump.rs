//! One direction of one connection.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::watch,
    time::sleep,
};

use super::Condition;

/// How often a second a slow cable lets something pass.
const SLICES: u32 = 50;

/// Passes bytes on as `condition` allows, until they end. False where one side was reset.
pub(super) async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut condition: watch::Receiver<Condition>,
) -> bool {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let Ok(read) = from.read(&mut bytes).await else { return false };
        if read == 0 {
            // A server that ended is told to the other side only when the cable passes anything.
            passing(&mut condition).await;
            return to.shutdown().await.is_ok();
        }
        if !pass(&bytes[..read], to, &mut condition).await {
            return false;
        }
    }
}

async fn pass(mut bytes: &[u8], to: &mut OwnedWriteHalf, condition: &mut watch::Receiver<Condition>) -> bool {
    while !bytes.is_empty() {
        let (now, rest) = match passing(condition).await {
            Condition::Slow(per_second) => {
                sleep(Duration::from_secs(1) / SLICES).await;
                let slice = usize::try_from(per_second.get().div_ceil(SLICES)).unwrap_or(usize::MAX);
                bytes.split_at(slice.min(bytes.len()))
            }
            _ => (bytes, &[][..]),
        };
        if to.write_all(now).await.is_err() {
            return false;
        }
        bytes = rest;
    }
    true
}

/// Waits until something may pass; the condition then.
async fn passing(condition: &mut watch::Receiver<Condition>) -> Condition {
    let passes = |condition: &Condition| matches!(condition, Condition::Whole | Condition::Slow(_));
    match condition.wait_for(passes).await.map(|condition| *condition) {
        Ok(condition) => condition,
        // The cable is gone, and this task with it.
        Err(_) => std::future::pending().await,
    }
}
