//! What revisions hold in memory while somebody reads slowly.

use std::net::{IpAddr, Ipv4Addr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    sync::watch,
    task::JoinHandle,
};

use super::*;
use crate::{
    access::Peer,
    connections::talk::{Ends, Talk},
    metrics::Refusals,
};

/// The revisions that hold something, the newest first, and how much.
fn held(namespace: &Namespace) -> Vec<(String, usize)> {
    let text = crate::delivery::metrics::text(namespace);
    let series = text.lines().filter_map(|line| line.strip_prefix("graylane_control_revision_bytes{revision=\""));
    let read = |(revision, bytes): (&str, &str)| (revision.to_owned(), bytes.parse().unwrap());
    series.map(|line| read(line.split_once("\"} ").unwrap())).collect()
}

/// How much one revision holds of which there is a snapshot and an envelope.
fn whole(namespace: &Namespace) -> usize {
    let published = namespace.published().unwrap();
    let sealed = namespace.envelope(&published, SNAPSHOT_FORMAT).unwrap();
    [published.size(), sealed.envelope.len()].iter().sum()
}

/// Somebody who was sent the beginning of an answer, over a connection on which 64 bytes can be under way.
struct Slow {
    end: DuplexStream,
    talking: JoinHandle<()>,
    _serving: watch::Sender<bool>,
    _renewed: watch::Sender<()>,
}

impl Slow {
    async fn begins(namespace: &Arc<Namespace>) -> Self {
        let (mut end, server) = duplex(64);
        let ((_serving, serving), (_renewed, renewed)) = (watch::channel(false), watch::channel(()));
        let peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), names: None };
        let talk = Talk { app: app(Arc::clone(namespace)), peer, refusals: Refusals::default() };
        let talking = tokio::spawn(talk.on(server, Ends::new(serving, renewed)));
        let request = "GET /v1/namespaces/default/snapshot HTTP/1.1\r\nhost: control\r\nconnection: close\r\n\r\n";
        end.write_all(request.as_bytes()).await.unwrap();
        end.read_exact(&mut [0; 16]).await.unwrap();
        Self { end, talking, _serving, _renewed }
    }

    /// Hangs up.
    async fn leaves(self) {
        drop(self.end);
        self.talking.await.unwrap();
    }

    /// Reads what is left.
    async fn reads_on(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.end.read_to_end(&mut rest).await.unwrap();
        self.talking.await.unwrap();
        rest
    }
}

#[tokio::test]
async fn an_earlier_revision_is_freed_when_the_last_who_is_sent_it_has_it_or_is_gone() {
    let namespace = namespace();
    assert_eq!(held(&namespace), []);
    publish(&namespace, "a");
    let first = whole(&namespace);
    assert_eq!(held(&namespace), [("7.1".to_owned(), first)]);
    let (one, other) = (Slow::begins(&namespace).await, Slow::begins(&namespace).await);
    assert_eq!(held(&namespace), [("7.1".to_owned(), first)], "whoever reads holds nothing of his own");
    let envelope = first - namespace.published().unwrap().size();
    publish(&namespace, "b");
    let second = whole(&namespace);
    assert_eq!(held(&namespace), [("7.2".to_owned(), second), ("7.1".to_owned(), envelope)]);
    one.leaves().await;
    assert_eq!(held(&namespace), [("7.2".to_owned(), second), ("7.1".to_owned(), envelope)]);
    assert!(other.reads_on().await.ends_with(snapshot("a").bytes()), "it is sent what it was promised");
    assert_eq!(held(&namespace), [("7.2".to_owned(), second)]);
}

#[tokio::test]
async fn each_format_that_is_asked_for_is_held_once() {
    let namespace = namespace();
    publish(&namespace, "a");
    let newest = whole(&namespace);
    let Some(older) = SNAPSHOT_FORMATS.iter().copied().find(|format| *format != SNAPSHOT_FORMAT) else { return };
    for _ in 0..2 {
        assert_eq!(get(&namespace, &format!("~/snapshot?formats={older}")).await.0, 200);
        let envelope = namespace.envelope(&namespace.published().unwrap(), older).unwrap().envelope.len();
        assert_eq!(held(&namespace), [("7.1".to_owned(), newest + envelope)]);
    }
}

#[tokio::test]
async fn the_page_keeps_no_revision_that_is_published_no_more() {
    let namespace = namespace();
    publish(&namespace, "a");
    let request = Request::builder().uri("/").header(header::HOST, "localhost").body(Body::empty()).unwrap();
    let page = app(Arc::clone(&namespace)).oneshot(request).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    publish(&namespace, "b");
    assert_eq!(held(&namespace).len(), 1);
}
