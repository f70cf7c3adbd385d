//! The fetcher's configuration.

use std::time::Duration;

use serde::Deserialize;

use super::{
    ID, Invalid,
    control::{self, Control},
    is_id,
    keys::{self, Keys},
    period::{Tick, Wait},
    quoted, read,
};

/// The fetcher's configuration. All of it may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct FetcherConfig {
    /// Whose revisions are fetched. Default: `default`.
    pub namespace: String,
    /// Where the control planes are, 1 to 8, in order of preference. Default: one, [`Control::default`].
    #[serde(deserialize_with = "control::list")]
    pub control: Vec<Control>,
    /// The keys of which one must have signed what is taken; at most 8. Default: none, and signatures and expiry are
    /// not looked at.
    #[serde(deserialize_with = "keys::keys")]
    pub keys: Keys,
    /// How long a control plane may hold a question, in whole seconds, 1 s to 60 s. Default: 25 s.
    pub wait: Wait,
    /// How often the fetcher acts by itself, 10 ms to 1 s. Default: 100 ms.
    pub tick: Tick,
}

impl Default for FetcherConfig {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            control: vec![Control::default()],
            keys: Keys::new(),
            wait: Wait(Duration::from_secs(25)),
            tick: Tick(Duration::from_millis(100)),
        }
    }
}

impl FetcherConfig {
    /// Reads `text`; an empty one is the default.
    pub fn read(text: &[u8]) -> Result<Self, Invalid> {
        let config: Self = read(text)?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types of its fields do not say.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if !is_id(&self.namespace, b"-_") {
            return Err(Invalid::new("namespace", &quoted(&self.namespace), ID));
        }
        control::check(&self.control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public key of RFC 8032, 7.1, test 1, and a second one, of test 2.
    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const OTHER: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

    fn refusal(text: &str) -> String {
        FetcherConfig::read(text.as_bytes()).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn nothing_at_all_is_the_default() {
        for text in [&b""[..], b" \n", b"{}"] {
            let config = FetcherConfig::read(text).unwrap();
            assert_eq!((config.namespace.as_str(), config.wait.0.as_secs()), ("default", 25));
            assert_eq!((config.control, config.keys.len()), (vec![Control::default()], 0));
        }
    }

    #[test]
    fn every_field_is_read() {
        let text = format!(
            r#"{{"namespace":"shop","control":[{{"cluster":"c","authority":"a:80"}},{{"cluster":"d"}}],
                 "keys":{{"2026.a":"{KEY}","b":"{OTHER}"}},"wait":"60s","tick":"10ms"}}"#
        );
        let config = FetcherConfig::read(text.as_bytes()).unwrap();
        let [first, second] = &config.control[..] else { panic!("{:?}", config.control) };
        assert_eq!((first.cluster.as_str(), first.authority.as_str()), ("c", "a:80"));
        assert_eq!((second.cluster.as_str(), second.authority.as_str()), ("d", "graylane-control"));
        assert_eq!((config.keys["2026.a"][0], config.keys["b"][31], config.keys.len()), (0xd7, 0x0c, 2));
        assert_eq!((config.wait.0.as_secs(), config.tick.0.as_millis()), (60, 10));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            (r#"{"namespace":"Shop"}"#, "namespace: found \"Shop\", expected 1 to 63 lower-case letters"),
            (r#"{"namespace":""}"#, "namespace: found \"\""),
            (r#"{"wait":"1500ms"}"#, "wait: found \"1500ms\", expected whole seconds"),
            (r#"{"control":[]}"#, "control: found 0 control planes, expected 1 to 8"),
            (r#"{"control":{"cluster":"c"}}"#, "expected `control` to be a list, [{\"cluster\": …"),
            (r#"{"control":["c"]}"#, "invalid type: string \"c\""),
            (
                r#"{"control":[{"cluster":"c"},{"cluster":""}]}"#,
                "control[1].cluster: found \"\", expected 1 to 256 bytes",
            ),
            (r#"{"control":[{"authority":"a b"}]}"#, "control[0].authority: found \"a b\""),
            (
                r#"{"control":[{"cluster":"c"},{"cluster":"c"}]}"#,
                "control[1]: found \"c\", expected each control plane once",
            ),
            (r#"{"keys":{"a":"00"}}"#, "keys.a: found \"00\", expected an Ed25519 public key as 64"),
            (r#"{"keys":["a"]}"#, "expected an object for keys"),
            (r#"{"keys":{}}"#, "keys: found none, expected at least one, or no `keys` at all"),
            (r#"{"tenant":"a"}"#, "unknown field `tenant`"),
        ];
        for (text, expected) in cases {
            let error = refusal(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let many = [r#"{"cluster":"c"}"#; 9].join(",");
        assert!(refusal(&format!(r#"{{"control":[{many}]}}"#)).contains("found 9 control planes, expected 1 to 8"));
    }

    #[test]
    fn keys_have_ids_and_are_keys() {
        let keys = |text: &str| refusal(&format!(r#"{{"keys":{{{text}}}}}"#));
        let upper = KEY.to_ascii_uppercase();
        let weak = format!("01{}", "0".repeat(62));
        // No point of the curve has 2 as its second coordinate.
        let pointless = format!("02{}", "0".repeat(62));
        for key in [&upper, &weak, &pointless, &KEY[1..].to_owned(), &format!("{KEY}0")] {
            assert!(keys(&format!(r#""a":"{key}""#)).contains("expected an Ed25519 public key"), "{key}");
        }
        for id in ["", "A", ".a", "a/b", &"a".repeat(64)] {
            assert!(keys(&format!(r#""{id}":"{KEY}""#)).contains("expected a key's id"), "{id}");
        }
        let twice = keys(&format!(r#""a":"{KEY}","a":"{OTHER}""#));
        assert!(twice.contains("keys: found \"a\" twice, expected it once at line 1"), "{twice}");
        let many: Vec<_> = (0..9).map(|id| format!(r#""k{id}":"{KEY}""#)).collect();
        assert!(keys(&many.join(",")).contains("keys: found 9 keys, expected at most 8"));
    }
}
