//! One member.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::EtcdTls;
use crate::{Process, Request, Wire, artefacts, kept_port};

/// So often a member that ended is begun again.
const BEGINNINGS: usize = 2;

/// A member of a cluster, running or killed.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    port: u16,
    peer: u16,
    cluster: String,
    directory: PathBuf,
    tls: Option<EtcdTls>,
    process: Option<Process>,
}

impl Member {
    pub(super) fn new(name: &str, peer: u16, cluster: &str, directory: &Path, tls: Option<EtcdTls>) -> Self {
        let (name, cluster, directory) = (name.to_owned(), cluster.to_owned(), directory.join(name));
        Self { name, port: kept_port(), peer, cluster, directory, tls, process: None }
    }

    /// Starts it.
    pub(super) fn begin(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let binary = artefacts::program("etcd", "ETCD_BIN").expect("an etcd: run `make etcd`");
        self.process = Some(Process::start(&self.name, &binary, &self.arguments()));
    }

    /// Waits until it serves, which it does once there is a leader. Where it ends instead it is begun again, as whoever keeps an
    /// etcd running does.
    pub(super) fn serves(&mut self) {
        let serves = |line: &str| line.contains("serving client traffic").then_some(());
        for _ in 0..BEGINNINGS {
            let Err(why) = self.process().try_error_line(0, serves) else { return };
            eprintln!("{}: {why} instead of that it serves: begun again", self.name);
            self.process.take().expect("it runs").kill();
            self.begin();
        }
        self.process().error_line(0, "that it serves", serves);
    }

    fn arguments(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let (client, peer) = (format!("{scheme}://127.0.0.1:{}", self.port), format!("http://127.0.0.1:{}", self.peer));
        let path = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        let mut arguments = vec![
            ("name", self.name.clone()),
            ("data-dir", path(&self.directory)),
            ("listen-client-urls", client.clone()),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer.clone()),
            ("initial-advertise-peer-urls", peer),
            ("initial-cluster", self.cluster.clone()),
            ("initial-cluster-state", "new".to_owned()),
            ("logger", "zap".to_owned()),
            // Whoever is started again reads what came since, which must not grow with the test.
            ("snapshot-count", "1000".to_owned()),
        ];
        if let Some(EtcdTls { ca, cert, key }) = &self.tls {
            arguments.extend([("trusted-ca-file", path(ca)), ("cert-file", path(cert)), ("key-file", path(key))]);
            arguments.push(("client-cert-auth", "true".to_owned()));
        }
        arguments.into_iter().map(|(name, value)| format!("--{name}={value}")).collect()
    }

    pub(super) fn process(&self) -> &Process {
        self.process.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// `HOST:PORT`; certificates are for names.
    pub(super) fn endpoint(&self) -> String {
        let host = if self.tls.is_some() { "localhost" } else { "127.0.0.1" };
        format!("{host}:{}", self.port)
    }

    pub(super) fn ask(&self, path: &str, request: &Value) -> Result<Value, String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut wire = Wire::open(address).map_err(|why| why.to_string())?;
        let body = request.to_string();
        let request = Request::new("POST", &format!("/v3/{path}")).header("content-length", body.len().to_string());
        let sent = [request.bytes(), body.into_bytes()].concat();
        let answer = wire.write(&sent).and_then(|()| wire.answer()).map_err(|why| why.to_string())?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|why| why.to_string()),
            status => Err(format!("{status}: {}", String::from_utf8_lossy(&answer.body))),
        }
    }
}
