//! What serde says about JSON that does not fit, in the words of every other message.

/// `found …, expected …` for an error of `serde_json`, whose own words end in a position that is told elsewhere.
///
/// `shape` says what would be right where serde does not.
pub fn reading(error: &serde_json::Error, shape: &str) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    let text = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")).unwrap_or(text);
    match text.split_once(", expected ") {
        Some((found, expected)) => format!("found {found}, expected {expected}"),
        None => format!("found JSON that does not fit ({text}), expected {shape}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Point {
        x: u8,
    }

    #[test]
    fn serde_words_become_found_and_expected() {
        let said = |text: &str| reading(&serde_json::from_str::<Point>(text).unwrap_err(), "a point");
        assert_eq!(said(r#"{"x":"1"}"#), "found string \"1\", expected u8");
        assert_eq!(said(r#"{"y":1}"#), "found unknown field `y`, expected `x`");
        assert_eq!(said("{}"), "found JSON that does not fit (missing field `x`), expected a point");
        assert_eq!(said("{"), "found JSON that does not fit (EOF while parsing an object), expected a point");
    }
}
