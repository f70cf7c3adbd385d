//! The update path: a fetcher and VMs on one host, the test being the control plane.

use std::time::Duration;

use graylane_rules::{Format, Revision, SNAPSHOT_FORMAT, Source, compile, envelope};

use super::*;
use crate::{
    host::fake::Call,
    lease,
    pointer::{Place, Pointer},
};

/// An Envoy: its VMs, each with the root 1. The fetcher has the id 100, the workers count from 1.
pub(super) struct Mesh {
    fetcher: Vm,
    pub(super) workers: Vec<Vm>,
    /// Whether the fetcher's callbacks are called.
    pub(super) lives: bool,
}

/// Of a worker that may be elected.
pub(super) fn electable() -> String {
    let text = configuration(&[rule_set("embedded", "shop", "x-feature-flags")]);
    text.replacen('{', r#"{"fetcher": {"namespace": "shop"}, "#, 1)
}

impl Mesh {
    /// Starts the VMs and lets them find each other.
    pub(super) fn new(workers: u64) -> Self {
        Self::of(workers, &configuration(&[rule_set("embedded", "shop", "x-feature-flags")]))
    }

    pub(super) fn of(workers: u64, text: &str) -> Self {
        let worker = |id| {
            let mut vm = Vm::new(id);
            assert!(root(&mut vm, 1, "graylane", "front", text));
            vm
        };
        let workers = (1..=workers).map(worker).collect();
        let mut fetcher = Vm::new(100);
        assert!(root(&mut fetcher, 1, "graylane_fetcher", "fetcher", "{\"namespace\": \"shop\"}"));
        let mut mesh = Self { fetcher, workers, lives: true };
        mesh.pass(Duration::from_millis(300));
        mesh
    }

    /// Lets time pass, in ticks of 100 ms of everyone.
    pub(super) fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_millis() / 100 {
            host(|host| host.now += Duration::from_millis(100));
            if self.lives {
                self.fetcher.tick(1);
            }
            self.workers.iter_mut().for_each(|vm| vm.tick(1));
            self.call_back();
        }
    }

    /// Calls back for whatever waits in the queue of a VM that lives, until nothing does.
    fn call_back(&mut self) {
        while let Some((token, place)) = self.waiting() {
            match place {
                Some(place) => self.workers[place].queue_ready(1, token),
                None if self.lives => self.fetcher.queue_ready(1, token),
                None => self.elected().expect("somebody has the inbox").queue_ready(1, token),
            }
        }
    }

    /// A queue with something in it: its token, and which worker's it is.
    fn waiting(&self) -> Option<(u32, Option<usize>)> {
        let fetched = self.lives || self.elected_place().is_some();
        host(|host| {
            host.queues.iter().zip(1..).filter(|(queue, _)| !queue.items.is_empty()).find_map(|(queue, token)| {
                let Some(id) = queue.name.strip_prefix("graylane/w/") else {
                    return fetched.then_some((token, None));
                };
                let place = usize::from_str_radix(id, 16).unwrap() - 1;
                (place < self.workers.len()).then_some((token, Some(place)))
            })
        })
    }

    /// Who holds the lease.
    pub(super) fn holder(&self) -> u64 {
        lease::Lease::read(host(|host| host.now)).0.holder
    }

    /// The worker that holds the lease.
    fn elected(&mut self) -> Option<&mut Vm> {
        let place = self.elected_place()?;
        self.workers.get_mut(place)
    }

    fn elected_place(&self) -> Option<usize> {
        usize::try_from(self.holder()).unwrap().checked_sub(1).filter(|&place| place < self.workers.len())
    }

    /// Answers the newest question with a snapshot of `rule_sets`, and lets it be noticed.
    pub(super) fn publish(&mut self, number: u64, rule_sets: &[String]) {
        self.deliver(number, &snapshot(rule_sets));
        self.call_back();
    }

    /// Answers the newest question; nobody is called back yet.
    fn deliver(&mut self, number: u64, bytes: &[u8]) {
        let (token, _) = call("/snapshot");
        let body = envelope::seal("shop", Revision { epoch: 1, number }, SNAPSHOT_FORMAT, bytes);
        self.answer(token, "200", &body);
    }

    fn answer(&mut self, token: u32, status: &str, body: &[u8]) {
        respond(status, body);
        match self.elected() {
            Some(vm) => vm.answered(1, token, 2, body.len()),
            None => self.fetcher.answered(1, token, 2, body.len()),
        }
    }

    /// Answers the newest report, and gives what it said of the VMs.
    pub(super) fn reported(&mut self) -> Vec<serde_json::Value> {
        let (token, call) = call("/acks");
        self.answer(token, "204", b"");
        let report: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        report["workers"].as_array().unwrap().clone()
    }
}

