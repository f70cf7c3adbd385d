//! What a decision costs: instructions and nanoseconds, beside a decision written by hand and beside published engines.
//!
//! Prints a table. Status 1 where two columns decide differently, or where valgrind is missing.

mod column;
mod datalogic;
mod floor;
mod measure;
mod outcome;
mod request;
mod table;
mod unleash;
mod workload;

use std::{env, process::ExitCode, thread};

use column::Column;
use workload::Workload;

/// One of the engines compiles a toggle of 10,000 strategies by recursion.
const STACK: usize = 4 << 30;

fn main() -> ExitCode {
    let run = thread::Builder::new().stack_size(STACK).spawn(run).map(thread::JoinHandle::join);
    run.ok().and_then(Result::ok).unwrap_or(ExitCode::FAILURE)
}

fn run() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => table::print(),
        ["count", workload, column, times] => count(workload, column, times),
        _ => {
            eprintln!("found arguments, expected none");
            ExitCode::FAILURE
        }
    }
}

/// Decides a few times, for callgrind to count.
fn count(workload: &str, column: &str, times: &str) -> ExitCode {
    let workload = Workload::ALL.into_iter().find(|known| known.name() == workload);
    let column = Column::ALL.into_iter().find(|known| known.name() == column);
    let (Some(workload), Some(column), Ok(times)) = (workload, column, times.parse()) else { return ExitCode::FAILURE };
    let mut ready = column.ready(workload);
    // What happens once alone is not counted.
    let _ = ready.outcome();
    ready.decide(times);
    ExitCode::SUCCESS
}
