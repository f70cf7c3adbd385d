//! What stands although somebody ended what he named: a freeze of a rule set does not end with that of all, nor the other way
//! round.

use graylane_store::Overlay;

/// So many rule sets are named at most.
const NAMES: usize = 8;

/// What stands of one kind.
#[derive(Debug)]
pub struct Standing {
    /// What they are: `frozen`.
    state: &'static str,
    /// The command that ends it.
    command: &'static str,
    /// The rule sets; None is all of them.
    of: Vec<Option<String>>,
}

/// What stands, as seen by whoever wanted it to end.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing that he need know of.
    Nothing,
    /// Something besides what he ended.
    Beside(String),
    /// What he meant: nothing ended.
    Meant(String),
}

impl Standing {
    /// What is switched off.
    pub fn off(overlay: &Overlay) -> Self {
        Self { state: "off", command: "on", of: overlay.off.iter().map(|off| off.rule_set.clone()).collect() }
    }

    /// What is frozen.
    pub fn frozen(overlay: &Overlay) -> Self {
        let of = overlay.frozen.iter().map(|freeze| freeze.rule_set.clone()).collect();
        Self { state: "frozen", command: "unfreeze", of }
    }

    /// What is left for whoever ended it of the rule set `asked`, or where that is None of all; something ended where a revision
    /// `is_made`.
    pub fn left(&self, asked: Option<&str>, is_made: bool) -> Left {
        let Self { state, command, of } = self;
        if of.contains(&None) {
            let found = format!("all rule sets are {state}");
            let expected = format!("expected `graylane {command}` without --rule-set");
            return match asked {
                Some(_) if is_made => Left::Beside(format!("found that {found} besides, {expected}")),
                Some(name) => Left::Meant(format!("found that {found}, and {name} not by itself, {expected}")),
                None => Left::Nothing,
            };
        }
        let Some(these) = self.these(if is_made { "still " } else { "" }) else { return Left::Nothing };
        match asked {
            Some(_) if is_made => Left::Nothing,
            Some(name) => Left::Beside(format!("found that rule set {name} is not {state}, but {these}")),
            None if is_made => Left::Beside(format!("found that {these}")),
            None => Left::Meant(format!("found that all rule sets are not {state}, but {these}")),
        }
    }

    /// `rule set checkout is: `graylane unfreeze --rule-set checkout``; None where there is none.
    fn these(&self, still: &str) -> Option<String> {
        let Self { state, command, of } = self;
        let names: Vec<_> = of.iter().flatten().take(NAMES).map(String::as_str).collect();
        let more = if of.len() > names.len() { ", …" } else { "" };
        let (what, are) = if names.len() == 1 { ("rule set", "is") } else { ("rule sets", "are") };
        let commands: Vec<_> = names.iter().map(|name| format!("`graylane {command} --rule-set {name}`")).collect();
        let (all, commands) = (names.join(", "), commands.join(", "));
        (!names.is_empty()).then(|| format!("{what} {all}{more} {are} {still}{state}: {commands}{more}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(of: &[Option<&str>]) -> Standing {
        let of = of.iter().map(|name| name.map(str::to_owned)).collect();
        Standing { state: "frozen", command: "unfreeze", of }
    }

    #[test]
    fn whoever_ended_nothing_is_told_what_stands_and_how_it_ends() {
        let meant = |left: Left| match left {
            Left::Meant(what) => what,
            other => panic!("{other:?}"),
        };
        let checkout = standing(&[Some("checkout")]);
        assert_eq!(
            meant(checkout.left(None, false)),
            "found that all rule sets are not frozen, but rule set checkout is frozen: \
             `graylane unfreeze --rule-set checkout`"
        );
        let both = standing(&[None, Some("checkout")]);
        assert_eq!(
            meant(both.left(Some("shop"), false)),
            "found that all rule sets are frozen, and shop not by itself, expected `graylane unfreeze` without --rule-set"
        );
        assert!(matches!(both.left(Some("checkout"), true), Left::Beside(what) if what.contains("frozen besides")));
        assert!(
            matches!(checkout.left(None, true), Left::Beside(what) if what.contains("rule set checkout is still frozen: `"))
        );
        assert!(
            matches!(checkout.left(Some("shop"), false), Left::Beside(what) if what.contains("shop is not frozen, but"))
        );
        assert_eq!(checkout.left(Some("shop"), true), Left::Nothing);
        assert_eq!(standing(&[]).left(None, false), Left::Nothing);
    }
}
