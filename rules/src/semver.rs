//! Versions and ranges of versions as npm reads them: what node-semver 7 answers in its strict mode.
//!
//! A range is OR of AND of comparisons. It is read when it is compiled; asking it allocates nothing.

mod double;
mod partial;
mod range;
mod spaces;

use std::cmp::Ordering;

use crate::snapshot::{
    records::{Comparison, Test, flag, relation},
    section::Section,
};

use double::rounded;
pub(crate) use range::{COMPARISONS_LIMIT, Comparator, RANGE_LIMIT, parse};

/// The longest version, in characters, blanks around it included.
const VERSION_LIMIT: usize = 256;

/// The greatest number that npm takes: 2^53-1.
pub(crate) const GREATEST: u64 = (1 << 53) - 1;

/// Whether a value is a full version and within the range of the test.
pub(crate) fn holds(section: &Section<'_>, test: &Test, value: &[u8]) -> bool {
    let Some(version) = Version::of(value) else { return false };
    let prereleases = test.flags & flag::PRERELEASES != 0;
    let mut alternatives = section.comparisons(test).split_inclusive(|comparison| comparison.last == 1);
    alternatives.any(|all| {
        let mut every = all.iter();
        every.all(|one| version.passes(section, one))
            && (prereleases || version.prerelease.is_empty() || all.iter().any(|one| version.is_meant_by(one)))
    })
}

/// A full version; its build metadata is checked and left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version<'v> {
    numbers: [u64; 3],
    /// Empty: none.
    prerelease: &'v str,
}

impl<'v> Version<'v> {
    /// The version a value is, with blanks and one `v` in front of it or not.
    fn of(value: &'v [u8]) -> Option<Self> {
        // A blank that npm cuts off has at most three bytes.
        let text = value.get(..value.len().min(VERSION_LIMIT.saturating_mul(3).saturating_add(1)))?;
        let text = std::str::from_utf8(text).ok().filter(|text| text.chars().count() <= VERSION_LIMIT)?;
        Self::parse(text.trim_matches(is_blank))
    }

    /// `v?MAJOR.MINOR.PATCH(-PRERELEASE)?(+BUILD)?`, without leading zeros.
    fn parse(text: &'v str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = cut(text, '+');
        let (main, prerelease) = cut(text, '-');
        let mut numbers = main.split('.');
        let mut next = || numbers.next().and_then(number);
        let found = Self { numbers: [next()?, next()?, next()?], prerelease: prerelease.unwrap_or_default() };
        let whole = numbers.next().is_none() && is_tail(prerelease, build);
        whole.then_some(found)
    }

    fn passes(&self, section: &Section<'_>, comparison: &Comparison) -> bool {
        let order = self.numbers.cmp(&comparison.numbers()).then_with(|| {
            let other = std::str::from_utf8(section.text(comparison.prerelease)).unwrap_or_default();
            compare_prereleases(self.prerelease, other)
        });
        comparison.relation & relation::of(order) != 0
    }

    /// Whether a comparison is with a prerelease of the same version: then prereleases are meant.
    fn is_meant_by(&self, comparison: &Comparison) -> bool {
        comparison.prerelease.length.get() > 0 && comparison.numbers() == self.numbers
    }
}

/// What precedes the first `mark`, and what follows it.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// What JavaScript cuts off at both ends.
fn is_blank(letter: char) -> bool {
    (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}'
}

/// Digits without leading zeros, whatever they are worth.
fn is_numeric(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text.len() == 1 || !text.starts_with('0'))
}

/// A number that npm can count with.
fn number(text: &str) -> Option<u64> {
    let number = text.parse().ok().filter(|_| is_numeric(text));
    number.filter(|&number| number <= GREATEST)
}

/// Whether a prerelease and build metadata, where they are there, are well formed.
fn is_tail(prerelease: Option<&str>, build: Option<&str>) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let identifier = |text: &str| word(text) && (!digits(text) || is_numeric(text));
    prerelease.is_none_or(|text| text.split('.').all(identifier)) && build.is_none_or(|text| text.split('.').all(word))
}

/// No prerelease comes after any; numbers come before words; of two that begin alike the longer comes after.
fn compare_prereleases(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (false, false) => {}
        (empty, other_empty) => return empty.cmp(&other_empty),
    }
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        match (ones.next(), others.next()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => return compare_identifiers(one, other),
            (one, other) => return one.is_some().cmp(&other.is_some()),
        }
    }
}

fn compare_identifiers(one: &str, other: &str) -> Ordering {
    match (is_numeric(one), is_numeric(other)) {
        (true, true) => rounded(one).cmp(&rounded(other)),
        (false, false) => one.cmp(other),
        (numeric, _) => {
            if numeric {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_versions_are_versions() {
        let plain = |numbers| Some(Version { numbers, prerelease: "" });
        for (text, version) in [
            ("1.2.3", plain([1, 2, 3])),
            ("v1.2.3", plain([1, 2, 3])),
            (" \t1.2.3\u{a0}", plain([1, 2, 3])),
            ("0.0.9007199254740991+build.007", plain([0, 0, GREATEST])),
            ("1.2.3-rc.1+x", Some(Version { numbers: [1, 2, 3], prerelease: "rc.1" })),
            ("1.2.3+x-y", plain([1, 2, 3])),
            ("1.2.3--", Some(Version { numbers: [1, 2, 3], prerelease: "-" })),
        ] {
            assert_eq!(Version::of(text.as_bytes()), version, "{text:?}");
        }
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "V1.2.3",
            "=1.2.3",
            "vv1.2.3",
            "v 1.2.3",
            "01.2.3",
            "1.2.x",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3+",
            "1.2.3 x",
            "1.2.9007199254740992",
            "1.2.-3",
            "+1.2.3",
            "1.2.3\u{85}",
            "١.2.3",
        ] {
            assert_eq!(Version::of(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Version::of(b"1.2.3\xff"), None);
    }

    #[test]
    fn a_version_has_at_most_256_characters() {
        let blanks = "\u{3000}".repeat(251);
        assert!(Version::of(format!("{blanks}1.2.3").as_bytes()).is_some());
        assert!(Version::of(format!("{blanks} 1.2.3").as_bytes()).is_none());
        assert!(Version::of(format!("1.2.3-{}", "a".repeat(250)).as_bytes()).is_some());
        assert!(Version::of(format!("1.2.3-{}", "a".repeat(251)).as_bytes()).is_none());
        assert!(Version::of(&[b' '; 100_000]).is_none());
    }

    #[test]
    fn prereleases_are_ordered_as_the_standard_says() {
        let order = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1", ""];
        for (place, one) in order.iter().enumerate() {
            for (other_place, other) in order.iter().enumerate() {
                assert_eq!(compare_prereleases(one, other), place.cmp(&other_place), "{one} {other}");
            }
        }
        assert_eq!(compare_identifiers("99999999999999999998", "99999999999999999999"), Ordering::Equal);
    }
}
