//! Texts that occur again and again, kept once.

use std::{collections::HashMap, num::NonZeroU32};

/// A text among [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(NonZeroU32);

/// Texts, each once.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: Vec<String>,
    known: HashMap<String, Name>,
}

impl Names {
    /// The name of `text`.
    pub fn of(&mut self, text: &str) -> Name {
        if let Some(&name) = self.known.get(text) {
            return name;
        }
        self.texts.push(text.to_owned());
        let number = u32::try_from(self.texts.len()).ok().and_then(NonZeroU32::new);
        let name = Name(number.expect("fewer than four billion texts, and one"));
        self.known.insert(text.to_owned(), name);
        name
    }

    /// The text of `name`.
    ///
    /// # Panics
    /// Where it is another history's.
    pub fn text(&self, name: Name) -> &str {
        &self.texts[name.0.get() as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_name() {
        let mut names = Names::default();
        let (stable, canary) = (names.of("stable"), names.of("canary"));
        assert_eq!((names.of("stable"), names.text(canary)), (stable, "canary"));
        assert_ne!(stable, canary);
    }
}
