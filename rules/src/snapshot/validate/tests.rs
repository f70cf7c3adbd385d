#![allow(clippy::arithmetic_side_effects, reason = "a test stops loudly")]

mod switches;
mod trust;

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout,
    little_endian::{U16, U32},
};

use crate::{
    Format, Snapshot, Source, compile,
    snapshot::records::{
        Attribute, Automaton, Comparison, Cookie, Extent, FAILED, Header, MATCHED, Output, Range, Rule, Scope,
        SectionExtent, SectionHeader, Setting, Split, Test, Text, Variant, kind, operator,
    },
};

const RULE_SETS: [&str; 2] = [
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "cart"}, "spec": {
        "output": {"variantHeader": "x-cart"}, "variants": ["a", "b"], "default": "a",
        "identity": {"from": [{"header": "x-user"}]},
        "splits": {"s": {"weights": {"a": 1, "b": 1}}, "t": {"weights": {"a": 1, "b": 3}, "experiment": "e"}},
        "rules": [
            {"id": "one", "when": {"all": [{"path": {"prefix": "/a"}}, {"percent": 20}]}, "variant": "b"},
            {"id": "two", "when": {"path": {"contains": "b"}}, "split": "s", "set": {"x-flags": "long-enough-for-names-that-are-too-long-to-stand-within-the-text-of-this-rule-set"}},
            {"id": "three", "when": {"path": {"semver": "^1.2.3-a || 2"}}, "variant": "b"},
            {"id": "four", "when": {"any": [{"path": {"regex": "a+b"}}, {"path": {"regex": "c"}}]}, "variant": "b"},
            {"id": "five", "split": "t"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
        "output": {"variantHeader": "x-shop"}, "variants": ["a"], "default": "a"}}"#,
];

/// A sound snapshot, to be damaged.
struct Bytes(Vec<u8>);

impl Bytes {
    fn sound() -> Self {
        Self::of(&RULE_SETS)
    }

    fn of(texts: &[&str]) -> Self {
        let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
        Self(compile(&sources).unwrap().snapshot)
    }

    /// One rule set, of these rules.
    fn with_rules(rules: impl Iterator<Item = String>) -> Self {
        let rules = rules.collect::<Vec<_>>().join(", ");
        Self::of(&[&format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "many"}},
            "spec": {{"variants": ["a"], "default": "a", "rules": [{rules}]}}}}"#
        )])
    }

    fn header(&self) -> Header {
        Header::read_from_prefix(&self.0).unwrap().0
    }

    /// Hands out the records of a table that stands `from` so many bytes on.
    fn table<T>(&mut self, from: usize, extent: Extent) -> &mut [T]
    where
        T: FromBytes + IntoBytes + Immutable + KnownLayout,
    {
        let bytes = &mut self.0[from + extent.offset.get() as usize..];
        <[T]>::mut_from_prefix_with_elems(bytes, extent.count.get() as usize).unwrap().0
    }

    fn outputs(&mut self) -> &mut [Output] {
        self.table(0, self.header().outputs)
    }

    fn scopes(&mut self) -> &mut [Scope] {
        self.table(0, self.header().scopes)
    }

    fn sections(&mut self) -> &mut [SectionExtent] {
        self.table(0, self.header().sections)
    }

    /// A table of the first rule set.
    fn first<T>(&mut self, of: impl Fn(&SectionHeader) -> Extent) -> &mut [T]
    where
        T: FromBytes + IntoBytes + Immutable + KnownLayout,
    {
        let at = self.sections()[0].offset.get() as usize;
        let extent = of(self.section());
        self.table(at, extent)
    }

    fn section(&mut self) -> &mut SectionHeader {
        let at = self.sections()[0].offset.get() as usize;
        SectionHeader::mut_from_prefix(&mut self.0[at..]).unwrap().0
    }

    fn rules(&mut self) -> &mut [Rule] {
        self.first(|header| header.rules)
    }

    fn tests(&mut self) -> &mut [Test] {
        self.first(|header| header.tests)
    }

    fn splits(&mut self) -> &mut [Split] {
        self.first(|header| header.splits)
    }

    fn ranges(&mut self) -> &mut [Range] {
        self.first(|header| header.ranges)
    }

    fn variants(&mut self) -> &mut [Variant] {
        self.first(|header| header.variants)
    }

    fn settings(&mut self) -> &mut [Setting] {
        self.first(|header| header.settings)
    }

    fn comparisons(&mut self) -> &mut [Comparison] {
        self.first(|header| header.comparisons)
    }

    fn automata(&mut self) -> &mut [Automaton] {
        self.first(|header| header.automata)
    }

    fn transitions(&mut self) -> &mut [U16] {
        self.first(|header| header.transitions)
    }

    fn refused(self) -> String {
        Snapshot::load(self.0).map(drop).unwrap_err().to_string()
    }
}

