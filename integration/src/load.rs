//! An open-loop load: requests are due at fixed times, whatever became of those before them.
//!
//! A request that cannot be sent when it is due, because every connection is busy, is sent later and its latency still
//! counts from when it was due. So a stall of the proxy is seen by all the requests it delays, not by one (no
//! "coordinated omission").

mod connection;
mod report;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep_until,
};

pub(crate) use report::milliseconds;
pub use report::{Failure, Latencies, Outcome, Record, Report};

use crate::{Request, background::runtime, history::Recorder};
use connection::{Pool, sendable};

/// How many requests a test has served by some rules before anything else is done.
pub const BETWEEN: usize = 40;

/// A load that is not started yet.
#[derive(Clone, Debug)]
pub struct Load {
    per_second: u32,
    connections: usize,
    requests: Vec<Request>,
    recorder: Option<Recorder>,
}

/// A load under way. Dropping it stops it too.
#[derive(Debug)]
pub struct Loading {
    stop: Arc<AtomicBool>,
    finished: Arc<Finished>,
    scheduling: Option<JoinHandle<()>>,
    begin: Instant,
}

/// What became of requests: counted, and kept by somebody.
#[derive(Debug)]
struct Finished {
    count: AtomicUsize,
    records: Mutex<Vec<Record>>,
    recorder: Option<Recorder>,
}

impl Load {
    /// A load of `per_second` GET requests for `/`, over at most 64 keep-alive connections.
    pub fn of(per_second: u32) -> Self {
        Self { per_second, connections: 64, requests: vec![Request::get("/")], recorder: None }
    }

    /// Over at most so many connections. All of them are opened at once, so that every worker gets some; a request that
    /// finds them all busy waits for the first that is free.
    #[must_use]
    pub fn over(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// For this path and query.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        self.requests = self.requests.into_iter().map(|request| request.with_target(target)).collect();
        self
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.requests = self.requests.into_iter().map(|request| request.header(name, value)).collect();
        self
    }

    /// By so many users in turn, each with an `x-user-id` of its own.
    #[must_use]
    pub fn users(mut self, count: usize) -> Self {
        let of = |request: &Request, user: usize| request.clone().header("x-user-id", format!("user-{user}"));
        self.requests =
            self.requests.iter().flat_map(|request| (0..count).map(move |user| of(request, user))).collect();
        self
    }

    /// Of these requests in turn, instead of those so far.
    #[must_use]
    pub fn requests(self, requests: Vec<Request>) -> Self {
        assert!(!requests.is_empty(), "found no requests, expected some");
        Self { requests, ..self }
    }

    /// Gives every request to `recorder` when it has ended, and keeps none: the report of such a load is empty.
    #[must_use]
    pub fn recorded_by(self, recorder: &Recorder) -> Self {
        Self { recorder: Some(recorder.clone()), ..self }
    }

    /// Starts sending to `address`, until [`Loading::stop`].
    ///
    /// # Panics
    /// Where the first connections are refused.
    pub fn start(self, address: SocketAddr) -> Loading {
        let pool = runtime().block_on(Pool::open(address, self.connections));
        let pool = Arc::new(pool.unwrap_or_else(|why| panic!("no connection to {address}: {why}")));
        let stop = Arc::new(AtomicBool::new(false));
        let finished = Arc::new(Finished {
            count: AtomicUsize::new(0),
            records: Mutex::default(),
            recorder: self.recorder.clone(),
        });
        let begin = Instant::now();
        let scheduling = runtime().spawn(schedule(self, pool, begin, Arc::clone(&stop), Arc::clone(&finished)));
        Loading { stop, finished, scheduling: Some(scheduling), begin }
    }
}

impl Loading {
    /// How many requests have been answered, or have failed.
    pub fn finished(&self) -> usize {
        self.finished.count.load(Ordering::Relaxed)
    }

    /// Waits until `count` more requests are finished than now.
    pub fn await_more(&self, count: usize) {
        let until = self.finished() + count;
        crate::eventually("requests of the load to finish", || {
            let found = self.finished();
            if found >= until { Ok(()) } else { Err(format!("expected {until}, found {found}")) }
        });
    }

    /// Stops sending, waits for what is under way, and gives all of it.
    pub fn stop(mut self) -> Report {
        self.stop.store(true, Ordering::Relaxed);
        let scheduling = self.scheduling.take().expect("a load stops once");
        runtime().block_on(scheduling).expect("the load ends by itself");
        let mut records = std::mem::take(&mut *self.finished.records.lock().unwrap());
        records.sort_by_key(|record| record.due);
        Report { begin: self.begin, records }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Finished {
    fn note(&self, request: &Request, record: Record) {
        match &self.recorder {
            Some(recorder) => recorder.finished(request, &record),
            None => self.records.lock().unwrap().push(record),
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

async fn schedule(load: Load, pool: Arc<Pool>, begin: Instant, stop: Arc<AtomicBool>, finished: Arc<Finished>) {
    let requests = Arc::new(load.requests);
    let interval = Duration::from_secs(1) / load.per_second;
    let mut under_way = JoinSet::new();
    let mut due = begin;
    for place in (0..requests.len()).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        sleep_until(due.into()).await;
        let (requests, pool, finished) = (Arc::clone(&requests), Arc::clone(&pool), Arc::clone(&finished));
        under_way.spawn(async move {
            let record = pool.send(sendable(&requests[place]), place, due).await;
            finished.note(&requests[place], record);
        });
        while under_way.try_join_next().is_some() {}
        due += interval;
    }
    under_way.join_all().await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Full;
    use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tokio::{net::TcpListener, time::sleep};

    use super::*;

    const STALL: Duration = Duration::from_millis(400);

    /// Answers as an echo would, but only `STALL` after the first request.
    async fn stalling(listener: TcpListener) {
        let begin = Instant::now();
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |_: Request<Incoming>| async move {
                sleep(STALL.saturating_sub(begin.elapsed())).await;
                let seen = r#"{"upstream":"x","method":"GET","path":"/","host":null,"headers":[]}"#;
                Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(seen.as_bytes()))))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    #[test]
    fn a_stall_counts_for_every_request_that_was_due_in_it() {
        let (listener, address) = runtime().block_on(crate::echo::bind("127.0.0.1:0")).unwrap();
        runtime().spawn(stalling(listener));
        let load = Load::of(200).over(2).start(address);
        load.await_more(150);
        let report = load.stop();
        report.assert_none_failed(150);
        // 80 are due during the stall, two connections carry one each; a closed loop would count those two as slow.
        let slow = report.records.iter().filter(|record| record.finished - record.due > STALL / 4).count();
        assert!(slow >= 50, "found {slow} slow requests");
    }
}
