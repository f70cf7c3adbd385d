//! What the fuzz targets share: requests, the compiled cases of `testdata/`, and what must hold between a decision and
//! its explanation.
//!
//! A target panics where a promise is broken. Its input is text wherever that is possible, so that a crash can be read,
//! and becomes a test by being copied.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod cases;
pub mod document;
mod draw;
pub mod envelope;
pub mod filter;
pub mod request;
pub mod shares;
pub mod snapshot;
