//! The HTTP filter's configuration.

use std::time::Duration;

use graylane_rules::{owned, switches::Overrides};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::{
    FetcherConfig, Invalid, automata::EmbeddedAutomaton, is_visible, limits::Limits, period::Tick, quoted, read,
};

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
    /// The audiences that these rule sets ask for.
    #[serde(borrow)]
    pub audiences: Vec<&'a RawValue>,
    /// The automata of their regular expressions, as `graylane embed` writes them.
    #[serde(borrow)]
    pub automata: Vec<EmbeddedAutomaton<'a>>,
    /// How often the VM looks for a new revision, 10 ms to 1 s. Default: 200 ms.
    pub tick: Tick,
    /// The path that is answered here, with 503 until the first revision was fetched. Default: none.
    pub readiness_path: Option<String>,
    /// What rules may do at most, embedded ones and fetched ones. Default: anything.
    pub limits: Limits,
    /// Values of switches above those of the rules, in their string form. Default: none.
    #[serde(deserialize_with = "overrides")]
    pub switches: Overrides,
    /// How to fetch where no fetcher lives. Default: not at all.
    pub fetcher: Option<FetcherConfig>,
}

impl Default for FilterConfig<'_> {
    fn default() -> Self {
        Self {
            owned_headers: owned::DEFAULT.iter().map(|&name| name.to_owned()).collect(),
            rule_sets: Vec::new(),
            locks: Vec::new(),
            audiences: Vec::new(),
            automata: Vec::new(),
            tick: Tick(Duration::from_millis(200)),
            readiness_path: None,
            limits: Limits::default(),
            switches: Overrides::default(),
            fetcher: None,
        }
    }
}

impl<'a> FilterConfig<'a> {
    /// Every document, with the list it stands in and its place there.
    pub fn documents(&self) -> impl Iterator<Item = (&'static str, usize, &'a RawValue)> {
        let lists = [("ruleSets", &self.rule_sets), ("locks", &self.locks), ("audiences", &self.audiences)];
        lists.into_iter().flat_map(|(list, documents)| {
            documents.iter().enumerate().map(move |(place, &document)| (list, place, document))
        })
    }

    /// Reads `text`; an empty one is the default.
    pub fn read(text: &'a [u8]) -> Result<Self, Invalid> {
        let config: Self = read(text)?;
        config.check_owned_headers()?;
        if let Some(path) = &config.readiness_path {
            check_path(path)?;
        }
        config.limits.check_names().map_err(|why| why.within("limits"))?;
        if let Some(fetcher) = &config.fetcher {
            fetcher.check().map_err(|why| why.within("fetcher"))?;
        }
        Ok(config)
    }

    fn check_owned_headers(&self) -> Result<(), Invalid> {
        let names = &self.owned_headers;
        if names.len() > OWNED_LIMIT {
            let found = format!("{} names", names.len());
            return Err(Invalid::new("ownedHeaders", &found, &format!("at most {OWNED_LIMIT}")));
        }
        for (place, name) in names.iter().enumerate() {
            let path = format!("ownedHeaders[{place}]");
            owned::check(name).map_err(|expected| Invalid::new(&path, &quoted(name), expected))?;
            if names.iter().take(place).any(|earlier| earlier == name) {
                return Err(Invalid::new(&path, &quoted(name), "each name once"));
            }
        }
        Ok(())
    }
}

/// Reads `gray.NAME=VALUE,…`.
fn overrides<'de, D: Deserializer<'de>>(from: D) -> Result<Overrides, D::Error> {
    let text = String::deserialize(from)?;
    Overrides::parse(&text).map_err(|why| D::Error::custom(format!("switches: {why}")))
}

fn check_path(path: &str) -> Result<(), Invalid> {
    if is_visible(path) && path.starts_with('/') && !path.contains(['?', '#']) {
        return Ok(());
    }
    let expected = "a path that begins with '/', of at most 256 bytes of visible ASCII, without '?' and '#'";
    Err(Invalid::new("readinessPath", &quoted(path), expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LIMIT;

    #[test]
    fn nothing_at_all_is_the_default() {
        for text in [&b""[..], b" \n", b"{}"] {
            let config = FilterConfig::read(text).unwrap();
            assert_eq!((&config.owned_headers[..], config.tick.0.as_millis()), (&["x-gray-variant".into()][..], 200));
            assert_eq!((config.readiness_path, config.limits), (None, Limits::default()));
            assert!(config.fetcher.is_none());
        }
    }

    #[test]
    fn every_field_is_read() {
        let text = br#"{"ownedHeaders":["x-a","x-b"],"ruleSets":[{"kind": "RuleSet"}],"locks":[{}],"tick":"1s",
                        "readinessPath":"/ready","switches":"gray.a=1","limits":{"shares":{"canary":25}},"fetcher":{"namespace":"shop"}}"#;
        let config = FilterConfig::read(text).unwrap();
        assert_eq!((config.rule_sets[0].get(), config.locks.len()), (r#"{"kind": "RuleSet"}"#, 1));
        assert_eq!((config.owned_headers.len(), config.tick.0.as_millis()), (2, 1000));
        assert_eq!((config.readiness_path.as_deref(), config.limits.shares["canary"]), (Some("/ready"), 25_000));
        assert!(!config.switches.is_empty());
        assert_eq!(config.fetcher.unwrap().namespace, "shop");
        assert!(FilterConfig::read(br#"{"fetcher":{}}"#).unwrap().fetcher.is_some());
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
            (r#"{"readinessPath":"ready"}"#, "readinessPath: found \"ready\", expected a path that begins with '/'"),
            (r#"{"readinessPath":"/ready?x"}"#, "readinessPath: found \"/ready?x\""),
            (r#"{"switches":"rate=1"}"#, "switches: byte 0: found \"rate\", expected gray.NAME=VALUE"),
            (r#"{"switches":"gray.a=1,gray.a=2"}"#, "switches: byte 9: found the key gray.a a second time"),
            (r#"{"switches":["gray.a=1"]}"#, "expected a string"),
            (r#"{"readinessPath":""}"#, "readinessPath: found \"\""),
            (r#"{"fetcher":{"control":[{"cluster":""}]}}"#, "fetcher.control[0].cluster: found \"\""),
            (r#"{"fetcher":{"namespace":"A"}}"#, "fetcher.namespace: found \"A\""),
            ("[1]", "invalid"),
            ("{", "EOF"),
        ];
        for (text, expected) in cases {
            let error = FilterConfig::read(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(FilterConfig::read(&vec![b' '; LIMIT + 1]).is_err());
    }
}
