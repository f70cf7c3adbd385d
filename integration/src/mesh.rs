//! Everything at once: Envoy as shipped, its control plane and its upstreams.

use std::{net::SocketAddr, path::PathBuf};

use tempfile::TempDir;

use crate::{Control, Echo, Envoy, FakeControl, Ports, Rules, Running, Settings, eventually, rendering, root};

/// A mesh that is not started yet: what shall be different from the plain one.
#[derive(Debug)]
pub struct Mesh {
    name: String,
    documents: Vec<String>,
    copied: Option<PathBuf>,
    workers: usize,
    as_shipped: bool,
    shown: bool,
    without: Vec<&'static str>,
    filter: Option<String>,
    canary: bool,
}

impl Mesh {
    /// A mesh called `name`, which names its temporary directory: one worker, no rules, both upstreams.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            documents: Vec::new(),
            copied: None,
            workers: 1,
            as_shipped: false,
            shown: false,
            without: Vec::new(),
            filter: None,
            canary: true,
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

    /// Leaves out of `envoy.yaml` the one line that is `line` but for its indentation.
    #[must_use]
    pub fn without(mut self, line: &'static str) -> Self {
        self.without.push(line);
        self
    }

    /// Gives the filter `configuration` instead of the shipped one.
    #[must_use]
    pub fn filter_configuration(self, configuration: &str) -> Self {
        Self { filter: Some(configuration.to_owned()), ..self }
    }

    /// Starts no canary: its port refuses connections.
    #[must_use]
    pub fn without_canary(self) -> Self {
        Self { canary: false, ..self }
    }

    /// Starts everything; returns once Envoy is ready and every VM runs the rules (or, without any, has said hello).
    pub fn start(self) -> Running<Control> {
        let scratch = self.scratch();
        let directory = scratch.path().join("rules");
        std::fs::create_dir(&directory).expect("the rules directory");
        let rules = Rules::new(directory);
        match &self.copied {
            Some(source) => rules.copy_from(source),
            None => rules.write(&self.documents),
        }
        let control = Control::start(rules, &self.listen(Ports::SHIPPED.control), self.shown);
        let address = control.address();
        let running = self.start_beside(scratch, control, address);
        running.await_first_report();
        running
    }

    /// Starts everything with a control plane that misbehaves on demand; returns once Envoy is ready.
    pub fn start_with(self, fake: FakeControl) -> Running<FakeControl> {
        let address = fake.address();
        let scratch = self.scratch();
        self.start_beside(scratch, fake, address)
    }

    fn scratch(&self) -> TempDir {
        tempfile::Builder::new().prefix(&format!("graylane-{}-", self.name)).tempdir().expect("a temporary directory")
    }

    fn start_beside<C>(self, scratch: TempDir, control: C, address: SocketAddr) -> Running<C> {
        let stable = Echo::start("stable", &self.listen(Ports::SHIPPED.stable));
        let canary = Echo::start("canary", &self.listen(Ports::SHIPPED.canary));
        let file = if self.as_shipped {
            root().join("envoy/envoy.yaml")
        } else {
            let file = scratch.path().join("envoy.yaml");
            std::fs::write(&file, self.render(Ports::free(stable.address(), canary.address(), address)))
                .expect("envoy.yaml");
            file
        };
        let canary = self.canary.then_some(canary);
        let envoy = Envoy::start(&file, scratch.path(), &Settings { workers: self.workers, into_files: self.shown });
        if canary.is_some() {
            await_canary(&envoy);
        }
        Running { envoy, control, stable, canary, documents: self.documents, workers: self.workers, scratch }
    }

    fn listen(&self, shipped: u16) -> String {
        format!("127.0.0.1:{}", if self.as_shipped { shipped } else { 0 })
    }

    fn render(&self, ports: Ports) -> String {
        let shipped = std::fs::read_to_string(root().join("envoy/envoy.yaml")).expect("envoy/envoy.yaml");
        let mut text = ports.render(&shipped);
        for line in &self.without {
            text = rendering::without(&text, line);
        }
        match &self.filter {
            Some(configuration) => rendering::with_filter_configuration(&text, configuration),
            None => text,
        }
    }
}

/// Until its health check has passed, stable answers for it.
fn await_canary(envoy: &Envoy) {
    eventually("the canary to be healthy", || match envoy.admin().stat("cluster.canary.membership_healthy") {
        Some(1) => Ok(()),
        found => Err(format!("found {found:?} healthy hosts")),
    });
}
