//! The fetcher: asks the control plane, puts what it gets into shared data, wakes the VMs, reports what they run.
//!
//! One works in an Envoy at a time, as the lease says: the one that the bootstrap names, on the main thread, or an elected
//! VM of the HTTP filter. It knows the envelope and never the content.

mod calls;
mod older;
mod repair;
mod threads;

use std::time::Duration;

use graylane_rules::{
    Revision,
    envelope::{self, Head},
};

use crate::{
    config::FetcherConfig,
    gauges,
    host::{self, Buffer, Map},
    lease::{Held, Lease},
    message::{self, Hello, INBOX},
    metrics::Metrics,
    pairs::Pairs,
    pointer::{Pointer, Writer},
    poll::{Answer, News, Poll},
    report::Report,
    shelf::Shelved,
    table::Table,
};
use calls::Node;
use older::Older;

/// How long a VM may be silent, in the fetcher's own ticks of this length together. VMs say hello every second; one that died
/// holds up the proof that everybody took a revision for so long.
const SILENCE: Duration = Duration::from_secs(4);

/// How often the inbox is registered. Whoever registers last is called back, so this repairs any mix-up.
const REGISTER_EVERY: Duration = Duration::from_secs(1);

/// So long after a publication what is known of it is reported, also where VMs are silent.
const REPORT_WITHIN: Duration = Duration::from_millis(20);

/// A fetcher.
#[derive(Debug)]
pub struct Fetcher {
    config: FetcherConfig,
    /// Its name in the lease.
    id: u64,
    elected: bool,
    writer: Writer,
    node: Option<Node>,
    poll: Poll,
    report: Report,
    /// The control plane that was asked last, to which reports go as well.
    endpoint: usize,
    table: Table,
    inbox: Option<u32>,
    shelved: Option<Shelved>,
    older: Option<Older>,
    trouble: Option<String>,
    /// What is still to be told, and to whom: to the VM that is taken for the main thread's.
    late: Option<(Revision, Vec<u32>)>,
    silent_ticks: u32,
    /// The ticks so far without any VM; None once there was one.
    alone: Option<u32>,
    /// When a control plane last said what is newest; zero: never.
    confirmed: Duration,
    /// Whether it was said that another one of its kind works here.
    rivalled: bool,
    /// Whether the next tick was brought forward.
    hurries: bool,
    /// The formats for which the newest revision was asked for once more.
    refetched: Vec<u16>,
    next_register: Duration,
    next_repair: Duration,
}

impl Fetcher {
    /// The fetcher that Envoy's bootstrap names. Does nothing yet; the first tick begins. (Envoy tries each configuration
    /// in a VM that never ticks.)
    pub fn bootstrap(config: FetcherConfig, id: u64) -> Self {
        Self::new(config, id, false, Writer::Bootstrap)
    }

    /// A VM that holds `lease`.
    pub fn elected(config: FetcherConfig, lease: &Lease) -> Self {
        let mut fetcher = Self::new(config, lease.holder, true, lease.writer());
        fetcher.begin();
        fetcher
    }

    fn new(config: FetcherConfig, id: u64, elected: bool, writer: Writer) -> Self {
        Self {
            poll: Poll::new(config.control.len(), host::random()),
            report: Report::new(host::random()),
            silent_ticks: silent_ticks(&config),
            config,
            id,
            elected,
            writer,
            node: None,
            endpoint: 0,
            table: Table::default(),
            inbox: None,
            shelved: None,
            older: None,
            trouble: None,
            late: None,
            alone: Some(0),
            confirmed: Duration::ZERO,
            rivalled: false,
            hurries: false,
            refetched: Vec::new(),
            next_register: Duration::ZERO,
            next_repair: Duration::ZERO,
        }
    }

    /// How it was configured.
    pub fn config(&self) -> &FetcherConfig {
        &self.config
    }

    /// A tick: shows that it lives, listens, forgets the dead, asks and reports what is due. False where somebody else
    /// holds the lease: an elected VM then stops for good, the bootstrap's fetcher tries again with its next tick.
    pub fn tick(&mut self) -> bool {
        let now = host::now();
        match Lease::renew(self.id, self.elected, now, self.confirmed) {
            Held::Still => {}
            Held::Taken => {
                if self.node.is_some() {
                    log::warn!("this fetcher was stalled, and takes over again");
                }
                self.begin();
            }
            Held::Lost => return false,
            Held::Rival => {
                if !std::mem::replace(&mut self.rivalled, true) {
                    log::error!(
                        "found another bootstrap fetcher in this Envoy, expected one: is `singleton: true` set?"
                    );
                }
                return false;
            }
        }
        if std::mem::take(&mut self.hurries) {
            let _ = host::set_tick(self.config.tick.0);
        }
        if now >= self.next_register {
            self.next_register = now.saturating_add(REGISTER_EVERY);
            self.inbox = host::register_queue(INBOX).ok();
        }
        if let Some(inbox) = self.inbox {
            self.listen(inbox, now);
            self.try_threads(inbox);
        }
        self.wake_main(true);
        if self.table.tick(self.silent_ticks) {
            self.report.changed();
        }
        self.note_solitude();
        self.refetch_unreadable();
        self.ask(now);
        // What was heard above may be the last that was missing: it is proved here as in a callback.
        self.tell_if_complete(now);
        self.tell(now);
        true
    }

    /// Goes on as `config` says.
    pub fn configure(&mut self, config: FetcherConfig) {
        self.poll = Poll::new(config.control.len(), host::random());
        self.endpoint = 0;
        self.silent_ticks = silent_ticks(&config);
        self.config = config;
        self.begin();
    }

