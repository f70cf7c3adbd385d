//! The checker of histories against forged ones: each promise is broken once, and almost.

#[path = "history/forged.rs"]
mod forged;

use graylane_integration::{
    history::{Bounds, Counted, Promise, Verdict, check},
    samples,
};

use forged::{BOUND, Edit, Forged, ms, revision, snapshot, window, without_rules};

/// Exactly `promise` is broken, once, and the proof quotes `proof`.
fn breaks(verdict: &Verdict, promise: Promise, proof: &[&str]) {
    assert_eq!(verdict.broken.iter().collect::<Vec<_>>(), [(&promise, &1)], "{verdict}");
    let text = verdict.to_string();
    for part in proof {
        assert!(text.contains(part), "expected {part:?} in\n{text}");
    }
}

#[test]
fn an_ordinary_history_is_kept_and_counted() {
    let forged = Forged::new()
        .acks(1, "a", Some(1))
        .serves(1, 10, 1)
        .serves(2, 12, 1)
        .publishes(20, 2)
        .serves_spoilt(1, 15, 1, |edit| *edit.end = ms(40))
        .acks(21, "a", Some(2))
        .serves(1, 50, 2)
        .serves(2, 60, 2);
    let verdict = forged.verdict();
    verdict.assert_kept();
    let expected = Counted {
        published: 2,
        acks: 2,
        connections: 2,
        responses: 5,
        numbered: 5,
        logged: 5,
        spanning: 1,
        ..Counted::default()
    };
    assert_eq!(verdict.counted, expected);
}

#[test]
fn a_connection_that_goes_back() {
    let forged = Forged::new().publishes(1, 2).serves(1, 10, 2).serves(1, 20, 1);
    breaks(
        &forged.verdict(),
        Promise::GrowsOnConnections,
        &["found 1.1 after 1.2", "connection 1 stream 1 / x-user-id: 42"],
    );
}

#[test]
fn a_connection_that_loses_its_rules() {
    let forged = Forged::new().serves(1, 10, 1).serves_spoilt(1, 20, 1, without_rules);
    breaks(&forged.verdict(), Promise::GrowsOnConnections, &["found none after 1.1"]);
}

#[test]
fn another_connection_may_be_behind() {
    let forged = Forged::new().publishes(1, 2).serves(1, 10, 2).serves(2, 20, 1).serves(1, 30, 2).serves(2, 40, 2);
    forged.verdict().assert_kept();
}

#[test]
fn the_order_is_that_of_streams_and_not_of_ends() {
    let mut forged = Forged::new().publishes(1, 2).serves(1, 10, 1).serves(1, 20, 2);
    forged.0.responses.swap(0, 1);
    forged.verdict().assert_kept();
}

#[test]
fn a_vm_that_goes_back() {
    let forged = Forged::new().publishes(1, 2).acks(10, "a", Some(2)).acks(20, "a", Some(1));
    breaks(&forged.verdict(), Promise::GrowsInAcks, &["found 1.1 after 1.2", "VM a runs 1.1"]);
    let forged = Forged::new().acks(10, "a", Some(1)).acks(20, "a", None);
    breaks(&forged.verdict(), Promise::GrowsInAcks, &["found none after 1.1"]);
}

#[test]
fn another_vm_may_be_behind() {
    let forged = Forged::new().publishes(1, 2).acks(10, "a", Some(2)).acks(20, "b", Some(1)).acks(21, "a", Some(2));
    forged.verdict().assert_kept();
}

#[test]
fn a_stream_that_changes_its_revision() {
    let at_the_end = Forged::new().publishes(15, 2).serves_spoilt(1, 10, 1, |edit| {
        *edit.end = ms(30);
        edit.log.revision = revision(2);
    });
    breaks(
        &at_the_end.verdict(),
        Promise::OneRevision,
        &["the access log says something else", "access log: revision 1.2"],
    );
    let in_between = Forged::new().publishes(15, 2).serves_spoilt(1, 10, 1, |edit| {
        *edit.end = ms(30);
        edit.served.upstream.revision = revision(2);
    });
    breaks(
        &in_between.verdict(),
        Promise::OneRevision,
        &["the upstream says something else", "canary saw revision 1.2"],
    );
}

