//! The shipped configuration with other ports and with what a test is about, and nothing else changed.

mod discovery;
mod istio;
mod lines;
mod ports;
mod shape;

pub(crate) use discovery::{FILTER, LISTENERS};
pub use istio::{Alteration, Form, Installation, MutualTls};
pub use ports::{Ports, kept_port};

pub(crate) use shape::{Rendered, Shape};
