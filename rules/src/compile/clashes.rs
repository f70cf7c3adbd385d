//! What is wrong with documents that are each right by themselves.

use std::collections::BTreeMap;

use crate::{
    document::{Name, RuleSet},
    report::{Path, Report},
    tree::quote,
};

/// Refuses each name that an earlier one of the documents has.
pub(crate) fn refuse_namesakes<'a>(names: impl Iterator<Item = (usize, &'a Name)>, report: &mut Report) {
    let mut seen = BTreeMap::new();
    for (index, name) in names {
        if let Some(first) = seen.insert(&name.text, index) {
            report.begin(index);
            let path = Path::DOCUMENT;
            let path = path.field("metadata");
            let found = format!("the name {}, which document {} has", quote(&name.text), first.saturating_add(1));
            report.error("duplicate-name", &path.field("name"), name.span.clone(), found, "a name of its own");
        }
    }
}

/// Refuses each header to set that carries the variant of another rule set: the request would get two
/// values from two rule sets, and a variant that no rule of its own gave it.
pub(super) fn refuse_foreign_headers(rule_sets: &[(usize, RuleSet)], report: &mut Report) {
    let owners: BTreeMap<&str, &str> =
        rule_sets.iter().map(|(_, owner)| (owner.variant_header.as_str(), owner.name.text.as_str())).collect();
    for (index, rule_set) in rule_sets {
        report.begin(*index);
        for rule in &rule_set.rules {
            // Its own was refused where it stands.
            let foreign = rule.set.iter().filter(|own| own.name.text != rule_set.variant_header);
            for (header, owner) in foreign.filter_map(|own| Some((&own.name, owners.get(own.name.text.as_str())?))) {
                let path = Path::DOCUMENT;
                let (spec, place) = (path.field("spec"), rule.place);
                let (rules, expected) =
                    (spec.field("rules"), "another header: this one carries the variant of rule set ");
                let (item, found) = (rules.item(place), quote(&header.text));
                let set = item.field("set");
                let expected = format!("{expected}{}", quote(owner));
                report.error("forbidden-header", &set.field(&header.text), header.span.clone(), found, expected);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Format, Source, compile};

    #[test]
    fn the_variant_header_of_another_rule_set_is_not_set() {
        let texts = [("cart", "x-cart", "x-gray-variant"), ("shop", "x-gray-variant", "x-flags")].map(|(name, header, set)| {
            format!(
                r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
                "output": {{"variantHeader": "{header}"}}, "variants": ["a"], "default": "a",
                "rules": [{{"id": "all", "variant": "a", "set": {{"{set}": "canary"}}}}]}}}}"#
            )
        });
        let sources = texts.each_ref().map(|text| Source { format: Format::Json, text: text.as_bytes() });
        let problems = compile(&sources).unwrap_err();
        let told: Vec<String> = problems.iter().map(|problem| format!("{} {problem}", problem.source)).collect();
        let expected = "0 spec.rules[0].set.x-gray-variant: found \"x-gray-variant\", expected another header: this one \
                        carries the variant of rule set \"shop\"";
        assert_eq!(told, [expected]);
        assert!(compile(&sources[..1]).is_ok(), "alone it may: nobody else decides that header");
    }
}
