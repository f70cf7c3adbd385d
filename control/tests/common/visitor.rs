//! Whoever asks a control plane that encrypts and wants to know who it is.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use serde_json::Value;

use crate::certificates::{Authority, Identity};

/// Nothing here takes nearly so long; what does is stuck.
const STUCK: Duration = Duration::from_secs(20);

/// How to ask.
#[derive(Clone)]
pub struct Visitor {
    address: String,
    /// In PEM; None: without encryption.
    authority: Option<String>,
    identity: Option<Identity>,
    token: Option<String>,
    version: &'static SupportedProtocolVersion,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// An open connection.
pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

impl Visitor {
    /// Asks without encryption.
    pub fn plain(address: &str) -> Self {
        Self { address: address.to_owned(), authority: None, identity: None, token: None, version: &TLS13 }
    }

    /// Believes whom `authority` certified as localhost.
    pub fn trusting(address: &str, authority: &Authority) -> Self {
        Self { authority: Some(authority.pem().to_owned()), ..Self::plain(address) }
    }

    /// The same with this token.
    pub fn token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same with this certificate.
    pub fn identity(&self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self.clone() }
    }

    /// The same that knows nothing newer than TLS 1.2.
    pub fn old(&self) -> Self {
        Self { version: &TLS12, ..self.clone() }
    }

    /// A connection, after its handshake.
    pub fn open(&self) -> Result<Box<dyn Stream>, String> {
        self.open_on(TcpStream::connect(&self.address).map_err(|why| why.to_string())?)
    }

    /// The same on `tcp`, which is open and on which nothing was said.
    pub fn open_on(&self, mut tcp: TcpStream) -> Result<Box<dyn Stream>, String> {
        let told = |why: std::io::Error| why.to_string();
        tcp.set_read_timeout(Some(STUCK)).map_err(told)?;
        let Some(authority) = &self.authority else { return Ok(Box::new(tcp)) };
        let mut connection =
            ClientConnection::new(self.configuration(authority), "localhost".try_into().unwrap()).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp).map_err(told)?;
        }
        Ok(Box::new(StreamOwned::new(connection, tcp)))
    }

    fn configuration(&self, authority: &str) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[self.version]).unwrap().with_root_certificates(roots);
        Arc::new(match &self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        })
    }

    /// The head of a request for `path`, `~` for the namespace.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        let path = path.replace('~', "/v1/namespaces/default");
        let token = self.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: control\r\n{token}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }

    /// Asks on a connection of its own.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Result<Reply, String> {
        self.ask_on(self.open()?, method, path, body)
    }

    /// Asks on this one.
    pub fn ask_on(&self, mut stream: Box<dyn Stream>, method: &str, path: &str, body: &str) -> Result<Reply, String> {
        stream.write_all(self.request(method, path, body).as_bytes()).map_err(|why| why.to_string())?;
        read(&mut stream)
    }

    /// GET of a path.
    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "").unwrap()
    }

    /// The status of the namespace.
    pub fn status(&self) -> Value {
        self.get("~/status").json()
    }

    /// Asks for the status until it is as wanted.
    pub fn eventually(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = std::time::Instant::now();
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(start.elapsed() < STUCK, "not in time: {what}: {status:#}");
            // No more often than callers may ask.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {} {}", self.head, self.text()))
    }
}

/// Reads one answer, whose length its head tells.
pub fn read(stream: &mut impl Read) -> Result<Reply, String> {
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(0) => return Err(format!("found an end after {:?}", String::from_utf8_lossy(&answer))),
            Ok(_) => answer.push(byte[0]),
            Err(why) => return Err(why.to_string()),
        }
    }
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).map_err(|why| why.to_string())?;
    Ok(Reply { status: head[9..12].parse().unwrap(), head, body })
}