    /// The root that was called back is gone, and what it waited for with it: another one of the VM goes on.
    pub fn move_on(&mut self) {
        self.poll.restart();
        self.report.restart();
        self.next_register = Duration::ZERO;
    }

    /// Whether callbacks for the queue `token` are the fetcher's.
    pub fn is_inbox(&self, token: u32) -> bool {
        self.inbox == Some(token)
    }

    /// A callback for a queue; whichever it is, everything in it is read.
    pub fn queue_ready(&mut self, token: u32) {
        let now = host::now();
        self.listen(token, now);
        self.wake_main(false);
        self.tell_if_complete(now);
    }

    /// The report that completes a publication tells how long it took, and does not wait for the tick.
    fn tell_if_complete(&mut self, now: Duration) {
        if !self.report.is_changed() {
            return;
        }
        let newest = newest();
        if self.table.all_run(newest) && self.holds() {
            self.prove(newest);
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
        let Some(judged) = self.poll.answered(now, host::unix_time(), &self.config, token, answer) else { return };
        let taken = judged.and_then(|news| self.take(news, now));
        if taken.is_err() && answer.status == b"200" {
            metrics.count("graylane_snapshots_refused_total");
            gauges::refused(None, host::unix_time(), metrics);
        }
        self.note(taken.err());
        self.ask(now);
    }

    /// The beginning of a time in office: who we are, and where an earlier fetcher of this process left off.
    fn begin(&mut self) {
        self.node.get_or_insert_with(Node::this);
        let _ = host::set_tick(self.config.tick.0);
        self.poll.continue_after(Some(newest()).filter(|revision| *revision != Revision::default()));
        // Whatever was under way belongs to the time before.
        self.poll.restart();
        self.table.forgive();
        self.older = None;
        self.next_register = Duration::ZERO;
    }

    /// Whether the lease is still ours. A VM may have been stalled since it last looked.
    fn holds(&self) -> bool {
        Lease::read(host::now()).0.holder == self.id
    }

    fn take(&mut self, news: News<'_>, now: Duration) -> Result<(), String> {
        if !self.holds() {
            return Err("another fetcher took over".to_owned());
        }
        let (head, bytes) = match news {
            News::Nothing => {
                self.confirmed = now;
                return Ok(());
            }
            News::Also(head, bytes) => {
                self.keep_older(&head, bytes);
                return Ok(());
            }
            News::Snapshot(head, bytes) => (head, bytes),
        };
        let Head { format, length, .. } = head;
        let revision = head.revision();
        let put = Shelved::put(self.writer, bytes, revision, format);
        // Where something newer lies there already, asking for what is newer still is the only thing that helps.
        self.poll.continue_after(Some(newest().max(revision)));
        self.shelved = Some(put?);
        self.confirmed = now;
        self.want_older(format);
        log::info!("revision {revision} fetched: format {format}, {length} bytes");
        wake(self.table.queues(true), revision);
        let far = REPORT_WITHIN < self.config.tick.0;
        self.hurries = far && host::set_tick(REPORT_WITHIN).is_ok();
        self.late = Some((revision, self.table.queues(false).collect()));
        self.wake_main(far && !self.hurries);
        Ok(())
    }

    /// Wakes the VM of the main thread once all others run what it is woken for, or where that takes too long. It serves no
    /// request, and while it reads shared data the workers, whose requests wait, could not.
    fn wake_main(&mut self, at_last: bool) {
        if let Some((revision, queues)) = self.late.take_if(|late| at_last || self.table.all_serve(late.0)) {
            wake(queues.into_iter(), revision);
        }
    }

    /// Reads what waits in a queue, in a callback that began at `since`.
    fn listen(&mut self, queue: u32, since: Duration) {
        for message in message::drain(queue) {
            self.hear(&message, since);
        }
    }

    fn hear(&mut self, message: &[u8], since: Duration) {
        let Some(hello) = Hello::read(message) else {
            #[cfg(feature = "hooks")]
            crate::hooks::obey(message);
            return;
        };
        if hello.unfit {
            self.repair(&hello);
        }
        let (id, at) = (hello.id.clone(), Duration::from_nanos(hello.at));
        let heard = self.table.hear(hello);
        if heard | self.note_thread(&id, at, since) {
            self.report.changed();
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

    /// Logs and reports when polling begins to fail, fails otherwise, and works again.
    fn note(&mut self, trouble: Option<String>) {
        if trouble == self.trouble {
            return;
        }
        match &trouble {
            Some(why) => log::warn!("no news from the control plane; what runs goes on: {why}"),
            None => log::info!("the control plane answers again"),
        }
        self.trouble = trouble;
        self.report.changed();
    }
}

/// Wakes VMs by their queues. What is sent is the revision, but they look at the pointer anyway.
fn wake(queues: impl Iterator<Item = u32>, revision: Revision) {
    let message = [revision.epoch.to_le_bytes(), revision.number.to_le_bytes()].concat();
    queues.for_each(|queue| _ = host::enqueue(queue, &message));
}

/// How many ticks are [`SILENCE`].
fn silent_ticks(config: &FetcherConfig) -> u32 {
    let ticks = SILENCE.as_millis().checked_div(config.tick.0.as_millis());
    ticks.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(u32::MAX)
}

/// The newest revision in shared data; 0.0 where there is none.
fn newest() -> Revision {
    Pointer::read().map(|(pointer, _)| pointer.newest.revision).unwrap_or_default()
}
