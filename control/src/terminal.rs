//! What a terminal is told that a file is not.

use std::io::IsTerminal;

/// Whether what goes to `stream` may be coloured: somebody looks at it, and nobody asked for no colours (no-color.org).
pub fn colours(stream: &impl IsTerminal) -> bool {
    let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|asked| !asked.is_empty());
    stream.is_terminal() && !asked_for_none && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
