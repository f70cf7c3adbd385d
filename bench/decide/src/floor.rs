//! What one would write by hand for each workload alone: no rules, no snapshot, the same questions through the same trait.

use std::collections::HashMap;

use graylane_rules::{
    Attributes, Reason,
    slot::{Domain, seed, slot},
};

use crate::{outcome::Outcome, workload::Workload};

/// What the hand-written code knows before a request comes.
pub enum Floor {
    /// The seed of the split.
    HalfByUser(u64),
    /// The seed of the percentage.
    ThreeHeaders(u64),
    /// For each value of a header the number of its rule.
    LastOf(HashMap<Vec<u8>, String>),
}

impl Floor {
    /// Prepares what needs to be known for `workload`.
    pub fn of(workload: Workload) -> Self {
        match workload {
            Workload::HalfByUser => Self::HalfByUser(seed(Domain::Split, "shop/half")),
            Workload::ThreeHeaders => Self::ThreeHeaders(seed(Domain::Percent, "three")),
            Workload::LastOf(rules) => Self::LastOf(HashMap::from([(b"acme".to_vec(), format!("r{}", rules - 1))])),
        }
    }

    /// Decides.
    #[inline]
    pub fn decide<A: Attributes>(&self, request: &A) -> Outcome<'_> {
        match self {
            Self::HalfByUser(seed) => half_by_user(request, *seed),
            Self::ThreeHeaders(seed) => three_headers(request, *seed),
            Self::LastOf(rules) => last_of(request, rules),
        }
    }
}

fn half_by_user<A: Attributes>(request: &A, seed: u64) -> Outcome<'static> {
    let Some(user) = identity(request) else {
        return Outcome { rule: Some(b"half"), variant: b"stable", reason: Some(Reason::NoIdentity) };
    };
    let variant: &[u8] = if slot(user, seed) < 50_000 { b"stable" } else { b"canary" };
    Outcome { rule: Some(b"half"), variant, reason: Some(Reason::Split) }
}

fn three_headers<A: Attributes>(request: &A, seed: u64) -> Outcome<'static> {
    let has = |name: &[u8], value: &[u8]| request.headers(name).any(|found| found == value);
    let holds = has(b"x-tenant", b"acme")
        && has(b"x-env", b"staging")
        && has(b"x-app", b"web-2.4.1")
        && identity(request).is_some_and(|user| slot(user, seed) < 50_000);
    if holds {
        Outcome { rule: Some(b"three"), variant: b"canary", reason: Some(Reason::TargetingMatch) }
    } else {
        Outcome { rule: None, variant: b"stable", reason: Some(Reason::Default) }
    }
}

fn last_of<'f, A: Attributes>(request: &A, rules: &'f HashMap<Vec<u8>, String>) -> Outcome<'f> {
    match request.headers(b"x-tenant").find_map(|tenant| rules.get(tenant)) {
        Some(rule) => Outcome { rule: Some(rule.as_bytes()), variant: b"canary", reason: Some(Reason::TargetingMatch) },
        None => Outcome { rule: None, variant: b"stable", reason: Some(Reason::Default) },
    }
}

/// The one value of the header, if it is neither empty nor too long.
fn identity<A: Attributes>(request: &A) -> Option<&[u8]> {
    let mut values = request.headers(b"x-user-id");
    let first = values.next().filter(|first| (1..=256).contains(&first.len()))?;
    values.next().is_none().then_some(first)
}
