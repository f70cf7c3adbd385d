//! Connections of which the worker is known.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpStream},
};

use crate::{Admin, eventually};

/// How many connections are tried for each that is wanted: the kernel hands them out by a hash.
const TRIES: usize = 20;

/// Opens connections to `address`, the listener whose statistics begin with `listener.<name>.`, until each of
/// `workers` workers has accepted `each` of them; those beyond are closed again.
///
/// Nobody else may connect meanwhile: a connection belongs to the worker whose counter it moved.
///
/// # Panics
/// Where a worker gets too few.
pub(crate) fn spread(
    admin: Admin,
    name: &str,
    address: SocketAddr,
    workers: usize,
    each: usize,
) -> Vec<Vec<TcpStream>> {
    let mut spread: Vec<Vec<TcpStream>> = (0..workers).map(|_| Vec::new()).collect();
    let mut spare = Vec::new();
    let mut before = accepted(admin, name);
    for _ in 0..TRIES * workers * each {
        let stream = TcpStream::connect(address).expect("Envoy accepts connections");
        let worker = acceptor(admin, name, &mut before);
        let kept = spread.get_mut(worker).expect("workers are numbered from 0");
        if kept.len() < each {
            kept.push(stream)
        } else {
            spare.push(stream)
        }
        if spread.iter().all(|kept| kept.len() == each) {
            return spread;
        }
    }
    let found: Vec<_> = spread.iter().map(Vec::len).collect();
    panic!("found {found:?} connections of the workers, expected {each} of each")
}

/// Waits until a worker has accepted one connection more than `before`, which is then what all have accepted.
fn acceptor(admin: Admin, name: &str, before: &mut BTreeMap<usize, u64>) -> usize {
    eventually("a worker to accept the connection", || {
        let after = accepted(admin, name);
        let moved = after.iter().find(|(worker, count)| before.get(worker).unwrap_or(&0) < count);
        let worker = moved.map(|(worker, _)| *worker).ok_or_else(|| format!("found {after:?}"))?;
        *before = after;
        Ok(worker)
    })
}

/// How many connections each worker has accepted, by its number.
fn accepted(admin: Admin, name: &str) -> BTreeMap<usize, u64> {
    let stats = admin.text("/stats?filter=downstream_cx_total").expect("stats");
    stats.lines().filter_map(|line| of_worker(line, name)).collect()
}

/// The worker and the count in `listener.<name>.worker_<number>.downstream_cx_total: <count>`.
fn of_worker(line: &str, name: &str) -> Option<(usize, u64)> {
    let (worker, rest) =
        line.strip_prefix("listener.")?.strip_prefix(name)?.strip_prefix(".worker_")?.split_once('.')?;
    Some((worker.parse().ok()?, rest.strip_prefix("downstream_cx_total: ")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workers_line_is_told_from_the_others() {
        let line = "listener.front.worker_1.downstream_cx_total: 12";
        assert_eq!(of_worker(line, "front"), Some((1, 12)));
        assert_eq!(of_worker(line, "back"), None);
        assert_eq!(of_worker("listener.front.downstream_cx_total: 12", "front"), None);
        assert_eq!(of_worker("listener.front.worker_1.downstream_cx_active: 12", "front"), None);
    }
}
