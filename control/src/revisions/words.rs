//! Revisions in words.

use graylane_store::{Action, Manifest};

/// What was done: `publish of checkout`.
pub fn words(action: &Action) -> String {
    of_epoch(action, None)
}

/// What was done to make a revision: other revisions of its epoch are told by their numbers alone.
pub fn words_of(manifest: &Manifest) -> String {
    of_epoch(&manifest.action, Some(manifest.revision.epoch))
}

fn of_epoch(action: &Action, epoch: Option<u64>) -> String {
    let of = |verb: &str, rule_set: &Option<String>| match rule_set {
        Some(name) => format!("{verb} of {name}"),
        None => verb.to_owned(),
    };
    match action {
        Action::Publish { rule_set } => of("publish", rule_set),
        Action::Rollback { to, rule_set } if epoch == Some(to.epoch) => {
            format!("{} to {}", of("rollback", rule_set), to.number)
        }
        Action::Rollback { to, rule_set } => format!("{} to {to}", of("rollback", rule_set)),
        Action::Off { rule_set } => of("off", rule_set),
        Action::On { rule_set } => of("on", rule_set),
        Action::Freeze { rule_set } => of("freeze", rule_set),
        Action::Unfreeze { rule_set } => of("unfreeze", rule_set),
        Action::Restore { label, of } => format!("restore of {of} from {label}"),
    }
}

#[cfg(test)]
mod tests {
    use graylane_rules::Revision;

    use super::*;

    #[test]
    fn a_number_stands_alone_only_among_those_of_its_epoch() {
        let back = Action::Rollback { to: Revision { epoch: 7, number: 3 }, rule_set: Some("shop".to_owned()) };
        assert_eq!(of_epoch(&back, Some(7)), "rollback of shop to 3");
        assert_eq!(of_epoch(&back, Some(8)), "rollback of shop to 7.3");
        assert_eq!(words(&back), "rollback of shop to 7.3");
    }
}
