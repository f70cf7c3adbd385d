//! `log` on Envoy's log, which prints what it gets as it is: so control characters, which could fake a line or drive a
//! terminal, are escaped here, whoever wrote them.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::host;

struct Logger;

static LOGGER: Logger = Logger;

/// Sends what is logged from here on to Envoy, which puts the plugin's name in front and filters by its own level.
pub fn install() {
    // Only a second call fails, and changes nothing.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(LevelFilter::Info);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            host::log(number(record.level()), &printable(&record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    line
}

/// The host's number of a level.
fn number(level: Level) -> u32 {
    match level {
        Level::Error => 4,
        Level::Warn => 3,
        Level::Info => 2,
        Level::Debug => 1,
        Level::Trace => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(printable("found \"a\nb\u{1b}[2J\", expected ü"), "found \"a\\nb\\u{1b}[2J\", expected ü");
    }
}
