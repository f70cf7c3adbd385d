//! Headers that carry one thing for one rule set and another for the next: a request would get two values.

use std::collections::BTreeMap;

use crate::{
    document::{Carries, Name, RuleSet},
    report::{Path, Report},
    tree::quote,
};

/// Refuses each header that carries something of another rule set as well. A variant header may be that of several: only
/// one of these decides a request. So may one for the time of the decision, which is the same for all.
pub(super) fn refuse_foreign(rule_sets: &[(usize, RuleSet)], report: &mut Report) {
    let carriers = Carriers::of(rule_sets);
    for (index, rule_set) in rule_sets {
        report.begin(*index);
        let spec = Path::SPEC;
        carriers.check_output(rule_set, &spec.field("output"), report);
        let rules = spec.field("rules");
        for rule in &rule_set.rules {
            let item = rules.item(rule.place);
            let set = item.field("set");
            // Its own were refused where they stand.
            for own in rule.set.iter().filter(|own| rule_set.output.carried_by(&own.name.text).is_none()) {
                let kinds = [Carries::Variant, Carries::Experiment, Carries::EvaluatedAt];
                let owner = kinds.into_iter().find_map(|kind| Some((kind, carriers.owner(&own.name.text, kind)?)));
                refuse(&own.name, owner, &set.field(&own.name.text), report);
            }
        }
    }
}

fn refuse(header: &Name, owner: Option<(Carries, &RuleSet)>, path: &Path<'_>, report: &mut Report) {
    if let Some((carries, owner)) = owner {
        let expected = format!("{} of rule set {}", carries.instead(), quote(&owner.name.text));
        report.error("forbidden-header", path, header.span.clone(), quote(&header.text), expected);
    }
}

/// By header and what it carries, the first of the rule sets for which it does.
struct Carriers<'d>(BTreeMap<(&'d str, Carries), &'d RuleSet>);

impl<'d> Carriers<'d> {
    fn of(rule_sets: &'d [(usize, RuleSet)]) -> Self {
        let mut carriers = BTreeMap::new();
        for (_, rule_set) in rule_sets {
            let output = &rule_set.output;
            let mut add = |header: &'d str, carries| _ = carriers.entry((header, carries)).or_insert(rule_set);
            add(&output.variant_header, Carries::Variant);
            output.experiment_header.iter().for_each(|header| add(&header.text, Carries::Experiment));
            output.evaluated_at_header.iter().for_each(|header| add(&header.text, Carries::EvaluatedAt));
        }
        Self(carriers)
    }

    fn owner(&self, header: &str, carries: Carries) -> Option<&'d RuleSet> {
        self.0.get(&(header, carries)).copied()
    }

    fn check_output(&self, rule_set: &RuleSet, path: &Path<'_>, report: &mut Report) {
        let output = &rule_set.output;
        if let Some(header) = &output.experiment_header {
            let owner = |carries| self.owner(&header.text, carries).map(|owner| (carries, owner));
            // Both can decide the same request only where their variant headers differ.
            let differs = |(_, owner): &(_, &RuleSet)| owner.output.variant_header != output.variant_header;
            let found = owner(Carries::Variant)
                .or_else(|| owner(Carries::EvaluatedAt))
                .or_else(|| owner(Carries::Experiment).filter(differs));
            refuse(header, found, &path.field("experimentHeader"), report);
        }
        if let Some(header) = &output.evaluated_at_header {
            let found = self.owner(&header.text, Carries::Variant).map(|owner| (Carries::Variant, owner));
            refuse(header, found, &path.field("evaluatedAtHeader"), report);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Format, Source, compile};

    /// What is said against two rule sets, `cart` and `shop`, with these outputs, of which `cart` sets the header `set`.
    fn told(cart: &str, shop: &str, set: &str) -> Vec<String> {
        let texts = [("cart", cart, set), ("shop", shop, "x-flags")].map(|(name, output, set)| {
            format!(
                r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
                "scope": {{"hosts": ["{name}"]}}, "output": {output}, "variants": ["a"], "default": "a",
                "rules": [{{"id": "all", "variant": "a", "set": {{"{set}": "canary"}}}}]}}}}"#
            )
        });
        let sources = texts.each_ref().map(|text| Source { format: Format::Json, text: text.as_bytes() });
        assert!(compile(&sources[..1]).is_ok() && compile(&sources[1..]).is_ok(), "each is right by itself");
        let problems = compile(&sources).map_or_else(|problems| problems, |compiled| compiled.warnings);
        problems.iter().map(|problem| format!("{} {problem}", problem.source)).collect()
    }

    #[test]
    fn what_carries_something_of_another_rule_set_is_not_set() {
        let shop = r#"{"experimentHeader": "x-exp", "evaluatedAtHeader": "x-at"}"#;
        for (header, what) in
            [("x-gray-variant", "the variant"), ("x-exp", "the experiment"), ("x-at", "the time of the decision")]
        {
            let expected = format!(
                "0 spec.rules[0].set.{header}: found \"{header}\", expected another header: this one carries {what} \
                 of rule set \"shop\""
            );
            assert_eq!(told(r#"{"variantHeader": "x-cart"}"#, shop, header), [expected]);
        }
        assert!(told(r#"{"variantHeader": "x-cart"}"#, shop, "x-flags").is_empty());
    }

    #[test]
    fn a_header_carries_one_thing() {
        let said = |field: &str, header: &str, what: &str, rule_set: &str, source: u8| {
            format!(
                "{source} spec.output.{field}: found \"{header}\", expected another header: this one carries {what} \
                 of rule set \"{rule_set}\""
            )
        };
        let both = |cart: &str, shop: &str| told(cart, shop, "x-flags");
        let shop = r#"{"experimentHeader": "x-exp", "evaluatedAtHeader": "x-at"}"#;
        let cart = r#"{"variantHeader": "x-cart", "experimentHeader": "x-gray-variant", "evaluatedAtHeader": "x-at"}"#;
        assert_eq!(both(cart, shop), [said("experimentHeader", "x-gray-variant", "the variant", "shop", 0)]);
        let cart = r#"{"variantHeader": "x-at", "experimentHeader": "x-exp"}"#;
        let expected = [
            said("evaluatedAtHeader", "x-at", "the variant", "cart", 1),
            said("experimentHeader", "x-exp", "the experiment", "cart", 1),
        ];
        let mut found = both(cart, shop);
        found.sort();
        assert_eq!(found, expected);
        let cart = r#"{"experimentHeader": "x-at"}"#;
        assert_eq!(both(cart, shop), [said("experimentHeader", "x-at", "the time of the decision", "shop", 0)]);
    }

    #[test]
    fn rule_sets_of_one_variant_header_may_share_them_all() {
        let output = r#"{"experimentHeader": "x-exp", "evaluatedAtHeader": "x-at"}"#;
        assert!(told(output, output, "x-flags").is_empty());
    }
}
