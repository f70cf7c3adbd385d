//! Where `serve` listens.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
};

use tokio::net::{TcpListener, TcpSocket};

use crate::failure::Failure;

/// So many connections may wait to be accepted, where the system allows it (`net.core.somaxconn`). All Envoys come back at once to a
/// control plane that was away, and whoever finds no place tries again a second later at the earliest.
const BACKLOG: u32 = 4_096;

/// Reads `ADDRESS:PORT` or `NAME:PORT`. Of a name's addresses it is an IPv4 one if there is any: it is what Envoys are
/// mostly told, and only one is listened on.
///
/// # Errors
/// What was found and what would be right.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |why: &str| format!("found no address ({why}), expected one such as 127.0.0.1:8460 or localhost:8460");
    let found: Vec<_> = text.to_socket_addrs().map_err(|why| wrong(&why.to_string()))?.collect();
    let preferred = found.iter().find(|address| address.is_ipv4()).or(found.first());
    preferred.copied().ok_or_else(|| wrong("the name has none"))
}

/// Listens.
///
/// # Errors
/// Why it cannot be done.
pub fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    listening(address).map_err(|why| {
        Failure::unable(match why.kind() {
            io::ErrorKind::AddrInUse => {
                let port = "expected a free one, or port 0 for any that is free";
                format!("--listen: found {address}, where another process listens already, {port}")
            }
            _ => format!("--listen {address}: {why}"),
        })
    })
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port that a control plane has just left has connections that are still closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_and_what_is_neither_name_nor_address_says_so() {
        assert!(address("localhost:8460").is_ok_and(|found| found.ip().is_loopback() && found.port() == 8460));
        assert_eq!(address("[::1]:0"), Ok("[::1]:0".parse().unwrap()));
        for text in ["localhost", "127.0.0.1", ":8460", "127.0.0.1:http", "127.0.0.1:99999", ""] {
            let said = address(text).unwrap_err();
            assert!(
                said.starts_with("found no address (") && said.contains(", expected one such as"),
                "{text}: {said}"
            );
        }
    }
}
