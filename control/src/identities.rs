//! The identities that are sent.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{failure::Failure, found::unread};

/// The most identities.
pub const MOST: usize = 1_000_000;

/// The most bytes of a file of them.
const FILE_LIMIT: u64 = 64 << 20;

/// Checks how many are asked for.
///
/// # Errors
/// What would be right.
pub fn count(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| (1..=MOST).contains(&(*number as usize)));
    number.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

/// Identities, one after the other in one text.
pub struct Identities {
    text: Vec<u8>,
}

impl Identities {
    /// The numbers from 1 to `count`.
    pub fn numbers(count: u32) -> Self {
        let lines: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
        Self { text: lines.join("\n").into_bytes() }
    }

    /// The lines of a file, those that are empty left out; `-` is stdin.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, holds none or too many, or what no header can carry.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let told = |why: io::Error| Failure::unable(format!("{name}: {}", unread(&why)));
        let mut text = Vec::new();
        let most = FILE_LIMIT.saturating_add(1);
        let read = if path.as_os_str() == "-" {
            io::stdin().lock().take(most).read_to_end(&mut text)
        } else {
            File::open(path).map_err(told)?.take(most).read_to_end(&mut text)
        };
        read.map_err(told)?;
        let identities = Self { text };
        let wrong =
            |found: String, expected: &str| Err(Failure::unable(format!("{name}: found {found}, expected {expected}")));
        if identities.text.len() as u64 > FILE_LIMIT {
            return wrong("more than 64 MiB".to_owned(), "at most that much");
        }
        match identities.iter().count() {
            0 => return wrong("no identity".to_owned(), "one a line"),
            more if more > MOST => return wrong(format!("{more} identities"), "at most 1000000"),
            _ => {}
        }
        let bad = |identity: &[u8]| identity.iter().any(|byte| matches!(byte, b'\r' | b'\0'));
        let place = identities.iter().position(bad);
        match place {
            Some(place) => {
                let found = format!("a zero byte or a carriage return in identity {}", place.saturating_add(1));
                wrong(found, "what a header can carry")
            }
            None => Ok(identities),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines.filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn lines_are_identities() {
        assert_eq!(Identities::numbers(3).iter().collect::<Vec<_>>(), [b"1", b"2", b"3"]);
        let scratch = Scratch::new("identities");
        let read = |text: &[u8]| {
            std::fs::write(scratch.path("ids"), text).unwrap();
            Identities::read(&scratch.path("ids")).map(|found| found.iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
        };
        assert_eq!(read(b"a b\r\n\n\xff\n").unwrap(), [b"a b".to_vec(), b"\xff".to_vec()]);
        assert!(read(b"\n").is_err() && read(b"a\0\n").is_err() && read(b"a\rb").is_err());
        assert!(read(&b"a\n".repeat(MOST + 1)).is_err() && Identities::read(&scratch.path("none")).is_err());
    }
}
