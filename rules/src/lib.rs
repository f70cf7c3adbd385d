//! The rule language of Graylane and the decision it yields.
//!
//! Operators write [rule sets](https://github.com/graylane/graylane#rules); [`compile`] turns them
//! into one [`Snapshot`]; [`Snapshot::decide`] answers for a request which variant it belongs to,
//! and why. Nothing here knows a proxy, a clock, a file or a random number: the same inputs give
//! the same answer natively, in Envoy and in a browser.

pub mod allocation;
mod allow_list;
mod attributes;
mod audience;
mod automaton;
mod base64url;
mod claims;
mod compile;
mod cookies;
mod decide;
mod decision;
mod document;
pub mod envelope;
mod expected;
mod explain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identity;
mod json;
mod near;
mod network;
mod operators;
mod order;
pub mod outline;
pub mod owned;
mod parsers;
mod problem;
mod report;
mod request;
mod revision;
mod semver;
mod shares;
mod short;
pub mod slot;
mod snapshot;
mod source;
pub mod switches;
mod time;
pub mod timestamp;
mod tree;
mod trust;

pub use allow_list::{AllowList, Gate, Mode, Risk, Verdict};
pub use attributes::{Attributes, HeaderNames};
pub use automaton::Automaton;
pub use compile::{Compiled, Off, Overlay, Parsed, compile, compile_under, compile_with, compile_with_automata};
pub use cookies::Cookie;
pub use decision::{Decision, Reason, SeriesKey};
pub use expected::{Expected, ExpectedShare};
pub use explain::Explanation;
pub use json::to_json;
pub use near::nearest;
pub use outline::Outline;
pub use parsers::{Parser, Registry, Translate};
pub use problem::{Problem, Severity};
pub use revision::{InvalidRevision, Revision};
pub use shares::Share;
pub use snapshot::{SNAPSHOT_FORMAT, SNAPSHOT_FORMATS, SNAPSHOT_LIMIT, Snapshot, Unusable};
pub use source::{DOCUMENT_LIMIT, Format, Source, Tagged};
pub use trust::Trust;
