//! Any request against the compiled cases of `testdata/`: decided and explained alike, always to one of the variants.
#![no_main]

use std::sync::LazyLock;

use graylane_fuzz::{
    agreement::{self, Outcome},
    cases::{self, Compiled},
    request::Written,
};
use graylane_rules::Reason;
use libfuzzer_sys::fuzz_target;

static CASES: LazyLock<Vec<Compiled>> = LazyLock::new(|| cases::files().iter().map(cases::File::compiled).collect());

fuzz_target!(
    init: {
        LazyLock::force(&CASES);
    },
    |input: &[u8]| {
        let request = Written::read(input);
        let mut longer = request.clone();
        longer.add(b"x-nobody-asks-about-this", b"1");
        for compiled in CASES.iter() {
            let (outcomes, _) = agreement::decide(&compiled.snapshot, &request);
            outcomes.iter().for_each(|outcome| check_variant(outcome, compiled));
            let with_more: Vec<Outcome> = compiled.snapshot.decide(&longer).map(Outcome::from).collect();
            assert_eq!(with_more, outcomes, "a header that no rule names decides");
        }
    }
);

fn check_variant(outcome: &Outcome, compiled: &Compiled) {
    let variants = compiled.variants.get(&outcome.rule_set).expect("a rule set of the documents");
    assert!(variants.contains(&outcome.variant), "{outcome:?} is none of {variants:?}");
    if matches!(outcome.reason, Reason::Default | Reason::NoIdentity) {
        assert_eq!(variants.first(), Some(&outcome.variant), "{outcome:?} is not the default");
    }
}
