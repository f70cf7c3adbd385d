//! `graylane serve` as a process, and the few requests the tests send to it.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use graylane_rules::SNAPSHOT_FORMAT;
use serde_json::Value;

use crate::common::Scratch;

/// Nothing here takes nearly so long; what does is stuck.
const STUCK: Duration = Duration::from_secs(20);

/// A running server, killed with its test.
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    /// Serves `rules` of the scratch directory on a free port.
    pub fn start(scratch: &Scratch) -> Self {
        Self::with(scratch, &["--listen", "127.0.0.1:0"])
    }

    /// The same with these options, which must have it listen on a free port.
    pub fn with(scratch: &Scratch, options: &[&str]) -> Self {
        Self::of(&mut scratch.graylane(&[&["serve", "--rules", "rules"], options].concat()))
    }

    /// Serves a store in a file of the scratch directory, on a free port.
    pub fn store(scratch: &Scratch) -> Self {
        Self::of(&mut scratch.graylane(&["serve", "--store", "redb://store.redb", "--listen", "127.0.0.1:0"]))
    }

    /// What `command` serves.
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (scheme, address) = line.trim_end().split_once("://").expect("the first line of stdout");
        assert!(matches!(scheme, "listening on http" | "listening on https"), "{line}");
        Self { child, address: address.to_owned() }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// GET of a path, `~` for the namespace: status and body.
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        ask(&self.address, "GET", path, "")
    }

    /// POST to a path: status.
    pub fn post(&self, path: &str, body: &str) -> u16 {
        ask(&self.address, "POST", path, body).0
    }

    /// A request without a body, answered with JSON: status and body.
    pub fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let (status, body) = ask(&self.address, method, path, "");
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// POST of a body of another kind: status and the answer.
    pub fn upload(&self, path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        let (status, body) = ask_as(&self.address, "POST", path, content_type, body);
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// POST of JSON: status and the answer.
    pub fn send(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = ask(&self.address, "POST", path, &body.to_string());
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// GET of JSON.
    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub fn status(&self) -> Value {
        serde_json::from_slice(&self.get("~/status").1).unwrap()
    }

    /// Asks for the status until it is as wanted.
    pub fn eventually(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(start.elapsed() < STUCK, "not in time: {what}: {status:#}");
            std::thread::yield_now();
        }
    }

    /// Waits until `revision` (a number within the epoch) is published; gives its whole text.
    pub fn published(&self, number: u64) -> String {
        let end = format!(".{number}");
        let is = |status: &Value| status["revision"].as_str().is_some_and(|revision| revision.ends_with(&end));
        self.eventually("a revision", is)["revision"].as_str().unwrap().to_owned()
    }

    /// A long poll for something newer than `after`, which waits when this returns; joining gives the answer and when it came.
    pub fn long_poll(&self, after: &str) -> JoinHandle<(u16, Vec<u8>, Instant)> {
        let (address, path) =
            (self.address.clone(), format!("~/snapshot?after={after}&formats={SNAPSHOT_FORMAT}&wait=60s"));
        let poll = std::thread::spawn(move || {
            let (status, body) = ask(&address, "GET", &path, "");
            (status, body, Instant::now())
        });
        self.eventually("a waiting poll", |status| status["waiting"] == 1);
        poll
    }

    /// Sends a signal: `-HUP`.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// Sends SIGTERM and waits for the end: how it ended, and what stood on stderr.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        self.signal("-TERM");
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
    ask_as(address, method, path, "application/json", body.as_bytes())
}

fn ask_as(address: &str, method: &str, path: &str, content_type: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let path = path.replace('~', "/v1/namespaces/default");
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(STUCK)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {length}"
    );
    write!(connection, "{head}\r\n\r\n").unwrap();
    connection.write_all(body).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an end of the head");
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer[end.saturating_add(4)..].to_vec())
}