/// A byte more than a name may have.
const LONG: Text = Text { offset: U32::ZERO, length: U32::new(64) };

const WHEN: &str = r#"{"path": {"prefix": "/a"}}"#;

fn sentence(what: &str) -> String {
    format!("found {what}, expected a snapshot without damage")
}

macro_rules! refused {
    ($($what:literal: $damage:expr;)*) => {$({
        let mut bytes = Bytes::sound();
        let damage: fn(&mut Bytes) = $damage;
        damage(&mut bytes);
        assert_eq!(bytes.refused(), sentence($what));
    })*};
}

#[test]
fn what_is_sound_is_taken() {
    Snapshot::load(Bytes::sound().0).unwrap();
}

#[test]
fn no_part_is_counted_twice() {
    refused! {
        "sections that overlap": |bytes| bytes.sections()[1] = bytes.sections()[0];
        "scopes that overlap": |bytes| bytes.outputs()[1] = bytes.outputs()[0];
        "tests that two rules share": |bytes| bytes.rules()[1].first_test = 1.into();
        "tests that two rules share": |bytes| {
            bytes.rules()[4].first_test = 0.into();
            bytes.rules()[4].tests = 1.into();
        };
        "ranges that two splits share": |bytes| bytes.splits()[1].first_range = 0.into();
        "a variant a second time": |bytes| {
            bytes.variants()[1] = bytes.variants()[0];
        };
    }
}

/// The bound of a share counts on what a test is about: by a time "about" a header that testers send, everybody could pass it.
#[test]
fn a_test_is_about_its_attribute() {
    refused! {
        "a test about something else than its attribute": |bytes| bytes.tests()[1].operator = operator::WINDOW;
        "a test about something else than its attribute": |bytes| bytes.tests()[1].attribute = 0.into();
        "a test about something else than its attribute": |bytes| {
            let attributes: &mut [Attribute] = bytes.first(|header| header.attributes);
            attributes.iter_mut().for_each(|attribute| attribute.kind = kind::TIME);
        };
    }
}

/// Each rule may be dear to ask: so none is walked twice.
#[test]
fn a_rule_is_walked_once() {
    let when = |at: usize| match at {
        0..3 => r#"{"path": {"contains": "a"}}"#.to_owned(),
        _ => format!(r#"{{"path": {{"exact": "/{at}"}}}}"#),
    };
    let rule = |at: usize| format!(r#"{{"id": "r{at}", "when": {}, "variant": "a"}}"#, when(at));
    let walked = |damage: fn(&mut [U32])| {
        let mut bytes = Bytes::with_rules((0..40).map(rule));
        let always: &mut [U32] = bytes.first(|header| header.always);
        assert_eq!(always, [0, 1, 2].map(U32::new));
        damage(always);
        bytes.refused()
    };
    assert_eq!(walked(|always| always[1] = always[0]), sentence("rules to be walked out of order"));
    assert_eq!(walked(|always| always.swap(0, 1)), sentence("rules to be walked out of order"));
    assert_eq!(walked(|always| always[2] = 40.into()), sentence("rules to be walked out of order"));
}

#[test]
fn a_scope_is_short_and_in_its_place() {
    let text = format!(
        r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "a"}},
        "spec": {{"variants": ["a"], "default": "a",
        "scope": {{"hosts": ["a.example", "*.b.example"], "pathPrefixes": ["/", "/{}"]}}}}}}"#,
        "a".repeat(1_000)
    );
    let refused = |damage: fn(&mut [Scope])| {
        let mut bytes = Bytes::of(&[&text]);
        damage(bytes.scopes());
        Snapshot::load(bytes.0).unwrap_err().to_string()
    };
    let host = refused(|scopes| scopes[0].host = scopes[0].path_prefix);
    assert!(host.contains("a scope of too long a host or path"), "{host}");
    let order = refused(|scopes| scopes.swap(0, 2));
    assert!(order.contains("scopes out of order"), "{order}");
    let wildcard = refused(|scopes| scopes[0].host_kind = 2);
    assert!(wildcard.contains("a wildcard without a label behind it"), "{wildcard}");
    // Looked up by its order it would not be found, and walked to it would.
    let any = refused(|scopes| scopes[0].host_kind = 0);
    assert!(any.contains("any host that has a name"), "{any}");
}

