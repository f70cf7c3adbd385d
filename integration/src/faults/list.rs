//! The faults.

use std::time::Duration;

use super::{
    USUAL, deliveries, envoys, replies,
    stage::{Fake, Real},
    trial::{About, Watched},
};
use crate::{Mesh, Signer, fake_control::Reply};

/// How soon another fetcher works where one died or stalled: 3 s of silence, the ticks that notice it, the usual.
const ELECTED: Duration = Duration::from_secs(6);

/// A fault.
pub(super) struct Fault {
    pub(super) about: About,
    site: Site,
}

/// Where it happens, and how: for so long.
enum Site {
    Real { shaped: fn(Mesh) -> Mesh, strike: fn(&mut Real, Duration), prepare: fn(&mut Real) },
    Fake { wrong: fn(&Signer, u32) -> Reply },
}

impl Fault {
    /// Has it happen as often as `watched` wants.
    pub(super) fn happen(&self, watched: &mut Watched<'_>) {
        match self.site {
            Site::Real { shaped, strike, prepare } => {
                let mut stage = Real::start(shaped, &watched.recorder);
                watched.watch(&mut stage, strike, prepare);
            }
            Site::Fake { wrong } => {
                let mut stage = Fake::start(&watched.recorder);
                let strike = |stage: &mut Fake, hold| stage.mislead(wrong(&stage.signer, stage.number), hold);
                watched.watch(&mut stage, strike, |_| ());
            }
        }
    }

    fn within(self, within: Duration) -> Self {
        Self { about: About { within, ..self.about }, ..self }
    }

    /// It does not end.
    fn stays(self) -> Self {
        Self { about: About { stays: true, ..self.about }, ..self }
    }

    /// Requests may fail, because of `why`.
    fn harms(self, why: &'static str) -> Self {
        Self { about: About { harms: Some(why), ..self.about }, ..self }
    }

    /// Before each time, `prepare` makes the stage what it must be.
    fn prepared_by(self, prepare: fn(&mut Real)) -> Self {
        let site = match self.site {
            Site::Real { shaped, strike, .. } => Site::Real { shaped, strike, prepare },
            fake @ Site::Fake { .. } => fake,
        };
        Self { site, ..self }
    }
}

fn real(name: &'static str, shaped: fn(Mesh) -> Mesh, strike: fn(&mut Real, Duration)) -> Fault {
    let site = Site::Real { shaped, strike, prepare: |_| () };
    Fault { about: harmless(name), site }
}

fn fake(name: &'static str, wrong: fn(&Signer, u32) -> Reply) -> Fault {
    Fault { about: harmless(name), site: Site::Fake { wrong } }
}

fn harmless(name: &'static str) -> About {
    About { name, within: USUAL, stays: false, harms: None }
}

/// All of them, in the order of the table.
pub(super) fn all() -> Vec<Fault> {
    vec![
        real("control plane killed", deliveries::plain, deliveries::killed),
        real("control plane hung", deliveries::plain, deliveries::hung),
        real("control plane slow", deliveries::by_cable, deliveries::slow),
        fake("control plane says 503", replies::unavailable),
        fake("garbage", replies::garbage),
        fake("truncated", replies::truncated),
        fake("oversized", replies::oversized),
        fake("older", replies::older),
        fake("wrongly signed", replies::wrongly_signed),
        fake("unsigned", replies::without_signature),
        fake("wrong namespace", replies::for_others),
        fake("expired", replies::expired),
        real("network cut", deliveries::by_cable, deliveries::cut),
        real("network silent", deliveries::by_cable, deliveries::silent),
        real("fetcher trapped", envoys::obedient, envoys::fetcher_trapped)
            .within(ELECTED)
            .stays()
            .prepared_by(envoys::new_envoy),
        real("fetcher stalled", envoys::obedient, envoys::fetcher_stalled).within(ELECTED).stays(),
        real("worker VM trapped", envoys::obedient, envoys::worker_trapped)
            .stays()
            .prepared_by(envoys::old_enough)
            .harms("a VM takes the requests that are in it with it; the worker's next request makes a new one"),
        real("canary rejected", envoys::by_ecds, envoys::rejected),
        real("filter pushed by ECDS", envoys::by_ecds, envoys::filter_pushed),
        real("listener pushed by LDS", envoys::by_lds, envoys::listener_pushed),
        real("Envoy killed, restarted", envoys::restartable, envoys::killed)
            .harms("nobody listens from the kill until the new process is live; connections end with the old one"),
    ]
}
