//! Switches: those of several rule sets beside each other, overrides above them, and their tables.

use std::collections::BTreeMap;

use crate::{
    document::{self, RuleSet},
    order,
    report::{Path, Report},
    snapshot::{
        records::{Switch, SwitchValue, Text},
        write::{Container, place, size},
    },
    switches::{Overrides, SwitchType, fits, known, together},
    tree::quote,
};

/// Refuses switches of one name that differ in their type, or that one request could get twice.
pub(super) fn refuse_namesakes(rule_sets: &[(usize, RuleSet)], report: &mut Report) {
    let mut first = BTreeMap::<&str, (&RuleSet, SwitchType)>::new();
    for (index, rule_set) in rule_sets {
        report.begin(*index);
        for switch in &rule_set.switches {
            let name = switch.name.text.as_str();
            let (owner, kind) = *first.entry(name).or_insert((rule_set, switch.kind));
            let path = Path::SPEC;
            let path = path.field("switches");
            let mut refuse = |code, found: String, expected: &str| {
                report.error(code, &path.field(name), switch.name.span.clone(), found, expected);
            };
            let owner_name = quote(&owner.name.text);
            if owner.output.variant_header != rule_set.output.variant_header {
                let found =
                    format!("the switch {}, which rule set {owner_name} has for another variant header", quote(name));
                refuse("duplicate-switch", found, "a name of its own: both can decide the same request");
            }
            if kind != switch.kind {
                let (found, other) = (switch.kind.name(), kind.name());
                refuse("switch-type", format!("the type {found}"), &format!("{other}, as in rule set {owner_name}"));
            }
        }
    }
}

/// Refuses switches that together are more than a request's header carries.
pub(super) fn refuse_too_large(rule_sets: &[(usize, RuleSet)], report: &mut Report) {
    // Of one alone it was said where it stands.
    if report.has_errors() {
        return;
    }
    let mut longest = BTreeMap::new();
    for (_, rule_set) in rule_sets {
        let texts = texts(rule_set);
        let most = texts.iter().map(String::len).max().unwrap_or(0);
        let header = longest.entry(&rule_set.output.variant_header).or_insert(0);
        *header = most.max(*header);
    }
    let together = together(longest.into_values());
    if !fits(together) {
        let found = format!("switches of {together} bytes for one request");
        report.document_error("too-large", found, "at most 4096 bytes, of all variant headers together");
    }
}

/// Replaces the values of switches by those of `text`, for all variants. Its problems are those of the present source.
pub(super) fn overlay(text: &str, rule_sets: &mut [(usize, RuleSet)], report: &mut Report) {
    let overrides = match Overrides::parse(text) {
        Ok(overrides) => overrides,
        Err(why) => return report.error("bad-override", &Path::DOCUMENT, why.span, why.found, why.expected),
    };
    // A rule set that could not be read may have the switch.
    let complete = !report.has_errors();
    for entry in &overrides.entries {
        let key = format!("gray.{}", entry.name);
        let path = Path::DOCUMENT;
        let path = path.field(&key);
        let mut named = false;
        let switches = rule_sets.iter_mut().flat_map(|(_, rule_set)| &mut rule_set.switches);
        for switch in switches.filter(|switch| switch.name.text == entry.name) {
            match switch.kind.item(&entry.value) {
                Some(item) => (switch.default, switch.variants) = (item, Vec::new()),
                // Once, however many rule sets have it.
                None if named => {}
                None => {
                    let found = quote(&entry.value);
                    report.error("bad-switch-value", &path, entry.span.clone(), found, switch.kind.expected());
                }
            }
            named = true;
        }
        if !named && complete {
            let names = names(rule_sets);
            let expected = report.or_meant(known(&names), &entry.name, names.iter().map(String::as_str));
            report.error("unknown-switch", &path, entry.span.clone(), "a switch that no rule set has", expected);
        }
    }
}

/// The names of all switches, each once, sorted.
fn names(rule_sets: &[(usize, RuleSet)]) -> Vec<String> {
    let switches = rule_sets.iter().flat_map(|(_, rule_set)| &rule_set.switches);
    let mut names: Vec<_> = switches.map(|switch| switch.name.text.clone()).collect();
    order::sort(&mut names);
    names.dedup();
    names
}

/// The dictionary of each variant; none where there are no switches.
fn texts(rule_set: &RuleSet) -> Vec<String> {
    let count = if rule_set.switches.is_empty() { 0 } else { rule_set.variants.len() };
    (0..count).map(|place| document::switches_text(&rule_set.switches, place)).collect()
}

