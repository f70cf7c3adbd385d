//! A worker's VM in the update path: it dies, is made anew, stalls, or has nobody to hear it; and what its death does to
//! requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, Instant},
};

use graylane_integration::{
    Answer, Control, Mesh, Request, Running, Wire, eventually,
    history::{BOUND, Bounds, Recorder, Window},
    load::{BETWEEN, Load},
    samples,
};
use serde_json::json;

/// How long a worker stalls.
const STALL: Duration = Duration::from_millis(2500);
/// How soon a VM that died must be forgotten: 4 s of silence and the report about it.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(8);

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).wasm("hooks").rules(&samples::numbered(0)).workers(2).recorded_by(recorder)
}

/// A request that has the worker it reaches do as `order` says.
fn order(order: &str) -> Request {
    Request::get("/").header("x-graylane-test", order)
}

/// The ids of the VMs, as control knows them.
fn ids(mesh: &mut Running<Control>) -> BTreeSet<String> {
    let status = mesh.control().status().expect("control answers");
    status.workers().map(|worker| worker.id.clone()).collect()
}

/// Waits until exactly `count` VMs run what is published.
fn await_vms(count: usize, mesh: &mut Running<Control>) {
    eventually("the VMs to be as many as expected", || mesh.control().status()?.on_it(count).map(drop));
}

fn reloads(which: &str, mesh: &Running<Control>) -> u64 {
    mesh.admin().stat(&format!("wasm.graylane.vm_reload_{which}")).unwrap_or(0)
}

// ---- who lives

#[test]
fn a_vm_that_died_is_forgotten_and_the_new_one_takes_its_place() {
    let recorder = Recorder::new();
    let mut mesh = mesh("forgotten", &recorder).start();
    let load = mesh.load(&recorder);
    await_old_enough(&mesh);
    let before = ids(&mut mesh);
    let (from, begin) = (recorder.now(), Instant::now());
    assert_eq!(mesh.send(&order("trap")).status, 503);
    let after = eventually("a new VM in the place of the dead one", || {
        let found = ids(&mut mesh);
        if found.len() == 3 && found != before { Ok(found) } else { Err(format!("found {found:?} after {before:?}")) }
    });
    let fault = Window { from, to: recorder.now() };
    assert!(begin.elapsed() < FORGOTTEN_WITHIN, "found {:?} until it was forgotten", begin.elapsed());
    assert_eq!(before.intersection(&after).count(), 2, "found {after:?} after {before:?}");
    mesh.publish(&[samples::numbered(1)]);
    load.await_more(BETWEEN);
    drop(load.stop());
    recorder.await_logged();
    // Nothing was published meanwhile, and the new VM had the newest at once.
    let verdict = recorder.assert_kept(&Bounds::effect_within(BOUND).failing_in(fault), 2 * BETWEEN);
    assert!(verdict.counted.failed <= 16, "{verdict}");
}

#[test]
fn a_dead_vm_to_which_nobody_comes_is_forgotten_and_the_next_request_finds_the_newest_rules() {
    let mut mesh = Mesh::new("dead").wasm("hooks").rules(&samples::numbered(0)).start();
    assert_eq!(mesh.send(&order("trap")).status, 503);
    for n in 1..=3 {
        mesh.write(&[samples::numbered(n)]);
        eventually("the main thread's VM to have it", || {
            let status = mesh.control().status()?;
            let served = status.workers().filter(|worker| worker.revision == status.revision).count();
            if served == 1 && status.problems.is_empty() { Ok(()) } else { Err(format!("found {status:#?}")) }
        });
    }
    await_vms(1, &mut mesh);
    assert_eq!(reloads("success", &mesh), 0);
    assert_eq!(mesh.flags().as_deref(), Some("n=3"));
    assert_eq!(reloads("success", &mesh), 1);
    await_vms(2, &mut mesh);
    mesh.publish(&[samples::numbered(4)]);
    assert_eq!(mesh.flags().as_deref(), Some("n=4"));
}

#[test]
fn exactly_one_vm_is_the_main_threads() {
    let recorder = Recorder::new();
    let mut mesh = mesh("roles", &recorder).start();
    let load = mesh.load(&recorder);
    eventually("two workers and the main thread", || {
        let status = mesh.control().status()?;
        let mut roles: Vec<_> = status.workers().map(|worker| worker.role.as_deref()).collect();
        roles.sort_unstable();
        let expected = [Some("main"), Some("worker"), Some("worker")];
        if roles == expected { Ok(()) } else { Err(format!("found {roles:?}")) }
    });
    drop(load.stop());
}

