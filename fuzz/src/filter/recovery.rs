//! Once nobody meddles any more, the next revision reaches every worker soon, whatever happened before.

use std::time::Duration;

use graylane::fuzzing::host;
use graylane_rules::Revision;

use super::{
    contents::SNAPSHOTS,
    envoy::{Envoy, Root, Slot, VMS},
    events::{deliver, newest},
    publication::{By, envelope},
};

/// The longest that may pass: the longest pause between two questions, and a lease that has to become stale first.
const SOON: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(500);

/// Makes everything right, publishes a revision beyond all others, and waits until every worker has it.
pub(super) fn check(envoy: &mut Envoy) {
    let greatest = envoy.record.greatest();
    // A revision that nothing can be beyond, a pointer or lease that a stranger wrote, and configurations that are not known
    // here: there is no promise then.
    if envoy.meddled || envoy.record.anything || greatest.epoch == u64::MAX || !can_fetch(envoy) {
        return;
    }
    host(|host| {
        host.refusals.clear();
        (host.call_fails, host.answer_fails) = (None, None);
        host.queues.iter_mut().for_each(|queue| queue.items.clear());
    });
    break_off(envoy);
    let revision = Revision { epoch: greatest.epoch + 1, number: 1 };
    let mut passed = Duration::ZERO;
    while passed < SOON && !everybody_has(envoy, revision) {
        passed += STEP;
        envoy.pass(STEP, STEP);
        answer(envoy, revision);
    }
    let late = late(envoy, revision);
    assert!(late.is_empty(), "{passed:?} after everything was right again, these do not have {revision}: {late:?}");
}

/// Whether somebody is there to fetch: the fetcher, or a filter that may be elected.
fn can_fetch(envoy: &Envoy) -> bool {
    let electable = |root: &Root| root.named.is_some_and(|named| named.signed.is_some());
    let fetches = |slot: &Slot, root| electable(&slot.roots[&root]) && slot.is_current(&slot.roots[&root]);
    envoy.vms.iter().any(|slot| slot.live_roots().any(|root| fetches(slot, root)))
}

/// The host answers every call at the end of its time, at contexts that still are.
fn break_off(envoy: &mut Envoy) {
    for place in 0..envoy.calls.len() {
        let asked = envoy.calls[place];
        let slot = &envoy.vms[asked.vm];
        if !asked.answered && slot.id == asked.id && slot.live_roots().any(|root| root == asked.root) {
            deliver(envoy, u32::try_from(place + 1).ok(), b"504", b"", b"");
        }
    }
}

/// A control plane without fault: the newest revision to who has not got it, "nothing new" to who has.
fn answer(envoy: &mut Envoy, revision: Revision) {
    while let Some(token) = newest(envoy, "/acks") {
        deliver(envoy, Some(token), b"204", b"", b"");
    }
    let mut most = 8;
    while let Some(token) = newest(envoy, "/snapshot").filter(|_| most > 0) {
        most -= 1;
        let path = host(|host| host.calls[token as usize - 1].path());
        if path.contains(&format!("after={revision}&")) {
            // It is held, as a long poll is.
            envoy.calls[token as usize - 1].answered = true;
            continue;
        }
        let namespace =
            path.strip_prefix("/v1/namespaces/").and_then(|path| path.split('/').next()).unwrap_or_default();
        let body = envelope(namespace, revision, &SNAPSHOTS[0], By::A);
        deliver(envoy, Some(token), b"200", graylane_rules::envelope::MEDIA_TYPE.as_bytes(), &body);
    }
}

fn everybody_has(envoy: &Envoy, revision: Revision) -> bool {
    late(envoy, revision).is_empty()
}

/// The roots that decide by something else, but for those whose configuration the host withheld: they take no rules.
fn late(envoy: &Envoy, revision: Revision) -> Vec<(usize, u32, Option<Revision>)> {
    let mut late = Vec::new();
    for vm in 0..VMS {
        let slot = &envoy.vms[vm];
        let deciding = |root: &u32| slot.roots[root].named.is_some() && !slot.roots[root].fetcher;
        for root in slot.live_roots().filter(deciding) {
            let found = slot.vm.rules(root).and_then(|rules| rules.revision);
            if found != Some(revision) {
                late.push((vm, root, found));
            }
        }
    }
    late
}