#[test]
fn a_variant_is_given_by_the_rules_of_its_header_alone() {
    refused! {
        "a variant header among the headers to set": |bytes| {
            let own = bytes.section().variant_header;
            bytes.settings()[0].name = own;
        };
        "a variant header among the headers to set": |bytes| {
            bytes.section().experiment_header = bytes.section().variant_header;
        };
        "a variant header among the headers to set": |bytes| {
            bytes.section().evaluated_at_header = bytes.section().variant_header;
        };
        "a header of an experiment that may not be set": |bytes| bytes.section().experiment_header = LONG;
        "a scope under the variant header of another rule set": |bytes| bytes.scopes()[0].section = 1.into();
        "a variant header that nothing decides": |bytes| bytes.outputs()[0].scopes = 0.into();
        "variant headers out of order": |bytes| {
            // Both decide the first header, by a scope each.
            let (header, scope) = (bytes.outputs()[0].header, bytes.scopes()[0]);
            bytes.outputs()[1].header = header;
            bytes.scopes()[1] = scope;
        };
    }
}

#[test]
fn rule_sets_are_sorted() {
    refused! {
        "rule sets out of order": |bytes| {
            let name = bytes.section().name;
            let at = bytes.sections()[0].offset.get() as usize + bytes.section().text.offset.get() as usize;
            bytes.0[at + name.offset.get() as usize] = b'z';
        };
    }
}

#[test]
fn what_is_set_is_a_cookie() {
    refused! {
        "a cookie that may not be set": |bytes| {
            let name = bytes.section().name;
            // It is kept for no time.
            bytes.section().issued.name = name;
        };
        "a cookie that may not be set": |bytes| bytes.section().sticky.name = LONG;
        "a cookie that may not be set": |bytes| {
            let path = bytes.rules()[0].path;
            // A slash would end the name.
            bytes.section().sticky = Cookie { name: path, max_age: 1.into() };
        };
        "a text out of bounds": |bytes| bytes.section().sticky.name.length = u32::MAX.into();
    }
}

#[test]
fn names_are_short() {
    refused! {
        "a rule without a proper name": |bytes| bytes.rules()[0].path.length = 0.into();
        "a rule without a proper name": |bytes| bytes.rules()[0].path = Text { length: 128.into(), ..LONG };
        "a rule set without a proper name": |bytes| bytes.section().name = LONG;
        "a split without a proper name": |bytes| bytes.splits()[1].experiment = LONG;
        "a variant that is no header value": |bytes| bytes.variants()[1].name = LONG;
    }
}

