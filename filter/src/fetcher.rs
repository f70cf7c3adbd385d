//! The fetcher: asks the control plane, puts what it gets into shared data, wakes the VMs, reports what they run.
//!
//! It lives once in an Envoy, on the main thread. It knows the envelope and never the content.

use std::time::Duration;

use graylane_rules::{
    Revision,
    envelope::{self, Head},
};
use serde::Serialize;

use crate::{
    config::FetcherConfig,
    host::{self, Buffer, Map},
    message::{self, Hello, INBOX},
    metrics::Metrics,
    pairs::{Pairs, encode},
    pointer::Pointer,
    poll::{Answer, News, Poll},
    report::{self, Report},
    shelf::Shelved,
    table::{Ack, Table},
};

/// How long a VM may be silent, in the fetcher's own ticks of this length together.
const SILENCE: Duration = Duration::from_secs(10);

/// How often the inbox is registered. Whoever registers last is called back, so this repairs any mix-up.
const REGISTER_EVERY: Duration = Duration::from_secs(1);

/// How often spoilt bytes are written again at most.
const REPAIR_EVERY: Duration = Duration::from_secs(1);

/// The fetcher of an Envoy.
#[derive(Debug)]
pub struct Fetcher {
    config: FetcherConfig,
    node: Option<Node>,
    poll: Poll,
    report: Report,
    table: Table,
    shelved: Option<Shelved>,
    trouble: Option<String>,
    silent_ticks: u32,
    /// The ticks so far without any VM; None once there was one.
    alone: Option<u32>,
    next_register: Duration,
    next_repair: Duration,
}

/// Which Envoy this is.
#[derive(Debug, Serialize)]
struct Node {
    id: String,
    cluster: String,
}

/// What is posted to the control plane.
#[derive(Serialize)]
struct Acks<'a> {
    node: &'a Option<Node>,
    workers: Vec<Ack<'a>>,
}

impl Fetcher {
    /// Does nothing yet; the first tick begins. (Envoy tries each configuration in a VM that never ticks.)
    pub fn new(config: FetcherConfig) -> Self {
        let tick = config.tick.0;
        let ticks = SILENCE.as_millis().checked_div(tick.as_millis()).and_then(|ticks| u32::try_from(ticks).ok());
        Self {
            poll: Poll::new(&config.namespace, config.wait.0, tick, host::random()),
            report: Report::new(host::random()),
            config,
            node: None,
            table: Table::default(),
            shelved: None,
            trouble: None,
            silent_ticks: ticks.unwrap_or(u32::MAX),
            alone: Some(0),
            next_register: Duration::ZERO,
            next_repair: Duration::ZERO,
        }
    }

    /// A tick: shows that it lives, listens, forgets the dead, asks and reports what is due.
    pub fn tick(&mut self) {
        let now = host::now();
        if self.node.is_none() {
            self.begin();
        }
        message::beat(now, self.revision());
        if now >= self.next_register {
            self.next_register = now.saturating_add(REGISTER_EVERY);
            if let Ok(inbox) = host::register_queue(INBOX) {
                self.listen(inbox);
            }
        }
        if self.table.tick(self.silent_ticks) {
            self.report.changed();
        }
        self.note_solitude();
        self.ask(now);
        self.tell(now);
    }

    /// A callback for a queue; whichever it is, everything in it is read.
    pub fn queue_ready(&mut self, token: u32) {
        self.listen(token);
        self.tell_if_complete(host::now());
    }

    /// The report that completes a publication tells how long it took, and does not wait for the tick.
    fn tell_if_complete(&mut self, now: Duration) {
        if self.report.is_changed() && self.table.all_run(self.revision()) {
            self.tell(now);
        }
    }

    /// The answer to a call, with the size of its body; no headers mean that it broke off.
    pub fn answered(&mut self, token: u32, headers: u32, body_size: usize, metrics: &mut Metrics) {
        let now = host::now();
        let buffer = if headers == 0 { Vec::new() } else { host::header_pairs(Map::Response).unwrap_or_default() };
        let header = |name: &[u8]| Pairs::new(&buffer).and_then(|pairs| pairs.first(name)).unwrap_or_default();
        if self.report.answered(now, token, header(b":status")) {
            return self.tell_if_complete(now);
        }
        let body = if body_size > envelope::LIMIT {
            Err(body_size)
        } else {
            Ok(host::buffer(Buffer::Response, body_size).unwrap_or_default())
        };
        let body = body.as_ref().map(Vec::as_slice).map_err(|&size| size);
        let answer = Answer { status: header(b":status"), media_type: header(b"content-type"), body };
        let Some(judged) = self.poll.answered(now, token, answer) else { return };
        let taken = judged.and_then(|news| self.take(news));
        if taken.is_err() && answer.status == b"200" {
            metrics.count("graylane_snapshots_refused_total");
        }
        self.note(taken.err());
        self.ask(now);
    }