#[test]
fn a_vm_that_died_while_the_newest_rules_are_refused_comes_back_with_those_before() {
    const LIMITED: &str =
        r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags"], "limits": {"variants": ["stable", "canary"]}}"#;
    let mesh = Mesh::new("proven").wasm("hooks").filter_configuration(LIMITED).rules(&samples::numbered(0));
    let mut mesh = mesh.start();
    await_old_enough(&mesh);
    mesh.publish(&[samples::numbered(1)]);
    mesh.write(&[samples::numbered(2).replace("[stable, canary]", "[stable, canary, gold]")]);
    eventually("both VMs to refuse", || {
        let status = mesh.control().status()?;
        let refusing = status.workers().filter(|worker| worker.refused == status.revision).count();
        if refusing == 2 { Ok(()) } else { Err(format!("found {status:#?}")) }
    });
    assert_eq!(mesh.send(&order("trap")).status, 503);
    assert_eq!(mesh.flags().as_deref(), Some("n=1"));
    assert_eq!(reloads("success", &mesh), 1);
}

// ---- the queue

#[test]
fn a_filter_whose_configuration_changes_keeps_its_vms_and_is_still_called_at_once() {
    let recorder = Recorder::new();
    let mut mesh = mesh("called", &recorder).by_ecds().start();
    let load = mesh.load(&recorder);
    load.await_more(BETWEEN);
    let before = ids(&mut mesh);
    // The tick alone would take a second.
    mesh.push_filter(|filter| filter.configure("tick", json!("1s"))).expect("a longer tick is accepted");
    let mut effects: Vec<_> = (1..=9)
        .map(|n| {
            mesh.publish(&[samples::numbered(n)]);
            mesh.time_to_effect().expect("control measured the time to effect")
        })
        .collect();
    effects.sort_unstable();
    assert!(effects[4] < Duration::from_millis(200), "found {effects:?}");
    assert_eq!(ids(&mut mesh), before);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND), BETWEEN);
}

#[test]
fn a_worker_that_stalled_finds_the_newest_of_twenty_changes() {
    let recorder = Recorder::new();
    let mut mesh = mesh("backlog", &recorder).start();
    let load = mesh.load(&recorder);
    load.await_more(BETWEEN);
    let from = recorder.now();
    let begin = Instant::now();
    let mut stalled = mesh.connect();
    stalled.write(&order(&format!("stall={}", STALL.as_millis())).bytes()).expect("Envoy reads");
    let mut before = None;
    for n in 1..=20 {
        mesh.write(&[samples::numbered(n)]);
        before = eventually("control to publish", || match mesh.control().status()?.revision {
            found if found != before => Ok(found),
            found => Err(format!("found {found:?}")),
        });
    }
    assert!(begin.elapsed() < STALL, "twenty changes took {:?}, longer than the stall", begin.elapsed());
    assert_eq!(stalled.answer().expect("an answer after the stall").status, 200);
    mesh.await_everyone();
    let stall = Window { from, to: recorder.now() };
    load.await_more(BETWEEN);
    mesh.publish(&[samples::numbered(21)]);
    load.await_more(BETWEEN);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(stall), 3 * BETWEEN);
}

// ---- what a death does to requests, as envoy/README.md says under "When a VM dies"

/// Stands for the status of an answer that did not come whole.
const CUT_OFF: u16 = 0;

/// How often each status.
fn statuses(answers: impl IntoIterator<Item = io::Result<Answer>>) -> BTreeMap<u16, usize> {
    answers.into_iter().fold(BTreeMap::new(), |mut counts, answer| {
        *counts.entry(answer.map_or(CUT_OFF, |answer| answer.status)).or_default() += 1;
        counts
    })
}

/// Four connections, each with a request for `target` under way.
fn under_way(target: &str, mesh: &Running<Control>) -> Vec<Wire> {
    let open = || {
        let mut wire = mesh.connect();
        wire.write(&Request::get(target).header("x-user-id", "42").bytes()).expect("Envoy reads");
        wire
    };
    std::iter::repeat_with(open).take(4).collect()
}

/// The only worker's answer to an ordinary request once it serves again; how often it was refused before.
fn await_served(wire: &mut Wire) -> usize {
    let mut refused = 0;
    eventually("the worker to serve again", || {
        match wire.exchange(&Request::get("/").header("x-user-id", "42")).expect("an answer").status {
            200 => Ok(()),
            status => {
                assert_eq!(status, 503);
                refused += 1;
                Err("found 503".to_owned())
            }
        }
    });
    refused
}

