//! What must hold between the share a variant may get and what requests do get.

use graylane_rules::{Attributes, SNAPSHOT_FORMAT, SNAPSHOT_FORMATS, Snapshot};

use crate::request::{Echo, Without};

/// All slots.
const SLOTS: u32 = 100_000;

/// Panics where `request` gets a variant that nobody can get, with all its headers or without one that testers send.
pub fn check(snapshot: &Snapshot, request: &Echo) {
    assert!(snapshot.shares(&[]).iter().all(|share| share.slots <= SLOTS), "a share of more than all slots");
    gets_what_it_can(snapshot, request, &[]);
    for name in request.names().iter().take(3) {
        if let Ok(tester) = str::from_utf8(name) {
            gets_what_it_can(snapshot, &Without { request, name }, &[tester]);
        }
    }
}

fn gets_what_it_can(snapshot: &Snapshot, request: &impl Attributes, testers: &[&str]) {
    let shares = snapshot.shares(testers);
    for decision in snapshot.decide(request) {
        let (rule_set, variant) = (decision.rule_set(), decision.variant());
        let mut own = shares.iter().filter(|share| share.rule_set == rule_set && share.variant == variant);
        assert!(
            own.any(|share| share.slots > 0),
            "{decision:?} although nobody can get it but {testers:?}: {shares:?}"
        );
    }
}

/// Panics where a snapshot is not the same in each format.
pub fn check_formats(snapshot: &Snapshot) {
    for &format in SNAPSHOT_FORMATS {
        let bytes = snapshot.in_format(format).expect("a format that is written");
        let other = Snapshot::load(bytes).expect("a format that is read");
        assert!(other.rule_sets().eq(snapshot.rule_sets()) && other.header_names().eq(snapshot.header_names()));
        assert_eq!(other.in_format(SNAPSHOT_FORMAT), snapshot.in_format(SNAPSHOT_FORMAT));
    }
    assert_eq!(snapshot.in_format(u16::MAX), None);
}
