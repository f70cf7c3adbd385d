//! Overrides in the string form: `gray.feature_login=v2,gray.rate_limit=0.3`.
//!
//! Commas and ends of lines stand between entries. A value with a comma, a quotation mark, a backslash, or spaces at its
//! ends stands in quotation marks, as RFC 9651 has a String: `gray.greeting="hello, \"world\""`.

use std::{collections::BTreeSet, fmt, ops::Range};

use super::is_name;

/// The most bytes of overrides.
const LIMIT: usize = 16 << 10;

/// What every key begins with.
const PREFIX: &str = "gray.";

/// What an entry is.
const ENTRY: &str = "gray.NAME=VALUE";

/// Values of switches that stand above those of the rule sets, for all variants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub(crate) entries: Vec<Entry>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// As it is written, without the quotation marks around it.
    pub(crate) value: String,
    /// Where the entry stands.
    pub(crate) span: Range<usize>,
}

/// A text that is not in the string form: where, what was found, what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedOverrides {
    /// The bytes it is about.
    pub span: Range<usize>,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for MalformedOverrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: found {}, expected {}", self.span.start, self.found, self.expected)
    }
}

impl std::error::Error for MalformedOverrides {}

/// An override that no rule set lets take effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedOverride {
    /// The bytes of the text it is about.
    pub span: Range<usize>,
    /// The name of the switch.
    pub name: String,
    /// `unknown-switch`, `bad-switch-value` or `too-large`.
    pub code: &'static str,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for RefusedOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}: found {}, expected {}", self.name, self.found, self.expected)
    }
}

impl Overrides {
    /// Reads the string form; nothing but spaces and ends of lines is no override at all.
    ///
    /// # Errors
    /// Where it is not in the form: a key that is no `gray.NAME`, one that occurs twice, quotation marks that do not
    /// end, more than 16 KiB.
    pub fn parse(text: &str) -> Result<Self, MalformedOverrides> {
        if text.len() > LIMIT {
            let (found, expected) = (format!("{} bytes", text.len()), format!("at most {LIMIT}"));
            return Err(MalformedOverrides { span: 0..text.len(), found, expected });
        }
        let mut reader = Reader { text, at: 0 };
        let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
        while let Some(entry) = reader.entry()? {
            if !names.insert(entry.name.clone()) {
                let found = format!("the key {PREFIX}{} a second time", entry.name);
                return Err(MalformedOverrides { span: entry.span, found, expected: "each key once".to_owned() });
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names of the switches, without what every key begins with.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The value that the switch of this name is given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.value.as_str())
    }

    /// These and those of `stronger`, which win.
    pub fn under(mut self, stronger: Self) -> Self {
        self.entries.retain(|entry| stronger.entries.iter().all(|other| other.name != entry.name));
        self.entries.extend(stronger.entries);
        self
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, letters: &[char]) {
        let rest = self.rest();
        let skipped = rest.len().saturating_sub(rest.trim_start_matches(letters).len());
        self.at = self.at.saturating_add(skipped);
    }

    fn wrong(&self, start: usize, found: impl Into<String>, expected: &str) -> MalformedOverrides {
        let span = start..self.at.max(start);
        MalformedOverrides { span, found: found.into(), expected: expected.to_owned() }
    }

    /// The next entry, with what separates it from the one behind it.
    fn entry(&mut self) -> Result<Option<Entry>, MalformedOverrides> {
        self.skip(&[' ', '\t', '\r', '\n']);
        if self.rest().is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let name = self.name(start)?;
        let value = if self.rest().starts_with('"') { self.quoted()? } else { self.plain()? };
        let span = start..self.at;
        self.separator()?;
        Ok(Some(Entry { name, value, span }))
    }

    fn name(&mut self, start: usize) -> Result<String, MalformedOverrides> {
        let rest = self.rest();
        let end = rest.find(['=', ',', '\n']).unwrap_or(rest.len());
        let key = rest.get(..end).unwrap_or_default();
        self.at = self.at.saturating_add(end);
        let name = key.strip_prefix(PREFIX).filter(|name| is_name(name));
        let (Some(name), true) = (name, self.rest().starts_with('=')) else {
            let found = if key.is_empty() { "nothing".to_owned() } else { quote(key) };
            return Err(self.wrong(start, found, ENTRY));
        };
        self.at = self.at.saturating_add(1);
        self.skip(&[' ', '\t']);
        Ok(name.to_owned())
    }

    /// A value without quotation marks: up to a comma or the end of the line, without spaces at its ends.
    fn plain(&mut self) -> Result<String, MalformedOverrides> {
        let rest = self.rest();
        let end = rest.find([',', '\n']).unwrap_or(rest.len());
        let value = rest.get(..end).unwrap_or_default().trim_end();
        let start = self.at;
        self.at = self.at.saturating_add(value.len());
        if value.contains(['"', '\\']) {
            return Err(self.wrong(
                start,
                quote(value),
                "a value with these letters in quotation marks, \\\" and \\\\",
            ));
        }
        Ok(value.to_owned())
    }

    fn quoted(&mut self) -> Result<String, MalformedOverrides> {
        let start = self.at;
        let mut value = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at = start.saturating_add(place).saturating_add(1);
                    return Ok(value);
                }
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => {
                        let at = start.saturating_add(place);
                        return Err(self.wrong(at, "a backslash before something else", "\\\" or \\\\"));
                    }
                },
                plain => value.push(plain),
            }
        }
        Err(self.wrong(start, "a quotation mark that opens", "one that closes"))
    }

    fn separator(&mut self) -> Result<(), MalformedOverrides> {
        self.skip(&[' ', '\t', '\r']);
        let start = self.at;
        let mut letters = self.rest().chars();
        match letters.next() {
            None | Some('\n') => Ok(()),
            Some(',') => {
                self.at = self.at.saturating_add(1);
                self.skip(&[' ', '\t']);
                // A comma promises another entry.
                if self.rest().trim_start_matches(['\r']).chars().next().is_none_or(|next| next == '\n') {
                    return Err(self.wrong(start, "nothing behind a comma", ENTRY));
                }
                Ok(())
            }
            Some(other) => Err(self.wrong(start, quote(&other.to_string()), "a comma or the end of the line")),
        }
    }
}

