//! The plugin configuration, checked: what an operator writes for either role.
//!
//! Whether it is taken depends on nothing but its text. Envoy remembers a refusal, and skips a filter whose
//! configuration fails on a worker after it passed on the main thread.

mod automata;
mod control;
mod fetcher;
mod filter;
mod keys;
mod limits;
mod period;
mod unique;

use std::fmt;

use serde::Deserialize;

pub use control::Control;
pub use fetcher::FetcherConfig;
pub use filter::FilterConfig;
pub use keys::Keys;
pub use limits::Limits;

/// The most bytes a configuration may have: 256 KiB.
pub const LIMIT: usize = 256 << 10;

/// What an id of an operator's own is.
const ID: &str = "1 to 63 lower-case letters, digits, '-' and '_', the first a letter or digit";

/// What is wrong with a configuration, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    fn new(path: &str, found: &str, expected: &str) -> Self {
        Self(format!("{path}: found {found}, expected {expected}"))
    }

    /// The same, of a field of `parent`.
    fn within(self, parent: &str) -> Self {
        Self(format!("{parent}.{}", self.0))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn read<'a, T: Deserialize<'a> + Default>(text: &'a [u8]) -> Result<T, Invalid> {
    if text.len() > LIMIT {
        return Err(Invalid(format!("found {} bytes, expected at most {LIMIT}", text.len())));
    }
    if text.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(text).map_err(|why| Invalid(why.to_string()))
}

/// Whether `text` is an [`ID`], in which the bytes of `marks` may stand besides letters and digits, though not first.
fn is_id(text: &str, marks: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 63
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || marks.contains(&byte))
}

/// Whether `text` is 1 to 256 bytes of visible ASCII.
fn is_visible(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `text` in quotes, escaped and cut, so that it can be logged.
pub fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configurations that the documentation shows.
    fn documented() -> Vec<String> {
        let text = include_str!("../../envoy/README.md");
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let blocks = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
        blocks.map(|block| block.replace("…64 hexadecimal digits…", key)).collect()
    }

    #[test]
    fn what_the_documentation_shows_is_accepted() {
        let shown = documented();
        assert!(shown.len() >= 3, "{shown:?}");
        for text in shown {
            let filter = FilterConfig::read(text.as_bytes()).map(|_| ());
            let fetcher = FetcherConfig::read(text.as_bytes()).map(|_| ());
            assert!(filter.is_ok() || fetcher.is_ok(), "{text}: {filter:?}, {fetcher:?}");
        }
    }
}
