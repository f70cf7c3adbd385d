//! What the VMs tell the fetcher, in its inbox.

use serde::{Deserialize, Serialize};

use crate::host;

/// The queue of whoever fetches, in which all VMs report.
pub const INBOX: &str = "graylane/inbox";

/// The most values taken from a queue in one callback; what is left comes with the next callback or tick.
const DRAIN_LIMIT: usize = 1024;

/// What a VM says of itself, as JSON. Unknown fields are skipped, so that a newer filter can speak to an older fetcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The VM: 16 hexadecimal digits, drawn at its start.
    pub id: String,
    /// The token of its own queue.
    pub queue: u32,
    /// The snapshot formats it reads.
    pub formats: Vec<u16>,
    /// The fetched revision in use, as `E.N`.
    pub revision: Option<String>,
    /// The revision it did not take.
    pub refused: Option<String>,
    /// Why not, or what else is wrong.
    pub error: Option<String>,
    /// Whether the refused bytes were not those the pointer promised; writing them again may help.
    #[serde(default)]
    pub unfit: bool,
    /// Whether a request was ever seen, which only workers are sent.
    #[serde(default)]
    pub serving: bool,
    /// When this was said: nanoseconds of the host's monotonic clock.
    #[serde(default)]
    pub at: u64,
}

/// So many characters of what is wrong are told.
const WORDS: usize = 300;

/// The beginning of what is wrong, as it is told.
pub fn told(why: &str) -> String {
    why.chars().take(WORDS).collect()
}

impl Hello {
    /// Reads a message; None where it is none, or is larger than any VM writes.
    pub fn read(message: &[u8]) -> Option<Self> {
        let hello: Self = serde_json::from_slice(message.get(..message.len().min(4096))?).ok()?;
        let known = (1..=64).contains(&hello.id.len()) && hello.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        (known && hello.formats.len() <= 16).then_some(hello)
    }

    /// Whether `other` says the same, whenever it was said.
    pub fn says_as(&self, other: &Self) -> bool {
        *self == Self { at: self.at, ..other.clone() }
    }
}

/// Takes what waits in a queue, item by item.
pub fn drain(queue: u32) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(move || host::dequeue(queue).ok()).take(DRAIN_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_filter_adds_is_skipped_and_garbage_is_no_hello() {
        let text = br#"{"id":"0a","queue":3,"formats":[1],"revision":null,"refused":null,"error":null,"later":[1]}"#;
        let hello = Hello::read(text).unwrap();
        assert_eq!((hello.queue, hello.unfit, hello.at), (3, false, 0));
        assert!(
            hello.says_as(&Hello { at: 7, ..hello.clone() }) && !hello.says_as(&Hello { queue: 4, ..hello.clone() })
        );
        for garbage in [&b""[..], b"{}", b"\xff", br#"{"id":"../..","queue":1,"formats":[1]}"#, &[b'['; 5000]] {
            assert_eq!(Hello::read(garbage), None, "{}", garbage.escape_ascii());
        }
    }
}