fn quote(text: &str) -> String {
    crate::tree::quote(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let overrides = Overrides::parse(text).map_err(|why| why.to_string())?;
        Ok(overrides.entries.into_iter().map(|entry| (entry.name, entry.value)).collect())
    }

    #[test]
    fn the_string_form_is_read() {
        for (text, expected) in [
            ("", &[][..]),
            (" \n\n", &[]),
            ("gray.feature_login=v2,gray.rate_limit=0.3", &[("feature_login", "v2"), ("rate_limit", "0.3")]),
            ("gray.a=1, gray.b=2\n", &[("a", "1"), ("b", "2")]),
            ("gray.a=1\r\n\n  gray.b = x y \n", &[]),
            ("gray.a=1\r\n\n  gray.b= x y \n", &[("a", "1"), ("b", "x y")]),
            (r#"gray.a="x, \"y\" \\",gray.b="#, &[("a", r#"x, "y" \"#), ("b", "")]),
            (r#"gray.a=" ""#, &[("a", " ")]),
            ("gray.a==", &[("a", "=")]),
        ] {
            match read(text) {
                Ok(found) => {
                    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    assert_eq!(found, expected, "{text:?}");
                }
                Err(why) => assert!(expected.is_empty() && why.contains("gray.b "), "{text:?}: {why}"),
            }
        }
    }

    #[test]
    fn what_is_not_in_the_form_says_where() {
        for (text, expected) in [
            ("feature=v2", "byte 0: found \"feature\", expected gray.NAME=VALUE"),
            ("gray.a", "byte 0: found \"gray.a\", expected gray.NAME=VALUE"),
            ("gray.A=1", "byte 0: found \"gray.A\", expected gray.NAME=VALUE"),
            ("gray.a=1,,gray.b=2", "byte 9: found nothing, expected gray.NAME=VALUE"),
            ("gray.a=1,", "byte 8: found nothing behind a comma, expected gray.NAME=VALUE"),
            ("gray.a=1,\ngray.b=2", "byte 8: found nothing behind a comma, expected gray.NAME=VALUE"),
            ("gray.a=1,gray.a=2", "byte 9: found the key gray.a a second time, expected each key once"),
            ("gray.a=\"x", "byte 7: found a quotation mark that opens, expected one that closes"),
            ("gray.a=\"\\n\"", "byte 8: found a backslash before something else, expected \\\" or \\\\"),
            (
                r#"gray.a=x"y"#,
                r#"byte 7: found "x\"y", expected a value with these letters in quotation marks, \" and \\"#,
            ),
            ("gray.a=\"x\" y", "byte 11: found \"y\", expected a comma or the end of the line"),
            ("=", "byte 0: found nothing, expected gray.NAME=VALUE"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text:?}");
        }
        let long = "\n".repeat(LIMIT + 1);
        assert_eq!(read(&long).unwrap_err(), "byte 0: found 16385 bytes, expected at most 16384");
    }

    #[test]
    fn the_stronger_win_by_key() {
        let read = |text| Overrides::parse(text).unwrap();
        let both = read("gray.a=1,gray.b=1").under(read("gray.b=2,gray.c=2"));
        let found: Vec<_> = both.entries.iter().map(|entry| (entry.name.as_str(), entry.value.as_str())).collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("c", "2")]);
    }
}
