//! Ports: those that `envoy.yaml` names, and what stands there instead.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Where ports are looked for that stay free: below those that the kernel gives to outgoing connections (from 32768 on),
/// any of which may turn out to be the very port that a server has just left.
const KEPT: std::ops::Range<u16> = 20_000..32_000;

/// The ports that `envoy.yaml` names, and what stands there instead.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Instead of 10000, where clients connect.
    pub listener: u16,
    /// Instead of 9901.
    pub admin: u16,
    /// Instead of 8081.
    pub stable: u16,
    /// Instead of 8082.
    pub canary: u16,
    /// Instead of 8460.
    pub control: u16,
}

impl Ports {
    /// The ones that `envoy.yaml` names.
    pub const SHIPPED: Self = Self { listener: 10000, admin: 9901, stable: 8081, canary: 8082, control: 8460 };

    /// Free ports for Envoy itself, and the given ones for the rest.
    pub fn free(stable: SocketAddr, canary: SocketAddr, control: SocketAddr) -> Self {
        Self { listener: 0, admin: 0, stable: stable.port(), canary: canary.port(), control: control.port() }
    }

    /// The same with ports for Envoy itself that nobody takes while it is down.
    #[must_use]
    pub fn kept(self) -> Self {
        Self { listener: kept_port(), admin: kept_port(), ..self }
    }

    /// The first of these ports of loopback on which nobody can listen, and why.
    pub fn refused(&self) -> Option<(u16, io::Error)> {
        let Self { listener, admin, stable, canary, control } = *self;
        let refused = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err().map(|why| (port, why));
        [control, listener, admin, stable, canary].into_iter().find_map(refused)
    }

    /// `configuration` with these ports.
    ///
    /// # Panics
    /// Where a port is not named exactly once: the tests would run another configuration than the one people copy.
    pub fn render(&self, configuration: &str) -> String {
        let shipped = Self::SHIPPED;
        let replaced = [
            (shipped.listener, self.listener),
            (shipped.admin, self.admin),
            (shipped.stable, self.stable),
            (shipped.canary, self.canary),
            (shipped.control, self.control),
        ];
        replaced
            .iter()
            .fold(configuration.to_owned(), |text, (shipped, port)| replace(&text, &shipped.to_string(), *port))
    }
}

/// A port of loopback that is free, and that no outgoing connection will take.
///
/// # Panics
/// Where there is none.
pub fn kept_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes begin at different places, so that two of them seldom look at the same port at once.
    let begin = std::process::id().wrapping_mul(97);
    let count = u32::from(KEPT.end - KEPT.start);
    for _ in 0..count {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = KEPT.start + u16::try_from(begin.wrapping_add(step) % count).expect("less than a port's range");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("found no free port in {KEPT:?}")
}

fn replace(text: &str, shipped: &str, port: u16) -> String {
    let named = |line: &str| {
        let value = line.split_once("port_value:").map(|(_, value)| value.trim_start());
        value.is_some_and(|value| {
            value.starts_with(shipped) && !value[shipped.len()..].starts_with(|next: char| next.is_ascii_digit())
        })
    };
    let found = text.lines().filter(|line| named(line)).count();
    assert_eq!(found, 1, "found `port_value: {shipped}` on {found} lines of envoy.yaml, expected it on one");
    let lines = text.lines().map(|line| match line.split_once("port_value:") {
        Some((before, after)) if named(line) => {
            format!("{before}port_value:{}", after.replacen(shipped, &port.to_string(), 1))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = Ports { listener: 0, admin: 0, stable: 0, canary: port, control: 0 };
        let (refused, why) = ports.refused().unwrap();
        assert_eq!((refused, why.kind()), (port, io::ErrorKind::AddrInUse));
        assert!(Ports { canary: 0, ..ports }.refused().is_none());
    }

    #[test]
    fn a_port_is_replaced_in_its_one_place_only() {
        let text = "address: {socket_address: {address: 127.0.0.1, port_value: 8081}} # 8081\nport_value: 80812";
        let expected = "address: {socket_address: {address: 127.0.0.1, port_value: 7}} # 8081\nport_value: 80812";
        assert_eq!(replace(text, "8081", 7), expected);
    }

    #[test]
    #[should_panic(expected = "on 2 lines")]
    fn a_port_that_is_named_twice_is_no_longer_understood() {
        replace("port_value: 9901\nport_value: 9901", "9901", 0);
    }

    #[test]
    fn kept_ports_differ_and_are_no_outgoing_ones() {
        let ports = [kept_port(), kept_port(), kept_port()];
        assert!(ports.iter().all(|port| KEPT.contains(port)), "{ports:?}");
        assert!(ports[0] != ports[1] && ports[1] != ports[2], "{ports:?}");
    }
}