#[test]
fn an_upstream_that_saw_another_variant() {
    let forged = Forged::new().serves_spoilt(1, 10, 1, |edit| {
        let other = Some((edit.name)("stable"));
        edit.served.told.variant = other;
        edit.log.variant = other;
    });
    let verdict = forged.verdict();
    assert_eq!((verdict.broken(Promise::OneRevision), verdict.broken(Promise::NotTorn)), (1, 1), "{verdict}");
}

#[test]
fn an_answer_that_the_log_does_not_know_is_not_held_against_it() {
    let mut forged = Forged::new().serves(1, 10, 1);
    forged.0.log.clear();
    assert_eq!(forged.verdict().counted.logged, 0);
    forged.verdict().assert_kept();
}

#[test]
fn a_revision_that_was_never_published() {
    let forged = Forged::new().serves_spoilt(1, 10, 1, |edit| {
        for found in [&mut edit.served.told.revision, &mut edit.served.upstream.revision, &mut edit.log.revision] {
            *found = revision(7);
        }
    });
    breaks(&forged.verdict(), Promise::NotTorn, &["found 1.7, which was never published"]);
}

#[test]
fn a_revision_that_was_served_before_it_was_published() {
    let forged = Forged::new().publishes(50, 2).serves(1, 40, 2);
    breaks(&forged.verdict(), Promise::NotTorn, &["found 1.2 before it was published", "published 1.2"]);
    // Begun before, ended after: by the new rules, since it was sent before and decided after.
    Forged::new().publishes(41, 2).serves(1, 40, 2).verdict().assert_kept();
}

#[test]
fn rules_of_two_revisions_in_one_answer() {
    let forged = Forged::new().publishes(1, 2).serves_spoilt(1, 10, 2, |edit| {
        edit.served.upstream.flags = Some((edit.name)("n=1"));
    });
    let verdict = forged.verdict();
    breaks(&verdict, Promise::NotTorn, &["expected variant canary, TARGETING_MATCH", "flags n=2", "flags n=1"]);
    assert_eq!(verdict.counted.wrong, 1);
}

#[test]
fn the_right_variant_for_a_wrong_reason() {
    let forged = Forged::new().serves_spoilt(1, 10, 1, |edit| {
        let other = Some((edit.name)("SPLIT"));
        (edit.served.told.reason, edit.log.reason) = (other, other);
    });
    breaks(&forged.verdict(), Promise::NotTorn, &["expected variant canary, TARGETING_MATCH"]);
}

#[test]
fn the_wrong_upstream_unless_any_will_do() {
    let forged = Forged::new().serves_spoilt(1, 10, 1, |edit| edit.served.upstream.name = Some((edit.name)("stable")));
    breaks(&forged.verdict(), Promise::NotTorn, &["stable saw revision 1.1"]);
    forged.within(&Bounds::effect_within(BOUND).with_any_upstream()).assert_kept();
}

#[test]
fn other_rules_under_a_published_number() {
    let mut forged = Forged::new().serves(1, 10, 1);
    forged.0.published.clear();
    let forged = Forged(forged.0).publishes(0, 2);
    let mut history = forged.0;
    history.published[0].revision = revision(1).unwrap();
    breaks(&check(&history, &Bounds::effect_within(BOUND)), Promise::NotTorn, &["flags n=2", "flags n=1"]);
}

#[test]
fn old_rules_after_the_bound() {
    // 100 ms after 20 ms is the last moment.
    Forged::new().publishes(20, 2).serves(1, 120, 1).verdict().assert_kept();
    let forged = Forged::new().publishes(20, 2).serves(1, 121, 1);
    breaks(&forged.verdict(), Promise::TakesEffect, &["found 1.1 0.101000 s after 1.2 was published"]);
}

#[test]
fn no_rules_after_the_bound() {
    Forged::new().serves_spoilt(1, 100, 1, without_rules).verdict().assert_kept();
    let forged = Forged::new().serves_spoilt(1, 101, 1, without_rules);
    breaks(&forged.verdict(), Promise::TakesEffect, &["found none"]);
}

