//! A real Prometheus, that scrapes Envoys every second.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Admin, Process, Request, Wire, artefacts, eventually, kept_port};

/// What it goes by: who is scraped stands in a file of its own, which it looks after.
const CONFIGURATION: &str = "global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: envoy, metrics_path: /stats/prometheus, file_sd_configs: [{files: [envoys.json]}]}
";

/// A Prometheus. Dropping it ends it; its data goes with it.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    // Ended before its directory is removed.
    _process: Process,
    directory: TempDir,
}

/// The Prometheus of this machine: what `PROMETHEUS_BIN` names, the one on PATH, or what `tools/prometheus` made ready.
///
/// # Errors
/// Where there is none, how to have one.
pub fn find() -> Result<PathBuf, String> {
    artefacts::program("prometheus", "PROMETHEUS_BIN")
        .ok_or_else(|| "found no prometheus: run tools/prometheus".to_owned())
}

impl Prometheus {
    /// Starts `program`, which scrapes nobody yet, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(program: &std::path::Path) -> Self {
        let directory = tempfile::Builder::new().prefix("graylane-prometheus-").tempdir().expect("a directory");
        let configuration = directory.path().join("prometheus.yml");
        fs::write(&configuration, CONFIGURATION).expect("a file");
        let address = SocketAddr::from(([127, 0, 0, 1], kept_port()));
        let arguments = [
            format!("--config.file={}", configuration.display()),
            format!("--storage.tsdb.path={}", directory.path().join("data").display()),
            format!("--web.listen-address={address}"),
            "--log.level=warn".to_owned(),
        ];
        let process = Process::start("prometheus", program, &arguments);
        let prometheus = Self { address, _process: process, directory };
        eventually("Prometheus to be ready", || prometheus.ask("/-/ready"));
        prometheus
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Scrapes this Envoy from now on.
    ///
    /// # Panics
    /// Where that cannot be written.
    pub fn scrape(&self, envoy: Admin) {
        let targets = json!([{"targets": [envoy.address().to_string()]}]);
        // In one step: it may read at any time.
        let (draft, file) = (self.directory.path().join("envoys.part"), self.directory.path().join("envoys.json"));
        fs::write(&draft, targets.to_string()).and_then(|()| fs::rename(&draft, &file)).expect("a file");
    }

    /// Waits until it has scraped that all `requests` were counted.
    ///
    /// # Panics
    /// Where that does not come.
    pub fn knows_of(&self, requests: u64) {
        eventually("Prometheus to know of the requests", || {
            let answer = self.ask("/api/v1/query?query=sum(graylane_requests_total)")?;
            let answer: Value = serde_json::from_slice(&answer).map_err(|why| why.to_string())?;
            let known = answer["data"]["result"][0]["value"][1].as_str() == Some(&requests.to_string());
            known.then_some(()).ok_or_else(|| answer.to_string())
        });
    }

    fn ask(&self, target: &str) -> Result<Vec<u8>, String> {
        let request = Request::get(target).host("prometheus");
        let answer = Wire::open(self.address).and_then(|mut wire| wire.exchange(&request));
        let answer = answer.map_err(|why| why.to_string())?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("{status}: {}", String::from_utf8_lossy(&answer.body))),
        }
    }
}
