//! A way in for the fuzz targets: a VM whose callbacks can be called in any order, on the host in memory, and what must be
//! known of it to tell whether a promise was broken.

use graylane_rules::{Revision, owned};

pub use crate::{
    host::{
        Status,
        fake::{Call, Host, LocalAnswer, Queue, host},
    },
    request::Action,
};
use crate::{
    logger,
    roots::{Filter, Roots},
    streams,
    vm::Vm,
};

/// A VM.
#[derive(Debug)]
pub struct Driven(Vm);

/// The rules that decide the requests of a root.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The revision they were published as; none for those of the plugin configuration.
    pub revision: Option<Revision>,
    /// The snapshot.
    pub bytes: &'a [u8],
}

impl Driven {
    /// A VM without roots; `id` is what it would have drawn at random.
    pub fn new(id: u64) -> Self {
        logger::install();
        Self(Vm::new(id))
    }

    /// Configures a root with the host's `configuration`. False where it is refused.
    pub fn configure(&mut self, root: u32) -> bool {
        let size = host(|host| {
            host.root = root;
            host.configuration.len()
        });
        self.0.configure(root, size)
    }

    /// The timer of a root.
    pub fn tick(&mut self, root: u32) {
        self.0.tick(root);
    }

    /// A queue has something in it.
    pub fn queue_ready(&mut self, root: u32, token: u32) {
        self.0.queue_ready(root, token);
    }

    /// A call was answered with the host's `response` and `body`; no headers mean that the answer broke off.
    pub fn answered(&mut self, root: u32, token: u32, headers: u32) {
        let size = host(|host| host.body.len());
        self.0.answered(root, token, headers, size);
    }

    /// The host's `trailers` are there.
    pub fn trailers(&mut self) {
        self.0.trailers();
    }

    /// The host's `request` is there, of a stream of `root`.
    pub fn request(&mut self, root: u32) -> Action {
        self.stream_of(root);
        self.0.request()
    }

    /// Whether the VM can tell whose the streams of `root` are. It asks the host as for a request, whose filter state is empty then.
    pub fn can_tell(&self, root: u32) -> bool {
        self.stream_of(root);
        let certain = streams::owner(self.roots().all()).is_none_or(|owner| owner.certain);
        host(|host| host.state.clear());
        certain
    }

    /// The revision that was fetched last and is in use.
    pub fn fetched(&self) -> Option<Revision> {
        self.0.parts().1.fetched()
    }

    /// The rules of the filter that decides the requests of `root`: its own, or, where it is none, the newest.
    pub fn rules(&self, root: u32) -> Option<Rules<'_>> {
        let active = self.filter(root)?.active.as_deref()?;
        Some(Rules { revision: active.revision, bytes: active.snapshot.bytes() })
    }

    /// Whether that filter owns the header `name`, or what `name` is a twin of. Where there is no filter, what a configuration
    /// owns that names nothing.
    pub fn owns(&self, root: u32, name: &[u8]) -> bool {
        let default = || owned::DEFAULT.iter().any(|owned| owned::covers(owned.as_bytes(), name));
        self.filter(root).map_or_else(default, |filter| filter.owned.covers(name))
    }

    /// Has the host be asked in a stream of `root`.
    fn stream_of(&self, root: u32) {
        let plugin = self.filter(root).map(|filter| filter.plugin.clone()).unwrap_or_default();
        host(|host| {
            host.root = root;
            host.properties.insert("plugin_name".into(), plugin);
        });
    }

    fn filter(&self, root: u32) -> Option<&Filter> {
        self.roots().filter(root)
    }

    fn roots(&self) -> &Roots {
        self.0.parts().0
    }
}
