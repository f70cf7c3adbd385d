//! The spellings of curl's options.

use super::effect::Effect;

/// The options with a letter, or with an effect: letter or a space, long name, effect. curl has 200 more, and those
/// that are not here or below are refused by name.
const OPTIONS: &[(char, &str, Effect)] = &[
    ('H', "header", Effect::Header),
    ('X', "request", Effect::Method),
    ('d', "data", Effect::Data),
    (' ', "data-ascii", Effect::Data),
    (' ', "data-binary", Effect::Data),
    (' ', "data-raw", Effect::RawData),
    (' ', "data-urlencode", Effect::EncodedData),
    (' ', "json", Effect::Json),
    ('F', "form", Effect::Form),
    (' ', "form-string", Effect::Form),
    ('T', "upload-file", Effect::Upload),
    ('I', "head", Effect::Head),
    ('G', "get", Effect::Get),
    ('b', "cookie", Effect::Cookie),
    ('A', "user-agent", Effect::Agent),
    ('e', "referer", Effect::Referer),
    ('u', "user", Effect::User),
    (' ', "oauth2-bearer", Effect::Bearer),
    (' ', "url", Effect::Url),
    (' ', "path-as-is", Effect::AsIs),
    ('#', "progress-bar", Effect::None),
    ('0', "http1.0", Effect::None),
    ('1', "tlsv1", Effect::None),
    ('4', "ipv4", Effect::None),
    ('6', "ipv6", Effect::None),
    ('J', "remote-header-name", Effect::None),
    ('L', "location", Effect::None),
    ('N', "no-buffer", Effect::None),
    ('O', "remote-name", Effect::None),
    ('R', "remote-time", Effect::None),
    ('S', "show-error", Effect::None),
    ('Z', "parallel", Effect::None),
    ('f', "fail", Effect::None),
    ('g', "globoff", Effect::None),
    ('i', "include", Effect::None),
    ('j', "junk-session-cookies", Effect::None),
    ('k', "insecure", Effect::None),
    ('n', "netrc", Effect::None),
    ('p', "proxytunnel", Effect::None),
    ('q', "disable", Effect::None),
    ('s', "silent", Effect::None),
    ('v', "verbose", Effect::None),
    ('D', "dump-header", Effect::NoneOf),
    ('E', "cert", Effect::NoneOf),
    ('U', "proxy-user", Effect::NoneOf),
    ('Y', "speed-limit", Effect::NoneOf),
    ('c', "cookie-jar", Effect::NoneOf),
    ('m', "max-time", Effect::NoneOf),
    ('o', "output", Effect::NoneOf),
    ('w', "write-out", Effect::NoneOf),
    ('x', "proxy", Effect::NoneOf),
    ('y', "speed-time", Effect::NoneOf),
];

/// Options without letter, value and effect on the request.
#[rustfmt::skip]
const FLAGS: &[&str] = &[
    "basic", "cert-status", "compressed", "compressed-ssh", "create-dirs", "disable-eprt", "fail-early",
    "fail-with-body", "http0.9", "http1.1", "http2", "http2-prior-knowledge", "http3", "http3-only", "location-trusted",
    "netrc-optional", "no-alpn", "no-clobber", "no-keepalive", "no-progress-meter", "no-sessionid", "parallel-immediate",
    "proxy-insecure", "raw", "remote-name-all", "remove-on-error", "retry-all-errors", "retry-connrefused",
    "show-headers", "ssl-no-revoke", "styled-output", "suppress-connect-headers", "tcp-fastopen", "tcp-nodelay",
    "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3", "trace-time",
];

/// Options with a value, without letter and effect on the request.
#[rustfmt::skip]
const SETTINGS: &[&str] = &[
    "alt-svc", "cacert", "capath", "cert-type", "ciphers", "connect-timeout", "connect-to", "crlfile", "curves",
    "dns-interface", "dns-ipv4-addr", "dns-ipv6-addr", "dns-servers", "doh-url", "expect100-timeout",
    "happy-eyeballs-timeout-ms", "hsts", "interface", "keepalive-time", "key", "key-type", "limit-rate", "local-port",
    "max-filesize", "max-redirs", "netrc-file", "noproxy", "output-dir", "parallel-max", "pass", "pinnedpubkey",
    "preproxy", "proto", "proto-default", "proto-redir", "proxy-cacert", "proxy-header", "rate", "resolve", "retry",
    "retry-delay", "retry-max-time", "socks4", "socks4a", "socks5", "socks5-hostname", "stderr", "tls-max",
    "tls13-ciphers", "trace", "trace-ascii", "unix-socket",
];

/// What the option `--NAME` does.
pub fn long(name: &str) -> Option<Effect> {
    let known = OPTIONS.iter().find(|(_, known, _)| *known == name).map(|(.., effect)| *effect);
    let flag = || FLAGS.contains(&name).then_some(Effect::None);
    let setting = || SETTINGS.contains(&name).then_some(Effect::NoneOf);
    known.or_else(flag).or_else(setting)
}

/// What the option `-LETTER` does.
pub fn short(letter: char) -> Option<Effect> {
    let known = OPTIONS.iter().find(|(known, ..)| *known == letter && letter != ' ');
    known.map(|(.., effect)| *effect)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_is_there_once() {
        let letters: Vec<_> = OPTIONS.iter().map(|(letter, ..)| *letter).filter(|letter| *letter != ' ').collect();
        assert_eq!(letters.iter().collect::<BTreeSet<_>>().len(), letters.len());
        let names: Vec<_> = OPTIONS.iter().map(|(_, name, _)| name).chain(FLAGS).chain(SETTINGS).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!((short(' '), long(""), long("frob")), (None, None, None));
    }
}
