//! What tests do to a VM from outside. Not in what is shipped: whoever can send a request could end a worker's VM.
//!
//! | `x-graylane-test` | what happens |
//! |---|---|
//! | `trap` | the VM ends, as by a panic |
//! | `stall=<ms>` | it stays busy for so many milliseconds, 60,000 at most |
//! | `fetcher-trap`, `fetcher-stall=<ms>` | the same happens to whoever reads the inbox |

use std::time::Duration;

use graylane_rules::Attributes;

use crate::{host, message::INBOX};

const HEADER: &[u8] = b"x-graylane-test";

/// How long a VM is kept busy at most.
const STALL_LIMIT: u64 = 60_000;

/// Obeys the header of a request.
pub fn obey_request(request: &impl Attributes) {
    for order in request.headers(HEADER) {
        match order.strip_prefix(b"fetcher-") {
            Some(order) => tell_fetcher(order),
            None => perform(order),
        }
    }
}

/// Obeys a message of the inbox, if it is an order.
pub fn obey(message: &[u8]) {
    if let Some(order) = message.strip_prefix(b"!") {
        perform(order);
    }
}

fn tell_fetcher(order: &[u8]) {
    if let Ok(inbox) = host::resolve_queue(INBOX) {
        let _ = host::enqueue(inbox, &[b"!", order].concat());
    }
}

fn perform(order: &[u8]) {
    if order == b"trap" {
        trap();
    }
    let millis = order.strip_prefix(b"stall=").and_then(|millis| str::from_utf8(millis).ok()?.parse::<u64>().ok());
    if let Some(millis) = millis {
        let until = host::now().saturating_add(Duration::from_millis(millis.min(STALL_LIMIT)));
        while host::now() < until {}
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() {
    std::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::panic, reason = "natively this is a test's own")]
fn trap() {
    panic!("the VM was ended by a test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{headers::Request, host::fake::host, owned::Owned, pairs::encode};

    fn ask(order: &str) {
        let buffer = encode(&[(b":path", b"/"), (HEADER, order.as_bytes())]);
        obey_request(&Request::read(&buffer, &Owned::new(Vec::new())).unwrap());
    }

    #[test]
    fn a_stall_lasts_as_long_as_ordered() {
        host(|host| host.step = Duration::from_millis(1));
        ask("stall=250");
        assert!((250..=252).contains(&host(|host| host.now.as_millis())));
        for ignored in ["stall=", "stall=-1", "stall", "nothing", "!stall=250"] {
            ask(ignored);
        }
        obey(b"stall=250");
        obey(b"{\"id\": \"a\"}");
        assert!(host(|host| host.now.as_millis()) <= 252);
    }

    #[test]
    #[should_panic(expected = "ended by a test")]
    fn a_trap_ends_the_vm() {
        ask("trap");
    }

    #[test]
    #[should_panic(expected = "ended by a test")]
    fn an_order_in_the_inbox_ends_the_fetcher() {
        obey(b"!trap");
    }

    #[test]
    fn orders_to_the_fetcher_go_through_its_inbox() {
        ask("fetcher-trap");
        assert!(host(|host| host.queues.is_empty()), "without an inbox there is nobody to tell");
        host::register_queue(INBOX).unwrap();
        ask("fetcher-trap");
        ask("fetcher-stall=3500");
        let items = host(|host| host.queue(INBOX).unwrap().items.clone());
        assert_eq!(items, [&b"!trap"[..], b"!stall=3500"]);
    }
}
