//! Fetching by a VM of the HTTP filter, where no fetcher runs or it died.
//!
//! The lease names the VM and not one of its roots, so that a sibling carries on after a push of configuration.

use std::time::Duration;

use crate::{fetcher::Fetcher, host, lease::Lease, metrics::Metrics, roots::Roots};

/// How much longer a VM waits that serves requests: the main thread's VM, which serves none, goes first.
const SERVING: Duration = Duration::from_millis(500);

/// VMs do not stand at the same moment, but spread over so long, by their ids.
const SPREAD_MS: u64 = 100;

/// A VM's part in elections.
#[derive(Debug, Default)]
pub struct Election(Option<Office>);

/// The office of fetching, held by this VM.
#[derive(Debug)]
struct Office {
    fetcher: Box<Fetcher>,
    /// The root whose ticks drive the fetcher, and which the host calls back.
    root: u32,
    /// Whether it was known when it stood that this VM serves requests.
    stood_serving: bool,
}

impl Election {
    /// The fetcher, where this VM was elected.
    pub fn fetcher(&mut self) -> Option<&mut Fetcher> {
        self.0.as_mut().map(|office| &mut *office.fetcher)
    }

    /// The tick of the filter `caller` of the VM `id`, which is `serving` requests or not: stands where nobody fetches, fetches
    /// where it was elected, stops where it was replaced.
    pub fn tick(&mut self, caller: u32, id: u64, serving: bool, roots: &Roots, metrics: &mut Metrics) {
        if self.0.is_none() {
            self.stand(caller, id, serving, roots, metrics);
        }
        let Some(office) = &mut self.0 else { return };
        if !roots.contains(office.root) {
            office.root = caller;
            office.fetcher.move_on();
            let _ = host::set_tick(office.fetcher.config().tick.0);
        }
        if office.root == caller && !office.goes_on(id, serving, roots) {
            self.0 = None;
            if let Some(filter) = roots.filter(caller) {
                let _ = host::set_tick(filter.tick);
            }
        }
    }

    /// Whether the ticks of the root `caller` are the fetcher's.
    pub fn drives(&self, caller: u32) -> bool {
        self.0.as_ref().is_some_and(|office| office.root == caller)
    }

    fn stand(&mut self, caller: u32, id: u64, serving: bool, roots: &Roots, metrics: &mut Metrics) {
        let Some(config) = roots.fetcher_config() else { return };
        let now = host::now();
        let (lease, cas) = Lease::read(now);
        let spread = Duration::from_millis(id.wrapping_rem(SPREAD_MS));
        let patience = spread.saturating_add(if serving { SERVING } else { Duration::ZERO });
        if !lease.is_vacant(now, patience) {
            return;
        }
        let Ok(lease) = lease.elect(id, now, cas) else { return };
        log::warn!("no fetcher lives: this VM fetches from now on");
        metrics.count("graylane_fetcher_elected_total");
        let fetcher = Box::new(Fetcher::elected(config.clone(), &lease));
        self.0 = Some(Office { fetcher, root: caller, stood_serving: serving });
    }
}

impl Office {
    /// Fetches, as the configuration that was pushed last says. False where the office ends.
    fn goes_on(&mut self, id: u64, serving: bool, roots: &Roots) -> bool {
        // At a start no VM has seen a request yet, so a worker's may come first. It leaves, once, to the main thread's.
        if serving && !self.stood_serving {
            log::info!("this VM serves requests: another one shall fetch");
            Lease::resign(id, host::now());
            return false;
        }
        match roots.fetcher_config() {
            None => {
                log::info!("the configuration no longer says how to fetch");
                Lease::resign(id, host::now());
                return false;
            }
            Some(config) if config != self.fetcher.config() => self.fetcher.configure(config.clone()),
            Some(_) => {}
        }
        let goes_on = self.fetcher.tick();
        if !goes_on {
            log::info!("another fetcher took over");
        }
        goes_on
    }
}
