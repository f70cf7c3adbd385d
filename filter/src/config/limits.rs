//! What rules may do at most in this Envoy, whoever publishes them.

use std::collections::BTreeMap;

use graylane_rules::{Trust, owned, slot};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::{ID, Invalid, is_id, quoted, unique::unique};

/// The most names of each kind.
const LIMIT: usize = 1000;

/// Bounds on what rules decide, set where they run and not where they are published. All may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Limits {
    /// The only variants that rules may name. Default: any.
    pub variants: Option<Vec<String>>,
    /// The largest part of the identities that a variant may get, in slots; written in percent. Default: all.
    #[serde(deserialize_with = "shares")]
    pub shares: BTreeMap<String, u32>,
    /// Headers by which testers ask for a variant. Whoever must send one of them is not counted in a share.
    pub tester_headers: Vec<String>,
    /// The headers by which variants are chosen here: rules may name them as `variantHeader` alone, or a variant could be
    /// given past the other limits. Default: `x-gray-variant`.
    pub variant_headers: Vec<String>,
    /// From whom rule sets may inherit a variant at most. Default: from anybody, but where a share is limited from nobody.
    #[serde(deserialize_with = "trust")]
    pub inherit: Option<Trust>,
}

/// Reads whom rule sets may trust.
fn trust<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Trust>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    Trust::read(raw.get()).map(Some).map_err(|problems| {
        let told = problems.first().map(|problem| {
            let below = if problem.path.is_empty() { ": " } else { "." };
            format!("{below}{problem}")
        });
        D::Error::custom(format!("limits.inherit{}", told.unwrap_or_default()))
    })
}

impl Default for Limits {
    fn default() -> Self {
        let variant_headers = owned::DEFAULT.iter().map(|&name| name.to_owned()).collect();
        let (shares, tester_headers) = (BTreeMap::new(), Vec::new());
        Self { variants: None, shares, tester_headers, variant_headers, inherit: None }
    }
}

impl Limits {
    /// Checks what the types of the fields do not say.
    pub(super) fn check_names(&self) -> Result<(), Invalid> {
        if let Some(variants) = &self.variants {
            check_each("variants", variants, 1, |name| is_id(name, b"-_"), ID)?;
        }
        let expected = "a header's name in lower case; a path, method or host has matches of its own";
        check_each("testerHeaders", &self.tester_headers, 0, is_header, expected)?;
        check_each("variantHeaders", &self.variant_headers, 0, is_header, "a header's name in lower case")?;
        let Some(variants) = &self.variants else { return Ok(()) };
        match self.shares.keys().find(|variant| !variants.contains(variant)) {
            Some(variant) => {
                let found = "a variant that is not among limits.variants";
                Err(Invalid::new(&format!("shares.{variant}"), found, "one of them"))
            }
            None => Ok(()),
        }
    }
}

fn check_each(
    path: &str,
    names: &[String],
    least: usize,
    fits: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<(), Invalid> {
    check_count(path, names.len(), least)?;
    match names.iter().enumerate().find(|(_, name)| !fits(name)) {
        Some((place, name)) => Err(Invalid::new(&format!("{path}[{place}]"), &quoted(name), expected)),
        None => Ok(()),
    }
}

fn check_count(path: &str, found: usize, least: usize) -> Result<(), Invalid> {
    if (least..=LIMIT).contains(&found) {
        return Ok(());
    }
    Err(Invalid::new(path, &format!("{found} names"), &format!("{least} to {LIMIT}")))
}

/// Whether `name` is a header's name as rules ask for one.
fn is_header(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=256).contains(&name.len()) && name != "host" && name.bytes().all(token)
}

/// Reads `{"<variant>": <percent>}`.
fn shares<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, u32>, D::Error> {
    let texts = unique::<_, Box<RawValue>>(from, "limits.shares")?;
    check_count("limits.shares", texts.len(), 0).map_err(D::Error::custom)?;
    let mut shares = BTreeMap::new();
    for (variant, text) in texts {
        let slots = share(&variant, &text).map_err(D::Error::custom)?;
        shares.insert(variant, slots);
    }
    Ok(shares)
}

fn share(variant: &str, text: &str) -> Result<u32, Invalid> {
    if !is_id(variant, b"-_") {
        return Err(Invalid::new("limits.shares", &quoted(variant), ID));
    }
    slot::from_percent(text).ok_or_else(|| {
        let found: String = text.chars().take(64).collect();
        let expected = "a number from 0 to 100 in steps of 0.001";
        Invalid::new(&format!("limits.shares.{variant}"), &found, expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FilterConfig;

    fn read(limits: &str) -> Result<Limits, String> {
        let text = format!(r#"{{"limits": {limits}}}"#);
        FilterConfig::read(text.as_bytes()).map(|config| config.limits).map_err(|why| why.to_string())
    }

    #[test]
    fn limits_are_read_to_the_slot() {
        let text =
            r#"{"variants":["stable","canary"],"shares":{"canary": 12.5,"stable":100},"testerHeaders":["x-env"]}"#;
        let limits = read(text).unwrap();
        assert_eq!(limits.variants.as_deref(), Some(&["stable".to_owned(), "canary".to_owned()][..]));
        assert_eq!((limits.shares["canary"], limits.shares["stable"]), (12_500, 100_000));
        assert_eq!(limits.tester_headers, ["x-env"]);
        for (percent, slots) in [("0", 0), ("0.001", 1), ("33.3330", 33_333), ("100.0", 100_000)] {
            assert_eq!(read(&format!(r#"{{"shares":{{"a":{percent}}}}}"#)).unwrap().shares["a"], slots, "{percent}");
        }
        assert_eq!(read("{}"), Ok(Limits::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            (r#"{"variants":[]}"#, "limits.variants: found 0 names, expected 1 to 1000"),
            (r#"{"variants":["a","A"]}"#, "limits.variants[1]: found \"A\", expected 1 to 63 lower-case letters"),
            (r#"{"shares":{"A":1}}"#, "limits.shares: found \"A\", expected 1 to 63"),
            (r#"{"shares":{"a":1,"a":2}}"#, "limits.shares: found \"a\" twice, expected it once"),
            (
                r#"{"variants":["b"],"shares":{"a":1}}"#,
                "limits.shares.a: found a variant that is not among limits.variants",
            ),
            (
                r#"{"testerHeaders":["x-env","Host"]}"#,
                "limits.testerHeaders[1]: found \"Host\", expected a header's name",
            ),
            (r#"{"testerHeaders":["host"]}"#, "limits.testerHeaders[0]: found \"host\""),
            (r#"{"testerHeaders":[":path"]}"#, "limits.testerHeaders[0]: found \":path\""),
            (r#"{"variant":["a"]}"#, "unknown field `variant`"),
            (r#"{"inherit":{}}"#, "limits.inherit: found nobody who is trusted"),
            (r#"{"inherit":{"peers":["td"]}}"#, "limits.inherit.peers[0]: found \"td\", expected a SPIFFE ID"),
            (r#"{"inherit":{"sources":["10.0.0.0/8"]}}"#, "limits.inherit.hops: found nothing"),
            (r#"{"inherit":{"peer":[]}}"#, "limits.inherit.peer: found the unknown field \"peer\""),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for percent in ["100.001", "0.0001", "-1", "1e1", "\"25\"", "null", "[1]"] {
            let error = read(&format!(r#"{{"shares":{{"a":{percent}}}}}"#)).unwrap_err();
            let expected = format!("limits.shares.a: found {percent}, expected a number from 0 to 100 in steps");
            assert!(error.contains(&expected), "{error}");
        }
    }
}
