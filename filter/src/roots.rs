//! The root contexts of a VM: one for each plugin configuration, and after a push the old beside the new.

use std::{rc::Rc, time::Duration};

use crate::{
    config::{FetcherConfig, Limits},
    fetcher::Fetcher,
    host,
    loaded::{Loaded, objection},
    owned::Owned,
    readiness::Readiness,
    switches::Switches,
};

/// A root context.
#[derive(Debug)]
pub struct Root {
    /// The host's number for it.
    pub id: u32,
    /// What it is there for.
    pub role: Role,
}

/// What a root context is there for.
#[derive(Debug)]
pub enum Role {
    /// Not configured yet, or refused.
    None,
    /// It decides requests.
    Filter(Box<Filter>),
    /// It fetches snapshots.
    Fetcher(Box<Fetcher>),
}

/// A configured HTTP filter.
#[derive(Debug)]
pub struct Filter {
    /// The name Envoy's configuration gives the plugin; an update of it keeps the name.
    pub plugin: Vec<u8>,
    /// The only headers its rules may set.
    pub owned: Owned,
    /// What its rules may do at most.
    pub limits: Limits,
    /// The path that is answered by whether fetched rules are in use.
    pub readiness: Option<Readiness>,
    /// How its VM fetches where nobody else does.
    pub fetcher: Option<FetcherConfig>,
    /// The host did not give its configuration: what it owns beside the default, and its limits, are not known, so it takes
    /// no rules.
    pub lost: bool,
    /// How often it ticks once it is settled.
    pub tick: Duration,
    /// Whether it does so already.
    pub settled: bool,
    /// The rules that decide: those of its configuration until the first were fetched.
    pub active: Option<Rc<Loaded>>,
    /// Switches, as these rules have them, and what stands above them here.
    pub switches: Switches,
}

impl Filter {
    /// Takes the fetched rules, wholly, instead of those it has; keeps these where the fetched ones set a header that is not
    /// owned or exceed its limits, and gives what is wrong.
    pub fn choose(&mut self, fetched: Option<&Rc<Loaded>>) -> Option<String> {
        let fetched = fetched.filter(|_| !self.lost)?;
        let objection = self.objection(fetched);
        if objection.is_none() {
            self.switches.lay_over(&fetched.snapshot);
            self.active = Some(Rc::clone(fetched));
        }
        objection
    }

    /// What is wrong with rules for this filter.
    pub fn objection(&self, rules: &Loaded) -> Option<String> {
        if self.lost {
            return Some("the host did not give the configuration of a plugin, which decides nothing".to_owned());
        }
        objection(&rules.snapshot, &self.owned, &self.limits)
    }
}

/// The root contexts of a VM, oldest first.
#[derive(Debug, Default)]
pub struct Roots(Vec<Root>);

impl Roots {
    /// Adds a root that Envoy made.
    pub fn add(&mut self, id: u32) {
        self.0.retain(|root| root.id != id);
        self.0.push(Root { id, role: Role::None });
    }

    /// The root `id`.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Root> {
        self.0.iter_mut().find(|root| root.id == id)
    }

    /// All of them.
    pub fn all(&self) -> &[Root] {
        &self.0
    }

    /// The filter `id`, or, where that is none, the newest one.
    pub fn filter(&self, id: u32) -> Option<&Filter> {
        let exact = self.0.iter().find(|root| root.id == id).and_then(Root::filter);
        exact.or_else(|| self.0.iter().rev().find_map(Root::filter))
    }

    /// The filter `id`.
    pub fn filter_mut(&mut self, id: u32) -> Option<&mut Filter> {
        self.get_mut(id).and_then(|root| match &mut root.role {
            Role::Filter(filter) => Some(&mut **filter),
            _ => None,
        })
    }

    /// All filters.
    pub fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.0.iter().filter_map(Root::filter)
    }

    /// All filters.
    pub fn filters_mut(&mut self) -> impl Iterator<Item = &mut Filter> {
        self.0.iter_mut().filter_map(|root| match &mut root.role {
            Role::Filter(filter) => Some(&mut **filter),
            _ => None,
        })
    }

    /// The filters that no later configuration of the same plugin replaces. A replaced one lives until its last stream
    /// ends, hours perhaps, and must not keep new rules out by its old list of owned headers. Nor must one whose configuration
    /// is lost.
    pub fn current_filters(&self) -> impl Iterator<Item = &Filter> {
        self.0.iter().enumerate().filter_map(|(place, root)| {
            let filter = root.filter()?;
            let mut later = self.0.iter().skip(place.saturating_add(1)).filter_map(Root::filter);
            (!filter.lost && later.all(|later| later.lost || later.plugin != filter.plugin)).then_some(filter)
        })
    }

    /// How the VM fetches where nobody else does: as the newest filter says that says anything and is not replaced by a later
    /// configuration of its plugin, which may have taken a key away.
    pub fn fetcher_config(&self) -> Option<&FetcherConfig> {
        self.current_filters().filter_map(|filter| filter.fetcher.as_ref()).last()
    }

    /// How many overrides of switches take no effect.
    pub fn ineffective(&self) -> usize {
        self.current_filters().map(|filter| filter.switches.ineffective()).sum()
    }

    /// Whether Envoy has a root `id`, as far as is known since [`forget_gone`](Self::forget_gone).
    pub fn contains(&self, id: u32) -> bool {
        self.0.iter().any(|root| root.id == id)
    }

    /// Forgets the roots that Envoy dropped. No callback tells of it, since exporting one would cost every request;
    /// `caller` is the root being called. True where there were any.
    pub fn forget_gone(&mut self, caller: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|root| root.id == caller || host::exists(root.id, caller));
        self.0.len() != before
    }
}

impl Root {
    /// The filter that it is, if it is one.
    pub fn filter(&self) -> Option<&Filter> {
        match &self.role {
            Role::Filter(filter) => Some(filter),
            _ => None,
        }
    }
}
