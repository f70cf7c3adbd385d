//! A fault, time and again, and what is recorded meanwhile.

use std::{collections::BTreeMap, time::Duration};

use graylane_rules::Revision;

use super::{Options, rules::requests, stage::Stage};
use crate::{
    bench::statistics::Random,
    history::{Bounds, History, Outcome, Recorder, Verdict, Window, check},
    load::Load,
};

/// How many connections the load has.
const CONNECTIONS: usize = 16;
/// How many requests are served before a fault, and after everybody has the new rules.
const AROUND: usize = 80;
/// The shortest fault, and how much longer one may be, in milliseconds: drawn, so that no timer runs in step.
const SHORTEST: u64 = 200;
const DRAWN: u64 = 600;

/// What is to be known of a fault to judge it.
#[derive(Clone, Copy)]
pub(super) struct About {
    /// What happens.
    pub(super) name: &'static str,
    /// How soon after it ended the newest rules decide every request.
    pub(super) within: Duration,
    /// Whether it never ends by itself: it counts from its beginning.
    pub(super) stays: bool,
    /// Why requests fail, where they may.
    pub(super) harms: Option<&'static str>,
}

/// A fault that is watched.
pub(super) struct Watched<'o> {
    pub(super) recorder: Recorder,
    options: &'o Options,
    about: About,
    random: Random,
    times: Vec<Time>,
    notes: BTreeMap<String, usize>,
}

/// One time.
struct Time {
    fault: Window,
    /// The rules that everybody has at the end.
    newest: Revision,
    until: Duration,
}

/// What was found about a fault.
pub(super) struct Row {
    pub(super) about: About,
    pub(super) verdict: Verdict,
    /// Each time, from the end of the fault to the sending of the last request decided by older rules.
    pub(super) converged: Vec<Duration>,
    /// How requests failed, and how many seconds after the beginning of the fault each was sent; some before it.
    pub(super) failures: BTreeMap<String, Vec<f64>>,
    pub(super) notes: BTreeMap<String, usize>,
}

impl<'o> Watched<'o> {
    /// Nothing happened yet.
    pub(super) fn new(about: About, options: &'o Options) -> Self {
        let random = Random::new(options.seed);
        Self { recorder: Recorder::new(), options, about, random, times: Vec::new(), notes: BTreeMap::new() }
    }

    /// Judges what was recorded.
    pub(super) fn row(self) -> Row {
        let Watched { recorder, about, times, notes, .. } = self;
        let history = recorder.take();
        let bounds = Bounds::effect_within(about.within);
        let mut bounds = times.iter().fold(bounds, |bounds, time| bounds.stale_in(time.fault));
        if about.harms.is_some() {
            // A request that was under way at the fault may fail until the rules are back; the canary may not be there yet.
            bounds = times.iter().fold(bounds.with_any_upstream(), |bounds, time| bounds.failing_in(time.harmed()));
        }
        let verdict = check(&history, &bounds);
        let converged = times.iter().map(|time| time.converged(&history)).collect();
        let failures = failures(&history, &times);
        Row { about, verdict, converged, failures, notes }
    }

    /// Lets `strike` happen to `stage` for some time, as often as wanted, each under a load of its own and after
    /// `prepare`.
    pub(super) fn watch<S: Stage>(
        &mut self,
        stage: &mut S,
        strike: impl Fn(&mut S, Duration),
        prepare: impl Fn(&mut S),
    ) {
        for _ in 0..self.options.times {
            prepare(stage);
            let load = Load::of(self.options.per_second).over(CONNECTIONS).requests(requests());
            let load = load.recorded_by(&self.recorder).start(stage.address());
            load.await_more(AROUND);
            let hold = Duration::from_millis(SHORTEST + self.random.below(DRAWN));
            let from = self.recorder.now();
            strike(stage, hold);
            let fault = Window { from, to: if self.about.stays { from } else { self.recorder.now() } };
            let newest = stage.await_everyone();
            load.await_more(AROUND);
            drop(load.stop());
            self.times.push(Time { fault, newest, until: self.recorder.now() });
        }
        self.notes = stage.notes();
    }
}

impl Time {
    /// When requests may fail, where a fault harms any: a new process or VM needs a moment.
    fn harmed(&self) -> Window {
        Window { from: self.fault.from, to: self.fault.to + Duration::from_secs(1) }
    }

    fn converged(&self, history: &History) -> Duration {
        let meant = history.served().filter(|(response, _)| (self.fault.to..self.until).contains(&response.begin));
        let old = meant.filter(|(_, served)| served.told.revision < Some(self.newest));
        old.map(|(response, _)| response.begin.saturating_sub(self.fault.to)).max().unwrap_or_default()
    }
}

fn failures(history: &History, times: &[Time]) -> BTreeMap<String, Vec<f64>> {
    let mut failures = BTreeMap::<_, Vec<_>>::new();
    for response in &history.responses {
        let Outcome::Failed(why) = response.outcome else { continue };
        let time = times.iter().find(|time| response.begin < time.until).expect("a request belongs to some time");
        let since = response.begin.as_secs_f64() - time.fault.from.as_secs_f64();
        failures.entry(history.names.text(why).to_owned()).or_default().push(since);
    }
    failures
}
