//! How switches differ between two revisions, typed.

use std::{collections::BTreeMap, fmt};

use graylane_rules::{
    Snapshot,
    switches::{Switch, SwitchType},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::finding::one_line;

/// A switch that upstreams get with another value, for some variant at least.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchChanged {
    /// The rule set that has the switch.
    pub rule_set: String,
    /// Its name.
    pub name: String,
    /// Its type; where that changed, the new one.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it was; null where it was not there.
    pub old: Option<Values>,
    /// What it is; null where it is no more.
    pub new: Option<Values>,
}

/// The values of a switch, as JSON has them; a duration is a string of milliseconds, `1500ms`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Values {
    /// That of every variant without one of its own.
    pub default: Value,
    /// Those of variants that have one.
    pub variants: Map<String, Value>,
}

impl SwitchChanged {
    /// What differs between `old` and `new`, by rule set and name.
    pub fn between(old: &Snapshot, new: &Snapshot) -> Vec<Self> {
        let (old, new) = (by_name(old), by_name(new));
        let names = old.keys().chain(new.keys()).collect::<std::collections::BTreeSet<_>>();
        let changed = names.into_iter().filter_map(|key| {
            let (before, after) = (old.get(key), new.get(key));
            let (rule_set, name) = key.clone();
            let kind = after.or(before)?.kind.name();
            let same = before.map(|switch| (switch.kind, switch.default, &switch.variants))
                == after.map(|switch| (switch.kind, switch.default, &switch.variants));
            let values = |switch: Option<&Switch<'_>>| switch.map(Values::of);
            (!same).then(|| Self { rule_set, name, kind, old: values(before), new: values(after) })
        });
        changed.collect()
    }
}

fn by_name(snapshot: &Snapshot) -> BTreeMap<(String, String), Switch<'_>> {
    let key = |switch: &Switch<'_>| (text(switch.rule_set), text(switch.name));
    snapshot.switches().map(|switch| (key(&switch), switch)).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Values {
    fn of(switch: &Switch<'_>) -> Self {
        let variants = switch.variants.iter().map(|(variant, item)| (text(variant), value(switch.kind, item)));
        Self { default: value(switch.kind, switch.default), variants: variants.collect() }
    }
}

/// An item as JSON has it.
fn value(kind: SwitchType, item: &[u8]) -> Value {
    let plain = kind.plain(item);
    match kind {
        SwitchType::Int | SwitchType::Float => serde_json::from_str(&plain).unwrap_or(Value::String(plain)),
        SwitchType::Bool => Value::Bool(plain == "true"),
        SwitchType::String | SwitchType::Duration => Value::String(plain),
    }
}

/// `rate_limit (float) of rule set checkout: 0.3 -> 0.5`, always one line.
impl fmt::Display for SwitchChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule_set, name, kind, old, new } = self;
        let shown = |values: &Option<Values>| values.as_ref().map_or_else(|| "none".to_owned(), Values::to_string);
        let line = format!("{name} ({kind}) of rule set {rule_set}: {} -> {}", shown(old), shown(new));
        f.write_str(&one_line(&line))
    }
}

/// `"v1"`, or `"v1" (canary: "v2")`.
impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 5;
        write!(f, "{}", self.default)?;
        if self.variants.is_empty() {
            return Ok(());
        }
        let shown: Vec<_> =
            self.variants.iter().take(MOST).map(|(variant, value)| format!("{variant}: {value}")).collect();
        let more = self.variants.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        write!(f, " ({}{more})", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Source, compile};
    use serde_json::json;

    use super::*;

    fn snapshot(switches: &str) -> Snapshot {
        let text = format!(
            "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\n\
             spec: {{variants: [stable, canary], default: stable, switches: {{{switches}}}}}\n"
        );
        let compiled = compile(&[Source { format: Format::Yaml, text: text.as_bytes() }]).unwrap();
        Snapshot::load(compiled.snapshot).unwrap()
    }

    #[test]
    fn what_differs_is_told_typed_and_nothing_else() {
        let old = snapshot(
            "login: {type: string, default: v1, variants: {canary: v2}}, limit: {type: float, default: 0.3}, \
             same: {type: int, default: 7}, gone: {type: bool, default: true}",
        );
        let new = snapshot(
            "same: {type: int, default: 7}, login: {type: string, default: v1}, limit: {type: float, default: 0.5}, \
             timeout: {type: duration, default: 2s}",
        );
        let changed = SwitchChanged::between(&old, &new);
        let expected = json!([
            {"ruleSet": "shop", "name": "gone", "type": "bool", "old": {"default": true, "variants": {}}, "new": null},
            {"ruleSet": "shop", "name": "limit", "type": "float",
             "old": {"default": 0.3, "variants": {}}, "new": {"default": 0.5, "variants": {}}},
            {"ruleSet": "shop", "name": "login", "type": "string",
             "old": {"default": "v1", "variants": {"canary": "v2"}}, "new": {"default": "v1", "variants": {}}},
            {"ruleSet": "shop", "name": "timeout", "type": "duration", "old": null,
             "new": {"default": "2000ms", "variants": {}}},
        ]);
        assert_eq!(serde_json::to_value(&changed).unwrap(), expected);
        let lines: Vec<_> = changed.iter().map(ToString::to_string).collect();
        assert_eq!(lines[1], "limit (float) of rule set shop: 0.3 -> 0.5");
        assert_eq!(lines[2], r#"login (string) of rule set shop: "v1" (canary: "v2") -> "v1""#);
        assert!(SwitchChanged::between(&old, &old).is_empty());
    }

    #[test]
    fn another_type_of_the_same_text_is_a_change() {
        let changed =
            SwitchChanged::between(&snapshot("a: {type: int, default: 1}"), &snapshot("a: {type: float, default: 1}"));
        assert_eq!(changed.len(), 1, "{changed:?}");
    }
}
