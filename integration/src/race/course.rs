//! What the race is run on: one Envoy with two workers, both ways into it, one load.

use std::{fs, io, net::SocketAddr, time::Duration};

use tempfile::TempDir;

use super::{
    Options,
    bootstrap::{Places, bootstrap},
    traffic::{Lane, Traffic},
    ways::{Folder, Way},
    workers::spread,
};
use crate::{Admin, Control, Echo, Envoy, Request, Rules, Settings, eventually};

/// How many workers Envoy has.
pub(super) const WORKERS: usize = 2;

/// Everything that runs. The order is that of ending: first who asks, then who answers.
pub(super) struct Course {
    pub(super) traffic: Traffic,
    envoy: Envoy,
    control: Control,
    _upstreams: [Echo; 2],
    folders: [Folder; 2],
    _scratch: TempDir,
}

impl Course {
    /// Starts it; gives it once both ways have brought their first file everywhere.
    pub(super) fn start(options: &Options) -> Self {
        let scratch = TempDir::new().expect("a temporary directory");
        let folders = folders(&scratch).expect("the temporary directory can be written");
        let upstreams = ["stable", "canary"].map(|name| Echo::start(name, "127.0.0.1:0"));
        let rules = folders[Way::Graylane.lane()].file().parent().expect("a file has a directory");
        let control = Control::start(Rules::new(rules.to_owned()), "127.0.0.1:0", false);
        let file = scratch.path().join("envoy.json");
        let places = Places {
            control: control.address(),
            stable: upstreams[0].address(),
            canary: upstreams[1].address(),
            routes: folders[Way::Rds.lane()].file(),
            watch_directory: options.watch_directory,
        };
        fs::write(&file, bootstrap(&places).to_string()).expect("the temporary directory can be written");
        let envoy = Envoy::start(&file, scratch.path(), &Settings { workers: WORKERS, into_files: false });
        let traffic = Traffic::start(Way::ALL.map(|way| lane(way, envoy.admin(), options.connections)).into());
        let course = Self { traffic, envoy, control, _upstreams: upstreams, folders, _scratch: scratch };
        course.await_first();
        course
    }

    /// Nobody times the first revision: who asks for it had not asked before it was published.
    fn await_first(&self) {
        eventually("the first revision in effect", || {
            (self.reports() > 0).then_some(()).ok_or_else(|| "found none".to_owned())
        });
    }

    /// The file of `way`, which is to be changed.
    pub(super) fn folder(&self, way: Way) -> &Folder {
        &self.folders[way.lane()]
    }

    /// Envoy's release, as it says itself.
    pub(super) fn release(&self) -> String {
        let info = self.envoy.admin().json("/server_info").expect("Envoy tells about itself");
        let version = info["version"].as_str().and_then(|version| version.split('/').nth(1));
        version.unwrap_or("of an unknown release").to_owned()
    }

    /// How many revisions control has seen in effect everywhere.
    pub(super) fn reports(&self) -> u64 {
        self.control.status().expect("control answers").time_to_effect.count
    }

    /// Waits until control has seen more than `before` revisions in effect everywhere; gives how long the last took,
    /// from the change that was accepted to the report of the last worker.
    pub(super) fn await_report(&self, before: u64) -> Duration {
        eventually("control to hear of the last worker", || {
            let effect = self.control.status()?.time_to_effect;
            let last = effect.last_seconds.filter(|_| effect.count > before);
            last.map(Duration::from_secs_f64).ok_or_else(|| format!("found {effect:?}, expected more than {before}"))
        })
    }
}

/// The directories of both ways, each with its first file.
fn folders(scratch: &TempDir) -> io::Result<[Folder; 2]> {
    let rules = Folder::make(scratch.path(), "rules", "race.json")?;
    let folders = [rules, Folder::make(scratch.path(), "routes", "routes.json")?];
    for (way, folder) in Way::ALL.into_iter().zip(&folders) {
        folder.prepare(&way.document(0).to_string());
        folder.swap();
    }
    Ok(folders)
}

fn lane(way: Way, admin: Admin, connections: usize) -> Lane {
    let workers = spread(admin, way.name(), listener(admin, way.name()), WORKERS, connections);
    Lane { workers, request: Request::get("/").header("x-user-id", "42") }
}

/// Where the listener `name` listens.
fn listener(admin: Admin, name: &str) -> SocketAddr {
    eventually("the listener's address", || {
        let listeners = admin.listeners()?;
        let found = listeners.iter().find(|(found, _)| found == name);
        found.map(|(_, address)| *address).ok_or_else(|| format!("found {listeners:?}"))
    })
}
