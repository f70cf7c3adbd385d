//! A version some of whose numbers are left open: `1`, `1.x`, `1.2.*`.

use super::{cut, is_numeric, is_tail};

/// The parts of a partial version, as written; None stands for any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partial<'t> {
    pub(super) major: Option<&'t str>,
    pub(super) minor: Option<&'t str>,
    pub(super) patch: Option<&'t str>,
    /// Counts only where no number is left open.
    pub(super) prerelease: Option<&'t str>,
}

impl<'t> Partial<'t> {
    /// `[v= ]*MAJOR(.MINOR(.PATCH(-PRERELEASE)?(+BUILD)?)?)?`, where a number may be `x`, `X` or `*`.
    ///
    /// A number behind an open one is open too, though it has to be well formed.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim_start_matches(['v', '=', ' ']);
        let (text, build) = cut(text, '+');
        let (main, prerelease) = cut(text, '-');
        let mut parts = main.split('.');
        let major = part(parts.next()?)?;
        let (minor, patch) = (parts.next().map(part), parts.next().map(part));
        let tail = prerelease.is_some() || build.is_some();
        if parts.next().is_some() || (patch.is_none() && tail) || !is_tail(prerelease, build) {
            return None;
        }
        let (minor, patch) = (minor.unwrap_or(Some(None))?, patch.unwrap_or(Some(None))?);
        let minor = minor.filter(|_| major.is_some());
        Some(Self { major, minor, patch: patch.filter(|_| minor.is_some()), prerelease })
    }
}

/// A number as written, or None where it is open.
fn part(text: &str) -> Option<Option<&str>> {
    match text {
        "x" | "X" | "*" => Some(None),
        _ => is_numeric(text).then_some(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::Partial;

    #[test]
    fn what_is_left_open_is_open() {
        let parts = |text| Partial::parse(text).map(|found| (found.major, found.minor, found.patch, found.prerelease));
        assert_eq!(parts("1"), Some((Some("1"), None, None, None)));
        assert_eq!(parts("=v 1.2.X"), Some((Some("1"), Some("2"), None, None)));
        assert_eq!(parts("1.x.3-a.1+b"), Some((Some("1"), None, None, Some("a.1"))));
        assert_eq!(parts("1.2.3-a+b-c"), Some((Some("1"), Some("2"), Some("3"), Some("a"))));
        assert_eq!(parts("*"), Some((None, None, None, None)));
        for text in ["", "v", "1.", ".1", "01", "1.2-a", "1+b", "1.2.3.4", "1.2.3-", "1.2.3-01", "1.2.3+", "y", "1.x2"]
        {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
