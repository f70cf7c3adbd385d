//! What is published, update by update: mostly the next number, now and then other names, now and then a refusal.

use serde_json::{Map, Value, json};

/// So many updates share the names of rule set, rule and variant; then come names that were never used.
const RENAMED: u32 = 4;
/// One of so many updates is refused.
const REFUSED: u32 = 25;
/// More headers than a rule may set.
const TOO_MANY: usize = 33;

/// What shall become of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Every worker uses it.
    Used,
    /// It sets a header that is not owned: every VM refuses it.
    NotOwned,
    /// It sets too many headers: control does not publish it.
    TooManyHeaders,
}

impl Step {
    /// What the update `number` is, from 1 on.
    pub(super) fn of(number: u32) -> Self {
        match number % (2 * REFUSED) {
            0 => Self::TooManyHeaders,
            REFUSED => Self::NotOwned,
            _ => Self::Used,
        }
    }
}

/// The upstream of those whom the update `number` decides about.
pub(super) fn upstream(number: u32) -> &'static str {
    if number.is_multiple_of(2) { "stable" } else { "canary" }
}

/// The rule set of the update `number`.
pub(super) fn document(number: u32) -> Value {
    let name = number / RENAMED;
    // A variant that no route knows is served by stable.
    let other = format!("v-{name}");
    let variant = if upstream(number) == "canary" { "canary" } else { &other };
    json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": format!("soak-{name}")},
        "spec": {
            "variants": ["stable", "canary", other],
            "default": "stable",
            "rules": [{
                "id": format!("rule-{name}"),
                "when": {"header": {"name": "x-user-id", "present": true}},
                "variant": variant,
                "set": headers(number),
            }],
        },
    })
}

fn headers(number: u32) -> Map<String, Value> {
    let mut headers = Map::from_iter([("x-feature-flags".to_owned(), json!(format!("n={number}")))]);
    match Step::of(number) {
        Step::Used => {}
        Step::NotOwned => headers.extend([("x-not-owned".to_owned(), json!("1"))]),
        Step::TooManyHeaders => {
            headers.extend((headers.len()..TOO_MANY).map(|at| (format!("x-many-{at}"), json!("1"))));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use graylane_rules::{Format, Source, compile};

    fn compiles(number: u32) -> bool {
        let text = document(number).to_string();
        compile(&[Source { format: Format::Json, text: text.as_bytes() }]).is_ok()
    }

    #[test]
    fn updates_are_what_they_claim() {
        let of = |wanted| (1..=500).find(|number| Step::of(*number) == wanted).unwrap();
        assert!(compiles(of(Step::Used)) && compiles(of(Step::NotOwned)) && !compiles(of(Step::TooManyHeaders)));
        let refused = (1..=500).filter(|number| Step::of(*number) != Step::Used).count();
        assert_eq!(refused, 20);
    }

    #[test]
    fn one_header_less_would_be_allowed() {
        let number = (1..).find(|number| Step::of(*number) == Step::TooManyHeaders).unwrap();
        let mut document = document(number);
        document["spec"]["rules"][0]["set"].as_object_mut().unwrap().remove("x-many-1").unwrap();
        let text = document.to_string();
        assert!(compile(&[Source { format: Format::Json, text: text.as_bytes() }]).is_ok());
    }
}
