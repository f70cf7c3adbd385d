//! Envoy's admin interface.

use std::net::SocketAddr;

use crate::{Request, Wire, eventually};

/// The admin interface of one Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    /// The admin interface at `address`.
    pub fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it listens.
    pub fn address(self) -> SocketAddr {
        self.address
    }

    /// What is at `path`; an error says why it was not to be had.
    ///
    /// # Errors
    /// Where the connection fails or the answer is not 200.
    pub fn text(self, path: &str) -> Result<String, String> {
        let request = Request::get(path).host("admin");
        let answer = Wire::open(self.address).and_then(|mut wire| wire.exchange(&request));
        let answer = answer.map_err(|why| format!("admin {path}: {why}"))?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status == 200 { Ok(body) } else { Err(format!("admin {path}: {} {body}", answer.status)) }
    }

    /// The value of the counter or gauge `name`, by its full name, tags and all; None where it was never made.
    pub fn stat(self, name: &str) -> Option<u64> {
        let stats = self.text("/stats").expect("stats");
        let value = stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
        Some(value.parse().unwrap_or_else(|why| panic!("stat {name} is {value}: {why}")))
    }

    /// Where the first listener really listens.
    pub(crate) fn listener(self) -> SocketAddr {
        eventually("Envoy's listener", || {
            let listeners = self.text("/listeners?format=json")?;
            let listeners: serde_json::Value = serde_json::from_str(&listeners).map_err(|why| why.to_string())?;
            let found = &listeners["listener_statuses"][0]["local_address"]["socket_address"];
            let port = found["port_value"].as_u64().filter(|&port| port > 0);
            let port = port.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| format!("found {listeners}"))?;
            Ok(SocketAddr::from(([127, 0, 0, 1], port)))
        })
    }
}
