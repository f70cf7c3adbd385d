//! Connections: taken, encrypted where that is asked for, bounded in number and in time, and ended without losing an answer.

mod admission;
mod handshake;
mod paced;
pub mod talk;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    access::{Peer, Refusal, tls::Tls},
    metrics::Refusals,
};
pub use admission::{Admission, Admitted, Limits};
use talk::{Ends, Talk};

/// The longest a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// So long nothing is accepted where the system cannot.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What connections go by.
pub struct Connections {
    /// None: nothing is encrypted.
    pub tls: Option<Tls>,
    /// Who may connect.
    pub admission: Arc<Admission>,
    /// Where refusals are counted.
    pub refusals: Refusals,
    /// Told when keys or callers are others than before: what was opened under the old ones ends.
    pub renewed: watch::Sender<()>,
}

/// Serves `app` on `listener` until `end`, then until every connection is over. A request that is under way is answered.
pub async fn serve(listener: TcpListener, app: Router, connections: Arc<Connections>, end: impl Future<Output = ()>) {
    let mut end = pin!(end);
    let (ending, _) = watch::channel(false);
    loop {
        let (stream, address) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut end => break,
        };
        let Some(admitted) = connections.admission.admit(address.ip()) else { continue };
        let ends = Ends::new(ending.subscribe(), connections.renewed.subscribe());
        tokio::spawn(open(stream, address, admitted, app.clone(), Arc::clone(&connections), ends));
    }
    drop(listener);
    ending.send_replace(true);
    ending.closed().await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The connection's own fault: the next one may be better.
            Err(why) if is_of_connection(why.kind()) => {}
            // Too many files are open, above all: one will be closed.
            Err(why) => {
                tracing::error!("no connection can be accepted: {why}");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

fn is_of_connection(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(kind, ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Has a connection encrypted, where that is asked for, and talks on it.
async fn open(
    stream: TcpStream,
    address: SocketAddr,
    admitted: Admitted,
    app: Router,
    connections: Arc<Connections>,
    mut ends: Ends,
) {
    // An answer is one small write: waiting to fill a packet would cost a revision 40 ms on its way.
    let _ = stream.set_nodelay(true);
    let address = address.ip().to_canonical();
    let Admitted { place: _place, refused } = admitted;
    if let Some(refusal) = &refused {
        connections.refusals.count(refusal.label());
    }
    let app = match refused {
        Some(refusal) => refusing(refusal),
        None => app,
    };
    let refusals = connections.refusals.clone();
    let talk = |peer| Talk { app, peer, refusals };
    // What talks is boxed, since it lives long: without encryption there is to be no room for what encrypts, nor for handshakes.
    let Some(tls) = &connections.tls else {
        return Box::pin(talk(Peer { address, names: None }).on(stream, ends)).await;
    };
    let mut serving = ends.serving.clone();
    // A handshake is boxed, since it is over soon.
    let shaking = timeout(HANDSHAKE, Box::pin(handshake::shake(stream, tls, &mut ends)));
    let shaken = tokio::select! {
        shaken = shaking => shaken,
        _ = serving.wait_for(|ends| *ends) => return,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let names = crate::access::tls::names(stream.get_ref().1);
            Box::pin(talk(Peer { address, names }).on(stream, ends)).await;
        }
        // Nobody was there: somebody looked whether the port is open.
        Ok(Err(why)) if why.kind() == io::ErrorKind::UnexpectedEof => connections.refusals.count("handshake"),
        Ok(Err(why)) => {
            connections.refusals.count("handshake");
            connections.refusals.note(address, &handshake::words(&why), Instant::now());
        }
        Err(_) => connections.refusals.count("slow-handshake"),
    }
}

/// Answers every request with `refusal`.
fn refusing(refusal: Refusal) -> Router {
    let close = [(axum::http::header::CONNECTION, "close")];
    Router::new().fallback(move || std::future::ready((close, refusal.clone())))
}
