//! A connection with one request under way at most.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::{AsRawFd, RawFd},
    time::{Duration, Instant},
};

use super::Answer;

/// After this, a request counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most headers an answer may have.
const HEADERS: usize = 64;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) lane: usize,
    pub(super) worker: usize,
    /// Its number within the lane.
    pub(super) number: usize,
    stream: TcpStream,
    /// What has come of the answer that is awaited.
    answer: Vec<u8>,
    under_way: Option<UnderWay>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    pub(super) due: Instant,
    pub(super) sent: Instant,
}

impl Connection {
    pub(super) fn new(lane: usize, worker: usize, number: usize, stream: TcpStream) -> Self {
        stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).expect("a socket takes its options");
        Self { lane, worker, number, stream, answer: Vec::with_capacity(4096), under_way: None }
    }

    /// What to wait for, while an answer is awaited.
    pub(super) fn awaited(&self) -> Option<RawFd> {
        self.under_way.map(|_| self.stream.as_raw_fd())
    }

    /// Whether the answer under way has been awaited for too long.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.under_way.is_some_and(|under_way| now.saturating_duration_since(under_way.sent) >= PATIENCE)
    }

    /// Sends `request`, which was due at `due`.
    pub(super) fn ask(&mut self, request: &[u8], due: Instant) -> Result<(), String> {
        self.under_way = Some(UnderWay { due, sent: Instant::now() });
        self.stream.write_all(request).map_err(|why| format!("the request cannot be sent: {why}"))
    }

    /// What became of the request under way, once that is known.
    pub(super) fn answered(&mut self) -> Option<(UnderWay, Result<Answer, String>)> {
        let under_way = self.under_way?;
        let outcome = match self.read() {
            Ok(None) if under_way.sent.elapsed() < PATIENCE => return None,
            Ok(None) => Err(format!("no answer within {PATIENCE:?}")),
            Ok(Some(answer)) => Ok(answer),
            Err(why) => Err(why),
        };
        self.under_way = None;
        self.answer.clear();
        Some((under_way, outcome))
    }

    fn read(&mut self) -> Result<Option<Answer>, String> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err("the connection ended before the answer".to_owned()),
            Ok(read) => self.answer.extend_from_slice(&bytes[..read]),
            Err(why) if why.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(why) => return Err(format!("the connection broke: {why}")),
        }
        parse(&self.answer)
    }
}

/// The answer in `bytes`; none while it is incomplete.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(bytes).map_err(|why| format!("found no HTTP/1 answer: {why}"))?;
    let httparse::Status::Complete(start) = status else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or("found an answer without a length")?;
    let Some(body) = bytes[start..].get(..length) else { return Ok(None) };
    match response.code {
        Some(200) => Answer::read(body).map(Some),
        code => Err(format!("status {} {:?}", code.unwrap_or(0), String::from_utf8_lossy(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let body =
            r#"{"upstream":"canary","method":"GET","path":"/","host":null,"headers":[["x-feature-flags","n=7"]]}"#;
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        for end in 0..whole.len() {
            assert_eq!(parse(&whole.as_bytes()[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(parse(whole.as_bytes()), Ok(Some(Answer { upstream: "canary".to_owned(), number: Some(7) })));
    }

    #[test]
    fn whatever_is_no_answer_of_an_echo_is_a_failure() {
        for bad in [
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 200 OK\r\n\r\n",
            "SSH-2.0\r\n",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
