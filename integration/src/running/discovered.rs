//! What Envoy discovers from files, replaced while it runs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Listeners, Plugin, Running};
use crate::{
    Admin, eventually,
    rendering::{FILTER, LISTENERS},
};

const EXTENSION: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";

/// The files, and what stands in them.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    directory: PathBuf,
    filter: Option<(String, Value)>,
    listeners: Option<Listeners>,
    versions: u32,
}

impl Discovered {
    /// Writes what shall be discovered into `directory`.
    pub(crate) fn new(directory: &Path, filter: Option<(String, Value)>, listeners: Option<Value>) -> Self {
        let list = |listeners: Value| Listeners(listeners.as_array().cloned().expect("a list of listeners"));
        let listeners = listeners.map(list);
        let mut discovered = Self { directory: directory.to_owned(), filter, listeners, versions: 0 };
        if let Some((name, filter)) = discovered.filter.clone() {
            discovered.write_filter(&name, &filter);
        }
        if let Some(listeners) = discovered.listeners.clone() {
            discovered.write_listeners(&listeners);
        }
        discovered
    }

    fn write_filter(&mut self, name: &str, filter: &Value) {
        let resource = json!({"@type": EXTENSION, "name": name, "typed_config": filter});
        self.write(FILTER, &[resource]);
    }

    fn write_listeners(&mut self, listeners: &Listeners) {
        let resource = |listener: &Value| {
            let mut resource = listener.clone();
            resource["@type"] = json!(LISTENER);
            resource
        };
        let resources: Vec<_> = listeners.0.iter().map(resource).collect();
        self.write(LISTENERS, &resources);
    }

    /// Renames a new file into place: Envoy reads it then, and never half of it.
    fn write(&mut self, file: &str, resources: &[Value]) {
        self.versions += 1;
        let response = json!({"version_info": self.versions.to_string(), "resources": resources});
        let draft = self.directory.join(format!("draft-{file}"));
        std::fs::write(&draft, response.to_string()).expect("a draft is written");
        std::fs::rename(&draft, self.directory.join(file)).expect("a file is renamed into place");
    }
}

impl<C> Running<C> {
    /// Replaces the HTTP filter by ECDS, changed by `change`, and waits until Envoy has accepted or rejected it. What was
    /// rejected is not the beginning of the next change.
    ///
    /// # Errors
    /// Why it was rejected.
    ///
    /// # Panics
    /// Where the mesh is not [by ECDS](crate::Mesh::by_ecds).
    pub fn push_filter(&mut self, change: impl FnOnce(&mut Plugin<'_>)) -> Result<(), String> {
        let (name, mut filter) = self.discovered.filter.clone().expect("a mesh by ECDS");
        change(&mut Plugin::of(&mut filter));
        let pushed = Pushed::before(self, "extension_config_discovery");
        self.discovered.write_filter(&name, &filter);
        pushed.outcome(self)?;
        self.discovered.filter = Some((name, filter));
        Ok(())
    }

    /// Replaces the listeners by LDS, changed by `change`, and waits until Envoy has accepted or rejected them. What was
    /// rejected is not the beginning of the next change.
    ///
    /// # Errors
    /// Why they were rejected.
    ///
    /// # Panics
    /// Where the mesh is not [by LDS](crate::Mesh::by_lds).
    pub fn push_listeners(&mut self, change: impl FnOnce(&mut Listeners)) -> Result<(), String> {
        let mut listeners = self.discovered.listeners.clone().expect("a mesh by LDS");
        change(&mut listeners);
        let pushed = Pushed::before(self, "listener_manager.lds");
        self.discovered.write_listeners(&listeners);
        pushed.outcome(self)?;
        self.discovered.listeners = Some(listeners);
        Ok(())
    }

    /// Where the listener `name` listens, as soon as it is active.
    pub fn listener(&self, name: &str) -> SocketAddr {
        eventually("a listener to be active", || {
            let listeners = self.admin().listeners()?;
            let found = listeners.iter().find(|(found, _)| found == name).map(|(_, address)| *address);
            found.ok_or_else(|| format!("expected {name} among {listeners:?}"))
        })
    }
}

/// How often Envoy had accepted and rejected something when it was pushed.
struct Pushed {
    what: &'static str,
    accepted: u64,
    rejected: u64,
    lines: usize,
}

impl Pushed {
    fn before<C>(running: &Running<C>, what: &'static str) -> Self {
        let (accepted, rejected) = counts(running.admin(), what).expect("Envoy's statistics");
        Self { what, accepted, rejected, lines: running.envoy.process().error_line_count() }
    }

    fn outcome<C>(&self, running: &Running<C>) -> Result<(), String> {
        let rejected = eventually("Envoy to accept or reject", || {
            let (accepted, rejected) = counts(running.admin(), self.what)?;
            let decided = accepted > self.accepted || rejected > self.rejected;
            decided.then_some(rejected > self.rejected).ok_or_else(|| "found neither".to_owned())
        });
        if !rejected {
            return Ok(());
        }
        // The filter says why in a line of its own, before Envoy says that it failed.
        let says_why = |line: &str| line.contains("the configuration is refused") || line.contains("rejected");
        let why = |line: &str| says_why(line).then(|| line.to_owned());
        Err(running.envoy.process().error_line(self.lines, "why it was rejected", why))
    }
}

fn counts(admin: Admin, what: &str) -> Result<(u64, u64), String> {
    let stats = admin.stats()?;
    let sum = |end: &str| stats.with(what).filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum();
    Ok((sum(".update_success"), sum(".update_rejected")))
}
