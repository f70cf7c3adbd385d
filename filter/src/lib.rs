//! Graylane inside Envoy: one .wasm with two roles.
//!
//! The **HTTP filter** runs on every worker. For each request it strips the headers that are Graylane's alone, asks the
//! rules, sets the headers they decide, and continues; Envoy's routes do the rest. The **fetcher** runs once, on the main
//! thread. It asks the control plane for snapshots and hands them to the workers through shared data. A request never
//! waits for either of the two.
//!
//! There is no SDK in between: stream dispatch of the SDK costs as much as a decision. `exports` is what Envoy calls,
//! [`host`] what it is asked, and everything between them runs natively in the tests.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only the tests call in"))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test may fail by a panic"
    )
)]

mod backoff;
mod config;
mod cookies;
mod election;
mod endpoints;
#[cfg(target_arch = "wasm32")]
mod exports;
mod fetcher;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gauges;
mod headers;
#[cfg(feature = "hooks")]
mod hooks;
mod host;
mod labels;
mod lease;
mod limits;
mod loaded;
mod logger;
mod message;
mod metrics;
mod owned;
mod pairs;
mod pointer;
mod poll;
mod readiness;
mod report;
mod request;
mod roots;
mod shelf;
mod signature;
mod streams;
mod switches;
mod table;
mod vm;
mod worker;
