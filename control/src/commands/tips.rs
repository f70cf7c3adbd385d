//! A word where an option was meant: which one.

use std::ffi::OsString;

use clap::{
    CommandFactory as _,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Arguments;

/// The option that may have a value and need not.
const WAIT: &str = "--wait";

/// What a word alone is likely to mean behind a command that takes none.
const OPTIONS: [(&str, &str); 9] = [
    ("off", "--rule-set"),
    ("on", "--rule-set"),
    ("freeze", "--rule-set"),
    ("unfreeze", "--rule-set"),
    ("rollback", "--to"),
    ("verify", "--file"),
    ("serve", "--rules"),
    ("compact", "--keep"),
    ("watch", "--until-in-effect"),
];

/// The same error about the command line in `words`, with a tip where it is about a word that an option takes.
pub fn with_tip(error: clap::Error, words: &[OsString]) -> clap::Error {
    let command = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    let option = OPTIONS.iter().find(|(of, _)| *of == command).map(|(_, option)| *option);
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        _ => "",
    };
    // Whatever stands behind it, be it a path, is taken for how long.
    if error.kind() == ErrorKind::ValueValidation && argument.starts_with(WAIT) {
        return tipped(error, "put --wait last, or --wait=30s: what stands behind it is how long".to_owned());
    }
    let found = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(found)) if !found.starts_with('-') => Some(found.clone()),
        _ => None,
    };
    if error.kind() != ErrorKind::UnknownArgument || error.get(ContextKind::Suggested).is_some() {
        return error;
    }
    if let Some((option, found)) = option.zip(found) {
        let option = meant(command, option, &found);
        if takes(command, option) {
            return tipped(error, format!("did you mean {option} {found}?"));
        }
    }
    error
}

fn tipped(mut error: clap::Error, tip: String) -> clap::Error {
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    error
}

/// Whether a command has such an option.
fn takes(command: &str, option: &str) -> bool {
    let all = Arguments::command();
    let mut options = all.find_subcommand(command).into_iter().flat_map(clap::Command::get_arguments);
    options.any(|argument| argument.get_long() == option.strip_prefix("--"))
}

/// A word may tell more than the command does.
fn meant(command: &str, option: &'static str, found: &str) -> &'static str {
    let is_url = found.contains("://");
    match command {
        _ if is_url && found.starts_with("http") => "--control",
        _ if is_url => "--store",
        _ => option,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_word_alone_gets_the_option_that_it_lacks() {
        let said = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            with_tip(Arguments::try_parse_from(&words).unwrap_err(), &words).to_string()
        };
        for (line, tip) in [
            ("graylane off checkout", "tip: did you mean --rule-set checkout?"),
            ("graylane freeze -m sale checkout", "tip: did you mean --rule-set checkout?"),
            ("graylane rollback 3", "tip: did you mean --to 3?"),
            ("graylane verify nightly.graylane", "tip: did you mean --file nightly.graylane?"),
            ("graylane serve envoy/rules", "tip: did you mean --rules envoy/rules?"),
            ("graylane serve redb://a.redb", "tip: did you mean --store redb://a.redb?"),
            ("graylane watch http://control:8460", "tip: did you mean --control http://control:8460?"),
            ("graylane publish --wait rules -m x", "tip: put --wait last, or --wait=30s"),
            ("graylane verify http://control:8460", "tip: did you mean --control http://control:8460?"),
        ] {
            assert!(said(line).contains(tip), "{line}: {}", said(line));
        }
        for line in [
            "graylane off --checkout",
            "graylane show 3 4",
            "graylane nothing",
            "graylane rollback --ot 3",
            "graylane serve http://control:8460",
            "graylane watch redb://a.redb",
            "graylane rollback --within soon",
        ] {
            assert!(
                !said(line).contains("did you mean") && !said(line).contains("--wait last"),
                "{line}: {}",
                said(line)
            );
        }
    }
}
