//! The real Envoy.

mod launch;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Access, Admin, Process, eventually, history::Recorder};
use launch::Launch;

/// The file in its scratch directory into which Envoy's access log goes, if it goes into a file.
pub const ACCESS_LOG: &str = "access.log";
/// The same for its own log.
pub const LOG: &str = "envoy.log";

/// How long a [restartable](crate::Mesh::restartable) Envoy takes to drain: each connection is asked to end within it.
pub const DRAIN: Duration = Duration::from_secs(3);
/// When one that was replaced ends, and cuts what is still under way.
pub const PARENT_SHUTDOWN: Duration = Duration::from_secs(6);

/// How Envoy is started.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many worker threads.
    pub workers: usize,
    /// Whether its logs go into [files](ACCESS_LOG); [`Envoy::access`] then sees only the last lines.
    pub into_files: bool,
}

/// What else may be special about an Envoy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Also {
    /// Who is told each line of the access log.
    pub(crate) recorder: Option<Recorder>,
    /// Whether only the last lines are kept of what it logs.
    pub(crate) quiet: bool,
    /// Whether another process may take over ([`Envoy::restart_hot`]).
    pub(crate) hot: bool,
    /// Variables of its environment besides our own, as `NAME=VALUE`.
    pub(crate) environment: Vec<String>,
    /// What it merges into its configuration (`--config-yaml`).
    pub(crate) overriding: Option<String>,
}

/// A running Envoy, which can be killed and started again, or replaced by another process without a gap.
#[derive(Debug)]
pub struct Envoy {
    launch: Launch,
    process: Option<Process>,
    /// Those it took over from, until they have ended.
    parents: Vec<Process>,
    epoch: u32,
    admin: Admin,
    address: SocketAddr,
}

/// An Envoy that need not be ready yet.
#[derive(Debug)]
pub(crate) struct Starting {
    launch: Launch,
    process: Process,
}

impl Starting {
    fn of(launch: Launch) -> Self {
        Self { process: launch.process(0), launch }
    }

    /// Gives it once it is ready.
    pub(crate) fn ready(self) -> Envoy {
        let Self { launch, mut process } = self;
        let admin = launch.await_admin(&mut process);
        launch.await_live(&mut process, admin, 0);
        let address = admin.listener();
        Envoy { launch, process: Some(process), parents: Vec::new(), epoch: 0, admin, address }
    }
}

impl Envoy {
    /// Starts Envoy with the configuration in `file`, and `scratch` to write in; gives it once it is ready.
    pub fn start(file: &Path, scratch: &Path, settings: &Settings) -> Self {
        Self::launch(Launch::new(file, scratch, *settings))
    }

    /// The same with more that is special about it.
    pub(crate) fn start_with(file: &Path, scratch: &Path, settings: &Settings, also: Also) -> Self {
        Self::launch(Launch { also, ..Launch::new(file, scratch, *settings) })
    }

    /// Starts Envoy without waiting for it.
    pub(crate) fn begin(file: &Path, scratch: &Path, settings: &Settings) -> Starting {
        Starting::of(Launch::new(file, scratch, *settings))
    }

    fn launch(launch: Launch) -> Self {
        Starting::of(launch).ready()
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("Envoy runs").kill();
    }

    /// Starts it again after [`kill`](Self::kill): with the same configuration, on the same ports if those are
    /// [kept](crate::Mesh::restartable).
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "Envoy runs already");
        self.epoch = 0;
        let mut process = self.launch.process(0);
        self.admin = self.launch.await_admin(&mut process);
        self.launch.await_live(&mut process, self.admin, 0);
        self.address = self.admin.listener();
        self.process = Some(process);
    }

    /// Replaces it by another process without a gap: Envoy's hot restart. Returns once the new one serves; the old one
    /// [drains](DRAIN) and [ends](PARENT_SHUTDOWN).
    ///
    /// # Panics
    /// Where it was not started for it ([`Mesh::restartable`](crate::Mesh::restartable)).
    pub fn restart_hot(&mut self) {
        assert!(self.launch.also.hot, "this Envoy was not started to be replaced");
        self.epoch += 1;
        let mut process = self.launch.process(self.epoch);
        self.launch.await_live(&mut process, self.admin, self.epoch);
        self.parents.extend(self.process.replace(process));
    }

    /// Waits until every process that was replaced has ended by itself.
    pub fn await_parents_gone(&mut self) {
        let parents = &mut self.parents;
        eventually("the Envoy that was replaced to end", || {
            parents.retain_mut(|parent| parent.ended().is_none());
            if parents.is_empty() { Ok(()) } else { Err(format!("found {} of them", parents.len())) }
        });
    }

    /// Has it drain its listeners: connections are asked to end after one of their next answers, and after [`DRAIN`] (10
    /// minutes if it is not [restartable](crate::Mesh::restartable)) nobody listens any more.
    pub fn drain(&self) {
        self.admin.order("/drain_listeners?graceful").expect("Envoy drains");
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its admin interface.
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process().id()
    }

    /// The process, to be looked at, paused or resumed.
    ///
    /// # Panics
    /// While it is killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("Envoy runs")
    }

    /// The directory it writes in.
    pub fn scratch(&self) -> &PathBuf {
        &self.launch.scratch
    }

    /// The access log's line about the request with the `x-request-id` `id`.
    pub fn access(&self, id: &str) -> Access {
        self.process().line(0, &format!("an access log line about {id}"), |line| Access::about(line, id))
    }

    /// The whole of that line.
    pub fn access_line(&self, id: &str) -> serde_json::Value {
        let whole = |line: &str| Access::about(line, id).and_then(|_| serde_json::from_str(line).ok());
        self.process().line(0, &format!("an access log line about {id}"), whole)
    }
}
