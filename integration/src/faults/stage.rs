//! What faults happen to: a mesh with the real control plane, or with one that answers wrongly.

use std::{collections::BTreeMap, net::SocketAddr, thread::sleep, time::Duration};

use graylane_rules::Revision;

use super::{
    replies::{good, revision},
    rules::rules,
};
use crate::{Control, FakeControl, Mesh, Request, Running, Signer, fake_control::Reply, history::Recorder};

/// How many workers Envoy has.
pub(super) const WORKERS: usize = 2;

/// A mesh that is told to change its rules.
pub(super) trait Stage {
    /// Where clients connect.
    fn address(&self) -> SocketAddr;
    /// Waits until every VM says that it runs the newest rules; gives their revision.
    fn await_everyone(&self) -> Revision;
    /// What was noted, and how often.
    fn notes(&self) -> BTreeMap<String, usize>;
}

/// With the real control plane.
pub(super) struct Real {
    pub(super) mesh: Running<Control>,
    number: u32,
    notes: BTreeMap<String, usize>,
}

/// With a control plane that answers whatever it is told to.
pub(super) struct Fake {
    mesh: Running<FakeControl>,
    pub(super) signer: Signer,
    pub(super) number: u32,
}

impl Real {
    /// Starts it, `shaped`.
    pub(super) fn start(shaped: fn(Mesh) -> Mesh, recorder: &Recorder) -> Self {
        let mesh = shaped(Mesh::new("faults").rules(&rules(0))).workers(WORKERS).quiet().recorded_by(recorder).start();
        Self { mesh, number: 0, notes: BTreeMap::new() }
    }

    /// How often the rules were changed.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Writes the next rules.
    pub(super) fn change(&mut self) {
        self.number += 1;
        self.mesh.write(&[rules(self.number)]);
    }

    /// Writes the next rules right after `begin`, and has `end` happen so much later.
    pub(super) fn change_between(
        &mut self,
        begin: impl FnOnce(&mut Running<Control>),
        hold: Duration,
        end: impl FnOnce(&mut Running<Control>),
    ) {
        begin(&mut self.mesh);
        self.change();
        sleep(hold);
        end(&mut self.mesh);
    }

    /// Has the filter obey `order` in a request of its own, and notes how that was answered.
    pub(super) fn order(&mut self, order: &str) {
        let request = Request::get("/").header("x-graylane-test", order);
        let found = match self.mesh.try_send(&request.bytes()) {
            Ok(answer) => format!("status {}", answer.status),
            Err(why) => why.to_string(),
        };
        *self.notes.entry(format!("the request with the order {order:?}: {found}")).or_default() += 1;
    }

    /// Replaces Envoy, with nobody asking.
    pub(super) fn new_envoy(&mut self) {
        self.mesh.envoy_mut().kill();
        self.mesh.envoy_mut().start_again();
        self.mesh.await_everyone();
    }
}

impl Stage for Real {
    fn address(&self) -> SocketAddr {
        self.mesh.envoy().address()
    }

    fn await_everyone(&self) -> Revision {
        self.mesh.await_everyone().parse().expect("control names a revision")
    }

    fn notes(&self) -> BTreeMap<String, usize> {
        self.notes.clone()
    }
}

impl Fake {
    /// Starts it. The fetcher takes only what the signer has signed.
    pub(super) fn start(recorder: &Recorder) -> Self {
        let signer = Signer::of("release", 1);
        let control = FakeControl::start(good(&signer, 1));
        let mesh = Mesh::new("faults").workers(WORKERS).quiet().trusting(&[&signer]).recorded_by(recorder);
        let stage = Self { mesh: mesh.start_with(control), signer, number: 1 };
        stage.await_everyone();
        stage
    }

    /// Answers with `wrong` until it was asked twice and for at least `hold`; then with the next rules.
    pub(super) fn mislead(&mut self, wrong: Reply, hold: Duration) {
        self.mesh.control.reply(wrong);
        self.mesh.control.await_asked(2);
        sleep(hold);
        self.number += 1;
        self.mesh.control.reply(good(&self.signer, self.number));
    }
}

impl Stage for Fake {
    fn address(&self) -> SocketAddr {
        self.mesh.envoy().address()
    }

    fn await_everyone(&self) -> Revision {
        let newest = revision(self.number);
        self.mesh.control.await_everyone(newest, self.mesh.vms());
        newest
    }

    fn notes(&self) -> BTreeMap<String, usize> {
        BTreeMap::new()
    }
}
