//! Switches: typed values that an upstream gets with the request, each of which may differ by variant.
//!
//! They travel in one header, [`owned::SWITCHES`], a dictionary of RFC 9651: `feature_login="v2", rate_limit=0.3`. What a
//! rule set says of a variant depends on nothing but the two, so the text is made when it is compiled.

mod overlay;
mod overrides;
mod value;

use std::borrow::Cow;

use crate::{
    Snapshot, owned,
    snapshot::{records, section::Section, tables::slice},
};

pub use overlay::SwitchOverlay;
pub use overrides::{MalformedOverrides, Overrides, RefusedOverride};
pub use value::SwitchType;

pub(crate) use overlay::known;
pub(crate) use overrides::Entry;

/// The most switches of a rule set.
pub(crate) const SWITCHES_LIMIT: usize = 64;

/// The longest name of a switch, in bytes.
const NAME_LIMIT: usize = 63;

/// What a name of a switch is.
pub(crate) const NAME: &str = "a name: 1 to 63 of a-z, 0-9, '_', '-' and '.', a letter first";

/// What stands between two members of the dictionary.
const SEPARATOR: &str = ", ";

/// Whether `text` is the [`NAME`] of a switch, and so a key of RFC 9651.
pub(crate) fn is_name(text: &str) -> bool {
    let further = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    text.len() <= NAME_LIMIT
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(further)
}

/// The dictionary of these members, each a name and an item.
pub(crate) fn dictionary<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, item) in members {
        if !text.is_empty() {
            text.push_str(SEPARATOR);
        }
        text.extend([name, "=", item]);
    }
    text
}

/// One dictionary of all `texts`, which have no name in common; None where there are none.
pub fn joined<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let mut joined = None;
    texts.for_each(|text| join(&mut joined, text));
    joined
}

/// Adds `text` to what is `joined` already.
pub fn join<'a>(joined: &mut Option<Cow<'a, [u8]>>, text: &'a [u8]) {
    match joined {
        None => *joined = Some(Cow::Borrowed(text)),
        Some(before) => {
            let before = before.to_mut();
            before.extend_from_slice(SEPARATOR.as_bytes());
            before.extend_from_slice(text);
        }
    }
}

/// A switch of a rule set, with its values as items of RFC 9651; [`SwitchType::plain`] has them as operators write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch<'s> {
    /// The rule set.
    pub rule_set: &'s [u8],
    /// The name, alike in all rule sets only where the type is.
    pub name: &'s [u8],
    /// The type of its values.
    pub kind: SwitchType,
    /// The value of every variant that `variants` does not name.
    pub default: &'s [u8],
    /// Variants that have another value, in the order of the rule set.
    pub variants: Vec<(&'s [u8], &'s [u8])>,
}

impl Snapshot {
    /// The switches of all rule sets, by rule set and then by name.
    pub fn switches(&self) -> impl Iterator<Item = Switch<'_>> {
        self.sections().flat_map(|section| {
            section.switches().iter().filter_map(move |switch| {
                let own = section.values_of(switch).iter();
                let variants = own.map(|own| (section.variant(own.variant.get()), section.text(own.item)));
                Some(Switch {
                    rule_set: section.text(section.header.name),
                    name: section.text(switch.name),
                    kind: SwitchType::of_code(switch.kind)?,
                    default: section.text(switch.default),
                    variants: variants.collect(),
                })
            })
        })
    }
}

impl<'s> Section<'s> {
    /// The dictionary of the variant at `place`; None where the rule set has no switches.
    pub(crate) fn dictionary(&self, place: u16) -> Option<&'s [u8]> {
        // Most rule sets have none, and pay one comparison for it.
        if self.header.switch_texts.count.get() == 0 {
            return None;
        }
        self.switch_texts().get(usize::from(place)).map(|text| self.text(*text))
    }

    /// The values of those variants that have one of their own, sorted by variant.
    fn values_of(&self, switch: &records::Switch) -> &'s [records::SwitchValue] {
        slice(self.switch_values(), switch.first_value.get(), switch.values.get()).unwrap_or_default()
    }

    /// The value that the variant at `place` has of a switch.
    fn item(&self, switch: &records::Switch, place: u16) -> &'s [u8] {
        let own = self.values_of(switch);
        let found = own.binary_search_by_key(&place, |own| own.variant.get()).ok();
        self.text(found.and_then(|found| own.get(found)).map_or(switch.default, |own| own.item))
    }
}

/// Whether a dictionary of so many bytes can be set.
pub(crate) fn fits(length: usize) -> bool {
    length <= owned::VALUE_LIMIT
}

/// The length of one dictionary of those of such `lengths`, of which 0 is none.
pub(crate) fn together(lengths: impl Iterator<Item = usize>) -> usize {
    let join = |sum: usize, length: usize| match (sum, length) {
        (0, one) | (one, 0) => one,
        (sum, length) => sum.saturating_add(SEPARATOR.len()).saturating_add(length),
    };
    lengths.fold(0, join)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keys_of_rfc_9651() {
        for name in ["a", "rate_limit", "x-1.b", &"n".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "_a", "A", "a b", "a=b", "caf\u{e9}", &"n".repeat(64)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn dictionaries_are_joined_in_order() {
        assert_eq!(dictionary([("a", "?1"), ("b", "\"x, y\"")].into_iter()), "a=?1, b=\"x, y\"");
        assert_eq!(joined([].into_iter()), None);
        assert_eq!(joined([&b"a=1"[..]].into_iter()).as_deref(), Some(&b"a=1"[..]));
        assert_eq!(joined([&b"a=1"[..], b"b=2, c=3", b"d=4"].into_iter()).as_deref(), Some(&b"a=1, b=2, c=3, d=4"[..]));
    }
}
