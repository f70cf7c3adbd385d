//! A fetcher as a control plane sees it: it asks, waits, takes what comes, and asks again, on one connection.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use graylane_rules::{Revision, SNAPSHOT_FORMAT, envelope};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    sync::mpsc::UnboundedSender,
    time::sleep,
};
use tokio_rustls::TlsConnector;

use super::guard;

/// So much of an answer is kept to be looked at: what HTTP says of it, and the first line of the envelope.
const HEAD: usize = 8 << 10;

/// So long a fetcher rests that failed.
const REST: Duration = Duration::from_millis(50);

thread_local! {
    /// What is read goes here first. Ten thousand buffers would weigh more than what is measured.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]);
}

/// What a fetcher tells.
#[derive(Debug)]
pub(super) enum Told {
    /// It has the whole of a revision since then.
    Has(Revision, Instant),
    /// It was answered in another way, or not at all.
    Failed(String),
}

/// A fetcher, which asks until nobody listens to it.
pub(super) struct Fetcher {
    pub(super) control: SocketAddr,
    /// What it encrypts with, where it does.
    pub(super) connector: Option<TlsConnector>,
    /// The number of its Envoy, where it reports what the VMs of that run.
    pub(super) reports_as: Option<usize>,
    /// Whether it looks at every byte, as the real one does.
    pub(super) is_careful: bool,
    pub(super) listener: UnboundedSender<Told>,
}

impl Fetcher {
    pub(super) async fn run(self) {
        let mut after = None;
        loop {
            let Err(why) = self.ask_on_one_connection(&mut after).await else { return };
            if self.listener.send(Told::Failed(why)).is_err() {
                return;
            }
            sleep(REST).await;
        }
    }

    /// Asks until something fails; Ok once nobody listens.
    async fn ask_on_one_connection(&self, after: &mut Option<Revision>) -> Result<(), String> {
        match &self.connector {
            Some(connector) => {
                let stream = guard::connect(self.control, connector).await.map_err(|why| why.to_string())?;
                self.ask_on(stream, after).await
            }
            None => {
                let stream = TcpStream::connect(self.control).await.map_err(|why| why.to_string())?;
                stream.set_nodelay(true).map_err(|why| why.to_string())?;
                self.ask_on(stream, after).await
            }
        }
    }

    async fn ask_on(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        after: &mut Option<Revision>,
    ) -> Result<(), String> {
        loop {
            send(&mut stream, &question(*after)).await?;
            let limit = if self.is_careful { usize::MAX } else { HEAD };
            let answer = Answer::read(&mut stream, limit).await?;
            let now = Instant::now();
            let Some(revision) = answer.revision(self.is_careful)? else { continue };
            if after.is_some_and(|after| revision <= after) {
                return Err(format!("found {revision} again, expected something later"));
            }
            *after = Some(revision);
            if let Some(node) = self.reports_as {
                send(&mut stream, &report(node, revision)).await?;
                Answer::read(&mut stream, HEAD).await?.is_taken()?;
            }
            if self.listener.send(Told::Has(revision, now)).is_err() {
                return Ok(());
            }
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> Result<(), String> {
    stream.write_all(text.as_bytes()).await.map_err(|why| why.to_string())?;
    // What is encrypted may not be sent yet.
    stream.flush().await.map_err(|why| why.to_string())
}

/// What Envoy sends for the real one, to the letter.
fn question(after: Option<Revision>) -> String {
    let newer = after.map(|revision| format!("after={revision}&")).unwrap_or_default();
    format!(
        "GET /v1/namespaces/default/snapshot?{newer}formats={SNAPSHOT_FORMAT}&wait=25s HTTP/1.1\r\nhost: graylane-control\r\n\
         accept: {}\r\nx-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 30000\r\n\r\n",
        envelope::MEDIA_TYPE
    )
}

/// What the real one sends for an Envoy of two workers that run `revision`. Envoy sends it on another connection.
fn report(node: usize, revision: Revision) -> String {
    let worker = |id: char, role: &str| {
        json!({"id": format!("{id}{node:05}"), "revision": revision.to_string(), "formats": [SNAPSHOT_FORMAT], "error": null,
            "refused": null, "role": role})
    };
    let workers = [worker('a', "worker"), worker('b', "worker"), worker('c', "main")];
    let body =
        json!({"node": {"id": format!("envoy-{node}"), "cluster": "edge"}, "fetcher": "bootstrap", "workers": workers})
            .to_string();
    format!(
        "POST /v1/namespaces/default/acks HTTP/1.1\r\nhost: graylane-control\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nx-envoy-internal: true\r\nx-envoy-expected-rq-timeout-ms: 5000\r\n\r\n{body}",
        body.len()
    )
}

/// An answer of which all bytes have come.
struct Answer {
    status: u16,
    /// The beginning of the body, or all of it.
    body: Vec<u8>,
}

impl Answer {
    /// Reads one, and keeps `limit` bytes of it.
    async fn read(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<Self, String> {
        let (mut kept, mut came, mut expected) = (Vec::new(), 0, None);
        loop {
            came += match poll_fn(|context| take(stream, context, &mut kept, limit)).await {
                Ok(0) => return Err(format!("found an end after {came} bytes, expected an answer")),
                Ok(read) => read,
                Err(why) => return Err(why.to_string()),
            };
            if expected.is_none() {
                expected = head(&kept)?;
            }
            match expected {
                Some(Expected { status, head, body }) if came == head + body => {
                    kept.drain(..head);
                    return Ok(Self { status, body: kept });
                }
                Some(Expected { head, body, .. }) if came > head + body => {
                    return Err(format!("found {came} bytes, expected {}", head + body));
                }
                _ => {}
            }
        }
    }

    /// Whether a report was taken in.
    fn is_taken(&self) -> Result<(), String> {
        match self.status {
            204 => Ok(()),
            status => Err(format!("a report: {status}: {}", String::from_utf8_lossy(&self.body))),
        }
    }

    /// The revision it brings; None where there is nothing newer.
    fn revision(&self, is_careful: bool) -> Result<Option<Revision>, String> {
        match self.status {
            200 if is_careful => {
                envelope::open(&self.body).map(|(head, _)| Some(head.revision())).map_err(|why| why.to_string())
            }
            200 => {
                let line = self.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let head: envelope::Head = serde_json::from_slice(line).map_err(|why| why.to_string())?;
                Ok(Some(head.revision()))
            }
            204 => Ok(None),
            status => Err(format!("{status}: {}", String::from_utf8_lossy(&self.body))),
        }
    }
}

/// What an answer's head promises, in bytes.
#[derive(Clone, Copy)]
struct Expected {
    status: u16,
    head: usize,
    body: usize,
}

/// The head of an answer, once it is there.
fn head(bytes: &[u8]) -> Result<Option<Expected>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(|why| why.to_string())? else {
        return Ok(None);
    };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = length.and_then(|length| std::str::from_utf8(length.value).ok()?.parse().ok()).unwrap_or(0);
    Ok(Some(Expected { status: response.code.unwrap_or_default(), head, body }))
}

/// Reads what is there, and keeps it while that is at most `limit`.
fn take(
    stream: &mut (impl AsyncRead + Unpin),
    context: &mut Context<'_>,
    kept: &mut Vec<u8>,
    limit: usize,
) -> Poll<io::Result<usize>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        kept.extend_from_slice(&read[..read.len().min(limit.saturating_sub(kept.len()))]);
        Poll::Ready(Ok(read.len()))
    })
}
