//! The whole filter on a host in memory: an Envoy with a fetcher and three workers lives through a script.
//!
//! A script is text, an event a line (`script.rs` lists them), so that a crash can be read, cut down by hand, and kept as a
//! test. Anything may happen in it: a VM dies, callbacks come twice, for the wrong queue or not at all, the control plane
//! lies, strangers write into the shared data, the host refuses calls. After each event the promises are checked; at its end
//! everything becomes right again, and then every worker must have the next revision soon.

mod contents;
mod envoy;
mod events;
mod mutation;
mod publication;
mod recovery;
mod requests;
mod script;

pub use mutation::mutate;

/// Lives through a script, and panics where a promise is broken.
pub fn check(input: &[u8]) {
    let mut envoy = envoy::Envoy::new();
    for event in script::events(input) {
        events::happen(&mut envoy, event);
    }
    recovery::check(&mut envoy);
}
