//! Regular expressions that need none.

/// The texts that an expression is about, if it is one text or a choice between several: `ios|android`.
pub(super) fn of(pattern: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '|' => {
                texts.push(String::new());
                continue;
            }
            '\\' => letters.next().filter(is_escaped_literal)?,
            plain if plain.is_ascii_alphanumeric() || " -_/,:;=@%&!~'\"<>#`".contains(plain) => plain,
            _ => return None,
        };
        texts.last_mut()?.push(literal);
    }
    texts.iter().all(|text| !text.is_empty()).then_some(texts)
}

/// `\<` and `\>` are borders of words.
fn is_escaped_literal(letter: &char) -> bool {
    letter.is_ascii_punctuation() && !matches!(letter, '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_means_itself_is_a_literal() {
        for (pattern, texts) in [
            ("v1", Some(&["v1"][..])),
            (r"shop\.example\.com|b-c", Some(&["shop.example.com", "b-c"])),
            ("a b/c", Some(&["a b/c"])),
            (r"a\\", Some(&[r"a\"])),
            (r"a\<", None),
        ] {
            let texts = texts.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(of(pattern), texts, "{pattern}");
        }
        for pattern in ["", "a|", "v.", "v+", "(a)", "[a]", "a{2}", "^a", "a$", r"\d", r"a\", "é"] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }
}
