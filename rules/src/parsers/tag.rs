//! Where a document says how it is to be read, found without reading it.

use crate::Format;

const KEY: &[u8] = b"x-gray-tag";

/// The tag of a document: of a text that begins with `{` the member of the outermost object, of another one the line that
/// begins with `x-gray-tag:`. One pass over the text.
pub(super) fn find(format: Format, text: &[u8]) -> Option<&str> {
    // Most documents have none, and need no second look.
    memchr::memmem::find(text, KEY)?;
    let object = format == Format::Json || text.trim_ascii_start().starts_with(b"{");
    let tag = if object { member(text) } else { text.split(|&byte| byte == b'\n').find_map(line) };
    tag.and_then(|tag| std::str::from_utf8(tag).ok()).filter(|tag| !tag.is_empty())
}

fn line(line: &[u8]) -> Option<&[u8]> {
    let quoted = |quote: u8| {
        let rest = line.strip_prefix(&[quote]).and_then(|rest| rest.strip_prefix(KEY));
        rest.and_then(|rest| rest.strip_prefix(&[quote]))
    };
    let rest = line.strip_prefix(KEY).or_else(|| quoted(b'"')).or_else(|| quoted(b'\''))?;
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    let value = value.first().filter(|first| first.is_ascii_whitespace()).and(Some(value))?.trim_ascii();
    match value.first()? {
        quote @ (b'"' | b'\'') => {
            let inner = value.get(1..)?;
            inner.iter().position(|byte| byte == quote).and_then(|end| inner.get(..end))
        }
        _ => {
            let end = value.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#']));
            Some(value.get(..end.unwrap_or(value.len()))?.trim_ascii_end())
        }
    }
}

/// The member of the outermost object.
fn member(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let (string, behind) = string(rest)?;
                rest = behind;
                if depth == 1
                    && string == KEY
                    && let Some(value) = rest.trim_ascii_start().strip_prefix(b":")
                {
                    return value.trim_ascii_start().strip_prefix(b"\"").and_then(self::string).map(|(value, _)| value);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands before the closing quote, and what behind it. Escapes stay as they are: no tag has any.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_at_the_top_alone() {
        for (text, tag) in [
            ("x-gray-tag: canary\n", Some("canary")),
            ("a: 1\nx-gray-tag: 'v1-yaml' # so\nb: 2", Some("v1-yaml")),
            ("\"x-gray-tag\" : stable # now\r\n", Some("stable")),
            ("'x-gray-tag': stable\r\n", Some("stable")),
            ("a:\n  x-gray-tag: canary\n", None),
            ("# x-gray-tag: canary\n", None),
            ("x-gray-tags: canary\n", None),
            ("x-gray-tag:canary\n", None),
            ("x-gray-tag:\n", None),
            ("x-gray-tag: \"canary\n", None),
            ("{\"a\": {\"x-gray-tag\": \"no\"}, \"x-gray-tag\" : \"canary\"}", Some("canary")),
            ("{\"a\": \"x-gray-tag\", \"b\": \"\\\"x-gray-tag\\\": \"}", None),
            ("{\"x-gray-tag\": 1}", None),
            ("{\"x-gray-tag\": \"", None),
        ] {
            assert_eq!(find(Format::Yaml, text.as_bytes()), tag, "{text}");
        }
        assert_eq!(find(Format::Json, b"// so\n{\"x-gray-tag\": \"v1-jsonc\"}"), Some("v1-jsonc"));
    }
}
