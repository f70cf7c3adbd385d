//! A range: what is written, to comparisons.

use super::{GREATEST, Version, cut, is_blank, number, partial::Partial, spaces::closed_up};
use crate::snapshot::records::relation;

/// The longest range, in bytes.
pub(crate) const RANGE_LIMIT: usize = 256;

/// The most comparisons of a range.
pub(crate) const COMPARISONS_LIMIT: usize = 64;

/// One comparison with a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Comparator {
    /// See [`relation`].
    pub(crate) relation: u8,
    pub(crate) numbers: [u64; 3],
    /// Empty: none.
    pub(crate) prerelease: String,
}

/// Those that must hold together.
type All = Vec<Comparator>;

/// Reads a range as OR of AND of comparisons, none of them empty.
///
/// # Errors
/// The part of the range that is no comparator.
pub(crate) fn parse(range: &str, prereleases: bool) -> Result<Vec<All>, String> {
    let range = range.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut alternatives = Vec::new();
    for part in range.split("||") {
        alternatives.push(all(part.trim_matches(' '), prereleases)?);
    }
    // Which of them there are decides whether prereleases are meant: so these two steps are not cosmetic.
    let impossible = |all: &All| all.iter().any(Comparator::is_impossible);
    if !alternatives.iter().all(impossible) {
        alternatives.retain(|all| !impossible(all));
    }
    let any = alternatives.iter().position(|all| matches!(all.as_slice(), [one] if one.relation == relation::ANY));
    match any {
        Some(place) => Ok(vec![alternatives.swap_remove(place)]),
        None => Ok(alternatives),
    }
}