/// What the next callback finds as an answer.
fn respond(status: &str, body: &[u8]) {
    host(|host| {
        let media_type = envelope::MEDIA_TYPE.into();
        host.response = vec![(b":status".to_vec(), status.into()), (b"content-type".to_vec(), media_type)];
        host.body = body.to_vec();
    });
}

/// The newest call to a path that contains `part`, and its token.
pub(super) fn call(part: &str) -> (u32, Call) {
    host(|host| {
        let place = host.calls.iter().rposition(|call| call.path().contains(part)).expect("there was such a call");
        (u32::try_from(place).unwrap() + 1, host.calls[place].clone())
    })
}

fn snapshot(rule_sets: &[String]) -> Vec<u8> {
    let sources: Vec<_> = rule_sets.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    compile(&sources).unwrap().snapshot
}

/// The rule that decides for a plain request to `vm`, and the revision.
pub(super) fn decides(vm: &mut Vm) -> (String, String) {
    request(vm, &get("shop", &[]));
    (state("graylane_rule"), state("graylane_revision"))
}

pub(super) fn shop(name: &str) -> [String; 1] {
    [rule_set(name, "shop", "x-feature-flags")]
}

#[test]
fn a_published_snapshot_reaches_every_vm_and_is_reported_at_once() {
    let mut mesh = Mesh::new(3);
    mesh.reported();
    let (_, question) = call("/snapshot");
    assert_eq!(question.path(), format!("/v1/namespaces/shop/snapshot?formats={SNAPSHOT_FORMAT}&wait=25s"));
    assert_eq!((question.cluster.as_str(), question.timeout.as_secs()), ("graylane_control", 30));
    mesh.pass(Duration::from_millis(100));
    assert_eq!(mesh.reported().len(), 3);
    mesh.publish(1, &shop("first"));
    for vm in &mut mesh.workers {
        assert_eq!(decides(vm), ("first/_default".into(), "1.1".into()));
    }
    let workers = mesh.reported();
    let run: Vec<_> = workers.iter().map(|worker| worker["revision"].as_str()).collect();
    assert_eq!(run, [Some("1.1"); 3]);
    assert!(call("/snapshot").1.path().ends_with("?after=1.1&formats=2&wait=25s"));
    assert_eq!(host(|host| host.metric("graylane_snapshots_used_total")), 3);
}

#[test]
fn a_lost_callback_costs_a_tick_and_a_late_vm_nothing() {
    let mut mesh = Mesh::new(2);
    mesh.deliver(1, &snapshot(&shop("first")));
    host(|host| host.queues.iter_mut().for_each(|queue| queue.items.clear()));
    assert_eq!(decides(&mut mesh.workers[0]).1, "embedded");
    mesh.pass(Duration::from_millis(100));
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
    let mut late = Vm::new(3);
    assert!(root(&mut late, 1, "", "front", &configuration(&[])));
    assert_eq!(decides(&mut late).1, "1.1");
}

