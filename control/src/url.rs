//! The one kind of URL the commands take: `http` or `https`, as curl reads it.

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// `user:password`, where given.
    pub userinfo: Option<String>,
    /// The host in lower case, and the port unless it is the scheme's own.
    pub authority: String,
    /// Path and query, without dot segments and fragment; at least `/`.
    pub target: String,
    /// The same, dot segments included.
    pub written: String,
}

impl Url {
    /// Reads a URL; a missing scheme means `http`.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |expected: &str| format!("found the URL {text:?}, expected {expected}");
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(wrong("one without spaces and control characters"));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("one that begins with http:// or https://")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo.to_owned()), host),
            None => (None, authority),
        };
        let authority = plain_authority(host, secure).ok_or_else(|| wrong("a host, and perhaps a port, in it"))?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        let written = format!("{slash}{target}");
        Ok(Self { secure, userinfo, authority, target: plain_target(target), written })
    }
}

/// The authority that is sent for `host`: lower case, the scheme's own port left out.
fn plain_authority(host: &str, secure: bool) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let literal = name.starts_with('[') && name.ends_with(']');
    if name.is_empty() || (!literal && name.contains([':', '[', ']', '{', '}'])) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    match port.map(str::parse::<u16>) {
        None => Some(name),
        Some(Ok(port)) if port == if secure { 443 } else { 80 } => Some(name),
        Some(Ok(port)) => Some(format!("{name}:{port}")),
        Some(Err(_)) => None,
    }
}

/// The target that is sent: at least `/`, dot segments removed (RFC 3986, 5.2.4).
fn plain_target(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = false;
    for segment in path.split('/').skip(1) {
        directory = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => _ = kept.pop(),
            name => kept.push(name),
        }
    }
    let end = if directory && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_curl_reads_them() {
        for (text, authority, target) in [
            ("https://Shop.example.com", "shop.example.com", "/"),
            ("shop:8080/a/../b?x=1&y=2#top", "shop:8080", "/b?x=1&y=2"),
            ("https://shop:443?x=/../", "shop", "/?x=/../"),
            ("http://[::1]:80/a/./b/..", "[::1]", "/a/"),
            ("http://u:p@shop//a//", "shop", "//a//"),
            ("http://shop/..", "shop", "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.authority.as_str(), url.target.as_str()), (authority, target), "{text}");
        }
        assert_eq!(Url::parse("http://u:p@shop").unwrap().userinfo.as_deref(), Some("u:p"));
    }

    #[test]
    fn what_is_no_url_says_what_would_be_one() {
        for text in ["", "ftp://shop/", "http:///x", "http://shop:port/", "http://a b/", "http://{a,b}/"] {
            let refused = Url::parse(text).unwrap_err();
            assert!(refused.starts_with("found the URL") && refused.contains(", expected "), "{text}: {refused}");
        }
    }
}
