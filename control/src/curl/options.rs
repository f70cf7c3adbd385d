//! curl's options: their spellings, and what each means for the request.

/// What an option does to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The URL.
    Url,
    /// A header line, `NAME: VALUE`.
    Header,
    /// The method.
    Method,
    /// Data for the body, or the query under `Get`; `@FILE` reads a file.
    Data,
    /// The same, taken as it is.
    RawData,
    /// The same, percent-encoded.
    EncodedData,
    /// A body of JSON.
    Json,
    /// Ask for the head alone.
    Head,
    /// Data goes into the query.
    Get,
    /// Cookies.
    Cookie,
    /// The user agent.
    Agent,
    /// The referer.
    Referer,
    /// Basic authentication.
    User,
    /// A bearer token.
    Bearer,
    /// Nothing, and takes no value.
    None,
    /// Nothing, but takes a value.
    NoneOf,
}

impl Effect {
    fn takes_value(self) -> bool {
        !matches!(self, Effect::Head | Effect::Get | Effect::None)
    }
}

/// The options: short letter or a space, long name, effect. curl has 250 more, and they are refused by name.
const OPTIONS: &[(char, &str, Effect)] = &[
    ('H', "header", Effect::Header),
    ('X', "request", Effect::Method),
    ('d', "data", Effect::Data),
    (' ', "data-ascii", Effect::Data),
    (' ', "data-binary", Effect::Data),
    (' ', "data-raw", Effect::RawData),
    (' ', "data-urlencode", Effect::EncodedData),
    (' ', "json", Effect::Json),
    ('I', "head", Effect::Head),
    ('G', "get", Effect::Get),
    ('b', "cookie", Effect::Cookie),
    ('A', "user-agent", Effect::Agent),
    ('e', "referer", Effect::Referer),
    ('u', "user", Effect::User),
    (' ', "oauth2-bearer", Effect::Bearer),
    (' ', "url", Effect::Url),
    ('k', "insecure", Effect::None),
    ('s', "silent", Effect::None),
    ('S', "show-error", Effect::None),
    ('v', "verbose", Effect::None),
    ('L', "location", Effect::None),
    ('i', "include", Effect::None),
    (' ', "show-headers", Effect::None),
    ('f', "fail", Effect::None),
    (' ', "fail-with-body", Effect::None),
    ('g', "globoff", Effect::None),
    ('N', "no-buffer", Effect::None),
    ('O', "remote-name", Effect::None),
    ('#', "progress-bar", Effect::None),
    ('4', "ipv4", Effect::None),
    ('6', "ipv6", Effect::None),
    ('0', "http1.0", Effect::None),
    (' ', "http1.1", Effect::None),
    (' ', "http2", Effect::None),
    (' ', "http2-prior-knowledge", Effect::None),
    (' ', "http3", Effect::None),
    (' ', "basic", Effect::None),
    (' ', "compressed", Effect::None),
    (' ', "no-progress-meter", Effect::None),
    (' ', "tlsv1.2", Effect::None),
    (' ', "tlsv1.3", Effect::None),
    ('o', "output", Effect::NoneOf),
    ('w', "write-out", Effect::NoneOf),
    ('m', "max-time", Effect::NoneOf),
    ('x', "proxy", Effect::NoneOf),
    ('c', "cookie-jar", Effect::NoneOf),
    ('D', "dump-header", Effect::NoneOf),
    ('E', "cert", Effect::NoneOf),
    (' ', "key", Effect::NoneOf),
    (' ', "cacert", Effect::NoneOf),
    (' ', "connect-timeout", Effect::NoneOf),
    (' ', "connect-to", Effect::NoneOf),
    (' ', "resolve", Effect::NoneOf),
    (' ', "retry", Effect::NoneOf),
    (' ', "max-redirs", Effect::NoneOf),
    (' ', "interface", Effect::NoneOf),
    (' ', "unix-socket", Effect::NoneOf),
];

/// Splits a command line into its options, each with its value (empty where it takes none), in order.
///
/// # Errors
/// An option that is not known, or that lacks its value.
pub fn read(words: &[String]) -> Result<Vec<(Effect, String)>, String> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let known = OPTIONS.iter().find(|(_, name, _)| *name == long).ok_or_else(|| unknown(word))?;
            let value = if known.2.takes_value() { words.next().ok_or_else(|| lacking(known.1))? } else { "" };
            options.push((known.2, value.to_owned()));
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
        let known = OPTIONS.iter().find(|(short, ..)| *short == letter && letter != ' ');
        let (_, name, effect) = known.ok_or_else(|| unknown(&format!("-{letter}")))?;
        if !effect.takes_value() {
            options.push((*effect, String::new()));
            continue;
        }
        let attached = left.as_str();
        let value = if attached.is_empty() { words.next().ok_or_else(|| lacking(name))? } else { attached };
        options.push((*effect, value.to_owned()));
        return Ok(());
    }
    Ok(())
}

fn unknown(option: &str) -> String {
    let expected = "expected one about the request, such as -H, -X, -d, -b, -A, -u, -G or -I";
    format!("found the curl option {option}, which is not understood here, {expected}")
}

fn lacking(name: &str) -> String {
    format!("found --{name} without its value, expected one behind it")
}