#[test]
fn rules_that_set_a_foreign_header_are_refused_until_it_is_owned() {
    let mut mesh = Mesh::new(1);
    mesh.publish(1, &shop("first"));
    // The first report was under way when the second had become due.
    mesh.reported();
    mesh.reported();
    mesh.publish(2, &[rule_set("second", "shop", "x-new")]);
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
    mesh.pass(Duration::from_millis(200));
    let worker = mesh.reported()[0].clone();
    assert_eq!((worker["revision"].as_str(), worker["refused"].as_str()), (Some("1.1"), Some("1.2")));
    assert!(worker["error"].as_str().unwrap().contains("the header x-new"), "{worker}");
    assert_eq!(host(|host| host.metric("graylane_snapshots_refused_total")), 1);
    // The owned headers are pushed: the old root stays for its streams, and keeps nobody from the new rules.
    let text = r#"{"ownedHeaders": ["x-gray-variant", "x-new"]}"#;
    assert!(root(&mut mesh.workers[0], 2, "graylane", "front", text));
    host(|host| (host.root, host.state) = (2, Default::default()));
    mesh.workers[0].request();
    assert_eq!((state("graylane_rule"), state("graylane_revision")), ("second/_default".into(), "1.2".into()));
    // What the old root serves is what it served: the last good rules, not those it began with.
    assert_eq!(decides(&mut mesh.workers[0]), ("first/_default".into(), "1.1".into()));
}

#[test]
fn bytes_lost_in_shared_data_are_written_again() {
    let mut mesh = Mesh::new(1);
    mesh.deliver(1, &snapshot(&shop("first")));
    host(|host| host.shared.insert("graylane/a".into(), (b"spoilt".to_vec(), 12345)));
    mesh.workers[0].tick(1);
    assert_eq!(decides(&mut mesh.workers[0]).1, "embedded");
    mesh.call_back();
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
}

#[test]
fn what_cannot_be_used_is_read_once_and_never_undoes_what_runs() {
    let mut mesh = Mesh::new(1);
    mesh.publish(3, &shop("first"));
    mesh.deliver(4, &[7; 2000]);
    mesh.pass(Duration::from_secs(5));
    assert_eq!((host(|host| host.large_reads), decides(&mut mesh.workers[0]).1), (1, "1.3".into()));
    // A pointer that goes back, or names a format unknown here, changes nothing.
    let (pointer, cas) = Pointer::read().unwrap();
    let moved = |revision, format| Pointer { newest: Place { revision, format, ..pointer.newest }, ..pointer };
    moved(Revision { epoch: 1, number: 2 }, SNAPSHOT_FORMAT).write(cas).unwrap();
    mesh.pass(Duration::from_millis(200));
    moved(Revision { epoch: 9, number: 1 }, 99).write(Pointer::read().unwrap().1).unwrap();
    for _ in 0..2 {
        mesh.reported();
        mesh.pass(Duration::from_millis(200));
    }
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.3");
    assert!(mesh.reported()[0]["error"].as_str().unwrap().contains("found format 99"));
}

#[test]
fn the_queue_of_a_root_that_is_gone_passes_to_its_sibling() {
    let mut mesh = Mesh::new(1);
    assert!(root(&mut mesh.workers[0], 2, "graylane", "front", &configuration(&[])));
    host(|host| {
        host.gone.insert(1);
        host.queue("graylane/w/0000000000000001").unwrap().items.push_back(b"left".to_vec());
    });
    mesh.workers[0].tick(2);
    assert!(host(|host| host.queue("graylane/w/0000000000000001").unwrap().items.is_empty()));
    assert_eq!(decides(&mut mesh.workers[0]).0, "", "a request of the root that is gone goes to the newest");
}

#[test]
fn nobody_writes_to_the_dead() {
    let mut mesh = Mesh::new(2);
    mesh.workers.pop();
    mesh.reported();
    mesh.pass(Duration::from_secs(12));
    let queued = |name: &str| host(|host| host.queue(name).unwrap().items.len());
    mesh.reported();
    let before = queued("graylane/w/0000000000000002");
    mesh.publish(1, &shop("first"));
    assert!(before <= 20 && queued("graylane/w/0000000000000002") == before, "{before}");
    assert_eq!(mesh.reported().len(), 1);
    // Nor to a fetcher that died.
    for _ in 0..300 {
        host(|host| host.now += Duration::from_millis(100));
        mesh.workers[0].tick(1);
    }
    assert!(queued("graylane/inbox") <= 4, "{}", queued("graylane/inbox"));
}

