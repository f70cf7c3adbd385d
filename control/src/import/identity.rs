//! `--identity`: what buckets requests where the source drew lots.

/// Where an identity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A header, in lower case.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// Reads `header:NAME` or `cookie:NAME`.
///
/// # Errors
/// What would be right.
pub fn parse(text: &str) -> Result<Identity, String> {
    let expected = || "expected header:NAME or cookie:NAME".to_owned();
    match text.split_once(':').ok_or_else(expected)? {
        ("header", name) => askable(name).map(|()| Identity::Header(name.to_ascii_lowercase())),
        ("cookie", name) if is_cookie(name) => Ok(Identity::Cookie(name.to_owned())),
        _ => Err(expected()),
    }
}

/// Whether rules can ask about a header of this name.
///
/// # Errors
/// Why they cannot.
pub fn askable(name: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        return Err(format!("{name} is asked about as `host`, `path` or `method`, not as a header"));
    }
    if name.is_empty() || name.len() > 256 || !name.bytes().all(token) {
        return Err(format!("{name:?} is no header name"));
    }
    Ok(())
}

/// Whether rules can ask about a cookie of this name.
pub fn is_cookie(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && !name.contains(['=', ';', ' ', '\t', ','])
        && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_header_or_a_cookie() {
        assert_eq!(parse("header:X-User-Id"), Ok(Identity::Header("x-user-id".to_owned())));
        assert_eq!(parse("cookie:Uid"), Ok(Identity::Cookie("Uid".to_owned())));
        for wrong in ["", "uid", "query:uid", "cookie:", "cookie:a=b", "header:", "header:a b", "header::path"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
