//! The load: a few keep-alive connections, each with one request under way at any time.
//!
//! One thread asks its sockets over and over and never sleeps: waking it would be Envoy's work, and is dear where
//! the cores are virtual.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::{
    contestants::{Contestant, Expects},
    statistics::Random,
};
use crate::{Request, workload::Workload};

/// Enough to keep the worker busy while answers are read.
const CONNECTIONS: usize = 8;
/// Users have eight digits.
const USERS: u64 = 100_000_000;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often each answer came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    stable: usize,
    canary: usize,
    undecided: usize,
}

impl Tally {
    /// Checks that `contestant` did its work for all of `requests`.
    ///
    /// # Panics
    /// Where answers came by a route it cannot have chosen, or a split is far from even.
    pub fn check(&self, contestant: &Contestant, requests: usize) {
        let name = contestant.label();
        let even = requests / 5 * 2..=requests / 5 * 3 + 5;
        let right = match contestant.expects {
            Expects::Undecided => self.undecided == requests,
            Expects::Target => self.canary == requests,
            Expects::Halves(_) => self.undecided == 0 && even.contains(&self.stable),
        };
        assert!(right, "{name}: found {self:?} of {requests} requests, expected {:?}", contestant.expects);
    }

    fn answered(&self) -> usize {
        self.stable + self.canary + self.undecided
    }

    fn count(&mut self, body: &[u8]) {
        match body {
            b"stable" => self.stable += 1,
            b"canary" => self.canary += 1,
            b"undecided" => self.undecided += 1,
            _ => panic!("found the answer {:?}, expected a variant", String::from_utf8_lossy(body)),
        }
    }
}

/// The connections to one Envoy.
pub struct Load(Vec<Connection>);

impl Load {
    /// Connects.
    ///
    /// # Panics
    /// Where nothing listens.
    pub fn open(address: SocketAddr) -> Self {
        Self((0..CONNECTIONS).map(|_| Connection::open(address)).collect())
    }

    /// Sends `requests` requests of users drawn by `seed`, and counts all their answers.
    ///
    /// # Panics
    /// Where an answer is no variant or does not come.
    pub fn send(&mut self, requests: usize, seed: u64, tally: &mut Tally) {
        let mut random = Random::new(seed);
        let mut users = std::iter::repeat_with(|| random.below(USERS)).take(requests);
        let expected = tally.answered() + requests;
        for (connection, user) in self.0.iter_mut().zip(&mut users) {
            connection.ask(user);
        }
        while tally.answered() < expected {
            for connection in self.0.iter_mut().filter(|connection| connection.waiting) {
                let Some(body) = connection.answer() else { continue };
                tally.count(body);
                if let Some(user) = users.next() {
                    connection.ask(user);
                }
            }
        }
    }
}

/// A connection that carries one request at a time.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: [u8; 4096],
    filled: usize,
    asked: Instant,
    waiting: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// Where nothing listens.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("Envoy listens");
        stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).expect("a socket takes its options");
        Self { stream, request: request(0), buffer: [0; 4096], filled: 0, asked: Instant::now(), waiting: false }
    }

    /// Sends a request of `user`, whose digits are the last thing in it.
    fn ask(&mut self, user: u64) {
        let at = self.request.len() - "00000000\r\n\r\n".len();
        write!(&mut self.request[at..], "{user:08}").expect("a user has eight digits");
        self.stream.write_all(&self.request).expect("an idle connection takes a request");
        self.asked();
    }

    fn asked(&mut self) {
        (self.filled, self.asked, self.waiting) = (0, Instant::now(), true);
    }

    /// The body of the answer, if all of it is here.
    fn answer(&mut self) -> Option<&[u8]> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => panic!("found the connection closed, expected an answer"),
            Ok(read) => self.filled += read,
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                assert!(self.asked.elapsed() < PATIENCE, "found no answer within {PATIENCE:?}");
                return None;
            }
            Err(why) => panic!("found {why}, expected an answer"),
        }
        let body = body(&self.buffer[..self.filled]);
        self.waiting = body.is_none();
        body
    }

    /// Sends `request` and waits for the body of the answer.
    ///
    /// # Panics
    /// Where none comes.
    pub fn exchange(&mut self, request: &[u8]) -> String {
        self.stream.write_all(request).expect("an idle connection takes a request");
        self.asked();
        loop {
            if let Some(body) = self.answer() {
                return String::from_utf8_lossy(body).into_owned();
            }
        }
    }
}

/// The body of an answer; none while it is incomplete.
fn body(answer: &[u8]) -> Option<&[u8]> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(answer).expect("HTTP/1.1") else { return None };
    assert_eq!(response.code, Some(200), "{}", String::from_utf8_lossy(answer));
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let body = answer.get(start..)?;
    (body.len() >= length.expect("a direct response has a length")).then_some(body)
}

/// A request of `user`, whose eight digits are the last thing in it, as a browser behind a login sends it through a proxy that
/// adds what rules ask for, with eleven headers. Of workload W it matches the target alone.
pub fn request(user: u64) -> Vec<u8> {
    let plain = Request::get("/checkout/cart?step=2&currency=EUR")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
        .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .header("accept-language", "en-GB,en;q=0.8,de;q=0.5")
        .header("accept-encoding", "gzip, deflate, br")
        .header("cookie", "session=6f1ed002ab5595859014ebf0951522d9; theme=dark");
    Workload::request(plain).header("x-user-id", format!("user-{user:08}")).bytes()
}