#[test]
fn a_callback_for_anothers_queue_empties_nothing_and_is_answered_by_no_hello() {
    let mut mesh = Mesh::new(2);
    mesh.publish(1, &shop("first"));
    mesh.lives = false;
    let inbox = || host(|host| host.queue("graylane/inbox").unwrap().items.clone());
    let token = host(|host| host.queues.iter().position(|queue| queue.name == "graylane/inbox")).unwrap() + 1;
    host(|host| host.queue("graylane/inbox").unwrap().items.push_back(b"for the fetcher".to_vec()));
    let before = inbox();
    let token = u32::try_from(token).unwrap();
    mesh.workers[0].queue_ready(1, token);
    assert_eq!(inbox(), before);
    // Also while it refuses the newest, whose bytes are others than promised: those it would read again for its own queue.
    let (pointer, cas) = Pointer::read().unwrap();
    let mut newest = pointer.newest;
    newest.revision.number = 9;
    newest.hash ^= 1;
    Pointer { newest, ..pointer }.write(cas).unwrap();
    mesh.workers[0].tick(1);
    let before = inbox();
    (0..5).for_each(|_| mesh.workers[0].queue_ready(1, token));
    assert_eq!(inbox(), before);
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
}

#[test]
fn garbage_in_the_inbox_and_unknown_queues_change_nothing() {
    let mut mesh = Mesh::new(1);
    for garbage in [&b""[..], b"{}", b"\xff", br#"{"id":"../..","queue":1,"formats":[1]}"#, &[b'['; 5000]] {
        host(|host| host.queue("graylane/inbox").unwrap().items.push_back(garbage.to_vec()));
    }
    mesh.call_back();
    mesh.fetcher.queue_ready(77, 77);
    mesh.workers[0].queue_ready(77, 77);
    mesh.workers[0].answered(1, 77, 1, 1);
    mesh.fetcher.answered(1, 77, 0, usize::MAX);
    mesh.pass(Duration::from_millis(200));
    mesh.publish(1, &shop("first"));
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
}

#[test]
fn a_fetcher_continues_where_shared_data_stands() {
    let mut mesh = Mesh::new(1);
    mesh.publish(5, &shop("first"));
    let mut fetcher = Vm::new(101);
    assert!(root(&mut fetcher, 1, "graylane_fetcher", "fetcher", "{\"namespace\": \"shop\"}"));
    fetcher.tick(1);
    assert!(call("/snapshot").1.path().contains("after=1.5&"));
}

#[test]
fn a_vm_that_begins_while_the_newest_is_refused_has_what_everybody_took() {
    let mut mesh = Mesh::new(2);
    mesh.publish(1, &shop("first"));
    mesh.publish(2, &shop("second"));
    mesh.pass(Duration::from_millis(100));
    for number in 3..6 {
        mesh.publish(number, &[rule_set("foreign", "shop", "x-new")]);
        mesh.pass(Duration::from_millis(200));
    }
    let mut late = Vm::new(3);
    assert!(root(&mut late, 1, "", "front", &configuration(&[])));
    assert_eq!(decides(&mut late), ("second/_default".into(), "1.2".into()));
    mesh.workers.push(late);
    mesh.pass(Duration::from_millis(400));
    (0..3).for_each(|_| drop(mesh.reported()));
    mesh.pass(Duration::from_secs(5));
    let told = mesh.reported();
    assert_eq!((told[2]["revision"].as_str(), told[2]["refused"].as_str()), (Some("1.2"), Some("1.5")), "{told:?}");
    mesh.publish(6, &shop("sixth"));
    assert_eq!(decides(&mut mesh.workers[2]).1, "1.6");
}

