//! What hostile bytes may not say of switches.

use super::{Bytes, sentence};
use crate::{
    Snapshot,
    snapshot::records::{Switch, SwitchValue, Text},
};

const RULE_SETS: [&str; 2] = [
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "cart"}, "spec": {
        "output": {"variantHeader": "x-cart"}, "variants": ["a", "b", "c"], "default": "a",
        "switches": {"flag": {"type": "string", "default": "v1", "variants": {"b": "v2", "c": "v3"}},
                     "limit": {"type": "float", "default": 0.3, "variants": {"c": 1}}}}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
        "output": {"variantHeader": "x-shop"}, "variants": ["a"], "default": "a"}}"#,
];

struct Switched(Bytes);

impl Switched {
    fn switches(&mut self) -> &mut [Switch] {
        self.0.first(|header| header.switches)
    }

    fn values(&mut self) -> &mut [SwitchValue] {
        self.0.first(|header| header.switch_values)
    }

    fn texts(&mut self) -> &mut [Text] {
        self.0.first(|header| header.switch_texts)
    }
}

macro_rules! refused {
    ($($what:literal: $damage:expr;)*) => {$({
        let mut bytes = Switched(Bytes::of(&RULE_SETS));
        let damage: fn(&mut Switched) = $damage;
        damage(&mut bytes);
        assert_eq!(bytes.0.refused(), sentence($what));
    })*};
}

#[test]
fn switches_are_whole() {
    Snapshot::load(Bytes::of(&RULE_SETS).0).unwrap();
    refused! {
        "switches without a text for each variant": |bytes| bytes.0.section().switch_texts.count = 2.into();
        "switches without a text for each variant": |bytes| bytes.0.section().switches.count = 0.into();
        "a switch a second time": |bytes| bytes.switches()[1].name = bytes.switches()[0].name;
        "a switch without a proper name": |bytes| bytes.switches()[0].name = bytes.switches()[0].default;
        "a switch of an unknown type": |bytes| bytes.switches()[0].kind = 5;
        "values that two switches share": |bytes| bytes.switches()[1].first_value = 1.into();
        "values of a switch out of bounds": |bytes| bytes.switches()[1].values = 2.into();
        "values of a switch out of order": |bytes| bytes.values()[1].variant = 1.into();
        "values of a switch out of order": |bytes| bytes.values()[2].variant = 3.into();
        "a text out of bounds": |bytes| bytes.texts()[0].length = u32::MAX.into();
    }
}

#[test]
fn what_a_request_is_given_is_a_header_and_looked_at_once() {
    refused! {
        "a switch that is no header value": |bytes| bytes.texts()[2].length = 0.into();
        "texts of switches that overlap": |bytes| {
            // Each text reaches over all of those behind it.
            let all = bytes.0.section().text.count.get();
            for text in bytes.texts() {
                text.length = (all - text.offset.get()).into();
            }
        };
    }
    let mut bytes = Switched(Bytes::of(&RULE_SETS));
    let (at, place) = (bytes.0.sections()[0].offset.get(), bytes.texts()[0].offset.get());
    let text = bytes.0.section().text.offset.get();
    bytes.0.0[(at + text + place) as usize] = b'\n';
    assert_eq!(bytes.0.refused(), sentence("a switch that is no header value"));
}

#[test]
fn all_variant_headers_together_fit_into_one() {
    let rule_set = |name: &str, switch: usize, set: usize| {
        let (switch, set) = ("x".repeat(switch), "y".repeat(set));
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
            "output": {{"variantHeader": "x-{name}"}}, "variants": ["a"], "default": "a",
            "rules": [{{"id": "all", "variant": "a", "set": {{"x-{name}-long": "{set}"}}}}],
            "switches": {{"{name}": {{"type": "string", "default": "{switch}"}}}}}}}}"#
        )
    };
    let documents = [rule_set("one", 7, 3_200), rule_set("two", 1_000, 7)];
    let mut bytes = Switched(Bytes::of(&documents.each_ref().map(String::as_str)));
    // The longest text there is takes the place of the switches: each of the two is short enough.
    let long = bytes.0.settings()[0].value;
    bytes.texts()[0] = long;
    assert_eq!(bytes.0.refused(), sentence("too many switches for one request"));
}
