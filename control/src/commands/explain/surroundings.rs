//! What a rule may ask for and no request carries: who sends it, to which Envoy, and when.

use jiff::Timestamp;

use super::Logged;
use crate::request::{self, Direction, Request};

/// What is said of a request beside itself.
#[derive(Debug, clap::Args)]
pub struct Surroundings {
    /// Where the request comes from.
    #[arg(long, value_name = "ADDRESS", value_parser = request::source)]
    source: Option<String>,
    /// The first URI in the certificate of whoever sends it, as Envoy validated it: a SPIFFE ID.
    #[arg(long, value_name = "URI", value_parser = request::peer)]
    peer: Option<String>,
    /// The traffic direction of Envoy's listener: inbound or outbound.
    #[arg(long, value_name = "DIRECTION", value_parser = request::direction)]
    direction: Option<Direction>,
    /// A label of the Envoy node that decides. Repeat it for more.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = request::label)]
    labels: Vec<(String, String)>,
    /// When the request is decided, in RFC 3339 [default: now; with --log-line, when it began]
    #[arg(long, value_name = "TIME", value_parser = request::time)]
    time: Option<Timestamp>,
}

impl Surroundings {
    /// Adds them to `request`; what is not said here may be told by the log.
    pub fn add_to(&self, request: &mut Request, logged: Option<&Logged>) {
        request.source.clone_from(&self.source);
        request.peer.clone_from(&self.peer);
        request.direction = self.direction;
        request.labels = self.labels.iter().cloned().collect();
        request.time = self.time.or_else(|| logged?.start.as_ref()?.parse().ok());
    }
}
