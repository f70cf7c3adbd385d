//! How long a compiled rule set takes to come into use.

use std::{
    fmt,
    time::{Duration, Instant},
};

use graylane_rules::{Format, Snapshot, Source, compile};
use serde_json::json;

use super::statistics::median;

const RULES: usize = 10_000;
const TIMES: usize = 50;

/// What taking one snapshot into use cost.
pub struct Loading {
    rules: usize,
    size: usize,
    times: usize,
    median: Duration,
}

impl fmt::Display for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rules, size, times, .. } = self;
        let microseconds = self.median.as_secs_f64() * 1e6;
        write!(f, "a snapshot of {rules} rules ({size} bytes) is taken into use in {microseconds:.0} µs: ")?;
        writeln!(f, "natively, as `make bench` builds it, median of {times}")
    }
}

/// Compiles a rule set of 10,000 rules and loads it 50 times, natively.
///
/// # Panics
/// Where the rule set does not compile, or the snapshot is refused.
pub fn loading_time() -> Loading {
    let document = document().to_string();
    let compiled =
        compile(&[Source { format: Format::Json, text: document.as_bytes() }]).expect("the rule set compiles");
    let mut taken = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let bytes = compiled.snapshot.clone();
        let start = Instant::now();
        let snapshot = Snapshot::load(bytes).expect("what was compiled loads");
        taken.push(start.elapsed().as_secs_f64());
        drop(snapshot);
    }
    let median = Duration::from_secs_f64(median(taken));
    Loading { rules: RULES, size: compiled.snapshot.len(), median, times: TIMES }
}

/// Mostly exact matches on three headers, some lists and prefixes, and a few percentages, as large rule sets have them.
fn document() -> serde_json::Value {
    let headers = ["x-tenant", "x-env", "x-app"];
    let rules: Vec<_> = (0..RULES)
        .map(|at| {
            let name = headers[at % headers.len()];
            let when = match at % 20 {
                0 => json!({"all": [{"header": {"name": name, "exact": format!("v-{at}")}}, {"percent": 20}]}),
                1 | 2 => json!({"header": {"name": name, "prefix": format!("v-{at}-")}}),
                3..=5 => json!({"header": {"name": name, "in": [format!("v-{at}"), format!("w-{at}")]}}),
                _ => json!({"header": {"name": name, "exact": format!("v-{at}")}}),
            };
            json!({"id": format!("r{at}"), "when": when, "variant": "canary"})
        })
        .collect();
    json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": "large"},
        "spec": {
            "identity": {"from": [{"header": "x-user-id"}]},
            "variants": ["stable", "canary"],
            "default": "stable",
            "rules": rules,
        },
    })
}
