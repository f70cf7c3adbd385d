//! A control plane over a store.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use graylane_rules::Revision;
use serde_json::Value;

use super::publishing::{publish, publish_and_wait};
use crate::{Process, Request, Wire, artefacts};

/// `graylane serve --store`, which can be killed and started again on the same port.
#[derive(Debug)]
pub struct Replica {
    process: Option<Process>,
    address: SocketAddr,
    /// Where it is asked and told things.
    door: SocketAddr,
    store: String,
    options: Vec<String>,
}

impl Replica {
    /// Serves what the store at `store` has on `address`, with these options besides.
    pub fn start(store: &str, address: &str, options: &[String]) -> Self {
        let (process, address) = serve(store, address, options);
        let (store, options) = (store.to_owned(), options.to_vec());
        Self { process: Some(process), address, door: address, store, options }
    }

    /// Asks it at this address from now on, which leads to it.
    pub fn ask_at(&mut self, door: SocketAddr) {
        self.door = door;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    ///
    /// # Panics
    /// While it is killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("control runs")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("control runs").kill();
    }

    /// Starts it again on the same port, after [`kill`](Self::kill).
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "control runs already");
        self.process = Some(serve(&self.store, &self.address.to_string(), &self.options).0);
    }

    /// Publishes one rule set, because of `reason`; gives the revision.
    ///
    /// # Errors
    /// As [`publish`].
    pub fn publish(&self, text: &str, reason: &str) -> Result<Revision, String> {
        publish(self.door, text, reason)
    }

    /// The same, where it answers when every known worker runs it, or after `wait`, 15 seconds at most; gives the answer.
    ///
    /// # Errors
    /// As [`publish`].
    pub fn publish_and_wait(&self, text: &str, reason: &str, wait: Duration) -> Result<Value, String> {
        publish_and_wait(self.door, text, reason, wait)
    }

    /// The same over another store.
    pub fn start_again_over(&mut self, store: &str) {
        store.clone_into(&mut self.store);
        self.start_again();
    }

    /// The URL of its store.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// What it says about the namespace `default`.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn status(&self) -> Result<Value, String> {
        self.get("/v1/namespaces/default/status")
    }

    /// What it answers at `path`.
    ///
    /// # Errors
    /// Where it does not answer with JSON.
    pub fn get(&self, path: &str) -> Result<Value, String> {
        let request = Request::get(path).host("control").header("connection", "close");
        let answer = Wire::open(self.door).and_then(|mut wire| wire.exchange(&request));
        let answer = answer.map_err(|why| format!("{path}: {why}"))?;
        serde_json::from_slice(&answer.body).map_err(|why| format!("{path}: {why}: {}", answer.status))
    }
}

fn serve(store: &str, address: &str, options: &[String]) -> (Process, SocketAddr) {
    let arguments = ["serve", "--store", store, "--listen", address].map(str::to_owned);
    let arguments: Vec<OsString> = arguments.iter().chain(options).map(Into::into).collect();
    let process = Process::start_read("control", &artefacts::graylane(None), &arguments, None, None);
    let listening = |line: &str| {
        let url = line.strip_prefix("listening on ")?;
        url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?.parse().ok()
    };
    let address = process.line(0, "control's address", listening);
    (process, address)
}