    /// The first tick: who we are, and where an earlier fetcher of this process left off.
    fn begin(&mut self) {
        let property = |path| String::from_utf8_lossy(&host::property(path).unwrap_or_default()).into_owned();
        self.node = Some(Node { id: property("xds\0node\0id"), cluster: property("xds\0node\0cluster") });
        let _ = host::set_tick(self.config.tick.0);
        let revision = Pointer::read().map(|(pointer, _)| pointer.revision).unwrap_or_default();
        self.poll.continue_after(Some(revision).filter(|revision| *revision != Revision::default()));
    }

    /// The revision last put into shared data; 0.0 where none was.
    fn revision(&self) -> Revision {
        self.shelved.as_ref().map(|shelved| shelved.pointer.revision).unwrap_or_default()
    }

    fn ask(&mut self, now: Duration) {
        let formats = self.table.formats();
        let Some(path) = self.poll.question(now, &formats) else { return };
        let headers = self.headers("GET", &path, ("accept", envelope::MEDIA_TYPE));
        let sent = host::http_call(&self.config.control.cluster, &headers, b"", self.poll.timeout());
        if let Err(why) = self.poll.sent(now, &formats, sent) {
            self.note(Some(why));
        }
    }

    fn tell(&mut self, now: Duration) {
        if !self.report.is_due(now) {
            return;
        }
        let acks = Acks { node: &self.node, workers: self.table.acks() };
        let Ok(body) = serde_json::to_vec(&acks) else { return };
        let path = format!("/v1/namespaces/{}/acks", self.config.namespace);
        let headers = self.headers("POST", &path, ("content-type", "application/json"));
        self.report.sent(now, host::http_call(&self.config.control.cluster, &headers, &body, report::TIMEOUT));
    }

    fn headers(&self, method: &str, path: &str, (name, value): (&str, &str)) -> Vec<u8> {
        let authority = self.config.control.authority.as_bytes();
        encode(&[
            (b":method", method.as_bytes()),
            (b":path", path.as_bytes()),
            (b":authority", authority),
            (name.as_bytes(), value.as_bytes()),
        ])
    }

    fn take(&mut self, news: News<'_>) -> Result<(), String> {
        let News::Snapshot(head, bytes) = news else { return Ok(()) };
        let Head { format, length, .. } = head;
        let revision = head.revision();
        let put = Shelved::put(bytes, revision, format);
        // Where something newer lies there already, asking for what is newer still is the only thing that helps.
        let newest = Pointer::read().map_or(revision, |(pointer, _)| pointer.revision.max(revision));
        self.poll.continue_after(Some(newest));
        self.shelved = Some(put?);
        log::info!("revision {revision} fetched: format {format}, {length} bytes");
        self.wake_all();
        Ok(())
    }

    /// Wakes each VM. What is sent is the revision, but they look at the pointer anyway.
    fn wake_all(&self) {
        let revision = self.revision();
        let message = [revision.epoch.to_le_bytes(), revision.number.to_le_bytes()].concat();
        for queue in self.table.queues() {
            let _ = host::enqueue(queue, &message);
        }
    }

    fn listen(&mut self, queue: u32) {
        for hello in message::drain(queue).filter_map(|message| Hello::read(&message)) {
            if hello.unfit {
                self.repair(&hello);
            }
            if self.table.hear(hello) {
                self.report.changed();
            }
        }
    }

    /// A VM found other bytes than the pointer promises: writes them again, or, without them, asks for whatever the
    /// control plane has.
    fn repair(&mut self, hello: &Hello) {
        let now = host::now();
        if now < self.next_repair {
            return;
        }
        self.next_repair = now.saturating_add(REPAIR_EVERY);
        match &self.shelved {
            Some(shelved) if hello.refused == Some(shelved.pointer.revision.to_string()) => {
                log::warn!("revision {} was spoilt in shared data and is written again", shelved.pointer.revision);
                if shelved.write_again().is_ok() {
                    let _ = host::enqueue(hello.queue, b"again");
                }
            }
            Some(_) => {}
            None => self.poll.continue_after(None),
        }
    }

    /// Says once when no VM ever said hello: nobody would notice otherwise that the rules reach no one.
    fn note_solitude(&mut self) {
        if !self.table.is_empty() {
            self.alone = None;
        }
        if let Some(ticks) = &mut self.alone {
            *ticks = ticks.saturating_add(1);
            if *ticks == self.silent_ticks {
                log::warn!("no worker reports: is there an HTTP filter of the same vm_id?");
            }
        }
    }

    /// Logs when polling begins to fail, fails otherwise, and works again.
    fn note(&mut self, trouble: Option<String>) {
        if trouble == self.trouble {
            return;
        }
        match &trouble {
            Some(why) => log::warn!("no news from the control plane; what runs goes on: {why}"),
            None => log::info!("the control plane answers again"),
        }
        self.trouble = trouble;
    }
}
