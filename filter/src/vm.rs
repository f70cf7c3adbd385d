//! A VM: what the host's callbacks do, one function each.

use std::{rc::Rc, time::Duration};

use crate::{
    config::{FetcherConfig, FilterConfig},
    election::Election,
    fetcher::Fetcher,
    host::{self, Buffer, Map},
    lease::Lease,
    loaded::Loaded,
    metrics::Metrics,
    owned::Owned,
    pointer::Pointer,
    readiness::Readiness,
    request::{self, Action, Rules},
    roots::{Filter, Role, Roots},
    streams::{self, Owner},
    switches::Switches,
    worker::Worker,
};

/// The root_id of the fetcher. Any other, or none (Istio may leave it out), is the HTTP filter.
const FETCHER: &[u8] = b"graylane_fetcher";

/// The first tick of a root comes this soon.
const FIRST_TICK: Duration = Duration::from_millis(10);

/// Everything a VM remembers.
#[derive(Debug)]
pub struct Vm {
    /// Drawn at random; never 0.
    id: u64,
    roots: Roots,
    worker: Worker,
    election: Election,
    metrics: Metrics,
}

impl Vm {
    /// A VM without roots; `id` is random.
    pub fn new(id: u64) -> Self {
        let (id, roots, election, metrics) = (id.max(1), Roots::default(), Election::default(), Metrics::default());
        Self { id, roots, worker: Worker::new(id), election, metrics }
    }

    /// What a fuzz target checks after each event.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn parts(&self) -> (&Roots, &Worker) {
        (&self.roots, &self.worker)
    }

    /// Configures the root `caller`, which is new or was configured before, with the `size` bytes that the host has for it. For a filter the answer depends on the
    /// configuration alone: Envoy keeps a refusal, and where a configuration that passed on the main thread failed on a worker,
    /// requests would go by unfiltered. A fetcher is refused as well where the host does not give the configuration.
    pub fn configure(&mut self, caller: u32, size: usize) -> bool {
        self.roots.add(caller);
        let given = given(size);
        Pointer::create();
        Lease::create(host::now());
        let configured = match (host::property("plugin_root_id").as_deref(), given) {
            // Its defaults are no stand-in: without the keys it would take what nobody signed.
            (Ok(FETCHER), given) => given.map_err(|why| vec![why]).and_then(|text| fetcher(&text, self.id)),
            (_, Ok(text)) => filter(Some(&text)),
            // On a worker a refusal would let requests by with whatever a client claims. So the filter is there, strips what
            // is owned by default, and does nothing that the configuration might forbid: it takes no rules, whose limits are
            // not known, and never fetches, for it does not know by whom what it gets has to be signed.
            (_, Err(why)) => {
                log::error!("{why}; until it is configured again this filter decides nothing and fetches nothing");
                filter(None)
            }
        };
        match configured {
            Ok(role) => {
                self.install(caller, role);
                true
            }
            Err(problems) => {
                problems.iter().for_each(|problem| log::error!("the configuration is refused: {problem}"));
                false
            }
        }
    }

    fn install(&mut self, caller: u32, mut role: Role) {
        if let Role::Filter(filter) = &mut role {
            self.worker.admit(filter);
        }
        let is_filter = matches!(role, Role::Filter(_));
        if is_filter {
            streams::mark(caller);
        }
        if let Some(root) = self.roots.get_mut(caller) {
            root.role = role;
        }
        if is_filter {
            self.worker.refresh(false, &mut self.roots, &mut self.metrics);
        }
    }

    /// The timer of the root `caller`.
    pub fn tick(&mut self, caller: u32) {
        if self.roots.forget_gone(caller) {
            self.worker.reconsider();
        }
        match self.roots.get_mut(caller).map(|root| &mut root.role) {
            Some(Role::Fetcher(fetcher)) => _ = fetcher.tick(),
            Some(Role::Filter(_)) => {
                self.worker.tick(caller, self.election.drives(caller), &mut self.roots, &mut self.metrics);
                self.election.tick(caller, self.id, self.worker.is_serving(), &self.roots, &mut self.metrics);
            }
            Some(Role::None) | None => {}
        }
    }

    /// Something was put into the queue `token`, for which `caller` registered, or another context of the same number
    /// in a VM that is gone.
    pub fn queue_ready(&mut self, caller: u32, token: u32) {
        if let Some(Role::Fetcher(fetcher)) = self.roots.get_mut(caller).map(|root| &mut root.role) {
            return fetcher.queue_ready(token);
        }
        match self.election.fetcher() {
            Some(fetcher) if fetcher.is_inbox(token) => fetcher.queue_ready(token),
            _ => self.worker.queue_ready(token, &mut self.roots, &mut self.metrics),
        }
    }

    /// A call of `caller` was answered.
    pub fn answered(&mut self, caller: u32, token: u32, headers: u32, body_size: usize) {
        let fetcher = match self.roots.get_mut(caller).map(|root| &mut root.role) {
            Some(Role::Fetcher(fetcher)) => Some(&mut **fetcher),
            _ => self.election.fetcher(),
        };
        if let Some(fetcher) = fetcher {
            fetcher.answered(token, headers, body_size, &mut self.metrics);
        }
    }

    /// The trailers of the request `stream` are there; what is owned is removed from them as well.
    pub fn trailers(&mut self) {
        let owned: Vec<&Owned> = self.roots.filters().map(|filter| &filter.owned).collect();
        request::strip(Map::RequestTrailers, &owned);
    }

    /// The headers of a request are there.
    pub fn request(&mut self) -> Action {
        self.worker.serves();
        match streams::owner(self.roots.all()) {
            Some(Owner { filter, certain }) => {
                let Filter { owned, readiness, active, switches, .. } = filter;
                if !certain {
                    // Whoever decides, what any of them owns does not get through.
                    let owned: Vec<&Owned> = self.roots.filters().map(|filter| &filter.owned).collect();
                    request::strip(Map::Request, &owned);
                }
                let rules = active.as_deref().map(|loaded| Rules { loaded, switches });
                request::handle(owned, readiness.as_ref(), rules, &mut self.metrics)
            }
            // A fetcher put among the HTTP filters by mistake: it decides nothing, and lets nothing through either.
            None => {
                let owned = Owned::new(FilterConfig::default().owned_headers);
                request::handle(&owned, None, None, &mut self.metrics)
            }
        }
    }
}

