//! The blanks of a range that npm takes no notice of: `> 1.2`, `~ 1`, `^ 2.x`.
//!
//! npm removes them by replacing in the text, before it takes the text apart, so what a blank belongs to depends on
//! what stands in front of it. That is followed here to the letter.

/// A range of single blanks without those behind operators.
pub(super) fn closed_up(range: &str) -> String {
    let mut out = String::with_capacity(range.len());
    let mut rest = range;
    while let Some(first) = rest.chars().next() {
        match comparator(rest) {
            Some((operator, version, after)) => {
                out.push_str(operator);
                out.push_str(version);
                rest = after;
            }
            None => {
                out.push(first);
                rest = rest.strip_prefix(first).unwrap_or_default();
            }
        }
    }
    out.replace("~> ", "~").replace("~ ", "~").replace("^ ", "^")
}

/// An operator, if there is one, and a version: both as they are to stand, and what is behind them.
fn comparator(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.strip_prefix(' ').unwrap_or(text);
    let behind = start.strip_prefix(['<', '>']).unwrap_or(start);
    let behind = behind.strip_prefix('=').unwrap_or(behind);
    let version = if behind.len() < start.len() { behind.strip_prefix(' ').unwrap_or(behind) } else { behind };
    let number = version.trim_start_matches(['v', '=', ' ']);
    let after = loose(number).or_else(|| partial(number))?;
    Some((before(text, behind), before(version, after), after))
}

/// What of `text` stands in front of `rest`, its end.
fn before<'t>(text: &'t str, rest: &str) -> &'t str {
    text.strip_suffix(rest).unwrap_or(text)
}

/// Behind a full version in npm's loose form: leading zeros, and a prerelease that may lack its hyphen.
fn loose(text: &str) -> Option<&str> {
    let minor = digits(text)?.strip_prefix('.')?;
    let patch = digits(minor)?.strip_prefix('.')?;
    let rest = digits(patch)?;
    let identifier = |text| digits(text).or_else(|| word(text));
    let with_hyphen = rest.strip_prefix('-').and_then(|rest| list(rest, identifier));
    let behind = with_hyphen.or_else(|| list(rest, identifier)).unwrap_or(rest);
    Some(build(behind))
}

/// Behind a partial version in npm's strict form.
fn partial(text: &str) -> Option<&str> {
    let major = open_number(text)?;
    let Some(minor) = major.strip_prefix('.').and_then(open_number) else { return Some(major) };
    let Some(patch) = minor.strip_prefix('.').and_then(open_number) else { return Some(minor) };
    let identifier = |text| strict_number(text).or_else(|| word(text));
    let behind = patch.strip_prefix('-').and_then(|rest| list(rest, identifier)).unwrap_or(patch);
    Some(build(behind))
}

fn open_number(text: &str) -> Option<&str> {
    strict_number(text).or_else(|| text.strip_prefix(['x', 'X', '*']))
}

/// A zero ends a number that begins with it.
fn strict_number(text: &str) -> Option<&str> {
    text.strip_prefix('0').or_else(|| digits(text))
}

fn digits(text: &str) -> Option<&str> {
    behind(text, |letter| letter.is_ascii_digit())
}

fn word(text: &str) -> Option<&str> {
    behind(text, |letter| letter.is_ascii_alphanumeric() || letter == '-')
}

fn build(text: &str) -> &str {
    text.strip_prefix('+').and_then(|rest| list(rest, word)).unwrap_or(text)
}

/// Behind one or more that `one` takes, with dots between them.
fn list<'t>(text: &'t str, one: impl Fn(&'t str) -> Option<&'t str>) -> Option<&'t str> {
    let mut rest = one(text)?;
    while let Some(more) = rest.strip_prefix('.').and_then(&one) {
        rest = more;
    }
    Some(rest)
}

/// Behind one or more letters of a kind.
fn behind(text: &str, kind: impl Fn(char) -> bool) -> Option<&str> {
    let rest = text.trim_start_matches(kind);
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::closed_up;

    #[test]
    fn blanks_behind_operators_go() {
        for (range, expected) in [
            ("> 1.2.3 <= 2", ">1.2.3 <=2"),
            ("~ 1", "~1"),
            ("~> 1.2", "~>1.2"),
            ("^ 1.x", "^1.x"),
            ("~ >= 1", "~>=1"),
            ("1.2.3-v = 1", "1.2.3-v =1"),
            // Here npm takes the `v` for one in front of the version.
            ("1.2.3-1v = 1", "1.2.3-1v = 1"),
            ("v = 1", "v = 1"),
            ("> = 1", ">= 1"),
            ("> a", "> a"),
        ] {
            assert_eq!(closed_up(range), expected, "{range}");
        }
    }
}