/// A VM is not made anew sooner than 1 to 1.5 s, by chance, after the one before was made; from then on at once.
fn await_old_enough(mesh: &Running<Control>) {
    assert_eq!(mesh.send(&Request::get("/slow?before=1600")).status, 200);
}

#[test]
fn a_trap_ends_what_is_under_way_on_its_worker_and_the_next_request_is_served() {
    let mesh = Mesh::new("trap").wasm("hooks").rules(&samples::numbered(1)).start();
    await_old_enough(&mesh);
    let begin = Instant::now();
    let mut waiting = under_way("/slow?before=1000", &mesh);
    let mut begun = under_way("/slow?ms=4000", &mesh);
    begun.iter_mut().for_each(|wire| wire.await_bytes().expect("the answer begins"));
    assert_eq!(statuses([mesh.try_send(&order("trap").bytes())]), BTreeMap::from([(503, 1)]));
    assert_eq!((mesh.flags().as_deref(), reloads("success", &mesh)), (Some("n=1"), 1));
    assert!(begin.elapsed() < Duration::from_millis(1000), "found {:?}, when nothing waits any more", begin.elapsed());
    // They fail once the upstream has answered, or goes on with its answer, and not sooner.
    assert_eq!(statuses(waiting.iter_mut().map(Wire::answer)), BTreeMap::from([(503, 4)]));
    assert!(begin.elapsed() >= Duration::from_millis(1000), "found {:?} until they failed", begin.elapsed());
    assert_eq!(statuses(begun.iter_mut().map(Wire::answer)), BTreeMap::from([(CUT_OFF, 4)]));
    assert!(begin.elapsed() < Duration::from_millis(3500), "found {:?} until they were cut off", begin.elapsed());
    assert_eq!(mesh.flags().as_deref(), Some("n=1"));
}

#[test]
fn after_a_second_trap_within_a_second_the_worker_refuses_requests_until_that_is_over() {
    let mesh = Mesh::new("trap-twice").wasm("hooks").rules(&samples::numbered(1)).start();
    await_old_enough(&mesh);
    let mut wire = mesh.connect();
    let mut trap = || assert_eq!(wire.exchange(&order("trap")).expect("an answer").status, 503);
    trap();
    let (begin, mut other) = (Instant::now(), mesh.connect());
    assert_eq!(await_served(&mut other), 0, "the first trap costs those after it nothing");
    trap();
    let refused = await_served(&mut other);
    let took = begin.elapsed();
    println!("{refused} requests refused within {took:?}");
    let within = Duration::from_secs(1)..Duration::from_secs(3);
    assert!(refused > 0 && within.contains(&took), "found {refused} refused within {took:?}");
    assert_eq!(reloads("backoff", &mesh), refused as u64);
    assert_eq!((reloads("success", &mesh), reloads("failure", &mesh)), (2, 0));
    assert_eq!(mesh.flags().as_deref(), Some("n=1"));
}

#[test]
fn the_other_worker_notices_nothing_of_a_trap() {
    let mesh = Mesh::new("trap-other").wasm("hooks").rules(&samples::numbered(1)).workers(2).start();
    await_old_enough(&mesh);
    let load = Load::of(200).over(16).header("x-user-id", "42").start(mesh.envoy().address());
    load.await_more(BETWEEN);
    let mut wire = mesh.connect();
    let begin = Instant::now();
    // All over one connection, and so in one worker.
    for _ in 0..2 {
        assert_eq!(wire.exchange(&order("trap")).expect("an answer").status, 503);
        await_served(&mut wire);
    }
    let end = Instant::now();
    load.await_more(BETWEEN);
    let report = load.stop();
    let mut served = BTreeMap::<u32, usize>::new();
    let mut failed = BTreeSet::new();
    for record in report.records.iter().filter(|record| record.sent >= begin && record.finished <= end) {
        match record.outcome {
            Ok(_) => *served.entry(record.connection).or_default() += 1,
            Err(_) => drop(failed.insert(record.connection)),
        }
    }
    // Each connection is one worker's. Those of the other served the whole time, as often as their turn came.
    let whole = served.iter().filter(|(connection, count)| **count >= 5 && !failed.contains(connection)).count();
    println!("{} connections failed, {whole} served the whole time", failed.len());
    assert!(!failed.is_empty() && whole > 0, "found {failed:?} failed, {served:?} served");
    for failure in report.failures().keys() {
        assert_eq!(failure.to_string(), "status 503 \"\"");
    }
}