/// The configuration of the plugin being configured, all `size` bytes of it. None at all is a configuration, too.
///
/// # Errors
/// What the host gave instead: a part of it may mean something else than the whole.
fn given(size: usize) -> Result<Vec<u8>, String> {
    if size == 0 {
        return Ok(Vec::new());
    }
    let found = match host::buffer(Buffer::Configuration, size) {
        Ok(text) if text.len() == size => return Ok(text),
        Ok(text) => format!("{} bytes", text.len()),
        Err(status) => format!("{status:?}"),
    };
    Err(format!("the host does not give the configuration: found {found}, expected {size} bytes"))
}

/// The filter that `text` describes; without one, a filter that is there and decides nothing.
fn filter(text: Option<&[u8]>) -> Result<Role, Vec<String>> {
    let (lost, text) = (text.is_none(), text.unwrap_or_default());
    let config = FilterConfig::read(text).map_err(|why| vec![why.to_string()])?;
    let owned = Owned::new(config.owned_headers.clone());
    let embedded = Loaded::embedded(&config, text, &owned)?.map(Rc::new);
    let mut switches = Switches::new(config.switches);
    if let Some(embedded) = &embedded {
        switches.lay_over(&embedded.snapshot);
    }
    // Until the VM is known to the fetcher and has rules, a tick is what stands between requests and rules.
    let _ = host::set_tick(FIRST_TICK);
    let plugin = host::property("plugin_name").unwrap_or_default();
    Ok(Role::Filter(Box::new(Filter {
        plugin,
        owned,
        limits: config.limits,
        readiness: config.readiness_path.map(Readiness::new),
        fetcher: config.fetcher,
        lost,
        tick: config.tick.0,
        settled: false,
        active: embedded,
        switches,
    })))
}

fn fetcher(text: &[u8], id: u64) -> Result<Role, Vec<String>> {
    let config = FetcherConfig::read(text).map_err(|why| vec![why.to_string()])?;
    let _ = host::set_tick(FIRST_TICK);
    Ok(Role::Fetcher(Box::new(Fetcher::bootstrap(config, id))))
}

#[cfg(test)]
mod tests;
