//! Everything at once: Envoy as shipped, its control plane and its upstreams.

mod options;
mod start;

use std::path::PathBuf;

use crate::{
    Signer,
    history::Recorder,
    rendering::{Installation, MutualTls, Shape},
};

/// A mesh that is not started yet: what shall be different from the plain one.
#[derive(Debug)]
pub struct Mesh {
    name: String,
    documents: Vec<String>,
    copied: Option<PathBuf>,
    workers: usize,
    configuration: &'static str,
    as_shipped: bool,
    shown: bool,
    quiet: bool,
    canary: bool,
    shape: Shape,
    control_build: Option<String>,
    signer: Option<Signer>,
    spares: usize,
    by_cable: bool,
    restartable: bool,
    recorder: Option<Recorder>,
    switches: Option<String>,
    environment: Vec<String>,
    installation: Option<Installation>,
    mtls: Option<MutualTls>,
    upstream: Option<u16>,
    kept: bool,
    control_options: Vec<String>,
}

impl Mesh {
    /// A mesh called `name`, which names its temporary directory: one worker, no rules, both upstreams.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            documents: Vec::new(),
            copied: None,
            workers: 1,
            configuration: "envoy/envoy.yaml",
            as_shipped: false,
            shown: false,
            quiet: false,
            canary: true,
            shape: Shape::default(),
            control_build: None,
            signer: None,
            spares: 0,
            by_cable: false,
            restartable: false,
            recorder: None,
            switches: None,
            environment: Vec::new(),
            installation: None,
            mtls: None,
            upstream: None,
            kept: false,
            control_options: Vec::new(),
        }
    }

    /// Publishes `document`, YAML or JSON, besides those named before.
    #[must_use]
    pub fn rules(mut self, document: &str) -> Self {
        self.documents.push(document.to_owned());
        self
    }

    /// Publishes a copy of `directory` instead, whose files keep their names.
    #[must_use]
    pub fn rules_from(self, directory: PathBuf) -> Self {
        Self { copied: Some(directory), ..self }
    }

    /// Starts Envoy with so many worker threads.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Starts Envoy with `envoy/minimal.yaml`, the other configuration that people copy.
    #[must_use]
    pub fn minimal(self) -> Self {
        Self { configuration: "envoy/minimal.yaml", ..self }
    }

    /// Starts Envoy as a proxy of Istio, with the files of `envoy/istio` instead of `envoy.yaml`.
    #[must_use]
    pub fn in_istio(self, installation: Installation) -> Self {
        Self { installation: Some(installation), ..self }
    }

    /// Has a proxy of Istio take part in the mesh's mTLS.
    #[must_use]
    pub fn with_mutual_tls(self, mtls: MutualTls) -> Self {
        Self { mtls: Some(mtls), ..self }
    }

    /// Has a proxy of Istio send everything, stable or canary, to this port of loopback.
    #[must_use]
    pub fn to(self, port: u16) -> Self {
        Self { upstream: Some(port), ..self }
    }

    /// Uses the ports that `envoy.yaml` names, instead of free ones.
    #[must_use]
    pub fn on_shipped_ports(self) -> Self {
        Self { as_shipped: true, ..self }
    }

    /// Lets somebody watch: control's log goes to the terminal, Envoy's go into [files](crate::envoy::ACCESS_LOG).
    #[must_use]
    pub fn with_logs_shown(self) -> Self {
        Self { shown: true, ..self }
    }

    /// Keeps only the last thousand lines of what Envoy logs, in a run of millions of requests.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Leaves out of `envoy.yaml` the one line that is `line` but for its indentation.
    #[must_use]
    pub fn without(mut self, line: &'static str) -> Self {
        self.shape.without.push(line.to_owned());
        self
    }

    /// Gives the filter `configuration`, one line of JSON, instead of the shipped one.
    #[must_use]
    pub fn filter_configuration(mut self, configuration: &str) -> Self {
        self.shape.filter = Some(configuration.to_owned());
        self
    }

    /// Has the access log write `lines`, YAML, besides those of the shipped format.
    #[must_use]
    pub fn logging(mut self, lines: &str) -> Self {
        self.shape.logged = lines.lines().map(str::to_owned).collect();
        self
    }

    /// Starts no canary: its port refuses connections.
    #[must_use]
    pub fn without_canary(self) -> Self {
        Self { canary: false, ..self }
    }
}
