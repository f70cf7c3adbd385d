//! Instructions by callgrind, nanoseconds by the clock.

use std::{
    env,
    process::{Command, exit},
    time::{Duration, Instant},
};

use crate::{column::Column, workload::Workload};

/// Runs this program under callgrind, which counts what `measured` and all below it execute; gives instructions a decision.
pub fn instructions(workload: Workload, column: Column) -> f64 {
    let times = times(workload, column);
    let own = env::current_exe().expect("a path");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"])
        .arg(own)
        .args(["count", &workload.name(), column.name(), &times.to_string()])
        .output();
    let run = run.unwrap_or_else(|why| fail(&format!("valgrind: {why} (Debian: apt-get install valgrind)")));
    let told = String::from_utf8_lossy(&run.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    collected.unwrap_or_else(|| fail(&format!("callgrind counted nothing:\n{told}"))) / f64::from(times)
}

/// The median of 31 batches, of at least 2 ms each.
pub fn nanoseconds(workload: Workload, column: Column) -> f64 {
    let mut ready = column.ready(workload);
    let mut times = times(workload, column);
    let mut batch = |times: u32| {
        let start = Instant::now();
        ready.decide(times);
        start.elapsed()
    };
    while batch(times) < Duration::from_millis(2) {
        times *= 2;
    }
    let mut taken: Vec<f64> = (0..31).map(|_| batch(times).as_secs_f64() * 1e9 / f64::from(times)).collect();
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 2]
}

/// The engines try rule after rule: of many rules, few decisions are enough.
fn times(workload: Workload, column: Column) -> u32 {
    match (workload, column) {
        (Workload::LastOf(_), Column::Datalogic | Column::Unleash) => 3,
        _ => 100,
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    exit(1)
}
