//! The end of serving: whoever waits is answered, and what is under way is done.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, signal::unix::Signal, sync::Mutex, task::JoinHandle, time::timeout};

use super::Guarded;
use crate::{connections, delivery, failure::Failure, namespace::Namespace};

/// So long connections may take to end once serving does.
const DRAIN: Duration = Duration::from_secs(5);

/// So long work on all revisions may take to end after that. Half a restore is nothing that anybody wants to find.
const CHORES: Duration = Duration::from_secs(60);

/// Why serving ends where nothing would be published any more.
const UNREAD: &str = "--rules: reading the directory ended unexpectedly, which is a fault of graylane; what was published \
                      stays in Envoys, start again for what changes";

/// Answers until one of the signals `ends` it.
///
/// # Errors
/// Where it cannot go on: it would look healthy without `following`, and publish nothing any more.
pub async fn answer(
    listener: TcpListener,
    namespace: Arc<Namespace>,
    Guarded { door, connections }: Guarded,
    ends: [Signal; 2],
    following: JoinHandle<()>,
) -> Result<(), Failure> {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let app = delivery::app(Arc::clone(&namespace), door);
    let serving = connections::serve(listener, app, connections, async {
        wait_for(ends).await;
        namespace.drain();
        let _ = ended.send(());
    });
    tokio::select! {
        () = serving => {}
        () = overdue(end) => {}
        _ = following => return Err(Failure::unable(UNREAD)),
    }
    match &namespace.revisions {
        Some(revisions) => finished(&revisions.chores).await,
        None => Ok(()),
    }
}

async fn wait_for([mut terminate, mut interrupt]: [Signal; 2]) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!("{name}: answering whoever waits, then ending");
}

async fn overdue(end: tokio::sync::oneshot::Receiver<()>) {
    if end.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN).await;
    tracing::warn!("connections are still open after {DRAIN:?}, and are cut off");
}

/// Waits for whoever holds `chores`.
///
/// # Errors
/// Where he does so for too long.
async fn finished(chores: &Mutex<()>) -> Result<(), Failure> {
    if chores.try_lock().is_ok() {
        return Ok(());
    }
    tracing::info!("a backup, a restore or the like is under way: waiting for its end, at most {CHORES:?}");
    let cut_off = |_| {
        let found = format!("found a backup, a restore or the like still under way after {CHORES:?}");
        Failure::unable(format!("{found}, expected it to be done: it was cut off"))
    };
    timeout(CHORES, chores.lock()).await.map(drop).map_err(cut_off)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use prometheus_client::metrics::gauge::Gauge;
    use tokio::{
        signal::unix::{SignalKind, signal},
        sync::watch,
        time::{Instant, sleep},
    };

    use super::*;
    use crate::{
        clock::Clock,
        connections::{Admission, Connections, Limits},
        keys::Keyring,
        metrics::Refusals,
        sealer::Sealer,
    };

    #[tokio::test]
    async fn serving_ends_where_nothing_would_be_published_any_more() {
        let sealer = Sealer::new(Keyring::default(), Duration::from_secs(1));
        let namespace = Arc::new(Namespace::new("default", 7, sealer, Clock::system()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ends = [SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind).unwrap());
        let following = tokio::spawn(async { panic!("a document that nobody thought of") });
        let connections = Connections {
            tls: None,
            admission: Admission::new(Limits { connections: 1, of_address: 1 }, Gauge::default()),
            refusals: Refusals::default(),
            renewed: watch::Sender::new(()),
        };
        let guarded = Guarded { door: Arc::default(), connections: Arc::new(connections) };
        let answering = answer(listener, namespace, guarded, ends, following);
        let outcome = tokio::time::timeout(Duration::from_secs(5), answering).await.expect("it went on");
        assert_eq!(outcome.unwrap_err().exit(), ExitCode::from(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_is_waited_for_and_what_takes_too_long_is_no_success() {
        let chores = Arc::new(Mutex::new(()));
        assert!(finished(&chores).await.is_ok());
        let (begun, held) = (Instant::now(), Arc::clone(&chores).try_lock_owned().unwrap());
        let ended = tokio::spawn(async move {
            sleep(CHORES / 2).await;
            drop(held);
        });
        assert!(finished(&chores).await.is_ok());
        assert_eq!(begun.elapsed(), CHORES / 2);
        ended.await.unwrap();
        let _held = chores.lock().await;
        assert_eq!(finished(&chores).await.unwrap_err().exit(), ExitCode::from(2));
    }
}
