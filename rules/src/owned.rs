//! Which headers Graylane may own: the only ones it sets, and strips from every request first.

/// The owned headers of a configuration that names none.
pub const DEFAULT: &[&str] = &["x-gray-variant"];

/// The header that carries switches, of all rule sets; rules set it in no other way.
pub const SWITCHES: &str = "x-gray-switches";

/// The longest name, in bytes.
const NAME_LIMIT: usize = 128;

/// The longest value, in bytes.
pub(crate) const VALUE_LIMIT: usize = 4096;

/// Names whose owner is somebody else: the connection, the proxy in front, the application's credentials.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
    "x-request-id",
];

const FORBIDDEN_PREFIXES: &[&str] = &[":", "x-envoy-", "x-forwarded-", "x-b3-", "sec-"];

/// Whether a header of this name may be owned.
///
/// # Errors
/// What would be right, for a name that is no lower-case token or belongs to the protocol, to
/// forwarding or to Envoy.
pub fn check(name: &str) -> Result<(), &'static str> {
    if FORBIDDEN.contains(&name) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(
            "a header of your own, such as x-gray-variant: this one belongs to the protocol, to a proxy or to the application",
        );
    }
    let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(token) {
        return Err("a header name of 1 to 128 lower-case letters, digits, '-' and '.'");
    }
    Ok(())
}

/// Whether a value may be set: visible ASCII, with spaces inside.
///
/// # Errors
/// What would be right. Anything else Envoy would answer with 503, for every request that gets it.
pub fn check_value(value: &str) -> Result<(), &'static str> {
    if is_value(value.as_bytes()) {
        Ok(())
    } else {
        Err("1 to 4,096 bytes of visible ASCII without spaces at the ends")
    }
}

/// Whether [`check_value`] passes; of bytes that may be no text.
pub(crate) fn is_value(value: &[u8]) -> bool {
    has_ends(value) && is_visible(value)
}

/// Whether a value is neither empty nor too long, and has no spaces at its ends.
pub(crate) fn has_ends(value: &[u8]) -> bool {
    let inside = |end: Option<&u8>| end.is_some_and(|&byte| byte != b' ');
    value.len() <= VALUE_LIMIT && inside(value.first()) && inside(value.last())
}

/// Whether all bytes are visible ASCII or spaces. All of them are looked at, eight at a time: nearly every text passes.
pub(crate) fn is_visible(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = text.as_chunks();
    // The upper bit of a byte is set where it is below the space, where it is DEL, or where it has that bit itself.
    let odd = |odd: u64, word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        odd | word | word.wrapping_sub(EACH.wrapping_mul(0x20)) | word.wrapping_add(EACH)
    };
    words.iter().fold(0, odd) & EACH.wrapping_mul(0x80) == 0 && rest.iter().all(|byte| (0x20..=0x7e).contains(byte))
}

/// Whether a request's header `name` is the owned header `owned` or a twin of it.
///
/// Applications behind gateways in the style of CGI read `x_gray_variant` as `x-gray-variant`: so
/// case does not count, and `_` is read as `-`.
pub fn covers(owned: &[u8], name: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    owned.len() == name.len() && owned.iter().map(plain).eq(name.iter().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_refused() {
        for name in [":path", "host", "x-envoy-retry-on", "x-forwarded-for", "X-Gray", "x_gray", "", "te", "a b", "x\n"]
        {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check("x-gray-variant").is_ok());
    }

    #[test]
    fn twins_are_covered() {
        for name in ["x-gray-variant", "X-Gray-Variant", "x_gray_variant", "x-gray_variant"] {
            assert!(covers(b"x-gray-variant", name.as_bytes()), "{name}");
        }
        for name in ["x-gray-variant2", "x-gray", "x.gray-variant", ""] {
            assert!(!covers(b"x-gray-variant", name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_visible_is_told_eight_bytes_at_a_time() {
        for (byte, at) in (0..=u8::MAX).flat_map(|byte| (0..20).map(move |at| (byte, at))) {
            for filling in [b' ', b'a', b'~'] {
                let mut text = [filling; 20];
                text[at] = byte;
                assert_eq!(is_visible(&text), (0x20..=0x7e).contains(&byte), "{byte:#x} at {at}");
            }
        }
        assert!(is_visible(b"") && !is_visible(b"\xff\x7e\x20\x1f\x7f\x80\x00a"));
    }

    #[test]
    fn values_that_would_break_a_request_are_refused() {
        for value in ["", " a", "a ", "a\r\nb", "\u{e9}", "a\tb"] {
            assert!(check_value(value).is_err(), "{value:?}");
        }
        assert!(check_value("new-cart=on, old").is_ok());
    }
}
