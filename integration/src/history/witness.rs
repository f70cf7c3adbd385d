//! Somebody who asks a real control plane, as a fetcher would, what it publishes, and what it heard from VMs.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot, envelope};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Ack, Recorder};
use crate::{Status, background::runtime};

/// How often the status is asked for. A fetcher reports at most so often.
const STATUS_EVERY: Duration = Duration::from_millis(20);
/// How long to wait before asking a control plane again that does not answer.
const PAUSE: Duration = Duration::from_millis(5);
/// How long an answer may take: a long poll, and a little.
const PATIENCE: Duration = Duration::from_secs(15);

/// The witness of one control plane, until it is dropped.
#[derive(Debug)]
pub(crate) struct Witness {
    _asking: JoinSet<()>,
}

impl Witness {
    /// Tells `recorder` what the control plane at `address` publishes, and what it heard. It need not answer always;
    /// `spare`: fetchers ask it, and report to it, only where another one does not answer.
    pub(crate) fn of(address: SocketAddr, spare: bool, recorder: &Recorder) -> Self {
        let mut asking = JoinSet::new();
        asking.spawn_on(watch_publications(address, spare, recorder.clone()), runtime().handle());
        // What a spare heard from VMs, it may have heard long before they spoke to another.
        if !spare {
            asking.spawn_on(watch_status(address, recorder.clone()), runtime().handle());
        }
        Self { _asking: asking }
    }
}

async fn watch_publications(address: SocketAddr, spare: bool, recorder: Recorder) {
    let mut after = None;
    loop {
        match newer(address, after).await {
            Some((revision, snapshot)) => {
                recorder.published_by(spare, Instant::now(), revision, snapshot);
                after = Some(revision);
            }
            None => sleep(PAUSE).await,
        }
    }
}

async fn newer(address: SocketAddr, after: Option<Revision>) -> Option<(Revision, Snapshot)> {
    let after = after.map(|after| format!("after={after}&")).unwrap_or_default();
    let target = format!("/v1/namespaces/default/snapshot?{after}formats={SNAPSHOT_FORMAT}&wait=10s");
    let body = ask(address, &target).await?;
    let (head, bytes) = envelope::open(&body).ok()?;
    Some((head.revision(), Snapshot::load(bytes.to_vec()).ok()?))
}

async fn watch_status(address: SocketAddr, recorder: Recorder) {
    loop {
        if let Some(body) = ask(address, "/v1/namespaces/default/status").await
            && let Ok(status) = serde_json::from_slice::<Status>(&body)
        {
            recorder.acked(Instant::now(), Ack::all_of(&status.nodes));
        }
        sleep(STATUS_EVERY).await;
    }
}

/// The body of an answer with status 200.
async fn ask(address: SocketAddr, target: &str) -> Option<Bytes> {
    timeout(PATIENCE, exchange(address, target)).await.ok()?
}

async fn exchange(address: SocketAddr, target: &str) -> Option<Bytes> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driving = tokio::spawn(driver);
    let request = Request::get(target).header("host", "control").header("connection", "close");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
    let body = (answer.status() == 200).then_some(answer.into_body())?.collect().await.ok()?.to_bytes();
    driving.abort();
    Some(body)
}