/// The comparisons between two `||`, each once.
fn all(text: &str, prereleases: bool) -> Result<All, String> {
    let text = closed_up(&between(text, prereleases).unwrap_or_else(|| text.to_owned()));
    let mut all: All = Vec::new();
    for word in text.split(' ') {
        let found = comparators(word, prereleases).ok_or_else(|| word.to_owned())?;
        for one in found {
            if one != Comparator::any() && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    if all.is_empty() {
        all.push(Comparator::any());
    }
    Ok(all)
}

/// `FROM - TO` as the comparators it stands for.
fn between(text: &str, prereleases: bool) -> Option<String> {
    let (from_text, to_text) = text.split_once(" - ")?;
    let (from, to) = (Partial::parse(from_text)?, Partial::parse(to_text)?);
    let lowest = if prereleases { "-0" } else { "" };
    let from = match (from.major, from.minor, from.patch) {
        (Some(major), Some(minor), None) => format!(">={major}.{minor}.0{lowest}"),
        (Some(major), None, _) => format!(">={major}.0.0{lowest}"),
        (Some(_), Some(_), Some(_)) if from.prerelease.is_some() => format!(">={from_text}"),
        (Some(_), Some(_), Some(_)) => format!(">={from_text}{lowest}"),
        (None, ..) => String::new(),
    };
    let to = match (to.major, to.minor, to.patch, to.prerelease) {
        (Some(major), Some(minor), Some(patch), Some(prerelease)) => format!("<={major}.{minor}.{patch}-{prerelease}"),
        (Some(major), Some(minor), Some(patch), None) if prereleases => format!("<{major}.{minor}.{}-0", next(patch)?),
        (Some(_), Some(_), Some(_), None) => format!("<={to_text}"),
        (Some(major), Some(minor), None, _) => format!("<{major}.{}.0-0", next(minor)?),
        (Some(major), None, ..) => format!("<{}.0.0-0", next(major)?),
        (None, ..) => String::new(),
    };
    Some(format!("{from} {to}").trim().to_owned())
}

/// What one word of a range stands for; None where it is no comparator.
fn comparators(word: &str, prereleases: bool) -> Option<All> {
    let tilde = word.strip_prefix("~>").or_else(|| word.strip_prefix('~'));
    if let Some(partial) = word.strip_prefix('^').and_then(Partial::parse) {
        return caret(partial, prereleases);
    }
    if let Some(partial) = tilde.and_then(Partial::parse) {
        return self::tilde(partial, prereleases);
    }
    let (operator, version) = operator(word);
    match Partial::parse(version) {
        Some(partial) if partial.patch.is_none() => open(operator, partial, prereleases),
        Some(_) => full(word, prereleases).map(|one| vec![one]),
        None => full(&without_star(word), prereleases).map(|one| vec![one]),
    }
}

/// The operator a word begins with, 0 for none, and what follows it.
fn operator(word: &str) -> (u8, &str) {
    let (order, rest) = match (word.strip_prefix('<'), word.strip_prefix('>')) {
        (Some(rest), _) => (relation::LESS, rest),
        (_, Some(rest)) => (relation::GREATER, rest),
        _ => (0, word),
    };
    rest.strip_prefix('=').map_or((order, rest), |rest| (order | relation::EQUAL, rest))
}

/// `^1.2.3`: up to the next change of the first number that is not 0.
fn caret(partial: Partial<'_>, prereleases: bool) -> Option<All> {
    let lowest = if prereleases { "0" } else { "" };
    let (major, minor, patch) = match (partial.major, partial.minor, partial.patch) {
        (None, ..) => return Some(vec![Comparator::any()]),
        (Some(major), None, _) => return between_numbers([major, "0", "0"], lowest, 0, prereleases),
        (Some(major), Some(minor), None) => {
            let step = if major == "0" { 1 } else { 0 };
            return between_numbers([major, minor, "0"], lowest, step, prereleases);
        }
        (Some(major), Some(minor), Some(patch)) => (major, minor, patch),
    };
    let (step, lowest) = match (major, minor) {
        ("0", "0") => (2, lowest),
        ("0", _) => (1, lowest),
        // Here npm leaves the prereleases of the very version out.
        _ => (0, ""),
    };
    between_numbers([major, minor, patch], partial.prerelease.unwrap_or(lowest), step, prereleases)
}

/// `~1.2.3`: up to the next minor version.
fn tilde(partial: Partial<'_>, prereleases: bool) -> Option<All> {
    match (partial.major, partial.minor, partial.patch) {
        (None, ..) => Some(vec![Comparator::any()]),
        (Some(major), None, _) => between_numbers([major, "0", "0"], "", 0, prereleases),
        (Some(major), Some(minor), None) => between_numbers([major, minor, "0"], "", 1, prereleases),
        (Some(major), Some(minor), Some(patch)) => {
            between_numbers([major, minor, patch], partial.prerelease.unwrap_or_default(), 1, prereleases)
        }
    }
}

/// An operator with a version some of whose numbers are open.
fn open(operator: u8, partial: Partial<'_>, prereleases: bool) -> Option<All> {
    let lowest = if prereleases { "0" } else { "" };
    let Some(major) = partial.major else {
        let nothing = matches!(operator, relation::LESS | relation::GREATER);
        return Some(vec![if nothing { Comparator::below([0, 0, 0]) } else { Comparator::any() }]);
    };
    let (step, minor) = partial.minor.map_or((0, "0"), |minor| (1, minor));
    let first = [number(major)?, number(minor)?, 0];
    match operator {
        0 | relation::EQUAL => between_numbers([major, minor, "0"], lowest, step, prereleases),
        relation::LESS => Some(vec![Comparator::below(first)]),
        relation::GREATER => Some(vec![Comparator::from(above(first, step)?, lowest, prereleases)]),
        relation::UP_TO => Some(vec![Comparator::below(above(first, step)?)]),
        _ => Some(vec![Comparator::from(first, lowest, prereleases)]),
    }
}

/// From a version on, to before the next that differs in number `step`.
fn between_numbers(from: [&str; 3], prerelease: &str, step: usize, prereleases: bool) -> Option<All> {
    let [major, minor, patch] = from.map(number);
    let from = [major?, minor?, patch?];
    Some(vec![Comparator::from(from, prerelease, prereleases), Comparator::below(above(from, step)?)])
}

/// The next version that differs in number `step`: those behind it are 0.
fn above(numbers: [u64; 3], step: usize) -> Option<[u64; 3]> {
    let more = |number: u64| number.checked_add(1).filter(|&number| number <= GREATEST);
    match (numbers, step) {
        ([major, ..], 0) => Some([more(major)?, 0, 0]),
        ([major, minor, _], 1) => Some([major, more(minor)?, 0]),
        ([major, minor, patch], _) => Some([major, minor, more(patch)?]),
    }
}

/// A full version behind an operator, or nothing.
fn full(word: &str, prereleases: bool) -> Option<Comparator> {
    if word.is_empty() || word == if prereleases { ">=0.0.0-0" } else { ">=0.0.0" } {
        return Some(Comparator::any());
    }
    let (operator, version) = operator(word);
    let Version { numbers, prerelease } = Version::parse(version)?;
    let relation = if operator == 0 { relation::EQUAL } else { operator };
    Some(Comparator { relation, numbers, prerelease: prerelease.to_owned() })
}

/// npm takes the first star, and an operator in front of it, for nothing, wherever it stands.
fn without_star(word: &str) -> String {
    let (before, after) = cut(word, '*');
    let Some(after) = after else { return word.to_owned() };
    let before = before.strip_suffix('=').unwrap_or(before);
    format!("{}{after}", before.strip_suffix(['<', '>']).unwrap_or(before))
}

/// The digits of the next number.
fn next(digits: &str) -> Option<u64> {
    number(digits)?.checked_add(1)
}

impl Comparator {
    /// Every version, though prereleases only where they are asked for.
    fn any() -> Self {
        Self { relation: relation::ANY, numbers: [0, 0, 0], prerelease: String::new() }
    }

    /// This version and later ones; every version where this is the first there is.
    fn from(numbers: [u64; 3], prerelease: &str, prereleases: bool) -> Self {
        if numbers == [0, 0, 0] && prerelease == if prereleases { "0" } else { "" } {
            return Self::any();
        }
        Self { relation: relation::FROM, numbers, prerelease: prerelease.to_owned() }
    }

    /// Versions before this one and all its prereleases.
    fn below(numbers: [u64; 3]) -> Self {
        Self { relation: relation::LESS, numbers, prerelease: "0".to_owned() }
    }

    /// Whether no version passes.
    fn is_impossible(&self) -> bool {
        *self == Self::below([0, 0, 0])
    }
}
