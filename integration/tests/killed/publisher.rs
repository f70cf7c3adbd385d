//! Somebody who publishes all the time, by whichever control plane takes it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use graylane_integration::{eventually, fleet::publish, samples};
use graylane_rules::Revision;

/// A revision of which a control plane answered that it is published.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub revision: Revision,
    /// The [number](samples::numbered) that it tells upstreams.
    pub number: u32,
}

/// Publishes one revision after another until it is stopped.
pub struct Publisher {
    publishing: JoinHandle<()>,
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Why something was asked for again, elsewhere.
    retried: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Publisher {
    /// Begins, with the first of `controls`.
    pub fn start(controls: Vec<SocketAddr>) -> Self {
        let said = Arc::<Said>::default();
        let saying = Arc::clone(&said);
        Self { publishing: std::thread::spawn(move || publish_all(&controls, &saying)), said }
    }

    /// Waits until so many more revisions are acknowledged; gives the last one.
    pub fn go_on(&self, more: usize) -> Acknowledged {
        let from = self.acknowledged().len();
        eventually("more revisions", || {
            let acknowledged = self.acknowledged();
            let last = acknowledged.last().filter(|_| acknowledged.len() >= from + more);
            last.copied().ok_or_else(|| format!("{} of {more}: {:?}", acknowledged.len() - from, self.retried()))
        })
    }

    /// Everything that was acknowledged, and how often it had to ask again.
    pub fn stop(self) -> (Vec<Acknowledged>, usize) {
        self.said.stop.store(true, Ordering::Relaxed);
        let Self { publishing, said } = self;
        publishing.join().expect("the publisher ends by itself");
        let acknowledged = said.acknowledged.lock().unwrap().clone();
        (acknowledged, said.retried.lock().unwrap().len())
    }

    fn acknowledged(&self) -> Vec<Acknowledged> {
        self.said.acknowledged.lock().unwrap().clone()
    }

    fn retried(&self) -> Vec<String> {
        self.said.retried.lock().unwrap().clone()
    }
}

fn publish_all(controls: &[SocketAddr], said: &Said) {
    let mut place = 0;
    let mut number = 1;
    while !said.stop.load(Ordering::Relaxed) {
        match publish(controls[place], &samples::numbered(number), &super::reason(number)) {
            Ok(revision) => {
                said.acknowledged.lock().unwrap().push(Acknowledged { revision, number });
                number += 1;
            }
            // Whether it is published all the same is not known: asked for again, it is then what stands already.
            Err(why) => {
                said.retried.lock().unwrap().push(why);
                place = (place + 1) % controls.len();
            }
        }
    }
}
