//! Starting Envoy's process.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{ACCESS_LOG, Also, DRAIN, LOG, PARENT_SHUTDOWN, Settings};
use crate::{
    Admin, Process, artefacts, eventually,
    process::{Second, Tap},
};

/// Everything it takes to start the same Envoy again.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) file: PathBuf,
    pub(super) scratch: PathBuf,
    pub(super) settings: Settings,
    pub(super) also: Also,
}

impl Launch {
    pub(super) fn new(file: &Path, scratch: &Path, settings: Settings) -> Self {
        let (file, scratch) = (file.to_owned(), scratch.to_owned());
        Self { file, scratch, settings, also: Also::default() }
    }

    /// Starts the process that takes over from `epoch` others.
    pub(super) fn process(&self, epoch: u32) -> Process {
        let text = |path: &Path| path.to_str().expect("a path that is text").to_owned();
        // An address of an earlier process is no address of this one.
        let _none_yet = std::fs::remove_file(self.told());
        // Access logs are flushed after 20 ms, not 10 s.
        let options = format!(
            "--concurrency {} --file-flush-interval-msec 20 --log-level warning --component-log-level wasm:info {}",
            self.settings.workers,
            self.restarting(epoch)
        );
        let files =
            ["--config-path".to_owned(), text(&self.file), "--admin-address-path".to_owned(), text(&self.told())];
        let overriding = self.also.overriding.iter().flat_map(|text| ["--config-yaml".to_owned(), text.clone()]);
        let options = files.into_iter().chain(options.split_whitespace().map(str::to_owned)).chain(overriding);
        let envoy = artefacts::envoy();
        // A program that becomes Envoy, with other variables.
        let arguments: Vec<_> = self.also.environment.iter().cloned().chain([text(&envoy)]).chain(options).collect();
        let log = |name| {
            let file = self.settings.into_files.then(|| Second::File(self.log(name)));
            file.or_else(|| self.also.quiet.then(|| Second::Tap(Tap::new(|_| {}))))
        };
        let tap = self.also.recorder.clone().map(|recorder| Second::Tap(Tap::new(move |line| recorder.logged(line))));
        Process::start_read("envoy", Path::new("/usr/bin/env"), &arguments, tap.or_else(|| log(ACCESS_LOG)), log(LOG))
    }

    /// Where its admin interface listens, as soon as it tells.
    pub(super) fn await_admin(&self, process: &mut Process) -> Admin {
        Admin::at(eventually("Envoy's admin address", || {
            assert!(process.ended().is_none(), "Envoy ended instead of starting");
            let text = std::fs::read_to_string(self.told()).map_err(|why| why.to_string())?;
            text.trim().parse().map_err(|_| format!("found the address {text:?}"))
        }))
    }

    /// Waits until the process that took over from `epoch` others serves.
    pub(super) fn await_live(&self, process: &mut Process, admin: Admin, epoch: u32) {
        eventually("Envoy to be ready", || {
            assert!(process.ended().is_none(), "Envoy ended instead of starting");
            // Until it has taken over, the one before answers here.
            let info = admin.json("/server_info")?;
            let (state, found) = (&info["state"], &info["command_line_options"]["restart_epoch"]);
            let live = state == "LIVE" && found.as_u64() == Some(u64::from(epoch));
            if live { Ok(()) } else { Err(format!("found {state} of process {found}, expected {epoch}")) }
        });
    }

    fn told(&self) -> PathBuf {
        self.scratch.join("admin-address")
    }

    fn restarting(&self, epoch: u32) -> String {
        if !self.also.hot {
            // It would need an id of its own for each Envoy on the machine.
            return "--disable-hot-restart".to_owned();
        }
        let file = self.scratch.join("base-id");
        let base = match epoch {
            0 => format!("--use-dynamic-base-id --base-id-path {}", file.display()),
            _ => format!("--base-id {}", std::fs::read_to_string(&file).expect("Envoy wrote its base id").trim()),
        };
        let [drain, shutdown] = [DRAIN, PARENT_SHUTDOWN].map(|time| time.as_secs());
        format!("{base} --restart-epoch {epoch} --drain-time-s {drain} --parent-shutdown-time-s {shutdown}")
    }

    fn log(&self, name: &str) -> File {
        // Appended to: a process that takes over goes on where the one before was.
        File::options().create(true).append(true).open(self.scratch.join(name)).expect("a log")
    }
}
