//! The thread that sends and receives.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{
    Answer, Lane, Newest, Pace, Record, State,
    connection::{Connection, UnderWay},
};

/// The longest sleep: so soon a new pace is noticed.
const NAP: Duration = Duration::from_millis(1);

pub(super) struct Driver {
    state: Arc<Mutex<State>>,
    /// One for each lane.
    requests: Vec<Vec<u8>>,
    /// Those that live.
    connections: Vec<Option<Connection>>,
    /// For each lane and worker, the connections that can take a request, the longest idle one first.
    free: Vec<Vec<VecDeque<usize>>>,
    pace: Pace,
    /// When the next request of each worker is due.
    due: Vec<Instant>,
}

impl Driver {
    pub(super) fn new(lanes: Vec<Lane>, state: Arc<Mutex<State>>) -> Self {
        let requests = lanes.iter().map(|lane| lane.request.bytes()).collect();
        let mut driver = Self { state, requests, connections: vec![], free: vec![], pace: Pace::Idle, due: Vec::new() };
        for (lane, opened) in lanes.into_iter().enumerate() {
            driver.free.push(vec![VecDeque::new(); opened.workers.len()]);
            let streams = opened.workers.into_iter().enumerate();
            let streams = streams.flat_map(|(worker, streams)| streams.into_iter().map(move |stream| (worker, stream)));
            for (number, (worker, stream)) in streams.enumerate() {
                driver.free[lane][worker].push_back(driver.connections.len());
                driver.connections.push(Some(Connection::new(lane, worker, number, stream)));
            }
        }
        driver
    }

    pub(super) fn run(mut self) {
        wake_punctually();
        loop {
            let (pace, ended) = {
                let state = self.state.lock().unwrap();
                (state.pace, state.ended)
            };
            if ended {
                return;
            }
            self.adopt(pace);
            let next = self.send();
            let ready = self.wait(next);
            self.receive(&ready);
        }
    }

    /// Whatever was due by the pace before is forgotten.
    fn adopt(&mut self, pace: Pace) {
        if pace == self.pace {
            return;
        }
        self.pace = pace;
        if let Pace::Open { lane, per_second } = pace {
            let begin = Instant::now();
            let workers = self.free[lane].len();
            self.due = (0..workers).map(|worker| begin + Duration::from_secs_f64(worker as f64 / per_second)).collect();
        }
    }

    /// Sends what is due, as far as connections are free; gives when more will be.
    fn send(&mut self) -> Option<Instant> {
        match self.pace {
            Pace::Idle => None,
            Pace::Closed { lane } => {
                let free: Vec<_> = self.free[lane].iter_mut().flat_map(|free| free.drain(..)).collect();
                free.into_iter().for_each(|at| self.ask(at, Instant::now()));
                None
            }
            Pace::Open { lane, per_second } => {
                let workers = self.free[lane].len();
                let interval = Duration::from_secs_f64(workers as f64 / per_second);
                (0..workers).filter_map(|worker| self.send_due(lane, worker, interval)).min()
            }
        }
    }

    fn send_due(&mut self, lane: usize, worker: usize, interval: Duration) -> Option<Instant> {
        while self.due[worker] <= Instant::now() {
            // None: what is due waits for the next answer, and its latency counts from now.
            let at = self.free[lane][worker].pop_front()?;
            self.ask(at, self.due[worker]);
            self.due[worker] += interval;
        }
        Some(self.due[worker])
    }

    fn ask(&mut self, at: usize, due: Instant) {
        let connection = self.connections[at].as_mut().expect("a free connection lives");
        if let Err(why) = connection.ask(&self.requests[connection.lane], due) {
            let sent = Instant::now();
            self.finish(at, UnderWay { due, sent }, Err(why));
        }
    }

    /// Waits until an answer comes or `next` is there; gives the connections on which something came.
    fn wait(&self, next: Option<Instant>) -> Vec<usize> {
        let timeout = next.map_or(NAP, |next| next.saturating_duration_since(Instant::now()).min(NAP));
        let timeout = libc::timespec { tv_sec: 0, tv_nsec: i64::from(timeout.subsec_nanos()) };
        let awaited = self.connections.iter().enumerate();
        let awaited = awaited.filter_map(|(at, connection)| Some((at, connection.as_ref()?.awaited()?)));
        let (numbers, mut awaited): (Vec<_>, Vec<_>) =
            awaited.map(|(at, fd)| (at, libc::pollfd { fd, events: libc::POLLIN, revents: 0 })).unzip();
        // SAFETY: the kernel reads and writes as many entries as the list has, and reads one timespec.
        let status =
            unsafe { libc::ppoll(awaited.as_mut_ptr(), awaited.len() as u64, &raw const timeout, std::ptr::null()) };
        assert!(status >= 0, "waiting for answers: {}", std::io::Error::last_os_error());
        let ready = numbers.into_iter().zip(awaited).filter(|(_, awaited)| awaited.revents != 0);
        ready.map(|(at, _)| at).collect()
    }

    fn receive(&mut self, ready: &[usize]) {
        let now = Instant::now();
        let overdue = |connection: &Connection| connection.is_overdue(now);
        let overdue = (0..self.connections.len()).filter(|&at| self.connections[at].as_ref().is_some_and(overdue));
        let overdue: Vec<_> = overdue.collect();
        for &at in ready.iter().chain(&overdue) {
            let Some(connection) = &mut self.connections[at] else { continue };
            if let Some((under_way, outcome)) = connection.answered() {
                self.finish(at, under_way, outcome);
            }
        }
    }

    /// Keeps what became of a request. A connection that failed is not used again.
    fn finish(&mut self, at: usize, under_way: UnderWay, outcome: Result<Answer, String>) {
        let Some(Connection { lane, worker, number, .. }) = self.connections[at] else { return };
        let mut state = self.state.lock().unwrap();
        state.finished += 1;
        if let Ok(answer) = &outcome {
            state.newest[lane][number] = Newest::Answer(answer.number);
            self.free[lane][worker].push_back(at);
        } else {
            state.newest[lane][number] = Newest::Failure;
            self.connections[at] = None;
        }
        let UnderWay { due, sent } = under_way;
        state.records.push(Record { lane, worker, connection: number, due, sent, finished: Instant::now(), outcome });
    }
}

/// Has the kernel wake this thread to the microsecond, not to the 50 of its default.
fn wake_punctually() {
    // SAFETY: this option takes a number of nanoseconds and touches no memory.
    let status = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    assert_eq!(status, 0, "the slack of a thread's timers: {}", std::io::Error::last_os_error());
}
