//! The plugin configuration, checked: what an operator writes for either role.
//!
//! Whether it is taken depends on nothing but its text. Envoy remembers a refusal, and skips a filter whose
//! configuration fails on a worker after it passed on the main thread.

use std::{fmt, time::Duration};

use graylane_rules::owned;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

/// The most bytes a configuration may have: 256 KiB.
pub const LIMIT: usize = 256 << 10;

/// The most names an Envoy may reserve for Graylane.
const OWNED_LIMIT: usize = 32;

/// The HTTP filter's configuration. All of it may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct FilterConfig<'a> {
    /// The only headers that rules may set, stripped from each request first. Default: `x-gray-variant`.
    pub owned_headers: Vec<String>,
    /// Rule sets that decide until the first revision was fetched.
    #[serde(borrow)]
    pub rule_sets: Vec<&'a RawValue>,
    /// The allocation locks of these rule sets.
    #[serde(borrow)]
    pub locks: Vec<&'a RawValue>,
    /// How often the VM looks for a new revision, 10 ms to 1 s. Default: 200 ms.
    pub tick: Tick,
}

impl Default for FilterConfig<'_> {
    fn default() -> Self {
        Self {
            owned_headers: owned::DEFAULT.iter().map(|&name| name.to_owned()).collect(),
            rule_sets: Vec::new(),
            locks: Vec::new(),
            tick: Tick(Duration::from_millis(200)),
        }
    }
}

impl<'a> FilterConfig<'a> {
    /// Reads `text`; an empty one is the default.
    pub fn read(text: &'a [u8]) -> Result<Self, Invalid> {
        let config: Self = read(text)?;
        if config.owned_headers.len() > OWNED_LIMIT {
            let found = format!("{} names", config.owned_headers.len());
            return Err(Invalid::new("ownedHeaders", &found, &format!("at most {OWNED_LIMIT}")));
        }
        for (place, name) in config.owned_headers.iter().enumerate() {
            let path = format!("ownedHeaders[{place}]");
            owned::check(name).map_err(|expected| Invalid::new(&path, &quoted(name), expected))?;
            if config.owned_headers.iter().take(place).any(|earlier| earlier == name) {
                return Err(Invalid::new(&path, &quoted(name), "each name once"));
            }
        }
        Ok(config)
    }
}

/// The fetcher's configuration. All of it may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct FetcherConfig {
    /// Whose revisions are fetched. Default: `default`.
    pub namespace: String,
    /// Where the control plane is.
    pub control: Control,
    /// How long the control plane may hold a question, in whole seconds, 1 s to 60 s. Default: 25 s.
    pub wait: Wait,
    /// How often the fetcher acts by itself, 10 ms to 1 s. Default: 100 ms.
    pub tick: Tick,
}

/// Where the control plane is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Control {
    /// The name of Envoy's cluster. Default: `graylane_control`.
    pub cluster: String,
    /// The `:authority` of requests to it. Default: `graylane-control`.
    pub authority: String,
}

impl Default for FetcherConfig {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            control: Control::default(),
            wait: Wait(Duration::from_secs(25)),
            tick: Tick(Duration::from_millis(100)),
        }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self { cluster: "graylane_control".to_owned(), authority: "graylane-control".to_owned() }
    }
}

impl FetcherConfig {
    /// Reads `text`; an empty one is the default.
    pub fn read(text: &[u8]) -> Result<Self, Invalid> {
        let config: Self = read(text)?;
        if !is_id(&config.namespace) {
            let expected = "1 to 63 lower-case letters, digits, '-' and '_', the first a letter or digit";
            return Err(Invalid::new("namespace", &quoted(&config.namespace), expected));
        }
        for (path, text) in
            [("control.cluster", &config.control.cluster), ("control.authority", &config.control.authority)]
        {
            if !(1..=256).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Invalid::new(path, &quoted(text), "1 to 256 bytes of visible ASCII"));
            }
        }
        Ok(config)
    }
}

