//! Starting everything.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use tempfile::TempDir;

use super::Mesh;
use crate::{
    Cable, Control, Echo, Envoy, FakeControl, Ports, Rules, Running, Settings,
    control::Launch,
    envoy::Also,
    eventually,
    history::Witness,
    rendering::{Rendered, kept_port},
    root,
    running::Discovered,
};

/// What answers to a fetcher, and where.
struct Controls<C> {
    first: C,
    spares: Vec<C>,
    addresses: Vec<SocketAddr>,
    witnesses: Vec<Witness>,
}

impl Mesh {
    /// Starts everything; returns once Envoy is ready and every VM runs the rules (or, without any, has said hello).
    pub fn start(self) -> Running<Control> {
        let scratch = self.scratch();
        let first = self.control(self.rules_in(scratch.path()), &self.listen(Ports::SHIPPED.control), scratch.path());
        let spare = |_| self.control(Rules::new(first.rules().directory().to_owned()), "127.0.0.1:0", scratch.path());
        let spares: Vec<_> = (0..self.spares).map(spare).collect();
        let addresses: Vec<_> = [&first].into_iter().chain(&spares).map(Control::address).collect();
        let recorder = self.recorder.as_ref();
        let witness = |(place, address): (usize, &SocketAddr)| Some(Witness::of(*address, place > 0, recorder?));
        let witnesses = addresses.iter().enumerate().filter_map(witness).collect();
        let running = self.start_beside(scratch, Controls { first, spares, addresses, witnesses });
        running.await_first_report();
        running
    }

    /// Starts everything with a control plane that misbehaves on demand; returns once Envoy is ready.
    pub fn start_with(self, fake: FakeControl) -> Running<FakeControl> {
        self.start_with_all(vec![fake])
    }

    /// The same with several, in the order in which the fetcher prefers them.
    ///
    /// # Panics
    /// Without any.
    pub fn start_with_all(mut self, fakes: Vec<FakeControl>) -> Running<FakeControl> {
        if let Some(recorder) = &self.recorder {
            fakes.iter().enumerate().for_each(|(place, fake)| fake.recorded_by(recorder, place > 0));
        }
        let addresses: Vec<_> = fakes.iter().map(FakeControl::address).collect();
        let mut fakes = fakes.into_iter();
        let first = fakes.next().expect("a control plane");
        let spares: Vec<_> = fakes.collect();
        self.spares = spares.len();
        let scratch = self.scratch();
        self.start_beside(scratch, Controls { first, spares, addresses, witnesses: Vec::new() })
    }

    fn rules_in(&self, scratch: &Path) -> Rules {
        let directory = scratch.join("rules");
        std::fs::create_dir(&directory).expect("the rules directory");
        let rules = Rules::new(directory);
        if let Some(recorder) = self.recorder.as_ref().filter(|_| !self.documents.is_empty()) {
            recorder.writes(Instant::now(), &self.documents);
        }
        match &self.copied {
            Some(source) => rules.copy_from(source),
            None => rules.write(&self.documents),
        }
        rules
    }

    fn control(&self, rules: Rules, address: &str, scratch: &Path) -> Control {
        let signing_key: Option<PathBuf> = self.signer.as_ref().map(|signer| signer.write(scratch));
        let switches = self.switches.as_ref().map(|text| {
            let file = scratch.join("switches");
            std::fs::write(&file, text).expect("the file of switches");
            file
        });
        let (build, shown, kept) = (self.control_build.clone(), self.shown, self.kept);
        let options = self.control_options.clone();
        let control = Control::launch(rules, address, Launch { build, signing_key, switches, shown, kept, options });
        if kept && !self.documents.is_empty() {
            control.publish(&self.documents, "tests", "to begin with");
        }
        control
    }

    fn scratch(&self) -> TempDir {
        tempfile::Builder::new().prefix(&format!("graylane-{}-", self.name)).tempdir().expect("a temporary directory")
    }

    fn start_beside<C>(mut self, scratch: TempDir, controls: Controls<C>) -> Running<C> {
        let stable = Echo::start("stable", &self.listen(Ports::SHIPPED.stable));
        let canary = Echo::start("canary", &self.listen(Ports::SHIPPED.canary));
        let cables: Vec<_> =
            controls.addresses.iter().filter(|_| self.by_cable).map(|address| Cable::to(*address)).collect();
        let reached: Vec<_> = match cables.as_slice() {
            [] => controls.addresses,
            cables => cables.iter().map(Cable::address).collect(),
        };
        self.shape.more_controls = reached[1..].iter().map(SocketAddr::port).collect();
        let ports = Ports::free(stable.address(), canary.address(), reached[0]);
        let (file, discovered, overriding) = self.configure(scratch.path(), ports);
        let canary = self.canary.then_some(canary);
        let envoy = self.envoy(&file, scratch.path(), overriding);
        // Istio has no health checks.
        if canary.is_some() && self.installation.is_none() {
            await_canary(&envoy);
        }
        Running {
            envoy,
            control: controls.first,
            spares: controls.spares,
            cables,
            stable,
            canary,
            documents: self.documents,
            workers: self.workers,
            discovered,
            recorder: self.recorder,
            _witnesses: controls.witnesses,
            scratch,
        }
    }

    /// Writes Envoy's configuration, unless the shipped one is used as it is.
    fn configure(&self, scratch: &Path, ports: Ports) -> (PathBuf, Discovered, Option<String>) {
        let shipped = root().join(self.configuration);
        if self.as_shipped {
            return (shipped, Discovered::default(), None);
        }
        let ports = if self.restartable { ports.kept() } else { ports };
        // A listener that is replaced keeps its address only where that is a port and not any.
        let ports = if self.shape.by_lds { Ports { listener: kept_port(), ..ports } } else { ports };
        let shipped = std::fs::read_to_string(shipped).expect(self.configuration);
        let rendered = match &self.installation {
            Some(installation) => {
                let to = |port| self.upstream.unwrap_or(port);
                let ports = Ports { stable: to(ports.stable), canary: to(ports.canary), ..ports };
                installation.render(&self.shape, ports, self.mtls.as_ref(), scratch)
            }
            None => self.shape.render(&shipped, ports, scratch),
        };
        let Rendered { bootstrap, filter, listeners, overriding } = rendered;
        let file = scratch.join("envoy.yaml");
        std::fs::write(&file, bootstrap).expect("envoy.yaml");
        (file, Discovered::new(scratch, filter, listeners), overriding)
    }

    fn envoy(&self, file: &Path, scratch: &Path, overriding: Option<String>) -> Envoy {
        let settings = Settings { workers: self.workers, into_files: self.shown };
        let also = Also {
            recorder: self.recorder.clone(),
            quiet: self.quiet,
            hot: self.restartable,
            environment: self.environment.clone(),
            overriding,
        };
        Envoy::start_with(file, scratch, &settings, also)
    }

    fn listen(&self, shipped: u16) -> String {
        format!("127.0.0.1:{}", if self.as_shipped { shipped } else { 0 })
    }
}

/// Until its health check has passed, stable answers for it.
fn await_canary(envoy: &Envoy) {
    eventually("the canary to be healthy", || match envoy.admin().stat("cluster.canary.membership_healthy") {
        Some(1) => Ok(()),
        found => Err(format!("found {found:?} healthy hosts")),
    });
}
