//! How the demo looks.

use std::io::IsTerminal;

/// Prints a heading, bold on a terminal.
pub(crate) fn heading(text: &str) {
    if std::io::stdout().is_terminal() {
        println!("\n\x1b[1m{text}\x1b[0m\n");
    } else {
        println!("\n{text}\n{}\n", "-".repeat(text.chars().count()));
    }
}

/// `text` with each line moved in.
pub(crate) fn indented(text: &str) -> String {
    let moved = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
    text.lines().map(moved).collect()
}
