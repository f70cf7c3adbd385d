//! Several control planes over one store, and several Envoys: what a release passes through.

mod publishing;
mod replica;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

pub use publishing::publish;
pub use replica::Replica;

use crate::{
    Echo, Envoy, Ports, Settings, Wire, artefacts, eventually,
    rendering::{Rendered, Shape},
    root,
};

/// A fleet that is not started yet.
#[derive(Debug)]
pub struct FleetPlan {
    name: String,
    store: Option<String>,
    replicas: usize,
    options: Vec<String>,
    envoys: usize,
    workers: usize,
    shape: Shape,
}

/// Control planes, Envoys and their upstreams. Dropping it ends all of it.
#[derive(Debug)]
pub struct Fleet {
    // The order of ending: first who asks, then who answers.
    envoys: Vec<Envoy>,
    replicas: Vec<Replica>,
    workers: usize,
    _stable: Echo,
    _canary: Echo,
    scratch: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// What stood on stdout.
    pub stdout: String,
    /// What stood on stderr.
    pub stderr: String,
}

impl Said {
    /// What stood on stdout, as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("found no JSON ({why}): {self:#?}"))
    }

    /// The same, where it ended with `code`.
    ///
    /// # Panics
    /// Where it ended otherwise.
    #[must_use]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

impl FleetPlan {
    /// A fleet called `name`, which names its temporary directory: one control plane over a store in a file, one Envoy of one
    /// worker.
    pub fn new(name: &str) -> Self {
        let (name, shape) = (name.to_owned(), Shape::default());
        Self { name, store: None, replicas: 1, options: Vec::new(), envoys: 1, workers: 1, shape }
    }

    /// Keeps revisions in the store at this URL.
    #[must_use]
    pub fn store(self, url: &str) -> Self {
        Self { store: Some(url.to_owned()), ..self }
    }

    /// Starts so many control planes.
    #[must_use]
    pub fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// Starts each control plane with these options besides.
    #[must_use]
    pub fn serve_with(self, options: Vec<String>) -> Self {
        Self { options, ..self }
    }

    /// Starts so many Envoys.
    #[must_use]
    pub fn envoys(self, envoys: usize) -> Self {
        Self { envoys, ..self }
    }

    /// Starts each Envoy with so many workers.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Has responses tell by which revision a request was decided, which variant and why.
    #[must_use]
    pub fn tell_revision(mut self) -> Self {
        self.shape.tells_revision = true;
        self
    }

    /// Starts all of it; Envoys are ready and have nothing to decide by.
    pub fn start(self) -> Fleet {
        let scratch = tempfile::Builder::new().prefix(&format!("graylane-{}-", self.name)).tempdir();
        let scratch = scratch.expect("a temporary directory");
        let file = || format!("redb://{}", scratch.path().join("store.redb").display());
        let store = self.store.clone().unwrap_or_else(file);
        let replicas: Vec<_> =
            (0..self.replicas).map(|_| Replica::start(&store, "127.0.0.1:0", &self.options)).collect();
        let (stable, canary) = (Echo::start("stable", "127.0.0.1:0"), Echo::start("canary", "127.0.0.1:0"));
        let envoys = (0..self.envoys).map(|place| {
            let ports: Vec<_> =
                (0..replicas.len()).map(|next| replicas[(place + next) % replicas.len()].address()).collect();
            let directory = scratch.path().join(format!("envoy-{place}"));
            fs::create_dir(&directory).expect("a directory for Envoy");
            let mut shape = self.shape.clone();
            shape.more_controls = ports[1..].iter().map(|address| address.port()).collect();
            self.envoy(place, &shape, Ports::free(stable.address(), canary.address(), ports[0]), &directory)
        });
        let envoys: Vec<_> = envoys.collect();
        Fleet { envoys, replicas, workers: self.workers, _stable: stable, _canary: canary, scratch }
    }

    fn envoy(&self, place: usize, shape: &Shape, ports: Ports, directory: &Path) -> Envoy {
        let shipped = fs::read_to_string(root().join("envoy/envoy.yaml")).expect("envoy.yaml");
        let named = shipped.replacen("id: graylane-envoy ", &format!("id: envoy-{place} "), 1);
        assert_ne!(named, shipped, "the node id of envoy.yaml");
        let Rendered { bootstrap, .. } = shape.render(&named, ports, directory);
        let file = directory.join("envoy.yaml");
        fs::write(&file, bootstrap).expect("envoy.yaml");
        Envoy::start(&file, directory, &Settings { workers: self.workers, into_files: false })
    }
}

impl Fleet {
    /// The control planes.
    pub fn replicas(&mut self) -> &mut [Replica] {
        &mut self.replicas
    }

    /// The Envoys.
    pub fn envoys(&mut self) -> &mut [Envoy] {
        &mut self.envoys
    }

    /// The directory for what is written while it runs, removed at the end.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Writes documents into a directory `name` of its own, each a file, and gives it.
    pub fn documents(&self, name: &str, documents: &[(&str, String)]) -> PathBuf {
        let directory = self.scratch.path().join(name);
        fs::create_dir_all(&directory).expect("a directory of documents");
        for (file, text) in documents {
            fs::write(directory.join(file), text).expect("a document");
        }
        directory
    }

    /// Runs `graylane` about the control plane at `place`.
    pub fn graylane(&self, place: usize, arguments: &[&str]) -> Said {
        let address = self.replicas[place].address();
        said(arguments, &["--control", &format!("http://{address}")])
    }

    /// A new connection to an Envoy.
    ///
    /// # Panics
    /// Where it does not accept it.
    pub fn connect(&self, envoy: usize) -> Wire {
        Wire::open(self.envoys[envoy].address()).expect("Envoy accepts connections")
    }

    /// Waits until every control plane knows every worker of its own or of all: as many serving workers as there are.
    pub fn await_reports(&self) {
        let expected = self.envoys.len() * self.workers;
        for replica in &self.replicas {
            eventually("a report of every worker", || match replica.status()?["tally"]["workers"].as_u64() {
                Some(found) if found == expected as u64 => Ok(()),
                found => Err(format!("found {found:?} workers, expected {expected}")),
            });
        }
    }
}

/// Runs `graylane` with these arguments, and more behind them.
pub fn said(arguments: &[&str], more: &[&str]) -> Said {
    let mut command = Command::new(artefacts::graylane(None));
    command.args(arguments).args(more).env_remove("GRAYLANE_STORE").env_remove("GRAYLANE_CONTROL");
    let Output { status, stdout, stderr } = command.output().expect("graylane runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { code: status.code().expect("an exit code"), stdout: text(stdout), stderr: text(stderr) }
}
