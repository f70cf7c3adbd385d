//! How a command line spells curl's options.

use super::{effect::Effect, table};

/// Splits a command line into its options, each with its value (empty where it takes none), in order.
///
/// # Errors
/// An option that is not known, or that lacks its value.
pub fn read(words: &[String]) -> Result<Vec<(Effect, String)>, String> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let effect = table::long(long).ok_or_else(|| unknown(word))?;
            let value = if effect.takes_value() { words.next().ok_or_else(|| lacking(word))? } else { "" };
            options.push((effect, value.to_owned()));
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            read_letters(letters, &mut words, &mut options)?;
        } else {
            options.push((Effect::Url, word.clone()));
        }
    }
    Ok(options)
}

/// Reads `sXPOST` of `-sXPOST`: letters, the last of which may have its value attached or in the next word.
fn read_letters<'w>(
    letters: &str,
    words: &mut impl Iterator<Item = &'w String>,
    options: &mut Vec<(Effect, String)>,
) -> Result<(), String> {
    let mut left = letters.chars();
    while let Some(letter) = left.next() {
        let option = format!("-{letter}");
        let effect = table::short(letter).ok_or_else(|| unknown(&option))?;
        if !effect.takes_value() {
            options.push((effect, String::new()));
            continue;
        }
        let attached = left.as_str();
        let value = if attached.is_empty() { words.next().ok_or_else(|| lacking(&option))? } else { attached };
        options.push((effect, value.to_owned()));
        return Ok(());
    }
    Ok(())
}

fn unknown(option: &str) -> String {
    let expected = "expected one about the request, such as -H, -X, -d, -b, -A, -u, -G or -I";
    format!("found the curl option {option}, which is not understood here, {expected}")
}

fn lacking(option: &str) -> String {
    format!("found the curl option {option} without its value, expected one behind it")
}
