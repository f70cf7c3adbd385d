//! The programs that print tables: their command lines, options each with a value, and how they end.

use std::{env, fmt, fs, process::ExitCode, str::FromStr};

/// What came of a program.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The report to print.
    pub report: String,
    /// Whether what it measured is good enough, as its documentation says.
    pub passed: bool,
}

/// The whole of a program: sets options by its command line, has `run` measure, prints the report. Status 0 if it passed,
/// else 1; 2, with what is wrong and the `usage`, where the command line is.
pub fn main<O: Default>(
    usage: &str,
    set: fn(&mut O, &str, &str) -> Result<bool, String>,
    run: impl FnOnce(&O) -> Result<Outcome, String>,
) -> ExitCode {
    let mut options = O::default();
    let read = read(env::args().skip(1), |name, value| set(&mut options, name, value));
    match read.and_then(|()| run(&options)) {
        Ok(outcome) => {
            print!("{}", outcome.report);
            if outcome.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("{why}\n{usage}");
            ExitCode::from(2)
        }
    }
}

/// What was measured on, but for how its cores were shared: `2 cores; Linux 6.18`.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores; Linux {}", kernel())
}

/// The kernel's release.
pub(crate) fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux").trim().to_owned()
}

/// Gives each option and its value to `set`, which says whether there is one of that name.
///
/// # Errors
/// An option without a value or of no known name, and what `set` finds wrong.
fn read(
    mut arguments: impl Iterator<Item = String>,
    mut set: impl FnMut(&str, &str) -> Result<bool, String>,
) -> Result<(), String> {
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name}: found no value, expected one"))?;
        if !set(&name, &value)? {
            return Err(format!("found {name}, expected one of the options"));
        }
    }
    Ok(())
}

/// The value of the option `name`, a number of at least `least`.
///
/// # Errors
/// What was found instead.
pub fn number<N: FromStr + PartialOrd + fmt::Display>(name: &str, value: &str, least: N) -> Result<N, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{name}: found {value:?}, expected a number of at least {least}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(arguments: &[&str]) -> Result<u32, String> {
        let mut rounds = 10;
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        read(arguments, |name, value| match name {
            "--rounds" => number(name, value, 2).map(|number| rounds = number).map(|()| true),
            _ => Ok(false),
        })?;
        Ok(rounds)
    }

    #[test]
    fn options_are_read_and_what_is_wrong_is_named() {
        assert_eq!((rounds(&[]), rounds(&["--rounds", "7"])), (Ok(10), Ok(7)));
        for (arguments, said) in [
            (&["--rounds"][..], "--rounds: found no value, expected one"),
            (&["--rounds", "1"], "--rounds: found \"1\", expected a number of at least 2"),
            (&["--rounds", "x"], "--rounds: found \"x\""),
            (&["--other", "1"], "found --other, expected one of the options"),
        ] {
            assert!(rounds(arguments).unwrap_err().starts_with(said), "{arguments:?}");
        }
    }
}
