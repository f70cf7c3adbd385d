//! What the filter asks of Envoy, typed: every call gives a [`Status`] instead of a trap.
//!
//! In a VM the calls go to Envoy (`host/envoy.rs` and its imports, the only code that is unsafe); natively they go to a
//! host in memory (`host/fake.rs`), so that everything above this line is tested without Envoy.

#[cfg(target_arch = "wasm32")]
mod envoy;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;

#[cfg(target_arch = "wasm32")]
pub use envoy::*;
#[cfg(not(target_arch = "wasm32"))]
pub use fake::calls::*;

/// Why the host refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no such key, queue, property or function.
    NotFound,
    /// An argument is out of its range; for an HTTP call, the cluster is not known (yet).
    BadArgument,
    /// The queue is empty.
    Empty,
    /// The value was changed since it was read.
    CasMismatch,
    /// The host could not do it; for an HTTP call, no endpoint is there (yet).
    InternalFailure,
    /// Any other number.
    Other(u32),
}

impl Status {
    /// The number as `Ok` or as the reason of a refusal.
    #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "the host in memory speaks no numbers"))]
    pub(crate) fn check(number: u32) -> Result<(), Status> {
        match number {
            0 => Ok(()),
            1 => Err(Status::NotFound),
            2 => Err(Status::BadArgument),
            7 => Err(Status::Empty),
            8 => Err(Status::CasMismatch),
            10 => Err(Status::InternalFailure),
            other => Err(Status::Other(other)),
        }
    }
}

/// A header map the host holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Map {
    /// The headers of the request being decided.
    Request = 0,
    /// Its trailers.
    RequestTrailers = 1,
    /// The headers of the answer to an HTTP call of ours.
    Response = 6,
}

/// A buffer the host holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Buffer {
    /// The body of the answer to an HTTP call of ours.
    Response = 4,
    /// The plugin's configuration, in `on_configure`.
    Configuration = 7,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// It only grows.
    Counter = 0,
    /// It is what was recorded last.
    Gauge = 1,
    /// It is how what was recorded is distributed.
    Histogram = 2,
}

/// Which version of a shared value a write replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cas(pub u32);

impl Cas {
    /// Whatever is there is replaced.
    pub const ANY: Cas = Cas(0);
    /// Only a key that does not exist is written. The host does not check the number of a new key, and no existing
    /// value has this one: the host counts up from 1, over all keys, for each write.
    pub const ABSENT: Cas = Cas(u32::MAX);
}
