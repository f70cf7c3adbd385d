//! Envoy's admin interface.

use std::net::SocketAddr;

use crate::{Request, Stats, Wire, eventually};

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
        self.ask("GET", path)
    }

    /// Tells it to do what is at `path`, by POST.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn order(self, path: &str) -> Result<String, String> {
        self.ask("POST", path)
    }

    /// What is at `path` as JSON.
    ///
    /// # Errors
    /// As [`text`](Self::text), and where it is no JSON.
    pub fn json(self, path: &str) -> Result<serde_json::Value, String> {
        serde_json::from_str(&self.text(path)?).map_err(|why| format!("admin {path}: {why}"))
    }

    /// Every counter and gauge.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn stats(self) -> Result<Stats, String> {
        self.text("/stats").map(|text| Stats::read(&text))
    }

    fn ask(self, method: &str, path: &str) -> Result<String, String> {
        let request = Request::new(method, path).host("admin");
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

    /// The listeners that are active, and where they really listen.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn listeners(self) -> Result<Vec<(String, SocketAddr)>, String> {
        let found = self.json("/listeners?format=json")?;
        let listeners = found["listener_statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let read = |listener: &serde_json::Value| {
            let port = listener["local_address"]["socket_address"]["port_value"].as_u64()?;
            let port = u16::try_from(port).ok().filter(|&port| port > 0)?;
            Some((listener["name"].as_str()?.to_owned(), SocketAddr::from(([127, 0, 0, 1], port))))
        };
        Ok(listeners.iter().filter_map(read).collect())
    }

    /// Where the first listener really listens.
    pub(crate) fn listener(self) -> SocketAddr {
        eventually("Envoy's listener", || {
            self.listeners()?.first().map(|(_, address)| *address).ok_or_else(|| "found no listener".to_owned())
        })
    }
}
