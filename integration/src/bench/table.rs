//! The report: machine, table, what each line means.

use std::{
    fmt::{self, Write},
    process::Command,
};

use super::{
    Options,
    bars::{Verdict, added},
    contestants::Contestant,
    cpu::Cores,
    rounds::Samples,
    statistics::{Estimate, bootstrap, median},
};
use crate::{artefacts, program::kernel};

/// Everything that was measured, as text.
pub fn report(
    options: &Options,
    contestants: &[Contestant],
    samples: &Samples,
    bars: &[Verdict],
    cores: &Cores,
) -> String {
    let mut out = String::new();
    write(&mut out, options, contestants, samples, bars, cores).expect("a String takes everything");
    out
}

fn write(
    out: &mut String,
    options: &Options,
    contestants: &[Contestant],
    samples: &Samples,
    bars: &[Verdict],
    cores: &Cores,
) -> fmt::Result {
    let Options { rounds, requests, .. } = options;
    writeln!(out, "CPU time of Envoy for each request, one worker, in µs")?;
    writeln!(out, "{}", machine(cores))?;
    writeln!(
        out,
        "{rounds} rounds of {requests} requests for each way, fewer for slow ones, each round with new Envoys"
    )?;
    writeln!(
        out,
        "\n{:<14} {:>8} {:>20} {:>9} {:>20}",
        "way, rules", "median", "min to max", "added", "95 % interval"
    )?;
    for (at, contestant) in contestants.iter().enumerate() {
        // The second table begins with the first that has workload W.
        let first = contestant.rules.is_some() && contestants[at - 1].rules.is_none();
        if first {
            writeln!(out, "\nworkload W, the last rule matches")?;
        }
        line(out, &contestant.label(), at, samples)?;
    }
    writeln!(out)?;
    bars.iter().try_for_each(|verdict| writeln!(out, "{verdict}"))?;
    writeln!(out)?;
    let noted = contestants.iter().filter(|contestant| !contestant.note.is_empty());
    let mut notes: Vec<_> = noted.map(|contestant| (contestant.name, contestant.note)).collect();
    notes.dedup();
    notes.iter().try_for_each(|(name, note)| writeln!(out, "{name}: {note}"))
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

fn line(out: &mut String, name: &str, at: usize, samples: &Samples) -> fmt::Result {
    let own = &samples[at];
    let low = own.iter().copied().fold(f64::INFINITY, f64::min);
    let high = own.iter().copied().fold(0.0, f64::max);
    let range = format!("{low:.2} to {high:.2}");
    write!(out, "{name:<14} {:>8.2} {range:>20}", median(own.iter().copied()))?;
    if at > 0 {
        let Estimate { value, low, high } = bootstrap(own.len(), |drawn| added(samples, at, drawn));
        let interval = format!("{low:+.2} to {high:+.2}");
        write!(out, " {value:>+9.2} {interval:>20}")?;
    }
    writeln!(out)
}