/// What is wrong with a configuration, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    fn new(path: &str, found: &str, expected: &str) -> Self {
        Self(format!("{path}: found {found}, expected {expected}"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn read<'a, T: Deserialize<'a> + Default>(text: &'a [u8]) -> Result<T, Invalid> {
    if text.len() > LIMIT {
        return Err(Invalid(format!("found {} bytes, expected at most {LIMIT}", text.len())));
    }
    if text.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(text).map_err(|why| Invalid(why.to_string()))
}

fn is_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    text.len() <= 63 && !text.starts_with(['-', '_']) && !text.is_empty() && text.bytes().all(inner)
}

/// `text` in quotes, escaped and cut, so that it can be logged.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

/// The period of a root's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick(pub Duration);

/// How long a question waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl<'de> Deserialize<'de> for Tick {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let duration = duration(&text).filter(|tick| (10..=1000).contains(&tick.as_millis()));
        duration
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("tick: found {}, expected 10ms to 1s", quoted(&text))))
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let whole = duration(&text).filter(|wait| wait.subsec_nanos() == 0 && (1..=60).contains(&wait.as_secs()));
        let expected = "whole seconds, 1s to 60s";
        whole.map(Self).ok_or_else(|| D::Error::custom(format!("wait: found {}, expected {expected}", quoted(&text))))
    }
}

/// Reads `200ms` or `25s`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten()?;
    match text.strip_prefix(digits)? {
        "ms" => Some(Duration::from_millis(number.into())),
        "s" => Some(Duration::from_secs(number.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_the_default() {
        for text in [&b""[..], b" \n", b"{}"] {
            let config = FilterConfig::read(text).unwrap();
            assert_eq!(
                (config.owned_headers.as_slice(), config.tick.0.as_millis()),
                (&["x-gray-variant".to_owned()][..], 200)
            );
            let config = FetcherConfig::read(text).unwrap();
            assert_eq!((config.namespace.as_str(), config.wait.0.as_secs()), ("default", 25));
        }
    }

    #[test]
    fn every_field_is_read() {
        let text = br#"{"ownedHeaders":["x-a","x-b"],"ruleSets":[{"kind": "RuleSet"}],"locks":[{}],"tick":"1s"}"#;
        let config = FilterConfig::read(text).unwrap();
        assert_eq!((config.rule_sets[0].get(), config.locks.len()), (r#"{"kind": "RuleSet"}"#, 1));
        let text = br#"{"namespace":"shop","control":{"cluster":"c","authority":"a:80"},"wait":"60s","tick":"10ms"}"#;
        let config = FetcherConfig::read(text).unwrap();
        assert_eq!((config.control.authority.as_str(), config.tick.0.as_millis()), ("a:80", 10));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            (r#"{"ownedHeaders":["x-a","host"]}"#, "ownedHeaders[1]: found \"host\", expected a header of your own"),
            (r#"{"ownedHeaders":["x-a","x-a"]}"#, "ownedHeaders[1]: found \"x-a\", expected each name once"),
            (r#"{"tick":"5ms"}"#, "tick: found \"5ms\", expected 10ms to 1s at line 1"),
            (r#"{"tick":"+50ms"}"#, "tick: found \"+50ms\""),
            (r#"{"tick":"50"}"#, "tick: found \"50\""),
            (r#"{"rules":[]}"#, "unknown field `rules`"),
            (r#"{"tick":"50ms","tick":"60ms"}"#, "duplicate field `tick`"),
            ("[1]", "invalid"),
            ("{", "EOF"),
        ];
        for (text, expected) in cases {
            let error = FilterConfig::read(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in
            [r#"{"namespace":"Shop"}"#, r#"{"namespace":""}"#, r#"{"wait":"1500ms"}"#, r#"{"control":{"cluster":""}}"#]
        {
            assert!(FetcherConfig::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(FilterConfig::read(&vec![b' '; LIMIT + 1]).is_err());
    }
}
