//! Revisions in words.

use graylane_store::Action;

/// What was done: `publish of checkout`.
pub fn words(action: &Action) -> String {
    let of = |verb: &str, rule_set: &Option<String>| match rule_set {
        Some(name) => format!("{verb} of {name}"),
        None => verb.to_owned(),
    };
    match action {
        Action::Publish { rule_set } => of("publish", rule_set),
        Action::Rollback { to, rule_set } => format!("{} to {}", of("rollback", rule_set), to.number),
        Action::Off { rule_set } => of("off", rule_set),
        Action::On { rule_set } => of("on", rule_set),
        Action::Freeze { rule_set } => of("freeze", rule_set),
        Action::Unfreeze { rule_set } => of("unfreeze", rule_set),
        Action::Restore { label, of } => format!("restore of {of} from {label}"),
    }
}
