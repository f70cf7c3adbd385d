//! Whether rules stay within what this Envoy lets them do.

use std::collections::{BTreeMap, BTreeSet};

use graylane_rules::{Share, Snapshot, slot};

use crate::config::Limits;

/// So many excesses are told, and so many names; of more, only their number.
const TOLD: usize = 3;

impl Limits {
    /// Checks every rule set and variant of `snapshot`. Without a limit on variants there is nothing to check.
    ///
    /// # Errors
    /// What exceeds a limit: where, what was found, and the limit.
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), String> {
        if let Some(rule_set) = self.inherit.as_ref().and_then(|bound| snapshot.trusting_beyond(bound)) {
            let rule_set = rule_set.escape_ascii();
            return Err(format!(
                "rule set {rule_set}: found spec.inherit that trusts somebody who is not trusted here, expected \
                 nobody beyond limits.inherit, and the same hops"
            ));
        }
        if self.variants.is_none() && self.shares.is_empty() {
            return Ok(());
        }
        let mut further = snapshot.further_header_names();
        if let Some(name) = further.find(|name| self.variant_headers.iter().any(|header| header.as_bytes() == *name)) {
            let name = name.escape_ascii();
            return Err(format!(
                "the rules set the header {name} otherwise than as variantHeader, expected that alone \
                 (limits.variantHeaders): what it carries chooses a variant past the limits"
            ));
        }
        let testers: Vec<&str> = self.tester_headers.iter().map(String::as_str).collect();
        let bounds = Bounds::of(self);
        let excesses: Vec<_> =
            snapshot.shares(&testers).into_iter().filter_map(|share| Some((share, bounds.exceeded(&share)?))).collect();
        if excesses.is_empty() {
            return Ok(());
        }
        Err(listed(excesses.iter().map(|(share, bound)| self.tell(share, *bound)), "; "))
    }

    fn tell(&self, share: &Share<'_>, bound: Bound) -> String {
        let (rule_set, variant) = (share.rule_set.escape_ascii(), share.variant.escape_ascii());
        let what = match bound {
            Bound::Variants => {
                let allowed = listed(self.variants.as_deref().unwrap_or_default().iter().cloned(), ", ");
                format!("found a variant that is not allowed here, expected one of limits.variants: {allowed}")
            }
            Bound::Inherited(limit) => format!(
                "found a variant that may be inherited, and whoever is trusted may give it to more than {} % \
                 (limits.shares), expected limits.inherit to say who may, or no spec.inherit",
                percent(limit)
            ),
            Bound::Share(limit) => {
                let (found, limit) = (percent(share.slots), percent(limit));
                format!("found a share of up to {found} %, expected at most {limit} % (limits.shares)")
            }
        };
        format!("rule set {rule_set}, variant {variant}: {what}")
    }
}

/// The limits, quick to look up: a snapshot may name very many variants.
struct Bounds<'l> {
    variants: Option<BTreeSet<&'l [u8]>>,
    shares: &'l BTreeMap<String, u32>,
    /// Whether it was said from whom variants may be inherited: they are not counted in a share then.
    says_whom: bool,
}

/// A limit that is exceeded.
#[derive(Clone, Copy)]
enum Bound {
    Variants,
    Share(u32),
    Inherited(u32),
}

impl<'l> Bounds<'l> {
    fn of(limits: &'l Limits) -> Self {
        Self {
            says_whom: limits.inherit.is_some(),
            variants: limits.variants.as_ref().map(|names| names.iter().map(String::as_bytes).collect()),
            shares: &limits.shares,
        }
    }

    fn exceeded(&self, share: &Share<'_>) -> Option<Bound> {
        if self.variants.as_ref().is_some_and(|variants| !variants.contains(share.variant)) {
            return Some(Bound::Variants);
        }
        let limit = self.shares.get(str::from_utf8(share.variant).ok()?).copied()?;
        if share.slots > limit {
            return Some(Bound::Share(limit));
        }
        let inherited = share.inherits && limit < slot::SLOTS && !self.says_whom;
        inherited.then_some(Bound::Inherited(limit))
    }
}

fn listed(texts: impl ExactSizeIterator<Item = String>, separator: &str) -> String {
    let more = texts.len().saturating_sub(TOLD);
    let mut list = texts.take(TOLD).collect::<Vec<_>>().join(separator);
    if more > 0 {
        list.push_str(&format!("{separator}and {more} more"));
    }
    list
}

