//! What becomes of writers and of those who wait, when members of etcd fail.

mod etcd;
#[path = "../../store/tests/suite/mod.rs"]
mod suite;

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use etcd::{open, runtime};
use graylane_integration::{Etcd, eventually};
use graylane_store::{Advance, Digest, Head, Store, verify};
use suite::{NAMESPACE, following};
use tokio::{runtime::Runtime, task::JoinHandle};

const WRITERS: usize = 8;

/// Eight writers, each with a store of its own, who go on until they are told to stop.
struct Writers {
    tasks: Vec<JoinHandle<Vec<Head>>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
}

impl Writers {
    fn start(runtime: &Runtime, url: &str) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let writer = |name: usize| {
            let (url, stop, acknowledged) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&acknowledged));
            runtime.spawn(async move { write(&*open(&url).await, name, &stop, &acknowledged).await })
        };
        Self { tasks: (0..WRITERS).map(writer).collect(), stop, acknowledged }
    }

    /// Waits until so many more revisions are acknowledged.
    fn go_on(&self, more: usize) {
        let from = self.acknowledged.load(Ordering::Relaxed);
        eventually("more revisions", || match self.acknowledged.load(Ordering::Relaxed) {
            now if now >= from + more => Ok(()),
            now => Err(format!("{} of {more}", now - from)),
        });
    }

    /// Everything that was acknowledged.
    fn stop(self, runtime: &Runtime) -> Vec<Head> {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.tasks.into_iter().flat_map(|task| runtime.block_on(task).unwrap());
        all.collect()
    }
}

async fn write(store: &dyn Store, name: usize, stop: &AtomicBool, acknowledged: &AtomicUsize) -> Vec<Head> {
    let mut mine = Vec::new();
    for count in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match publish(store, &format!("{name}: {count}")).await {
            Ok(Some(head)) => {
                mine.push(head);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok(None) => {}
            Err(why) => assert!(why.is_passing(), "{why}"),
        }
    }
    mine
}

async fn publish(store: &dyn Store, content: &str) -> Result<Option<Head>, graylane_store::StoreError> {
    let on = store.ground(NAMESPACE).await?;
    let (manifest, cut) = following(&on, NAMESPACE, content.as_bytes());
    store.put(&cut).await?;
    let bytes = manifest.bytes().unwrap();
    let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
    let advance = store.advance(NAMESPACE, &on, &head, &bytes).await?;
    Ok((advance == Advance::Done).then_some(head))
}

/// One chain without gaps, and every acknowledged revision in it.
async fn is_whole(store: &dyn Store, acknowledged: &[Head]) {
    let found = verify(store, NAMESPACE).await.unwrap();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    let revisions = store.revisions(NAMESPACE, None, usize::MAX).await.unwrap();
    let numbers: Vec<_> = revisions.iter().rev().map(|revision| revision.number).collect();
    assert_eq!(numbers, (1..=revisions.len() as u64).collect::<Vec<_>>());
    for head in acknowledged {
        let manifest = store.manifest(NAMESPACE, head.revision).await.unwrap();
        assert_eq!(manifest.map(|bytes| Digest::of(&bytes)), Some(head.manifest), "{}", head.revision);
    }
    let mut all: Vec<_> = acknowledged.iter().map(|head| head.revision).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), acknowledged.len(), "no number twice");
    println!("{} revisions, {} acknowledged", revisions.len(), acknowledged.len());
}

#[test]
fn members_and_leaders_are_killed_while_eight_write() {
    let mut etcd = Etcd::start(3);
    let runtime = runtime();
    let writers = Writers::start(&runtime, &etcd.url());
    writers.go_on(30);
    let any = |leader: usize| (leader + 1) % 3;
    for victim in [|leader| leader, any, |leader| leader, any] {
        let member = victim(etcd.leader());
        etcd.kill(member);
        writers.go_on(30);
        etcd.start_again(member);
        writers.go_on(10);
    }
    let acknowledged = writers.stop(&runtime);
    runtime.block_on(async { is_whole(&*open(&etcd.url()).await, &acknowledged).await });
}

#[test]
fn no_change_is_passed_by_whatever_etcd_forgets() {
    let etcd = Etcd::start(1);
    let runtime = runtime();
    let store = runtime.block_on(open(&etcd.url()));
    let waiting = |known: Option<Head>| {
        let store = Arc::clone(&store);
        runtime.spawn(async move { store.changed(NAMESPACE, known.as_ref()).await.unwrap() })
    };
    let mut known = None;
    for round in 0..5_u8 {
        let waits = waiting(known);
        for other in 0..20_u8 {
            // Somebody else's namespace: the revision of etcd goes on, this head does not.
            let on = runtime.block_on(store.ground("another")).unwrap();
            runtime.block_on(suite::publish_on(&*store, &on, "another", b"x"));
            if other == 10 {
                etcd.compact();
                runtime.block_on(suite::publish(&*store, &[round, other]));
            }
        }
        let changed = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), waits).await });
        known = changed.expect("a change").unwrap();
        assert_eq!(known.map(|head| head.revision.number), Some(u64::from(round) + 1));
    }
}

#[test]
fn a_member_that_hangs_costs_little() {
    let etcd = Etcd::start(1);
    // It takes connections, by the kernel's kindness, and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("etcd://{},{}", hanging.local_addr().unwrap(), etcd.endpoint(0));
    runtime().block_on(async {
        let begin = Instant::now();
        let store = open(&url).await;
        let opened = begin.elapsed();
        assert!(opened < Duration::from_millis(1500), "found {opened:?}");
        let begin = Instant::now();
        suite::publish(&*store, b"a").await;
        println!("opened in {opened:?}, published in {:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_millis(1500), "found {:?}", begin.elapsed());
        let waiting = {
            let store = Arc::clone(&store);
            let known = store.ground(NAMESPACE).await.unwrap().head;
            tokio::spawn(async move { store.changed(NAMESPACE, known.as_ref()).await })
        };
        let head = suite::publish(&*store, b"b").await;
        assert_eq!(waiting.await.unwrap(), Ok(Some(head)));
    });
}

#[test]
fn paused_members_are_passed_over() {
    let etcd = Etcd::start(3);
    let runtime = runtime();
    let writers = Writers::start(&runtime, &etcd.url());
    writers.go_on(20);
    for member in 0..3 {
        etcd.process(member).pause();
        writers.go_on(20);
        etcd.process(member).resume();
        writers.go_on(10);
    }
    let acknowledged = writers.stop(&runtime);
    runtime.block_on(async { is_whole(&*open(&etcd.url()).await, &acknowledged).await });
}

#[test]
fn nobody_there_is_said_within_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begin = Instant::now();
    let said = runtime().block_on(etcd::try_open(&format!("etcd://{free}"))).unwrap_err();
    assert!(said.is_passing(), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(8), "found {:?}", begin.elapsed());
    println!("{said}");
}
