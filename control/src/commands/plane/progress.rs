//! How far a revision came, shown to whoever waits for it at a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hyper::Method;
use serde::Deserialize;

use super::remote::below;
use crate::{client::Client, duration::spoken, finding::one_line};

/// So often it is looked.
const PAUSE: Duration = Duration::from_millis(200);

/// So long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Takes the cursor to the beginning of its line, and what stands there away.
const CLEAR: &str = "\r\u{1b}[K";

/// Shows it while it lives; what it wrote is gone with it.
pub struct Progress {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Of a status, what matters here.
#[derive(Deserialize)]
struct Spread {
    revision: Option<String>,
    tally: Workers,
}

#[derive(Deserialize)]
struct Workers {
    workers: u64,
    current: u64,
}

impl Progress {
    /// Begins to show how far the next revision comes; None where nobody looks. It is no reason to fail.
    pub fn of_next(client: &Client, namespace: &str) -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let (client, path) = (client.clone(), below(namespace, "status"));
        let before = spread(&client, &path)?.revision;
        let (end, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            let began = Instant::now();
            let mut shown = false;
            // Nothing is ever sent: it ends with the sender.
            while matches!(ended.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout)) {
                let next = spread(&client, &path).filter(|spread| spread.revision != before);
                if let Some(line) = next.and_then(|spread| line(&spread, began.elapsed())) {
                    eprint!("{CLEAR}{line}");
                    shown = true;
                }
            }
            if shown {
                eprint!("{CLEAR}");
                // Whoever does not see it waits for nothing.
                let _ = io::stderr().flush();
            }
        });
        Some(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn spread(client: &Client, path: &str) -> Option<Spread> {
    let (code, body) = client.ask(Method::GET, path, None, ANSWER).ok()?;
    if code.is_success() { serde_json::from_slice(&body).ok() } else { None }
}

fn line(spread: &Spread, waited: Duration) -> Option<String> {
    let Spread { revision, tally: Workers { workers, current } } = spread;
    let revision = one_line(revision.as_ref()?);
    let plural = if *workers == 1 { "" } else { "s" };
    Some(format!("{current} of {workers} worker{plural} run revision {revision}, after {}", spoken(waited)))
}