/// Slots as a percentage, without zeros that say nothing.
fn percent(slots: u32) -> String {
    let text = format!("{}.{:03}", slots / 1000, slots % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Source, compile};

    use super::*;
    use crate::config::FilterConfig;

    /// A rule set: `canary` gets everybody with `x-env: gray`, and `percentage` of all; `beta` is only named.
    fn rule_set(name: &str, percentage: &str) -> String {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
                "scope": {{"hosts": ["{name}"]}}, "variants": ["stable", "canary", "beta"], "default": "stable",
                "identity": {{"from": [{{"header": "x-user"}}]}},
                "rules": [
                    {{"id": "qa", "variant": "canary", "when": {{"header": {{"name": "x-env", "exact": "gray"}}}}}},
                    {{"id": "some", "variant": "canary", "when": {{"percent": {percentage}}}}}]}}}}"#
        )
    }

    fn check(limits: &str, rule_sets: &[String]) -> Result<(), String> {
        let sources: Vec<_> =
            rule_sets.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
        let snapshot = Snapshot::load(compile(&sources).unwrap().snapshot).unwrap();
        let text = format!(r#"{{"limits": {limits}}}"#);
        FilterConfig::read(text.as_bytes()).unwrap().limits.check(&snapshot)
    }

    const TESTED: &str = r#""testerHeaders": ["x-env"]"#;

    #[test]
    fn a_share_is_held_to_the_slot() {
        let limits = format!(r#"{{"shares": {{"canary": 12.5}}, {TESTED}}}"#);
        assert_eq!(check(&limits, &[rule_set("shop", "12.5")]), Ok(()));
        let error = check(&limits, &[rule_set("cart", "1"), rule_set("shop", "12.501")]).unwrap_err();
        let expected =
            "rule set shop, variant canary: found a share of up to 12.501 %, expected at most 12.5 % (limits.shares)";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_header_that_is_no_testers_may_be_everybodys() {
        let error = check(r#"{"shares": {"canary": 25}}"#, &[rule_set("shop", "1")]).unwrap_err();
        assert!(error.contains("found a share of up to 100 %, expected at most 25 %"), "{error}");
    }

    #[test]
    fn a_variant_that_is_not_allowed_is_refused_even_where_nobody_gets_it() {
        let error = check(r#"{"variants": ["stable", "canary"]}"#, &[rule_set("shop", "1")]).unwrap_err();
        let expected = "rule set shop, variant beta: found a variant that is not allowed here, \
                        expected one of limits.variants: stable, canary";
        assert_eq!(error, expected);
        assert_eq!(check(r#"{"variants": ["stable", "canary", "beta"]}"#, &[rule_set("shop", "1")]), Ok(()));
    }

    /// A rule set whose variants are in order, with `output`, and a rule that sets the header `sets` to canary.
    fn beside(output: &str, sets: &str) -> String {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "other"}}, "spec": {{
                "output": {output}, "variants": ["stable"], "default": "stable",
                "rules": [{{"id": "all", "variant": "stable", "set": {{"{sets}": "canary"}}}}]}}}}"#
        )
    }

    #[test]
    fn no_variant_is_given_past_the_limits() {
        let said = |name: &str| {
            Err(format!(
                "the rules set the header {name} otherwise than as variantHeader, expected that alone \
                 (limits.variantHeaders): what it carries chooses a variant past the limits"
            ))
        };
        let limits = r#"{"variants": ["stable"]}"#;
        let by_set = beside(r#"{"variantHeader": "x-other"}"#, "x-gray-variant");
        assert_eq!(check(limits, std::slice::from_ref(&by_set)), said("x-gray-variant"));
        assert_eq!(check(r#"{"shares": {"canary": 5}}"#, std::slice::from_ref(&by_set)), said("x-gray-variant"));
        for field in ["experimentHeader", "evaluatedAtHeader"] {
            let output = format!(r#"{{"variantHeader": "x-other", "{field}": "x-gray-variant"}}"#);
            assert_eq!(check(limits, &[beside(&output, "x-flags")]), said("x-gray-variant"), "{field}");
        }
        let own = r#"{"variants": ["stable"], "variantHeaders": ["x-lane"]}"#;
        assert_eq!(check(own, &[beside("{}", "x-lane")]), said("x-lane"));
        assert_eq!(check(own, std::slice::from_ref(&by_set)), Ok(()));
        for free in ["{}", r#"{"variantHeaders": ["x-gray-variant"]}"#] {
            assert_eq!(check(free, std::slice::from_ref(&by_set)), Ok(()), "without limits there is nothing to pass");
        }
    }

    /// The rule set `shop`, which gives nobody `canary` but inherits.
    fn inheriting(inherit: &str) -> String {
        rule_set("shop", "0").replace(r#""rules": ["#, &format!(r#""inherit": {inherit}, "rules": ["#))
    }

    #[test]
    fn what_may_be_inherited_is_no_way_past_a_share() {
        let anybody = inheriting(r#"{"peers": ["spiffe://td/ns/edge/sa/gw"]}"#);
        let anybody = std::slice::from_ref(&anybody);
        let limits = |inherit: &str| format!(r#"{{"shares": {{"canary": 5}}, {TESTED}{inherit}}}"#);
        let error = check(&limits(""), anybody).unwrap_err();
        let expected = "rule set shop, variant canary: found a variant that may be inherited, and whoever is trusted may \
                        give it to more than 5 % (limits.shares), expected limits.inherit to say who may, or no spec.inherit";
        assert_eq!(error, expected);
        let bound = |inherit: &str| check(&limits(&format!(r#", "inherit": {inherit}"#)), anybody);
        assert_eq!(bound(r#"{"peers": ["spiffe://td/ns/edge"]}"#), Ok(()));
        for other in [r#"{"peers": ["spiffe://td/ns/edge/sa/g"]}"#, r#"{"outbound": true}"#] {
            let refused = bound(other).unwrap_err();
            assert!(refused.starts_with("rule set shop: found spec.inherit that trusts somebody"), "{refused}");
        }
        // A share of all, or of another variant, bounds nothing that is inherited.
        for free in [r#"{"shares": {"canary": 100}}"#, r#"{"shares": {"other": 5}}"#, "{}"] {
            assert_eq!(check(free, anybody), Ok(()), "{free}");
        }
    }

    #[test]
    fn nobody_is_trusted_beyond_what_is_trusted_here() {
        let bound = r#"{"inherit": {"peers": ["spiffe://td/a"], "sources": ["10.0.0.0/8"], "hops": 1}}"#;
        let check = |inherit: &str| check(bound, &[inheriting(inherit)]).is_ok();
        for within in [
            r#"{"peers": ["spiffe://td/a", "spiffe://td/a/b"]}"#,
            r#"{"sources": ["10.1.0.0/16", "10.2.3.4/32"], "hops": 1}"#,
        ] {
            assert!(check(within), "{within}");
        }
        for beyond in [
            r#"{"peers": ["spiffe://td/a", "spiffe://td/ab"]}"#,
            r#"{"peers": ["spiffe://td"]}"#,
            r#"{"sources": ["10.0.0.0/7"], "hops": 1}"#,
            r#"{"sources": ["10.0.0.0/8", "192.0.2.0/24"], "hops": 1}"#,
            r#"{"sources": ["10.0.0.0/8"], "hops": 0}"#,
            r#"{"peers": ["spiffe://td/a"], "outbound": true}"#,
        ] {
            assert!(!check(beyond), "{beyond}");
        }
        assert_eq!(
            super::tests::check(bound, &[rule_set("shop", "5")]),
            Ok(()),
            "whoever inherits nothing trusts nobody"
        );
    }

    #[test]
    fn without_limits_anything_goes() {
        for limits in ["{}", r#"{"testerHeaders": ["x-env"]}"#, r#"{"shares": {"other": 0}}"#] {
            assert_eq!(check(limits, &[rule_set("shop", "100")]), Ok(()), "{limits}");
        }
    }

    #[test]
    fn of_many_excesses_three_are_told() {
        let rule_sets: Vec<_> = (0..5).map(|number| rule_set(&format!("shop{number}"), "50")).collect();
        let error = check(&format!(r#"{{"shares": {{"canary": 0}}, {TESTED}}}"#), &rule_sets).unwrap_err();
        assert!(error.contains("rule set shop2, variant canary: found a share of up to 50 %, expected at most 0 %"));
        assert!(error.ends_with("; and 2 more") && !error.contains("shop3"), "{error}");
    }
}
