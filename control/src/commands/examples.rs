//! The examples of every `--help`: each must be a command line that is understood.

use clap::{Command, CommandFactory as _, Parser as _};

use super::{Arguments, explain};
use crate::shell;

/// What stands under `Examples:`, lines that go on in the next one as one.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let text = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    text.replace("\\\n", " ").replace("|\n", "| ").lines().map(|line| line.trim().to_owned()).collect()
}

/// The commands of a line, apart from what a shell does with them: pipes, redirections, substitutions.
fn commands(line: &str) -> Vec<String> {
    let (mut commands, mut quote) = (vec![String::new()], None);
    for letter in line.chars() {
        match letter {
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            _ if quote == Some(letter) => quote = None,
            '|' | '&' | ';' | '(' | ')' | '<' | '>' if quote.is_none() => {
                commands.push(String::new());
                continue;
            }
            _ => {}
        }
        commands.last_mut().unwrap().push(letter);
    }
    commands
}

fn words(command: &str) -> Option<Vec<String>> {
    if let Some((_, json)) = command.split_once("HEALTHCHECK CMD ") {
        return Some(serde_json::from_str(json).unwrap());
    }
    // What it stands for, as a shell would put there.
    let command = command.trim().replace("$before", "1732446000000.1");
    command.starts_with("graylane ").then(|| shell::words(&command).unwrap())
}

fn check(command: &Command, seen: &mut usize) {
    let examples = examples(command);
    let asked = examples.iter().flat_map(|line| commands(line)).filter_map(|part| words(&part));
    for words in asked {
        *seen = seen.saturating_add(1);
        let words = explain::separated(words.into_iter().map(Into::into).collect());
        let parsed = Arguments::try_parse_from(&words);
        assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
    }
    command.get_subcommands().for_each(|command| check(command, seen));
}

#[test]
fn every_printed_example_is_understood() {
    let mut seen = 0;
    let command = Arguments::command();
    check(&command, &mut seen);
    assert!(seen >= 40, "{seen} examples: are they still under the heading Examples?");
    for command in command.get_subcommands() {
        assert!(!examples(command).is_empty(), "{} has no example", command.get_name());
    }
}
