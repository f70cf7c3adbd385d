//! What `graylane publish --wait` and `rollback --within` promise, measured on real Envoys and real stores.

mod series;

use std::{fmt::Write as _, time::Instant};

use crate::{
    Fleet, FleetPlan,
    etcd::Etcd,
    fleet::Said,
    program::{Outcome, machine},
    samples,
};
use series::Series;

/// The most that the last of a hundred may take, in milliseconds, of a publication and of a rollback.
const BAR: f64 = 100.0;

/// The same of a large namespace.
const LARGE_BAR: f64 = 1_000.0;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Publications and rollbacks on each store.
    pub rounds: usize,
    /// Rule sets of the large namespace.
    pub rule_sets: usize,
    /// Rollbacks of that on each store.
    pub rollbacks: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 200, rule_sets: 1_000, rollbacks: 10 }
    }
}

/// A store with everything that is over it, and what was measured there.
struct Stage {
    name: &'static str,
    fleet: Fleet,
    replicas: usize,
    publish: Series,
    rollback: Series,
    large: Series,
}

/// Measures, and gives the report.
pub fn run(options: &Options) -> Outcome {
    let etcd = Etcd::start(3);
    let mut stages =
        [Stage::new("redb, one replica", None, 1), Stage::new("etcd, three of three", Some(etcd.url()), 3)];
    for stage in &stages {
        // There is something to go back to, and everything is warm.
        (0..3).for_each(|round| _ = stage.publish(options.rounds + round));
    }
    for round in 0..options.rounds {
        for stage in &mut stages {
            stage.publish = std::mem::take(&mut stage.publish).with(&stage.publish(round));
            stage.rollback = std::mem::take(&mut stage.rollback).with(&stage.roll_back(round));
        }
    }
    for stage in &mut stages {
        stage.large(options);
    }
    report(&stages, options)
}

impl Stage {
    fn new(name: &'static str, store: Option<String>, replicas: usize) -> Self {
        let plan = FleetPlan::new("promise").replicas(replicas).envoys(2).workers(2);
        let plan = match &store {
            Some(url) => plan.store(url),
            None => plan,
        };
        let fleet = plan.start();
        fleet.await_reports();
        let (publish, rollback, large) = Default::default();
        Self { name, fleet, replicas, publish, rollback, large }
    }

    /// Publishes by each replica in turn: what `--wait` saw, and how long the command took.
    fn publish(&self, round: usize) -> Measured {
        // Each round's own: what is published already is no revision.
        let number = u32::try_from(round).expect("few rounds");
        let documents = self.fleet.documents("rules", &[("checkout.yaml", samples::numbered(number))]);
        let arguments = [
            "publish",
            documents.to_str().expect("a path that is text"),
            "-m",
            "a round",
            "--wait",
            "10s",
            "-o",
            "json",
        ];
        Measured::of(|| self.fleet.graylane(round % self.replicas, &arguments))
    }

    fn roll_back(&self, round: usize) -> Measured {
        let arguments = ["rollback", "--within", "1s", "-o", "json"];
        Measured::of(|| self.fleet.graylane((round + 1) % self.replicas, &arguments))
    }

    /// Publishes two namespaces of many rule sets that differ in each, and goes from one to the other.
    fn large(&mut self, options: &Options) {
        for (name, default) in [("large-a", "stable"), ("large-b", "canary")] {
            let texts: Vec<_> =
                (0..options.rule_sets).map(|number| (format!("s{number}.yaml"), rule_set(number, default))).collect();
            let texts: Vec<_> = texts.iter().map(|(file, text)| (file.as_str(), text.clone())).collect();
            let directory = self.fleet.documents(name, &texts);
            let arguments = ["publish", directory.to_str().expect("a path that is text"), "-m", name, "--wait", "60s"];
            let _ = self.fleet.graylane(0, &arguments).ended(0);
        }
        for round in 0..options.rollbacks {
            let arguments = ["rollback", "--within", "1s", "-o", "json"];
            let measured = Measured::of(|| self.fleet.graylane(round % self.replicas, &arguments));
            self.large = std::mem::take(&mut self.large).with(&measured);
        }
    }
}

fn rule_set(number: usize, default: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: s{number}}}\nspec:\n  scope: {{hosts: \
         [s{number}.example.com]}}\n  variants: [stable, canary]\n  default: {default}\n  rules:\n    - id: qa\n      when: {{header: \
         {{name: x-env, exact: gray}}}}\n      variant: canary\n"
    )
}

/// How long a revision took.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// From when it was asked for to the ack of the last worker, in milliseconds; None where one is missing.
    acks: Option<f64>,
    /// From the start of the command to its end, in milliseconds.
    command: f64,
}

impl Measured {
    fn of(command: impl FnOnce() -> Said) -> Self {
        let began = Instant::now();
        let said = command();
        let command = began.elapsed().as_secs_f64() * 1e3;
        assert!(said.code == 0 || said.code == 3, "{said:#?}");
        let seconds = said.json()["acks"]["seconds"].as_f64();
        Self { acks: seconds.map(|seconds| seconds * 1e3), command }
    }
}

fn report(stages: &[Stage], options: &Options) -> Outcome {
    let mut report = format!(
        "two Envoys of two workers, {} rounds, stores in turns; {}\nmilliseconds from when it was asked for to the ack of the last \
         worker, and of the whole command\n\n",
        options.rounds,
        machine()
    );
    let mut passed = true;
    let mut line = |what: &str, series: &Series, bar: f64| {
        let verdict = series.is_within(bar);
        passed &= verdict;
        // Writing into a string does not fail.
        let _ = writeln!(report, "{what:<44} {series}  {}", if verdict { "met" } else { "MISSED" });
    };
    for stage in stages {
        line(&format!("{}: publish", stage.name), &stage.publish, BAR);
        line(&format!("{}: rollback", stage.name), &stage.rollback, BAR);
        let large = format!("{}: rollback of {} rule sets", stage.name, options.rule_sets);
        line(&large, &stage.large, LARGE_BAR);
    }
    for stage in stages {
        let _ = write!(report, "\n{}: publish\n{}", stage.name, stage.publish.histogram());
        let _ = write!(report, "\n{}: rollback\n{}", stage.name, stage.rollback.histogram());
    }
    Outcome { report, passed }
}
