//! The real Envoy.

use std::{fs::File, net::SocketAddr, path::Path};

use crate::{Access, Admin, Process, artefacts, eventually, process::Second};

/// The file in its scratch directory into which Envoy's access log goes, if it goes into a file.
pub const ACCESS_LOG: &str = "access.log";
/// The same for its own log.
pub const LOG: &str = "envoy.log";

/// How Envoy is started.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many worker threads.
    pub workers: usize,
    /// Whether its logs go into [files](ACCESS_LOG); [`Envoy::access`] then sees only the last lines.
    pub into_files: bool,
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: Admin,
    address: SocketAddr,
}

impl Envoy {
    /// Starts Envoy with the configuration in `file`, and `scratch` to write in; gives it once it is ready.
    pub fn start(file: &Path, scratch: &Path, settings: &Settings) -> Self {
        let told = scratch.join("admin-address");
        let text = |path: &Path| path.to_str().expect("a path that is text").to_owned();
        // No hot restart: it would need an id of its own for each Envoy on the machine.
        // Access logs are flushed after 20 ms, not 10 s.
        let workers = settings.workers;
        let options = format!(
            "--concurrency {workers} --disable-hot-restart --file-flush-interval-msec 20 \
             --log-level warning --component-log-level wasm:info"
        );
        let files = ["--config-path".to_owned(), text(file), "--admin-address-path".to_owned(), text(&told)];
        let arguments: Vec<_> = files.into_iter().chain(options.split_whitespace().map(str::to_owned)).collect();
        let log = |name| settings.into_files.then(|| Second::File(File::create(scratch.join(name)).expect("a log")));
        let mut process = Process::start_read("envoy", &artefacts::envoy(), &arguments, log(ACCESS_LOG), log(LOG));
        let admin = Admin::at(eventually("Envoy's admin address", || {
            assert!(process.ended().is_none(), "Envoy ended instead of starting");
            let text = std::fs::read_to_string(&told).map_err(|why| why.to_string())?;
            text.trim().parse().map_err(|_| format!("found the address {text:?}"))
        }));
        eventually("Envoy to be ready", || {
            assert!(process.ended().is_none(), "Envoy ended instead of starting");
            admin.text("/ready")
        });
        Self { address: admin.listener(), process, admin }
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
        self.process.id()
    }

    /// The access log's line about the request with the `x-request-id` `id`.
    pub fn access(&self, id: &str) -> Access {
        self.process.line(0, &format!("an access log line about {id}"), |line| Access::about(line, id))
    }
}
