//! What hostile bytes may not say of whom is trusted.

use super::{Bytes, sentence};
use crate::{
    Snapshot,
    snapshot::records::{Text, Value, trust},
};

const RULE_SETS: [&str; 2] = [
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "cart"}, "spec": {
        "output": {"variantHeader": "x-cart"}, "variants": ["a", "b"], "default": "a",
        "inherit": {"peers": ["spiffe://td/ns/a", "spiffe://td/ns/b"], "sources": ["10.0.0.0/8"], "hops": 1, "outbound": true}}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
        "output": {"variantHeader": "x-shop"}, "variants": ["a"], "default": "a"}}"#,
];

const NOTHING: Text = Text { offset: zerocopy::little_endian::U32::ZERO, length: zerocopy::little_endian::U32::ZERO };

fn peers(bytes: &mut Bytes) -> &mut [Value] {
    bytes.first(|header| header.peers)
}

macro_rules! refused {
    ($($what:literal: $damage:expr;)*) => {$({
        let mut bytes = Bytes::of(&RULE_SETS);
        let damage: fn(&mut Bytes) = $damage;
        damage(&mut bytes);
        assert_eq!(bytes.refused(), sentence($what));
    })*};
}

#[test]
fn trust_is_whole() {
    Snapshot::load(Bytes::of(&RULE_SETS).0).unwrap();
    refused! {
        "an unknown kind of trust": |bytes| bytes.section().trust |= 8;
        "trust without a name": |bytes| bytes.section().inherited_path = NOTHING;
        "trust without a name": |bytes| bytes.section().trust = 0;
        "trust without a proper name": |bytes| bytes.section().inherited_path = bytes.section().sources;
        "peers that are not trusted": |bytes| bytes.section().trust &= !trust::PEERS;
        "peers that are not trusted": |bytes| bytes.section().peers.count = 0.into();
        "a peer without a proper name": |bytes| peers(bytes)[1].text = bytes.section().name;
        "a peer without a proper name": |bytes| peers(bytes)[0].text = NOTHING;
        "a text out of bounds": |bytes| peers(bytes)[0].text.length = 9_999.into();
        "a text out of bounds": |bytes| bytes.section().sources.offset = 9_999.into();
        "a text out of bounds": |bytes| bytes.section().inherited_path.length = 9_999.into();
        "a table out of bounds": |bytes| bytes.section().peers.count = 9_999.into();
        "sources that are not trusted": |bytes| bytes.section().trust &= !trust::SOURCES;
        "sources that are not trusted": |bytes| bytes.section().sources = NOTHING;
        "sources that are none": |bytes| bytes.section().sources.length = 31.into();
        "sources that are none": |bytes| bytes.section().hops = 33;
    }
}

#[test]
fn more_peers_than_a_compiler_lets_in_are_refused() {
    let names: Vec<_> = (0..100).map(|number| format!(r#""spiffe://td/ns/{number}""#)).collect();
    let rule_set = |more: &str| {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "cart"}}, "spec": {{
            "variants": ["a"], "default": "a", "inherit": {{"peers": [{}{more}]}}}}}}"#,
            names.join(", ")
        )
    };
    let whole = rule_set("");
    Snapshot::load(Bytes::of(&[whole.as_str()]).0).unwrap();
    // Behind the peers stand the variants, which are texts as well.
    let mut bytes = Bytes::of(&[whole.as_str()]);
    bytes.section().peers.count = 101.into();
    assert_eq!(bytes.refused(), sentence("too many peers"));
    let text = rule_set(r#", "spiffe://td/ns/one-more""#);
    let source = crate::Source { format: crate::Format::Json, text: text.as_bytes() };
    let problems = crate::compile(&[source]).unwrap_err();
    assert_eq!(problems[0].to_string(), "spec.inherit.peers: found 101 items, expected at most 100");
}
