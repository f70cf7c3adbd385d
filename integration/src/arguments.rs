//! The command lines of the programs that print tables: options, each with a value.

use std::{fmt, str::FromStr};

/// Gives each option and its value to `set`, which says whether there is one of that name.
///
/// # Errors
/// An option without a value or of no known name, and what `set` finds wrong.
pub fn read(
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
