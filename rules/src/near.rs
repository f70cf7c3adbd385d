//! The name that was meant: of those that would be right, the one a slip of the hand away from what stands there.

/// The longest name, in bytes without punctuation, of which a slip is looked for.
const LONGEST: usize = 48;

/// What others call what is called otherwise here.
const SYNONYMS: &[(&str, &str)] = &[
    ("and", "all"),
    ("authority", "host"),
    ("caseinsensitive", "ignoreCase"),
    ("domains", "hosts"),
    ("endswith", "suffix"),
    ("equal", "exact"),
    ("equals", "exact"),
    ("exists", "present"),
    ("ip", "source"),
    ("matches", "regex"),
    ("oneof", "in"),
    ("or", "any"),
    ("param", "query"),
    ("paths", "pathPrefixes"),
    ("pattern", "regex"),
    ("percentage", "percent"),
    ("prefixes", "pathPrefixes"),
    ("startswith", "prefix"),
    ("uri", "path"),
    ("url", "path"),
    ("values", "in"),
    ("version", "semver"),
    ("weight", "weights"),
];

/// The name among `names` that `found` was probably meant to be; None where no one is near.
///
/// Case and punctuation do not count. Takes time proportional to the number of names: each costs at most a square of 48.
pub fn nearest<'n>(found: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    let plain = plain(found);
    if plain.is_empty() || plain.len() > LONGEST {
        return None;
    }
    let limit = (plain.len() / 3).max(1);
    let slips = |name: &str| {
        let name = self::plain(name);
        let may = name.len() <= LONGEST && name.len().abs_diff(plain.len()) <= limit;
        // Of a name of one or two letters a slip leaves nothing that would tell it.
        let slips = may.then(|| distance(&plain, &name))?;
        (slips <= limit && (slips == 0 || name.len() > 2)).then_some(slips)
    };
    let near = names.clone().filter_map(|name| Some((slips(name)?, name))).min_by_key(|(slips, _)| *slips);
    let synonym = || {
        let (_, ours) = SYNONYMS.iter().find(|(theirs, _)| theirs.as_bytes() == plain.as_slice())?;
        names.clone().find(|name| name == ours)
    };
    near.map(|(_, name)| name).or_else(synonym)
}

/// Letters and digits in lower case: what a person remembers of a name.
fn plain(name: &str) -> Vec<u8> {
    name.bytes()
        .filter(|byte| !matches!(byte, b'-' | b'_' | b'.' | b' '))
        .map(|byte| byte.to_ascii_lowercase())
        .collect()
}

/// How many bytes have to be inserted, removed, changed or exchanged with their neighbour.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut left = None;
    for (number, &letter) in (1..).zip(one) {
        let mut row = vec![number];
        let mut above = None;
        for (place, &there) in other.iter().enumerate() {
            let changed = at(&last, place).saturating_add(usize::from(letter != there));
            let removed = at(&last, place.saturating_add(1)).saturating_add(1);
            let inserted = at(&row, place).saturating_add(1);
            let swapped = (left == Some(there) && above == Some(letter)).then_some(place);
            let swapped = swapped.and_then(|place| place.checked_sub(1)).map(|place| at(&before, place));
            let swapped = swapped.unwrap_or(usize::MAX).saturating_add(1);
            row.push(changed.min(removed).min(inserted).min(swapped));
            above = Some(there);
        }
        before = std::mem::replace(&mut last, row);
        left = Some(letter);
    }
    at(&last, other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (one, other, slips) in [
            ("", "", 0),
            ("abc", "", 3),
            ("when", "whne", 1),
            ("header", "headers", 1),
            ("exakt", "exact", 1),
            ("canary", "cannary", 1),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
        ] {
            assert_eq!(distance(one.as_bytes(), other.as_bytes()), slips, "{one} {other}");
            assert_eq!(distance(other.as_bytes(), one.as_bytes()), slips, "{other} {one}");
        }
    }

    #[test]
    fn what_is_near_is_named_and_nothing_else() {
        let names =
            ["in", "id", "exact", "prefix", "ignoreCase", "pathPrefixes", "semver", "canary", "canary-b", "all"];
        for (found, meant) in [
            ("exakt", Some("exact")),
            ("ignorecase", Some("ignoreCase")),
            ("path_prefixes", Some("pathPrefixes")),
            ("canary_b", Some("canary-b")),
            ("canry", Some("canary")),
            ("startsWith", Some("prefix")),
            ("equals", Some("exact")),
            ("and", Some("all")),
            ("IN", Some("in")),
            ("on", None),
            ("stable", None),
            ("", None),
            ("url", None),
        ] {
            assert_eq!(nearest(found, names.into_iter()), meant, "{found}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), names.into_iter()), None);
    }
}
