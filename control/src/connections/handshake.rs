//! Handshakes: with what is in use when they begin, and in words where they fail.

use std::io;

use rustls::{Error, InvalidMessage, server::Acceptor};
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::talk::Ends;
use crate::access::tls::{Tls, is_about_certificate};

/// Shakes hands.
///
/// # Errors
/// Where it does not come to that.
pub async fn shake(stream: TcpStream, tls: &Tls, ends: &mut Ends) -> io::Result<TlsStream<TcpStream>> {
    // Who connects may wait before he says hello, and other authorities may hold by then.
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    // In this order: what is replaced in between ends the connection, though it goes by it already.
    ends.begin();
    hello.into_stream(tls.configuration()).await
}

/// Why there was no handshake: `found …, expected …`.
pub fn words(why: &io::Error) -> String {
    match why.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "found no TLS, perhaps http://, expected https://".to_owned()
        }
        Some(Error::AlertReceived(alert)) if is_about_certificate(*alert) => {
            let expected = "one of an authority that it trusts, with the name that it asks for";
            format!("found that the client does not take the certificate that is shown ({why}), expected {expected}")
        }
        _ => format!("found no handshake ({why}), expected TLS 1.3, and no certificate but one by --client-ca"),
    }
}