/// The records of a rule set's switches.
pub(super) fn write(rule_set: &RuleSet, section: &mut Container) -> (Vec<Switch>, Vec<SwitchValue>, Vec<Text>) {
    let mut values = Vec::new();
    let switches = rule_set.switches.iter().map(|switch| {
        let first_value = size(values.len());
        values.extend(switch.variants.iter().map(|(variant, item)| SwitchValue {
            variant: place(*variant),
            reserved: 0.into(),
            item: section.text(item),
        }));
        Switch {
            name: section.text(&switch.name.text),
            kind: switch.kind.code(),
            reserved: 0,
            default: section.text(&switch.default),
            first_value,
            values: size(switch.variants.len()),
        }
    });
    let switches = switches.collect();
    let texts = texts(rule_set).iter().map(|text| section.text(text)).collect();
    (switches, values, texts)
}

#[cfg(test)]
mod tests {
    use crate::{Compiled, Format, Overlay, Problem, Snapshot, Source, compile, compile_under};

    fn rule_set(name: &str, header: &str, switches: &str) -> String {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
            "output": {{"variantHeader": "{header}"}}, "variants": ["a", "b"], "default": "a", "switches": {switches},
            "rules": [{{"id": "r", "when": {{"path": {{"exact": "/b"}}}}, "variant": "b"}}]}}}}"#
        )
    }

    fn compiled(texts: &[String], overrides: &str) -> Result<Compiled, Vec<Problem>> {
        let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
        if overrides.is_empty() {
            compile(&sources)
        } else {
            compile_under(&sources, Overlay { switches: overrides, ..Overlay::default() })
        }
    }

    fn told(texts: &[String], overrides: &str) -> Vec<String> {
        let problems = compiled(texts, overrides).expect_err("problems");
        problems.iter().map(|problem| format!("{} {} {problem}", problem.source, problem.code)).collect()
    }

    #[test]
    fn a_name_is_one_switch_for_a_request() {
        let switches = r#"{"a": {"type": "int", "default": 1}}"#;
        let one = rule_set("one", "x-one", switches);
        let expected = "1 duplicate-switch spec.switches.a: found the switch \"a\", which rule set \"one\" has for another \
                        variant header, expected a name of its own: both can decide the same request";
        assert_eq!(told(&[one.clone(), rule_set("two", "x-two", switches)], ""), [expected]);
        let other = rule_set("two", "x-one", r#"{"a": {"type": "float", "default": 1}}"#);
        let expected = "1 switch-type spec.switches.a: found the type float, expected int, as in rule set \"one\"";
        assert_eq!(told(&[one.clone(), other], ""), [expected]);
        assert!(compiled(&[one, rule_set("two", "x-one", switches)], "").is_ok());
    }

    #[test]
    fn what_one_request_gets_is_bounded() {
        let long = |name: &str, length: usize| {
            let values: Vec<_> = (0..4)
                .map(|n| format!(r#""{name}{n}": {{"type": "string", "default": "{}"}}"#, "x".repeat(length)))
                .collect();
            format!("{{{}}}", values.join(", "))
        };
        let two = |length: usize| {
            [rule_set("one", "x-one", &long("a", length)), rule_set("two", "x-two", &long("b", length))]
        };
        // Four members of four bytes besides the value, and three separators: twice, with one more between the two.
        let most = (4096 - 2 - 2 * (4 * 5 + 6)) / 8;
        assert!(compiled(&two(most), "").is_ok());
        let expected = "0 too-large found switches of 4102 bytes for one request, expected at most 4096 bytes, of all \
                        variant headers together";
        assert_eq!(told(&two(most + 1), ""), [expected]);
    }

    #[test]
    fn overrides_are_typed_and_none_takes_effect_in_silence() {
        let switches = r#"{"flag": {"type": "string", "default": "v1", "variants": {"b": "v2"}},
                           "rate_limit": {"type": "float", "default": 0.3}}"#;
        let documents = [rule_set("one", "x-one", switches)];
        let text = |overrides: &str| {
            let snapshot = Snapshot::load(compiled(&documents, overrides).unwrap().snapshot).unwrap();
            let switches = snapshot.switches().map(|switch| {
                let own: Vec<_> = switch.variants.iter().map(|(_, item)| switch.kind.plain(item)).collect();
                format!("{}{own:?}", switch.kind.plain(switch.default))
            });
            switches.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(""), r#"v1["v2"] 0.3[]"#);
        assert_eq!(text(" "), r#"v1["v2"] 0.3[]"#);
        assert_eq!(text("gray.flag=v3,gray.rate_limit=1"), "v3[] 1.0[]");
        for (overrides, expected) in [
            (
                "gray.rate_limit=fast",
                "1 bad-switch-value gray.rate_limit: found \"fast\", expected a number of at most 12 digits, and 3 behind the point",
            ),
            (
                "gray.rate_limits=1",
                "1 unknown-switch gray.rate_limits: found a switch that no rule set has, expected one of flag, rate_limit; did you mean rate_limit?",
            ),
            ("flag=1", "1 bad-override found \"flag\", expected gray.NAME=VALUE"),
        ] {
            assert_eq!(told(&documents, overrides), [expected], "{overrides}");
        }
    }
}
