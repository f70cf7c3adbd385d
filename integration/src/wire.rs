//! HTTP/1.1 byte for byte: what a client library would correct or refuse must be sendable.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::Seen;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most headers an answer may have.
const HEADERS: usize = 200;

/// A request, not checked for anything.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: Vec<u8>,
    host: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Request {
    /// A GET of `target`, for the host `shop.example.com`.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A `method` of `target`, for the host `shop.example.com`.
    pub fn new(method: &str, target: &str) -> Self {
        let host = Some(b"shop.example.com".to_vec());
        Self { method: method.to_owned(), target: target.as_bytes().to_vec(), host, headers: Vec::new() }
    }

    /// The same for another path and query.
    #[must_use]
    pub fn with_target(self, target: &str) -> Self {
        Self { target: target.as_bytes().to_vec(), ..self }
    }

    /// The same for another host.
    #[must_use]
    pub fn host(self, host: impl AsRef<[u8]>) -> Self {
        Self { host: Some(host.as_ref().to_vec()), ..self }
    }

    /// The same without any host.
    #[must_use]
    pub fn without_host(self) -> Self {
        Self { host: None, ..self }
    }

    /// The same with a header more, after those it has.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// The method.
    pub fn method(&self) -> &[u8] {
        self.method.as_bytes()
    }

    /// Path and query.
    pub fn target(&self) -> &[u8] {
        &self.target
    }

    /// The host.
    pub fn authority(&self) -> Option<&[u8]> {
        self.host.as_deref()
    }

    /// Its headers but for the host, as they are written.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// The command that sends the same to `address` with curl.
    pub fn curl(&self, address: SocketAddr) -> String {
        // curl says the address as the host by itself.
        let said = address.to_string().into_bytes();
        let host = self.host.iter().filter(|host| **host != said).map(|host| (&b"host"[..], host.as_slice()));
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        let headers =
            host.chain(headers).map(|(name, value)| format!(" -H {}", quoted(&[name, b": ", value].concat())));
        let method = if self.method == "GET" { String::new() } else { format!(" -X {}", self.method) };
        let url = [format!("http://{address}").as_bytes(), &self.target].concat();
        format!("curl -s{method}{} {}", headers.collect::<String>(), quoted(&url))
    }

    /// The bytes to send.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        let host = self.host.iter().map(|host| (&b"host"[..], host.as_slice()));
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        for (name, value) in host.chain(headers) {
            bytes.extend([name, b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of the header `name` as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_slice())?;
        std::str::from_utf8(value).ok()
    }

    /// Every value of the header `name`, in order; what is no text comes out altered.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value);
        values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// What the upstream says it saw.
    ///
    /// # Panics
    /// Where the answer is not 200 or not an echo's.
    pub fn seen(&self) -> Seen {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).expect("an answer of an echo")
    }
}

/// A connection over which bytes go as they are.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// Where nothing listens.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Sends `bytes`.
    ///
    /// # Errors
    /// Where the other side closed.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits for the first bytes of an answer, which are kept for it.
    ///
    /// # Errors
    /// Where the connection ends or times out before.
    pub fn await_bytes(&mut self) -> io::Result<()> {
        while self.unread.is_empty() {
            self.more()?;
        }
        Ok(())
    }

    /// Reads one answer; bytes behind it are kept for the next.
    ///
    /// # Errors
    /// Where the connection ends or times out before, or what came is not HTTP/1.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let (mut answer, length) = loop {
            match head(&self.unread)? {
                Some(found) => break found,
                None => self.more()?,
            }
        };
        self.unread.drain(..length);
        answer.body = self.body(&answer)?;
        Ok(answer)
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// As [`write`](Self::write) and [`answer`](Self::answer).
    pub fn exchange(&mut self, request: &Request) -> io::Result<Answer> {
        self.write(&request.bytes())?;
        self.answer()
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        if answer.header("transfer-encoding") == Some("chunked") {
            return self.chunks();
        }
        // Without a length nothing follows: the harness asks no server that answers until it closes.
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.take(length)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, length) = loop {
                match httparse::parse_chunk_size(&self.unread).map_err(|_| malformed("a chunk size"))? {
                    httparse::Status::Complete(found) => break found,
                    httparse::Status::Partial => self.more()?,
                }
            };
            self.unread.drain(..start);
            let length = usize::try_from(length).map_err(|_| malformed("a chunk size"))?;
            body.extend(self.take(length)?);
            self.take(b"\r\n".len())?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length {
            self.more()?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.unread.extend_from_slice(&bytes[..read]);
                Ok(())
            }
        }
    }
}

/// One word of a bash command line.
fn quoted(word: &[u8]) -> String {
    match std::str::from_utf8(word) {
        Ok(text) => format!("'{}'", text.replace('\'', r"'\''")),
        Err(_) => format!("$'{}'", word.escape_ascii()),
    }
}

fn head(bytes: &[u8]) -> io::Result<Option<(Answer, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(why) => return Err(malformed(&why.to_string())),
    };
    let headers = response.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()));
    let status = response.code.unwrap_or(0);
    Ok(Some((Answer { status, headers: headers.collect(), body: Vec::new() }, length)))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("found no HTTP/1 answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_line_says_the_same() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let request = Request::new("POST", "/?it's").header("x-name", b"caf\xe9");
        let line = r"curl -s -X POST -H 'host: shop.example.com' -H $'x-name: caf\xe9' 'http://127.0.0.1:80/?it'\''s'";
        assert_eq!(request.curl(address), line);
        assert_eq!(Request::get("/").host("127.0.0.1:80").curl(address), "curl -s 'http://127.0.0.1:80/'");
    }
}
