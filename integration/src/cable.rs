//! The network between two processes, as a proxy of TCP that can be harmed: without privileges, and at a moment of
//! one's choice.

mod pump;

use std::{net::SocketAddr, num::NonZeroU32};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{background::runtime, echo};
use pump::pump;

/// A cable to a server. Dropping it resets every connection that goes through it.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    condition: watch::Sender<Condition>,
    _connections: JoinSet<()>,
}

/// What a cable does with what is sent through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Everything passes.
    Whole,
    /// Every connection is reset, those that are there and each new one.
    Cut,
    /// Connections are accepted and stay; nothing passes. What was sent meanwhile arrives once the cable is whole.
    BlackHole,
    /// So many bytes a second pass, in each direction of each connection.
    Slow(NonZeroU32),
}

impl Cable {
    /// A whole cable from a free port of loopback to `server`.
    pub fn to(server: SocketAddr) -> Self {
        let (listener, address) = runtime().block_on(echo::bind("127.0.0.1:0")).expect("a free port");
        let condition = watch::Sender::new(Condition::Whole);
        let mut connections = JoinSet::new();
        connections.spawn_on(accept(listener, server, condition.clone()), runtime().handle());
        Self { address, condition, _connections: connections }
    }

    /// Where to connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes its condition, for connections that are there as well.
    pub fn turn(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }

    /// Resets every connection, and each new one until it is mended.
    pub fn cut(&self) {
        self.turn(Condition::Cut);
    }

    /// Lets nothing pass until it is mended; nobody is told.
    pub fn swallow(&self) {
        self.turn(Condition::BlackHole);
    }

    /// Lets so many bytes a second pass.
    ///
    /// # Panics
    /// For 0: that is [`swallow`](Self::swallow).
    pub fn slow_down(&self, bytes_per_second: u32) {
        self.turn(Condition::Slow(NonZeroU32::new(bytes_per_second).expect("more than 0 bytes a second")));
    }

    /// Lets everything pass.
    pub fn mend(&self) {
        self.turn(Condition::Whole);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, condition: watch::Sender<Condition>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(connect(client, server, condition.subscribe()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, server: SocketAddr, mut condition: watch::Receiver<Condition>) {
    if *condition.borrow_and_update() == Condition::Cut {
        return reset(&client);
    }
    let Ok(server) = TcpStream::connect(server).await else { return reset(&client) };
    for stream in [&client, &server] {
        let _without_delay = stream.set_nodelay(true);
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (there, back) = (condition.clone(), condition.clone());
    let ended_well = tokio::select! {
        // One direction may end before the other, as HTTP/1.0 does.
        both = async {
            tokio::join!(
                pump(&mut from_client, &mut to_server, there),
                pump(&mut from_server, &mut to_client, back),
            )
        } => both.0 && both.1,
        _ = async { condition.wait_for(|condition| *condition == Condition::Cut).await.is_ok() } => false,
    };
    if !ended_well {
        for half in [to_client, to_server] {
            reset(half.as_ref());
            // Dropped otherwise, it would end the stream in order.
            half.forget();
        }
    }
}

/// Has the kernel send a reset instead of an end, once the stream is dropped.
fn reset(stream: &TcpStream) {
    let _already_gone = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, ErrorKind, Read, Write},
        time::{Duration, Instant},
    };

    use super::*;

    /// A server that sends back what comes.
    fn server() -> SocketAddr {
        let (listener, address) = runtime().block_on(echo::bind("127.0.0.1:0")).unwrap();
        runtime().spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    fn open(cable: &Cable) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(cable.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn back(stream: &mut std::net::TcpStream, bytes: usize) -> io::Result<Vec<u8>> {
        let mut found = vec![0; bytes];
        stream.read_exact(&mut found).map(|()| found)
    }

    #[test]
    fn a_cut_resets_and_a_mended_cable_passes_everything() {
        let cable = Cable::to(server());
        let mut stream = open(&cable);
        stream.write_all(b"before").unwrap();
        assert_eq!(back(&mut stream, 6).unwrap(), b"before");
        cable.cut();
        assert_eq!(back(&mut stream, 1).unwrap_err().kind(), ErrorKind::ConnectionReset);
        let mut late = open(&cable);
        assert!(back(&mut late, 1).is_err());
        cable.mend();
        let mut again = open(&cable);
        again.write_all(b"after").unwrap();
        assert_eq!(back(&mut again, 5).unwrap(), b"after");
    }

    #[test]
    fn what_is_swallowed_arrives_later() {
        let cable = Cable::to(server());
        let mut stream = open(&cable);
        cable.swallow();
        stream.write_all(b"kept").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let nothing = back(&mut stream, 1).unwrap_err().kind();
        assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&nothing), "found {nothing}");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        cable.mend();
        assert_eq!(back(&mut stream, 4).unwrap(), b"kept");
    }

    #[test]
    fn a_slow_cable_takes_its_time() {
        let cable = Cable::to(server());
        cable.slow_down(10_000);
        let mut stream = open(&cable);
        let begin = Instant::now();
        stream.write_all(&[7; 3_000]).unwrap();
        assert_eq!(back(&mut stream, 3_000).unwrap(), [7; 3_000]);
        assert!(begin.elapsed() >= Duration::from_millis(300), "found {:?}", begin.elapsed());
    }
}