#[test]
fn what_everybody_took_is_proven_also_where_a_tick_hears_of_it() {
    let mut mesh = Mesh::new(1);
    mesh.deliver(1, &snapshot(&shop("first")));
    mesh.workers[0].tick(1);
    assert_eq!(Pointer::read().unwrap().0.proven, Place::default());
    // Nobody is called back: the inbox is read by the tick alone.
    mesh.fetcher.tick(1);
    let (pointer, _) = Pointer::read().unwrap();
    assert_eq!((pointer.proven, pointer.newest.revision.number), (pointer.newest, 1));
}

#[test]
fn without_a_fetcher_one_vm_is_elected_and_does_the_same_work() {
    let mut mesh = Mesh::of(3, &electable());
    mesh.lives = false;
    host(|host| host.shared.remove("graylane/lease"));
    lease::Lease::create(host(|host| host.now));
    // Whoever serves requests stands later than the one that does not.
    decides(&mut mesh.workers[0]);
    decides(&mut mesh.workers[2]);
    mesh.pass(Duration::from_millis(1200));
    assert_eq!((mesh.holder(), host(|host| host.metric("graylane_fetcher_elected_total"))), (2, 1));
    mesh.publish(1, &shop("first"));
    for vm in &mut mesh.workers {
        assert_eq!(decides(vm), ("first/_default".into(), "1.1".into()));
    }
    let (_, acks) = call("/acks");
    assert!(String::from_utf8_lossy(&acks.body).contains(r#""fetcher":"elected""#));
    // All of them serve requests by now; one fetches all the same.
    mesh.pass(Duration::from_secs(2));
    mesh.publish(2, &shop("second"));
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.2");
}

#[test]
fn who_was_elected_before_its_first_request_leaves_the_office_once() {
    let mut mesh = Mesh::of(2, &electable());
    mesh.lives = false;
    host(|host| host.shared.remove("graylane/lease"));
    lease::Lease::create(host(|host| host.now));
    mesh.pass(Duration::from_secs(1));
    mesh.publish(1, &shop("first"));
    let first = mesh.elected_place().expect("somebody fetches");
    decides(&mut mesh.workers[first]);
    mesh.pass(Duration::from_millis(900));
    assert_eq!(mesh.elected_place(), Some(1 - first), "the one without requests goes first");
    mesh.publish(2, &shop("second"));
    decides(&mut mesh.workers[1 - first]);
    mesh.pass(Duration::from_secs(2));
    let elections = host(|host| host.metric("graylane_fetcher_elected_total"));
    assert_eq!(elections, 3);
    mesh.pass(Duration::from_secs(20));
    assert_eq!(host(|host| host.metric("graylane_fetcher_elected_total")), elections, "the office stays where it is");
    mesh.publish(3, &shop("third"));
    assert!(mesh.workers.iter_mut().all(|vm| decides(vm).1 == "1.3"));
}

#[test]
fn the_word_of_a_replaced_configuration_on_how_to_fetch_counts_no_longer() {
    let mut mesh = Mesh::of(1, &electable());
    mesh.lives = false;
    mesh.pass(Duration::from_secs(4));
    assert_eq!(mesh.holder(), 1);
    // The same plugin without `fetcher`: the root before lives on for a stream that does not end.
    let without = configuration(&[rule_set("embedded", "shop", "x-feature-flags")]);
    assert!(root(&mut mesh.workers[0], 2, "graylane", "front", &without));
    mesh.pass(Duration::from_millis(200));
    assert_eq!(mesh.holder(), 0);
    mesh.pass(Duration::from_secs(10));
    assert_eq!(mesh.holder(), 0);
}

#[test]
fn a_dead_fetcher_is_replaced_and_retakes_the_office_when_it_was_only_stalled() {
    let mut mesh = Mesh::of(2, &electable());
    mesh.publish(1, &shop("first"));
    // No report is under way, so that one can be due as soon as it is back.
    (0..2).for_each(|_| drop(mesh.reported()));
    mesh.lives = false;
    mesh.pass(lease::STALE - Duration::from_millis(200));
    assert_eq!(mesh.holder(), 100);
    mesh.pass(Duration::from_millis(500));
    assert!(mesh.holder() <= 2);
    assert!(call("/snapshot").1.path().contains("after=1.1&"));
    mesh.publish(2, &shop("second"));
    assert!(mesh.workers.iter_mut().all(|vm| decides(vm).1 == "1.2"));
    // An answer that the stalled one still waited for is not put where the other one works.
    let question = host(|host| host.calls.iter().position(|call| call.path().contains("after=1.1&"))).unwrap() + 1;
    let pointer = Pointer::read().unwrap().0;
    let late = envelope::seal("shop", Revision { epoch: 1, number: 9 }, SNAPSHOT_FORMAT, &snapshot(&shop("late")));
    respond("200", &late);
    mesh.fetcher.answered(1, u32::try_from(question).unwrap(), 2, late.len());
    assert_eq!(Pointer::read().unwrap().0, pointer);
    // Long enough for a sign of life to be due.
    mesh.pass(Duration::from_secs(6));
    let before = host(|host| host.calls.len());
    mesh.lives = true;
    mesh.pass(Duration::from_millis(200));
    assert_eq!(mesh.holder(), 100);
    // What it knew before is no news, and what is reported later must not be older.
    let reports = host(|host| host.calls[before..].iter().map(|call| call.body.clone()).collect::<Vec<_>>());
    let outdated = |body: &[u8]| String::from_utf8_lossy(body).contains(r#""revision":"1.1""#);
    assert!(!reports.iter().any(|body| outdated(body)), "{reports:?}");
    assert!(call("/snapshot").1.path().contains("after=1.2&"));
    mesh.publish(3, &shop("third"));
    assert!(mesh.workers.iter_mut().all(|vm| decides(vm).1 == "1.3"));
    let calls = host(|host| host.calls.len());
    mesh.pass(Duration::from_millis(500));
    assert!(host(|host| host.calls.len()) <= calls + 1, "two fetchers ask");
}

#[test]
fn the_sibling_of_a_root_that_is_gone_carries_on_with_the_office() {
    let mut mesh = Mesh::of(1, &electable());
    mesh.lives = false;
    mesh.pass(lease::STALE + Duration::from_millis(200));
    assert_eq!(mesh.holder(), 1);
    assert!(root(&mut mesh.workers[0], 2, "graylane", "front", &electable()));
    host(|host| host.gone.insert(1));
    let calls = host(|host| host.calls.len());
    mesh.workers[0].tick(2);
    assert_eq!(mesh.holder(), 1);
    let asked = host(|host| host.calls[calls..].iter().any(|call| call.path().contains("/snapshot")));
    assert!(asked, "the question of the root that is gone is asked again");
    let (token, _) = call("/snapshot");
    let body = envelope::seal("shop", Revision { epoch: 1, number: 1 }, SNAPSHOT_FORMAT, &snapshot(&shop("first")));
    host(|host| host.body = body.clone());
    host(|host| {
        host.response =
            vec![(b":status".to_vec(), b"200".to_vec()), (b"content-type".to_vec(), envelope::MEDIA_TYPE.into())]
    });
    mesh.workers[0].answered(2, token, 2, body.len());
    mesh.workers[0].tick(2);
    assert_eq!(Pointer::read().unwrap().0.newest.revision.number, 1);
    // A configuration that no longer says how to fetch ends the office.
    assert!(root(&mut mesh.workers[0], 3, "graylane", "front", &configuration(&[])));
    host(|host| host.gone.insert(2));
    mesh.workers[0].tick(3);
    assert_eq!(mesh.holder(), 0);
}

#[test]
fn the_newest_revision_is_fetched_once_more_for_a_vm_that_reads_another_format() {
    let mut mesh = Mesh::new(1);
    mesh.publish(1, &shop("first"));
    let inbox = |text: &str| host(|host| host.queue("graylane/inbox").unwrap().items.push_back(text.into()));
    inbox(r#"{"id":"0f","queue":99,"formats":[7],"revision":null,"refused":null,"error":null}"#);
    inbox(r#"{"id":"0000000000000001","queue":2,"formats":[2,7],"revision":"1.1","refused":null,"error":null}"#);
    mesh.fetcher.tick(1);
    let (token, question) = call("/snapshot");
    assert_eq!(question.path(), "/v1/namespaces/shop/snapshot?formats=7&wait=25s");
    let body = envelope::seal("shop", Revision { epoch: 1, number: 1 }, 7, b"in format 7");
    mesh.answer(token, "200", &body);
    let newest = Pointer::read().unwrap().0.newest;
    assert_eq!((newest.revision.number, newest.format), (1, 7));
    host(|host| host.now += Duration::from_millis(100));
    mesh.fetcher.tick(1);
    assert!(call("/snapshot").1.path().contains("after=1.1&formats=7&"));
    assert_eq!(decides(&mut mesh.workers[0]).1, "1.1");
}

#[test]
fn while_all_read_an_older_format_too_the_newest_lies_there_in_both() {
    let mut mesh = Mesh::new(1);
    mesh.publish(1, &shop("first"));
    // From here on the worker says that it reads two formats, and runs whatever it is said to run.
    let says = |mesh: &mut Mesh, revision: &str| {
        let text = format!(
            r#"{{"id":"0000000000000001","queue":2,"formats":[2,7],"revision":"{revision}","refused":null,"error":null}}"#
        );
        host(|host| host.queue("graylane/inbox").unwrap().items.push_back(text.into()));
        mesh.fetcher.tick(1);
    };
    let seal = |number, format, bytes: &[u8]| envelope::seal("shop", Revision { epoch: 1, number }, format, bytes);
    says(&mut mesh, "1.1");
    mesh.fetcher.tick(1);
    let (old, _) = call("/snapshot");
    mesh.answer(old, "200", &seal(2, 2, &snapshot(&shop("second"))));
    assert_eq!(call("/snapshot").1.path(), "/v1/namespaces/shop/snapshot?after=1.2&formats=2,7&wait=25s");

    mesh.answer(call("/snapshot").0, "200", &seal(3, 7, b"in format 7"));
    let (token, question) = call("/snapshot");
    assert_eq!(question.path(), "/v1/namespaces/shop/snapshot?formats=2&wait=0s");
    let third = snapshot(&shop("third"));
    mesh.answer(token, "200", &seal(3, 2, &third));
    assert_eq!(call("/snapshot").1.path(), "/v1/namespaces/shop/snapshot?after=1.3&formats=2,7&wait=25s");
    assert_eq!(Pointer::read().unwrap().0.proven.revision.number, 1, "not everybody has it");
    says(&mut mesh, "1.3");
    let pointer = Pointer::read().unwrap().0;
    assert_eq!((pointer.newest.format, pointer.proven.format, pointer.proven.revision.number), (7, 2, 3));
    assert!(pointer.proven.fits(&third));
    // A VM that reads the older format alone has it at once, and refuses nothing.
    let mut late = Vm::new(77);
    assert!(root(&mut late, 1, "graylane", "front", &electable()));
    assert_eq!(decides(&mut late).1, "1.3");

    // What is newer by then, or not there in the older format, comes or stays away without holding up anything.
    mesh.answer(call("/snapshot").0, "200", &seal(4, 7, b"again in format 7"));
    mesh.answer(call("/snapshot").0, "204", b"");
    assert_eq!(call("/snapshot").1.path(), "/v1/namespaces/shop/snapshot?after=1.4&formats=2,7&wait=25s");
    mesh.answer(call("/snapshot").0, "200", &seal(5, 7, b"and again"));
    mesh.answer(call("/snapshot").0, "200", &seal(6, 2, &snapshot(&shop("sixth"))));
    assert_eq!(call("/snapshot").1.path(), "/v1/namespaces/shop/snapshot?after=1.5&formats=2,7&wait=25s");
}

/// A mesh of which it is known that its first VM is the main thread's, and the second a worker's.
fn with_roles() -> Mesh {
    let mut mesh = Mesh::new(2);
    // The clock of this host stands still in a callback, so a worker says that it spoke a moment later.
    let at = host(|host| host.now + Duration::from_millis(150)).as_nanos();
    let hello = format!(
        r#"{{"id":"0000000000000002","queue":3,"formats":[2],"revision":null,"refused":null,"error":null,"at":{at}}}"#
    );
    host(|host| host.queue("graylane/inbox").unwrap().items.push_back(hello.into()));
    mesh.fetcher.tick(1);
    mesh.pass(Duration::from_secs(2));
    mesh.reported();
    mesh.pass(Duration::from_secs(6));
    mesh
}

#[test]
fn who_speaks_while_the_fetcher_runs_is_a_worker_and_who_never_does_the_main_thread() {
    let workers = with_roles().reported();
    let roles: Vec<_> = workers.iter().map(|worker| worker["role"].as_str()).collect();
    assert_eq!(roles, [Some("main"), Some("worker")]);
}

#[test]
fn the_main_thread_waits_until_the_workers_have_what_is_new() {
    let token = |id: u64| {
        let named = format!("graylane/w/{id:016x}");
        let place = host(|host| host.queues.iter().position(|queue| queue.name == named));
        u32::try_from(place.unwrap()).unwrap() + 1
    };
    let woken = |id: u64| {
        let place = token(id) as usize - 1;
        host(|host| !host.queues[place].items.is_empty())
    };
    let mut mesh = with_roles();
    mesh.reported();
    mesh.deliver(2, &snapshot(&shop("second")));
    assert_eq!((woken(1), woken(2)), (false, true));
    mesh.workers[1].queue_ready(1, token(2));
    assert!(!woken(1), "the fetcher does not know yet");
    mesh.fetcher.queue_ready(1, 1);
    assert!(woken(1));
    mesh.call_back();
    assert!(mesh.reported().iter().all(|worker| worker["revision"] == "1.2"));
    // Of a worker that is slow it does not hear for long: a tick is enough.
    mesh.pass(Duration::from_secs(1));
    mesh.deliver(3, &snapshot(&shop("third")));
    mesh.fetcher.queue_ready(1, 1);
    assert_eq!((woken(1), woken(2)), (false, true));
    mesh.fetcher.tick(1);
    assert!(woken(1));
}

#[test]
fn who_was_taken_for_the_main_thread_is_told_even_if_it_proves_to_be_a_worker() {
    let mut mesh = with_roles();
    mesh.reported();
    let place = host(|host| host.queues.iter().position(|queue| queue.name == "graylane/w/0000000000000001")).unwrap();
    let hello = format!(r#"{{"id":"0000000000000001","queue":{},"formats":[2],"serving":true,"at":0}}"#, place + 1);
    // Said before the revision comes, and heard after it.
    host(|host| host.queue("graylane/inbox").unwrap().items.push_back(hello.into()));
    mesh.deliver(2, &snapshot(&shop("second")));
    mesh.fetcher.queue_ready(1, 1);
    mesh.fetcher.tick(1);
    assert!(host(|host| !host.queues[place].items.is_empty()));
}

#[test]
fn where_the_first_control_plane_fails_the_second_is_asked_at_once() {
    let mut fetcher = Vm::new(100);
    let text = r#"{"namespace": "shop", "control": [{"cluster": "one"}, {"cluster": "two", "authority": "second"}]}"#;
    assert!(root(&mut fetcher, 1, "graylane_fetcher", "fetcher", text));
    fetcher.tick(1);
    let (token, first) = call("/snapshot");
    host(|host| host.response = vec![(b":status".to_vec(), b"503".to_vec())]);
    fetcher.answered(1, token, 1, 0);
    let (_, second) = call("/snapshot");
    assert_eq!((first.cluster.as_str(), second.cluster.as_str()), ("one", "two"));
    assert!(second.headers.contains(&(b":authority".to_vec(), b"second".to_vec())));
}
