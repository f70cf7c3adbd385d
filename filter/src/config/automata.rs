//! The automata of the regular expressions in embedded rule sets: compiled elsewhere, since nothing here compiles any.

use std::borrow::Cow;

use graylane_rules::Automaton;
use serde::Deserialize;

use super::{Invalid, quoted};

/// One automaton, as `graylane embed` writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmbeddedAutomaton<'a> {
    /// The expression, as rules write it.
    #[serde(borrow)]
    regex: Cow<'a, str>,
    /// Whether ASCII letters are compared without case. Default: false.
    #[serde(default)]
    ignore_case: bool,
    /// The table, in base64 with padding.
    #[serde(borrow)]
    automaton: Cow<'a, str>,
}

impl EmbeddedAutomaton<'_> {
    /// What the rules are compiled with; `place` is that in the list.
    ///
    /// # Errors
    /// What is no base64.
    pub fn decoded(&self, place: usize) -> Result<Automaton, Invalid> {
        let bytes = decoded(self.automaton.as_bytes()).ok_or_else(|| {
            let path = format!("automata[{place}].automaton");
            Invalid::new(&path, &quoted(&self.automaton), "base64 as `graylane embed` writes it")
        })?;
        Ok(Automaton { pattern: self.regex.clone().into_owned(), ignore_case: self.ignore_case, bytes })
    }
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len());
    for chunk in digits.chunks(4) {
        let bits = chunk.iter().try_fold(0u32, |bits, &digit| Some((bits << 6) | digit_of(digit)?))?;
        // Four digits are three bytes, three are two, two are one; the bits left over are 0.
        let (bits, count) = match chunk.len() {
            4 => (bits, 3),
            3 if bits & 3 == 0 => (bits << 6, 2),
            2 if bits & 15 == 0 => (bits << 12, 1),
            _ => return None,
        };
        bytes.extend(bits.to_be_bytes().iter().skip(1).take(count));
    }
    text.len().is_multiple_of(4).then_some(bytes)
}

fn digit_of(digit: u8) -> Option<u32> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    DIGITS.iter().position(|&known| known == digit).and_then(|place| u32::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648_and_nothing_else() {
        for (text, plain) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar"), ("+/+/", "\u{fb}")]
        {
            let expected = if text == "+/+/" { Some(vec![0xfb, 0xff, 0xbf]) } else { Some(plain.as_bytes().to_vec()) };
            assert_eq!(decoded(text.as_bytes()), expected, "{text}");
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zm 9", "-_-_", "=", "Zg==Zg=="] {
            assert_eq!(decoded(text.as_bytes()), None, "{text}");
        }
    }
}
