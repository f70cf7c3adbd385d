//! The report: memory, then times beside their bars.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use super::{Options, round::Round};
use crate::{
    bench::statistics::median,
    load::milliseconds,
    program::{Outcome, machine},
};

const MIB: f64 = 1024.0 * 1024.0;

/// The most that a fetcher may weigh, in KiB.
const WEIGHT_BAR: f64 = 40.0;

/// The most that it may take from the answer to the last fetcher, in milliseconds.
const TIME_BAR: f64 = 2_000.0;

/// The most that it may take until a publisher knows that all run it, in milliseconds.
const ACKS_BAR: f64 = 5_000.0;

/// Everything that was measured. Sizes are bytes.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) snapshot: usize,
    /// Until all who connect have the first revision and wait for another.
    pub(super) came: Duration,
    /// Resident in the control plane: while nobody waited, while all did, when all were gone, and when as many came then.
    pub(super) before: u64,
    pub(super) waiting: u64,
    pub(super) after: u64,
    pub(super) again: u64,
    pub(super) rounds: Vec<Round>,
    /// From a publisher's request until he knows that all run it, who report.
    pub(super) acks: Vec<Duration>,
    /// Why somebody failed, each time.
    pub(super) failed: Vec<String>,
}

impl Measured {
    /// What each fetcher adds, in KiB.
    fn weight(&self, options: &Options) -> f64 {
        (self.waiting as f64 - self.before as f64) / 1024.0 / options.fetchers as f64
    }

    fn most(&self) -> f64 {
        self.rounds.iter().map(|round| round.most as f64).fold(0.0, f64::max)
    }

    /// Median and maximum over the rounds, in milliseconds.
    fn over(&self, of: fn(&Round) -> Duration) -> (f64, f64) {
        middle_and_most(self.rounds.iter().map(of))
    }

    fn is_soon(&self) -> bool {
        let ((_, last), (_, acks)) = (self.over(|round| round.last), middle_and_most(self.acks.iter().copied()));
        last <= TIME_BAR && acks <= ACKS_BAR
    }
}

fn middle_and_most(durations: impl Iterator<Item = Duration>) -> (f64, f64) {
    let values: Vec<_> = durations.map(milliseconds).collect();
    (median(values.iter().copied()), values.iter().copied().fold(0.0, f64::max))
}

/// As text, and whether it is good enough.
pub(super) fn outcome(options: &Options, measured: &Measured) -> Outcome {
    let mut report = String::new();
    write(&mut report, options, measured).expect("a String takes everything");
    let passed = measured.failed.is_empty() && measured.weight(options) <= WEIGHT_BAR && measured.is_soon();
    report.push_str(if passed { "\nPASSED\n" } else { "\nFAILED\n" });
    Outcome { report, passed }
}

fn write(out: &mut String, options: &Options, measured: &Measured) -> fmt::Result {
    let Options { fetchers, rounds, rules, members, tls } = options;
    let store = if *members > 0 { format!("etcd of {members} members") } else { "redb".to_owned() };
    let each =
        if *tls { "each on its own connection, with TLS and a certificate" } else { "each on its own connection" };
    let Measured { snapshot, before, waiting, after, again, failed, .. } = measured;
    writeln!(out, "{fetchers} fetchers wait on one control plane over {store}, {each}; {rounds} rounds")?;
    writeln!(out, "a snapshot of {rules} rules, {snapshot} bytes; {}, which the fetchers share", machine())?;
    writeln!(out, "\n{:<44} {:>10}", "resident memory of the control plane", "MiB")?;
    let weight = measured.weight(options);
    let mut line = |name: &str, bytes: f64, more: &str| writeln!(out, "  {name:<42} {:>10.1}{more}", bytes / MIB);
    line("nobody waits", *before as f64, "")?;
    line("all wait", *waiting as f64, &format!("   {weight:.1} KiB each, at most {WEIGHT_BAR:.0}"))?;
    line("while they are sent a revision, the most", measured.most(), "")?;
    line("all are gone", *after as f64, "")?;
    line("as many others wait, who report", *again as f64, "")?;
    writeln!(out, "\n{:<44} {:>10} {:>10}", "a revision, ms", "median", "max")?;
    let came = milliseconds(measured.came);
    writeln!(out, "  {:<42} {came:>10.1} {:>10}", "until all have connected, have it, and wait", "once")?;
    let mut line = |name: &str, of: fn(&Round) -> Duration, more: &str| {
        let (median, most) = measured.over(of);
        writeln!(out, "  {name:<42} {median:>10.1} {most:>10.1}{more}")
    };
    line("publisher: from request to answer", |round| round.publish, "")?;
    line("from that answer until half have all of it", |round| round.median, "")?;
    line("until 99 of 100 have", |round| round.high, "")?;
    line("until the last has", |round| round.last, &format!("   at most {TIME_BAR:.0}"))?;
    line("from the request until the last has", |round| round.whole, "")?;
    line("CPU time of the control plane", |round| round.cpu, "")?;
    let (middle, most) = middle_and_most(measured.acks.iter().copied());
    let name = "until a publisher knows that all run it";
    writeln!(out, "  {name:<42} {middle:>10.1} {most:>10.1}   at most {ACKS_BAR:.0}; of those who report")?;
    writeln!(out, "\nfailed: {}", failed.len())?;
    failed.iter().take(5).try_for_each(|why| writeln!(out, "  {why}"))
}
