//! `demo`: real requests through the real Envoy, decided by the shipped rules, which then change under load; and a release with a history.
//!
//! Ends with status 0 only if no request and no command failed. `demo --keep` serves on the shipped ports until it is interrupted.

mod keep;
mod page;
mod release;
mod requests;
mod under_load;

use std::process::ExitCode;

const USAGE: &str = "usage: demo [--keep]";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demo(),
        ["--keep"] => keep::serve(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn demo() -> ExitCode {
    let mut mesh = requests::start();
    requests::show(&mesh);
    requests::explain(&mut mesh);
    let failed = under_load::show(&mut mesh);
    drop(mesh);
    let failed = failed + release::show();
    println!("\nThe ports above are closed again; to try them yourself: make up");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