#[test]
fn a_stream_that_began_in_time_may_last() {
    let forged = Forged::new().publishes(20, 2).serves_spoilt(1, 10, 1, |edit| *edit.end = ms(900));
    forged.verdict().assert_kept();
}

#[test]
fn of_several_newer_revisions_the_first_one_counts() {
    let forged = Forged::new().publishes(20, 2).publishes(90, 3).serves(1, 130, 1);
    breaks(&forged.verdict(), Promise::TakesEffect, &["after 1.2 was published"]);
    Forged::new().publishes(20, 2).publishes(90, 3).serves(1, 130, 2).verdict().assert_kept();
}

#[test]
fn what_only_a_spare_control_plane_has_may_be_served_and_need_not() {
    let mut forged = Forged::new().publishes(20, 2).serves(1, 300, 1).serves(2, 300, 2);
    assert_eq!(forged.verdict().broken(Promise::TakesEffect), 1);
    forged.0.published[1].spare = true;
    forged.verdict().assert_kept();
}

#[test]
fn a_fault_keeps_new_rules_away_until_the_bound_after_its_end() {
    let bounds = Bounds::effect_within(BOUND).stale_in(window(10, 500));
    Forged::new().publishes(20, 2).serves(1, 300, 1).serves(1, 600, 1).within(&bounds).assert_kept();
    let late = Forged::new().publishes(20, 2).serves(1, 601, 1).within(&bounds);
    breaks(&late, Promise::TakesEffect, &["found 1.1"]);
    let before = Forged::new().publishes(20, 2).serves(1, 150, 1);
    breaks(
        &before.within(&Bounds::effect_within(BOUND).stale_in(window(151, 500))),
        Promise::TakesEffect,
        &["found 1.1"],
    );
}

#[test]
fn a_request_that_failed() {
    let forged = Forged::new().fails(200, 210);
    breaks(&forged.verdict(), Promise::NoneFails, &["connection reset", "connection 9"]);
    for exempt in [window(205, 206), window(210, 300), window(100, 200)] {
        let verdict = forged.within(&Bounds::effect_within(BOUND).failing_in(exempt));
        verdict.assert_kept();
        assert_eq!((verdict.counted.failed, verdict.counted.exempt), (1, 1));
    }
    for other in [window(100, 199), window(211, 300)] {
        breaks(&forged.within(&Bounds::effect_within(BOUND).failing_in(other)), Promise::NoneFails, &[]);
    }
}

#[test]
fn an_ack_of_what_was_not_published() {
    breaks(
        &Forged::new().acks(10, "a", Some(3)).verdict(),
        Promise::AckedWasPublished,
        &["1.3, which was never published"],
    );
    let early = Forged::new().publishes(50, 2).acks(49, "a", Some(2));
    breaks(&early.verdict(), Promise::AckedWasPublished, &["found 1.2 before it was published"]);
    Forged::new().publishes(50, 2).acks(50, "a", Some(2)).acks(9, "b", None).verdict().assert_kept();
}

#[test]
fn embedded_rules_decide_before_the_first_revision() {
    let embedded = |edit: &mut Edit<'_>| {
        for found in [&mut edit.served.told.revision, &mut edit.served.upstream.revision, &mut edit.log.revision] {
            *found = None;
        }
    };
    let mut forged = Forged::new().serves_spoilt(1, 10, 5, embedded);
    forged.0.embedded = Some(snapshot(&samples::numbered(5)));
    forged.verdict().assert_kept();
    forged.0.embedded = Some(snapshot(&samples::numbered(6)));
    breaks(&forged.verdict(), Promise::NotTorn, &["flags n=6"]);
}

#[test]
fn many_violations_are_counted_and_some_are_told() {
    let mut forged = Forged::new().publishes(0, 2);
    for begin in 0..50 {
        forged = forged.serves(begin, 200, 1);
    }
    let verdict = forged.verdict();
    assert_eq!((verdict.broken(Promise::TakesEffect), verdict.violations.len()), (50, 10));
}