#[test]
fn what_a_request_has_to_carry_is_bounded() {
    let value = "v".repeat(4_096);
    let rule = |n: usize| format!(r#"{{"id": "r{n}", "when": {WHEN}, "variant": "a", "set": {{"x-{n}": "{value}"}}}}"#);
    for (settings, what) in [(5, "bytes"), (33, "headers")] {
        let mut bytes = Bytes::with_rules((0..40).map(rule));
        bytes.settings()[..settings].iter_mut().for_each(|setting| setting.rule = 0.into());
        assert_eq!(bytes.refused(), sentence(&format!("a rule that sets too many {what}")));
    }
    for (number, what) in [(0, "settings out of order"), (40, "a setting of no rule")] {
        let mut bytes = Bytes::with_rules((0..40).map(rule));
        bytes.settings()[39].rule = number.into();
        assert_eq!(bytes.refused(), sentence(what));
    }
}

#[test]
fn what_a_request_has_to_pay_for_is_bounded() {
    let rule = |n: usize| format!(r#"{{"id": "r{n}", "when": {WHEN}, "variant": "a"}}"#);
    let mut bytes = Bytes::with_rules((0..257).map(rule));
    bytes.tests().iter_mut().for_each(|test| test.operator = operator::CONTAINS);
    assert_eq!(bytes.refused(), sentence("too many `contains` and `regex`"));
}

#[test]
fn versions_are_compared_with_versions() {
    refused! {
        "a comparison with no version": |bytes| bytes.comparisons()[0].relation = 0;
        "a comparison with no version": |bytes| bytes.comparisons()[0].relation = 8;
        "a comparison with no version": |bytes| bytes.comparisons()[0].last = 2;
        "a comparison with no version": |bytes| bytes.comparisons()[1].numbers[2] = (1 << 53).into();
        "a text out of bounds": |bytes| bytes.comparisons()[0].prerelease.offset = 1_000_000.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[1].a = 1.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[3].b = 5.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[3].b = 0.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[3].b = u32::MAX.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[3].a = 3.into();
    }
}

#[test]
fn an_automaton_leads_nowhere_else() {
    refused! {
        "an automaton that leads out of itself": |bytes| bytes.transitions()[0] = bytes.automata()[0].shape.states;
        "an automaton that leads out of itself": |bytes| bytes.automata()[0].shape.class_of[7] = 200;
        "an automaton that leads out of itself": |bytes| bytes.automata()[1].shape.start = 100.into();
        "an automaton that leads out of itself": |bytes| bytes.automata()[1].shape.first_accepting = 100.into();
        "an automaton that leads out of itself": |bytes| bytes.automata()[1].shape.classes = 0.into();
        "an automaton that leads out of itself": |bytes| bytes.automata()[1].shape.states = 0.into();
        "transitions out of bounds": |bytes| bytes.automata()[1].shape.states = 1_000.into();
        "transitions out of bounds": |bytes| bytes.automata()[1].first_transition = 1_000.into();
        "transitions that two automata share": |bytes| bytes.automata()[1].first_transition = 0.into();
        "a text out of bounds": |bytes| bytes.automata()[0].pattern.offset = 1_000_000.into();
        "an unknown operator or an operand out of bounds": |bytes| bytes.tests()[4].a = 2.into();
    }
}

#[test]
fn a_prerelease_to_compare_with_is_short() {
    let set = "v".repeat(300);
    let rule = format!(
        r#"{{"id": "r", "when": {{"path": {{"semver": "1.0.0-a"}}}}, "variant": "a", "set": {{"x-a": "{set}"}}}}"#
    );
    let mut bytes = Bytes::with_rules(std::iter::once(rule));
    bytes.comparisons()[0].prerelease = Text { offset: U32::ZERO, length: 257.into() };
    assert_eq!(bytes.refused(), sentence("a comparison with no version"));
}

#[test]
fn a_jump_goes_forward_within_its_rule() {
    refused! {
        "a jump that is not forward": |bytes| bytes.tests()[1].on_true = 0.into();
        "a jump that is not forward": |bytes| bytes.tests()[1].on_true = 1.into();
        "a jump that is not forward": |bytes| bytes.tests()[1].on_true = 2.into();
    }
    for end in [MATCHED, FAILED] {
        let mut bytes = Bytes::sound();
        bytes.tests()[1].on_true = end.into();
        Snapshot::load(bytes.0).unwrap();
    }
}

#[test]
fn a_split_has_its_slots_in_order() {
    refused! {
        "a split that does not begin at slot 0": |bytes| bytes.ranges()[0].from = 1.into();
        "ranges out of order": |bytes| bytes.ranges()[1].from = 0.into();
        "a range beyond the slots or the variants": |bytes| bytes.ranges()[1].from = 100_000.into();
        "a range beyond the slots or the variants": |bytes| bytes.ranges()[1].variant = 2.into();
    }
}

#[test]
fn no_value_belongs_to_two_lists() {
    let rule = |id: &str| format!(r#"{{"id": "{id}", "when": {{"path": {{"in": ["/a", "/b"]}}}}, "variant": "a"}}"#);
    let mut bytes = Bytes::with_rules(["one", "two"].into_iter().map(rule));
    let shared = bytes.tests()[0].a;
    bytes.tests()[1].a = shared;
    assert_eq!(bytes.refused(), sentence("values that two tests share"));
}

#[test]
fn no_name_of_an_attribute_is_long() {
    let rule = |length: usize| {
        let claim = "c".repeat(length);
        format!(r#"{{"id": "{claim}", "when": {{"jwtClaim": {{"claim": "c", "present": true}}}}, "variant": "a"}}"#)
    };
    // The text of the section is long enough for a name beyond the limit.
    let mut bytes = Bytes::with_rules((1..=63).map(rule));
    let long = |length: u32| Text { offset: U32::ZERO, length: length.into() };
    bytes.first::<crate::snapshot::records::Attribute>(|header| header.attributes)[0].name = long(2_048);
    let mut longer = Bytes(bytes.0.clone());
    assert!(Snapshot::load(bytes.0).is_ok());
    longer.first::<crate::snapshot::records::Attribute>(|header| header.attributes)[0].name = long(2_049);
    assert_eq!(longer.refused(), sentence("an attribute of too long a name"));
}
