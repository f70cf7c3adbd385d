//! The query of a long poll.

use std::time::Duration;

use graylane_rules::{Revision, SNAPSHOT_FORMATS};

use crate::duration;

/// The longest a poll may wait.
const LONGEST: Duration = Duration::from_secs(60);

/// What a fetcher asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// It has this one already.
    pub after: Option<Revision>,
    /// The snapshot formats it can use; None: any.
    formats: Option<Vec<u16>>,
    /// How long it waits for something newer; not at all unless it says so.
    pub wait: Duration,
}

impl Asked {
    /// Reads the decoded pairs of a query; each parameter may be there once.
    ///
    /// # Errors
    /// Which parameter is wrong, what was found and what would be right.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut asked = Self::default();
        for (index, (name, value)) in pairs.iter().enumerate() {
            let earlier = pairs.iter().take(index);
            if earlier.into_iter().any(|(other, _)| other == name) {
                return Err(format!("{name}: found a second one, expected one"));
            }
            let wrong = |expected: &str| format!("{name}: found {value:?}, expected {expected}");
            match name.as_str() {
                "after" => asked.after = Some(value.parse().map_err(|_| wrong("a revision, such as 1732450000.7"))?),
                "formats" => asked.formats = Some(formats(value).ok_or_else(|| wrong("format numbers, such as 1,2"))?),
                "wait" => {
                    asked.wait = wait(value).ok_or_else(|| wrong("a duration up to 60s, such as 25s or 500ms"))?
                }
                _ => return Err(format!("found the parameter {name:?}, expected after, formats or wait")),
            }
        }
        Ok(asked)
    }

    /// The newest format that this build writes and the fetcher can use; None where there is none.
    pub fn format(&self) -> Option<u16> {
        self.newest_of(SNAPSHOT_FORMATS)
    }

    /// The first of `ours`, the newest first, that the fetcher can use.
    fn newest_of(&self, ours: &[u16]) -> Option<u16> {
        let usable = |format: &u16| self.formats.as_ref().is_none_or(|formats| formats.contains(format));
        ours.iter().copied().find(usable)
    }
}

fn formats(list: &str) -> Option<Vec<u16>> {
    list.split(',').map(|number| decimal(number)?.try_into().ok()).collect()
}

fn wait(text: &str) -> Option<Duration> {
    duration::parse(text).filter(|wait| *wait <= LONGEST)
}

/// Digits alone: `parse` would take a sign as well.
fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, String> {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Asked::read(&query.split('&').filter_map(pair).collect::<Vec<_>>())
    }

    #[test]
    fn everything_is_optional_and_read() {
        assert_eq!(read("").unwrap(), Asked::default());
        let asked = read("after=3.4&formats=2,1&wait=500ms").unwrap();
        assert_eq!(asked.after, Some(Revision { epoch: 3, number: 4 }));
        assert_eq!(asked.wait, Duration::from_millis(500));
    }

    #[test]
    fn the_newest_common_format_is_taken() {
        let format = |query, ours: &[u16]| read(query).unwrap().newest_of(ours);
        assert_eq!(format("", &[2, 1]), Some(2));
        assert_eq!(format("formats=1,2", &[2, 1]), Some(2));
        assert_eq!(format("formats=1,3", &[2, 1]), Some(1));
        assert_eq!(format("formats=2,1", &[1]), Some(1));
        assert_eq!(format("formats=7", &[2, 1]), None);
        assert_eq!(read("").unwrap().format(), Some(graylane_rules::SNAPSHOT_FORMAT));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, said) in [
            ("after=3", "after: found \"3\", expected a revision"),
            ("formats=1,", "formats: found \"1,\", expected format numbers"),
            ("wait=61s", "wait: found \"61s\", expected a duration up to 60s"),
            ("wait=25", "wait: found \"25\""),
            ("wait=+5s", "wait: found \"+5s\""),
            ("wait=1s&wait=2s", "wait: found a second one"),
            ("until=5", "found the parameter \"until\", expected after, formats or wait"),
        ] {
            let refused = read(query).unwrap_err();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
