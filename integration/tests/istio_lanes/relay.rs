//! An application in the middle: asks another service for each request, and hands on the one header that it is told to.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

/// Handing on the header of a lane, and nothing else of what came.
const HANDED_ON: &str = "x-gray-variant";

/// An application that asks `host` behind an Envoy. It serves one request a connection, and ends with the process.
#[derive(Clone, Debug)]
pub struct Relay {
    address: SocketAddr,
    next: Arc<OnceLock<(SocketAddr, String)>>,
    seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl Relay {
    /// Starts one on a free port of loopback.
    ///
    /// # Panics
    /// Where there is none.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let relay = Self { address, next: Arc::default(), seen: Arc::default() };
        let serving = relay.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let relay = serving.clone();
                thread::spawn(move || drop(relay.serve(stream)));
            }
        });
        relay
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it ask `host` at `address`, from now on.
    pub fn ask(&self, address: SocketAddr, host: &str) {
        self.next.set((address, host.to_owned())).expect("it is told once");
    }

    /// The lane of each request that it saw since it was asked last.
    pub fn seen(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.seen.lock().expect("nobody panics with it"))
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let head = head(&mut stream)?;
        let lane = head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(HANDED_ON).then(|| value.trim().to_owned())
        });
        self.seen.lock().expect("nobody panics with it").push(lane.clone());
        let Some((address, host)) = self.next.get() else { return Ok(()) };
        let lane = lane.map(|lane| format!("{HANDED_ON}: {lane}\r\n")).unwrap_or_default();
        let mut next = TcpStream::connect(address)?;
        let target = head.split(' ').nth(1).unwrap_or("/");
        write!(next, "GET {target} HTTP/1.1\r\nhost: {host}\r\n{lane}connection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        next.read_to_end(&mut answer)?;
        stream.write_all(&answer)
    }
}

/// Everything up to the empty line.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
