//! What VMs and the fetcher tell each other, in the inbox and in the heartbeat.

use std::time::Duration;

use graylane_rules::Revision;
use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, little_endian::U64};

use crate::host::{self, Cas};

/// The queue of the fetcher, in which all VMs report.
pub const INBOX: &str = "graylane/inbox";

/// The shared key of the heartbeat.
const HEARTBEAT: &str = "graylane/heartbeat";

/// A fetcher not heard of for so long is taken for dead.
const STALE: Duration = Duration::from_secs(10);

/// The most values taken from a queue in one callback; what is left comes with the next callback or tick.
const DRAIN_LIMIT: usize = 1024;

/// What a VM says of itself, as JSON. Unknown fields are skipped, so that a newer filter can speak to an older fetcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The VM: 16 hexadecimal digits, drawn at its start.
    pub id: String,
    /// The token of its own queue.
    pub queue: u32,
    /// The snapshot formats it reads.
    pub formats: Vec<u16>,
    /// The fetched revision in use, as `E.N`.
    pub revision: Option<String>,
    /// The revision it did not take.
    pub refused: Option<String>,
    /// Why not, or what else is wrong.
    pub error: Option<String>,
    /// Whether the refused bytes were not those the pointer promised; writing them again may help.
    #[serde(default)]
    pub unfit: bool,
    /// Whether it serves requests, where that is known.
    pub role: Option<String>,
}

impl Hello {
    /// Reads a message; None where it is none, or is larger than any VM writes.
    pub fn read(message: &[u8]) -> Option<Self> {
        let hello: Self = serde_json::from_slice(message.get(..message.len().min(4096))?).ok()?;
        let known = (1..=64).contains(&hello.id.len()) && hello.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        known.then_some(hello)
    }
}

/// A sign of life of the fetcher: monotonic time, which all VMs of the process share, and its revision.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Heartbeat {
    version: u8,
    nanos: U64,
    epoch: U64,
    number: U64,
}

/// Writes the fetcher's sign of life.
pub fn beat(now: Duration, revision: Revision) {
    let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let (epoch, number) = (revision.epoch.into(), revision.number.into());
    let heartbeat = Heartbeat { version: 1, nanos: nanos.into(), epoch, number };
    let _ = host::set_shared(HEARTBEAT, heartbeat.as_bytes(), Cas::ANY);
}

/// Makes the heartbeat's key where there is none.
pub fn create_heartbeat() {
    let _ = host::set_shared(HEARTBEAT, &[], Cas::ABSENT);
}

/// Whether a fetcher lives. An inbox nobody empties would grow without bound, so only a living fetcher is written to.
pub fn fetcher_lives(now: Duration) -> bool {
    let Ok((bytes, _)) = host::shared(HEARTBEAT) else { return false };
    let heartbeat = Heartbeat::ref_from_bytes(&bytes).ok().filter(|heartbeat| heartbeat.version == 1);
    heartbeat.is_some_and(|heartbeat| now.saturating_sub(Duration::from_nanos(heartbeat.nanos.get())) < STALE)
}

/// Takes what waits in a queue, item by item.
pub fn drain(queue: u32) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(move || host::dequeue(queue).ok()).take(DRAIN_LIMIT)
}
