//! The header names that are Graylane's alone.

use graylane_rules::owned;

use crate::pairs::length_bit;

/// The names that only Graylane may set, from the plugin configuration, and their underscore twins.
///
/// `x_gray_variant` is a twin of `x-gray-variant`: another header to Envoy, the same one to many upstreams
/// (CGI and WSGI read `-` as `_`). Twins are stripped with their names and never set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    names: Vec<String>,
    /// Bit n: some name is n bytes long, 63 for all that are longer. Most headers are told apart by that alone.
    lengths: u64,
}

impl Owned {
    /// Takes `names`, which are lower case.
    pub fn new(names: Vec<String>) -> Self {
        let lengths = names.iter().fold(0, |lengths, name| lengths | length_bit(name.len()));
        Self { names, lengths }
    }

    /// Whether `name`, in lower case, is one of the names.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.iter().any(|owned| owned.as_bytes() == name)
    }

    /// Whether `name`, in lower case, is one of the names or a twin of one.
    pub fn covers(&self, name: &[u8]) -> bool {
        self.lengths & length_bit(name.len()) != 0
            && self.names.iter().any(|owned| owned::covers(owned.as_bytes(), name))
    }

    /// The [bits](length_bit) of all their lengths.
    pub fn lengths(&self) -> u64 {
        self.lengths
    }

    /// The names, and of each its twin without any `-`.
    pub fn names_and_twins(&self) -> impl Iterator<Item = String> {
        self.names.iter().flat_map(|name| [name.clone(), name.replace('-', "_")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_its_twins_and_nothing_else() {
        let long = format!("x-{}", "l".repeat(70));
        let owned = Owned::new(vec!["x-gray-variant".into(), "x-flags".into(), long.clone()]);
        let cases: &[(&str, bool, bool)] = &[
            ("x-gray-variant", true, true),
            ("x_gray_variant", false, true),
            ("x-gray_variant", false, true),
            ("x-gray-varian", false, false),
            ("x-gray-variants", false, false),
            ("y-gray-variant", false, false),
            ("x-flags", true, true),
            ("x_flags", false, true),
            (&long, true, true),
            ("", false, false),
        ];
        for (name, contains, covers) in cases {
            assert_eq!(
                (owned.contains(name.as_bytes()), owned.covers(name.as_bytes())),
                (*contains, *covers),
                "{name}"
            );
        }
    }
}
