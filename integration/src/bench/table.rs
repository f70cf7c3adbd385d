//! The report: machine, table, what each line means.

use std::{
    fmt::{self, Write},
    process::Command,
};

use super::{
    Options,
    cpu::Cores,
    filters::{FLOOR, Filter, LUA, OURS},
    rounds::Samples,
    statistics::{Estimate, bootstrap, median},
};
use crate::{artefacts, program::kernel};

/// Everything that was measured, as text.
pub fn report(options: &Options, filters: &[Filter], samples: &Samples, cores: &Cores) -> String {
    let mut out = String::new();
    write(&mut out, options, filters, samples, cores).expect("a String takes everything");
    out
}

fn write(out: &mut String, options: &Options, filters: &[Filter], samples: &Samples, cores: &Cores) -> fmt::Result {
    let Options { rounds, requests, .. } = options;
    writeln!(out, "CPU time of Envoy for each request, one worker, in µs")?;
    writeln!(out, "{}", machine(cores))?;
    writeln!(out, "{rounds} rounds of {requests} requests for each filter, each round with new Envoys")?;
    writeln!(out, "\n{:<10} {:>7} {:>18} {:>9} {:>18}", "filter", "median", "min to max", "added", "95 % interval")?;
    for (filter, own) in filters.iter().zip(samples) {
        line(out, filter.name, own, samples)?;
    }
    writeln!(out)?;
    for other in [FLOOR, LUA] {
        let of = |name| filters.iter().position(|filter| filter.name == name).map(|at| &samples[at]);
        if let (Some(ours), Some(theirs)) = (of(OURS), of(other)) {
            let ratio = |drawn: &[usize]| added(samples, ours, drawn) / added(samples, theirs, drawn);
            let Estimate { value, low, high } = bootstrap(*rounds, ratio);
            writeln!(out, "{OURS} adds {value:.2} of what {other} adds (95 % interval {low:.2} to {high:.2})")?;
        }
    }
    writeln!(out)?;
    filters.iter().try_for_each(|filter| writeln!(out, "{}: {}", filter.name, filter.note))?;
    writeln!(out)
}

/// The machine and the proxy that the figures belong to.
fn machine(cores: &Cores) -> String {
    let cores = match cores.count {
        1 => "1 core, for Envoy and load together".to_owned(),
        count => format!("{count} cores, Envoy on one, the load on another"),
    };
    format!("{cores}; Linux {}; Envoy {}", kernel(), release())
}

/// The release of Envoy, such as `1.40.0`: the second part of what it calls its version.
fn release() -> String {
    let told = Command::new(artefacts::envoy()).arg("--version").output().expect("Envoy tells its version");
    let told = String::from_utf8_lossy(&told.stdout);
    told.rsplit("version:").next().and_then(|version| version.split('/').nth(1)).unwrap_or(told.trim()).to_owned()
}

fn line(out: &mut String, name: &str, own: &[f64], samples: &Samples) -> fmt::Result {
    let low = own.iter().copied().fold(f64::INFINITY, f64::min);
    let high = own.iter().copied().fold(0.0, f64::max);
    let range = format!("{low:.2} to {high:.2}");
    write!(out, "{name:<10} {:>7.2} {range:>18}", median(own.iter().copied()))?;
    if own != samples[0] {
        let Estimate { value, low, high } = bootstrap(own.len(), |drawn| added(samples, own, drawn));
        let interval = format!("{low:+.2} to {high:+.2}");
        write!(out, " {value:>+9.2} {interval:>18}")?;
    }
    writeln!(out)
}

/// The median of what `own` took beyond the Envoy without a filter, which is the first of `samples`, in these rounds.
fn added(samples: &Samples, own: &[f64], rounds: &[usize]) -> f64 {
    median(rounds.iter().map(|&round| own[round] - samples[0][round]))
}
