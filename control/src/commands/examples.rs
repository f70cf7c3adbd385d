//! The examples of every `--help` and of every guide: each must be a command line that is understood.

use std::{fs, path::Path};

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

/// Every command of `line`, which stands in `place`.
fn understood(line: &str, place: &str, seen: &mut usize) {
    for words in commands(line).iter().filter_map(|part| words(part)) {
        *seen = seen.saturating_add(1);
        let words = explain::separated(words.into_iter().map(Into::into).collect());
        let parsed = Arguments::try_parse_from(&words);
        assert!(parsed.is_ok(), "{place}: {words:?}: {}", parsed.unwrap_err());
    }
}

/// The lines of the blocks of `text`, without a shell's prompt and a comment behind a command; those that go on in the next as one.
fn block_lines(text: &str) -> Vec<String> {
    let blocks: String = text.split("```").skip(1).step_by(2).collect();
    let joined = blocks.replace("\\\n", " ");
    let bare = |line: &str| {
        let line = line.trim().trim_start_matches("$ ");
        line.split_once(" #").map_or(line, |(command, _)| command).trim().to_owned()
    };
    joined.lines().map(bare).collect()
}

/// Every Markdown file below `directory`.
fn guides(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            guides(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_command_in_the_guides_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = vec![("README.md".to_owned(), fs::read_to_string(root.join("README.md")).unwrap())];
    guides(&root.join("docs"), &mut found);
    guides(&root.join("envoy"), &mut found);
    let mut seen = 0;
    for (place, text) in &found {
        block_lines(text).iter().for_each(|line| understood(line, place, &mut seen));
    }
    assert!(seen >= 25, "{seen} commands: do they still begin with graylane?");
}

fn check(command: &Command, seen: &mut usize) {
    let examples = examples(command);
    examples.iter().for_each(|line| understood(line, "--help", seen));
    command.get_subcommands().for_each(|command| check(command, seen));
}

/// Whether it has examples, or each of its commands has.
fn has_examples(command: &Command) -> bool {
    let mut commands = command.get_subcommands().peekable();
    !examples(command).is_empty() || (commands.peek().is_some() && commands.all(has_examples))
}

#[test]
fn every_printed_example_is_understood() {
    let mut seen = 0;
    let command = Arguments::command();
    check(&command, &mut seen);
    assert!(seen >= 40, "{seen} examples: are they still under the heading Examples?");
    for command in command.get_subcommands() {
        assert!(has_examples(command), "{} has no example", command.get_name());
    }
}
