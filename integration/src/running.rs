//! Everything at once, running.

mod discovered;
mod listeners;
mod plugin;

use std::{
    io,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Access, Admin, Answer, Cable, Control, Echo, Envoy, Request, Wire, eventually,
    history::{Recorder, Witness},
    load::{BETWEEN, Load, Loading},
    samples,
};

pub(crate) use discovered::Discovered;
pub use listeners::Listeners;
pub use plugin::Plugin;

/// A running mesh. Dropping it ends all of it.
#[derive(Debug)]
pub struct Running<C> {
    // The order of ending: first who asks, then who answers.
    pub(crate) envoy: Envoy,
    pub(crate) control: C,
    pub(crate) spares: Vec<C>,
    pub(crate) cables: Vec<Cable>,
    pub(crate) stable: Echo,
    pub(crate) canary: Option<Echo>,
    pub(crate) documents: Vec<String>,
    pub(crate) workers: usize,
    pub(crate) discovered: Discovered,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) _witnesses: Vec<Witness>,
    /// Removed after everything that writes into it has ended.
    pub(crate) scratch: TempDir,
}

impl<C> Running<C> {
    /// Envoy.
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// Envoy, to be killed, started again or replaced.
    pub fn envoy_mut(&mut self) -> &mut Envoy {
        &mut self.envoy
    }

    /// The control plane.
    pub fn control(&mut self) -> &mut C {
        &mut self.control
    }

    /// The control plane that the fetcher asks where the one before it does not answer; `place` 0 is the second of all.
    pub fn spare(&mut self, place: usize) -> &mut C {
        &mut self.spares[place]
    }

    /// The cable to the control plane.
    ///
    /// # Panics
    /// Where the mesh is not [by cable](crate::Mesh::by_cable).
    pub fn cable(&self) -> &Cable {
        self.cables.first().expect("a mesh by cable")
    }

    /// The cables to all control planes, in the fetcher's order.
    pub fn cables(&self) -> &[Cable] {
        &self.cables
    }

    /// Envoy's admin interface.
    pub fn admin(&self) -> Admin {
        self.envoy.admin()
    }

    /// The directory for what is written while it runs, removed at the end.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// How many VMs serve rules: one a worker, and one on the main thread, which serves no request.
    pub fn vms(&self) -> usize {
        self.workers + 1
    }

    /// A new connection to Envoy.
    ///
    /// # Panics
    /// Where Envoy does not accept it.
    pub fn connect(&self) -> Wire {
        Wire::open(self.envoy.address()).expect("Envoy accepts connections")
    }

    /// Sends `request` on a connection of its own.
    ///
    /// # Panics
    /// Where no answer comes.
    pub fn send(&self, request: &Request) -> Answer {
        self.try_send(&request.bytes()).unwrap_or_else(|why| panic!("{why}, in answer to {request:?}"))
    }

    /// Sends `bytes` on a connection of its own and reads one answer.
    ///
    /// # Errors
    /// Where no answer comes.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<Answer> {
        let mut wire = Wire::open(self.envoy.address())?;
        wire.write(bytes)?;
        wire.answer()
    }

    /// Starts an ordinary load, which `recorder` records: 200 requests a second by 8 users in turn, on so few connections that
    /// each is used several times a second.
    pub fn load(&self, recorder: &Recorder) -> Loading {
        self.load_on(self.envoy.address(), recorder)
    }

    /// The same on the listener at `address`.
    pub fn load_on(&self, address: SocketAddr, recorder: &Recorder) -> Loading {
        Load::of(200).over(16).users(8).recorded_by(recorder).start(address)
    }

    /// What the upstream of a user is told in `x-feature-flags`.
    pub fn flags(&self) -> Option<String> {
        let seen = self.send(&Request::get("/").header("x-user-id", "42")).seen();
        seen.text("x-feature-flags").map(str::to_owned)
    }

    /// The value of the gauge or counter without tags that Graylane calls `graylane_<name>`; None where it was never made.
    ///
    /// # Panics
    /// Where Envoy does not tell its statistics.
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.admin().stats().expect("Envoy's statistics").graylane(name)
    }

    /// The access log's line about the request to which `answer` is the answer.
    pub fn access(&self, answer: &Answer) -> Access {
        self.envoy.access(answer.seen().text("x-request-id").expect("Envoy gives each request an id"))
    }

    /// Ends the canary: its connections are closed, its port refuses new ones.
    pub fn kill_canary(&mut self) {
        drop(self.canary.take().expect("a canary runs"));
    }

    /// Starts the canary again, on its port.
    pub fn start_canary(&mut self, address: SocketAddr) {
        self.canary = Some(Echo::start("canary", &address.to_string()));
    }

    /// Where the upstreams listen: stable, and the canary if it runs.
    pub fn upstreams(&self) -> (SocketAddr, Option<SocketAddr>) {
        (self.stable.address(), self.canary.as_ref().map(Echo::address))
    }
}

impl Running<Control> {
    /// Replaces all rules and waits until every VM runs the new ones; gives their revision.
    pub fn publish(&mut self, documents: &[String]) -> String {
        self.write(documents);
        self.await_everyone()
    }

    /// Replaces all rules by [`samples::numbered`] `n` as [`publish`](Self::publish) does, and waits until some requests of
    /// `load` were served by them; gives their revision.
    pub fn publish_under(&mut self, load: &Loading, n: u32) -> String {
        let revision = self.publish(&[samples::numbered(n)]);
        load.await_more(BETWEEN);
        revision
    }

    /// Replaces all rules, without waiting for anyone.
    pub fn write(&mut self, documents: &[String]) {
        self.documents = documents.to_vec();
        if let Some(recorder) = &self.recorder {
            recorder.writes(Instant::now(), documents);
        }
        self.control.rules().write(documents);
    }

    /// Waits until every VM runs the rules last written; gives their revision.
    pub fn await_everyone(&self) -> String {
        self.control.await_everyone(&self.documents, self.vms())
    }

    /// How long the last change took until every worker had reported it, as control says.
    pub fn time_to_effect(&self) -> Option<Duration> {
        let status = self.control.status().expect("control answers");
        status.time_to_effect.last_seconds.map(Duration::from_secs_f64)
    }

    pub(crate) fn await_first_report(&self) {
        eventually("the first report of every VM", || {
            let status = self.control.status()?;
            if status.revision.is_some() {
                return status.on_it(self.vms()).map(drop);
            }
            let workers = status.nodes.iter().map(|node| node.workers.len()).sum::<usize>();
            (workers == self.vms())
                .then_some(())
                .ok_or_else(|| format!("expected {} workers, found {status:?}", self.vms()))
        });
    }
}
