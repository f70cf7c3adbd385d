//! Starts the real Envoy with the shipped configuration, the real control plane, the real `.wasm` and small
//! upstreams, on free ports, and asks over sockets whether they keep their promises.
//!
//! ```no_run
//! use graylane_integration::{Mesh, Request, samples};
//!
//! let mesh = Mesh::new("example").rules(&samples::header_to_canary("gray")).workers(2).start();
//! let answer = mesh.send(&Request::get("/checkout").header("x-env", "gray"));
//! assert_eq!(answer.seen().upstream, "canary");
//! ```
//!
//! Everything here stops loudly, by a panic that says what was found: a harness has no one to return an error to.
//! Whatever was started is ended when its owner is dropped, and its logs are printed only if a test failed.

pub mod access;
mod admin;
mod artefacts;
mod background;
pub mod bench;
pub mod browser;
pub mod cable;
pub mod certificates;
pub mod changes;
pub mod compose;
mod control;
pub mod crash;
pub mod descriptors;
pub mod echo;
mod embedded;
pub mod envoy;
mod etcd;
mod eventually;
pub mod fake_control;
pub mod faults;
pub mod fleet;
pub mod history;
pub mod kubernetes;
pub mod load;
mod mesh;
mod pieces;
mod process;
pub mod program;
pub mod prometheus;
pub mod promise;
pub mod race;
pub mod registry;
mod rendering;
mod running;
pub mod samples;
mod seen;
mod signer;
pub mod slots;
pub mod soak;
mod stats;
mod status;
pub mod swap;
pub mod waiting;
mod wire;
pub mod workload;

pub use access::Access;
pub use admin::Admin;
pub use artefacts::{envoy as envoy_binary, path as artefact, root};
pub use cable::Cable;
pub use control::{Control, Rules};
pub use echo::Echo;
pub use embedded::embedded;
pub use envoy::{Envoy, Settings};
pub use etcd::{Etcd, EtcdTls};
pub use eventually::eventually;
pub use fake_control::FakeControl;
pub use fleet::{Fleet, FleetPlan};
pub use mesh::Mesh;
pub use process::Process;
pub use prometheus::Prometheus;
pub use rendering::{Alteration, Form, Installation, MutualTls, Ports, kept_port};
pub use running::{Listeners, Plugin, Running};
pub use seen::{Seen, Value, from_hex};
pub use signer::Signer;
pub use stats::Stats;
pub use status::Status;
pub use wire::{Answer, Request, Wire};
