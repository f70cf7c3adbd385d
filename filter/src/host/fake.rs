//! A host in memory for the tests: one Envoy process, in which the test says which VM and root is being called.
//!
//! It behaves as Envoy 1.40 was seen to, where that matters here: a queue has one receiver and outlives it, a
//! compare-and-swap of a key that does not exist always succeeds, each definition of a metric has a new id.
#![cfg_attr(not(test), allow(dead_code, reason = "natively only the tests have a host"))]

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::Status;

/// What the host remembers; tests read and change it directly.
#[derive(Debug, Default)]
pub struct Host {
    /// The request's headers; None where the host has none to give.
    pub request: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The filter state of the request.
    pub state: BTreeMap<String, Vec<u8>>,
    /// The trailers of the request.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The headers of the answer being delivered.
    pub response: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body of the answer being delivered.
    pub body: Vec<u8>,
    /// The configuration of the plugin being configured.
    pub configuration: Vec<u8>,
    /// Properties by path.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Shared keys.
    pub shared: BTreeMap<String, (Vec<u8>, u32)>,
    /// Queues: a token is the place here and one more.
    pub queues: Vec<Queue>,
    /// Metrics: an id is the place here.
    pub metrics: Vec<(String, u64)>,
    /// HTTP calls that were sent.
    pub calls: Vec<Call>,
    /// What an HTTP call gets instead of being sent.
    pub call_fails: Option<Status>,
    /// Contexts of the VM being called that are gone.
    pub gone: BTreeSet<u32>,
    /// Lines logged.
    pub log: Vec<String>,
    /// The monotonic time.
    pub now: Duration,
    /// How many shared values were read that have 1,000 bytes or more.
    pub large_reads: usize,
    writes: u32,
    random: u64,
}

/// A shared queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What waits in it.
    pub items: VecDeque<Vec<u8>>,
}

/// An HTTP call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where it went.
    pub cluster: String,
    /// Its headers.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
    /// When it ends without an answer.
    pub timeout: Duration,
}

impl Call {
    /// The `:path` asked for.
    pub fn path(&self) -> String {
        let path = self.headers.iter().find(|(name, _)| name == b":path").map(|(_, path)| path.as_slice());
        String::from_utf8_lossy(path.unwrap_or_default()).into_owned()
    }
}

impl Host {
    /// The value of the metric `name`, over all its ids.
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics.iter().filter(|(found, _)| found == name).map(|(_, value)| value).sum()
    }

    /// The queue `name`.
    pub fn queue(&mut self, name: &str) -> Option<&mut Queue> {
        self.queues.iter_mut().find(|queue| queue.name == name)
    }

    /// The values of the request header `name`.
    pub fn request_header(&self, name: &str) -> Vec<&[u8]> {
        let headers = self.request.iter().flatten();
        headers.filter(|(found, _)| found == name.as_bytes()).map(|(_, value)| value.as_slice()).collect()
    }

    fn queue_at(&mut self, token: u32) -> Option<&mut Queue> {
        let place = usize::try_from(token).ok()?.checked_sub(1)?;
        self.queues.get_mut(place)
    }
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Reads or changes the host of this thread, which is this test's own.
pub fn host<R>(change: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with(|host| change(&mut host.borrow_mut()))
}

/// The same calls as in a VM.
pub mod calls {
    use super::{Call, Duration, Queue, Status, host};
    use crate::{
        host::{Buffer, Cas, Kind, Map},
        pairs::{Pairs, encode},
    };

    fn id(place: usize) -> u32 {
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    pub fn log(_level: u32, text: &str) {
        host(|host| host.log.push(text.to_owned()));
    }

    pub fn header_pairs(map: Map) -> Result<Vec<u8>, Status> {
        host(|host| {
            let headers = match map {
                Map::Request => host.request.as_ref().ok_or(Status::NotFound)?,
                Map::RequestTrailers => &host.trailers,
                Map::Response => &host.response,
            };
            let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
            Ok(encode(&pairs))
        })
    }

    pub fn replace_header(name: &[u8], value: &[u8]) -> Result<(), Status> {
        remove_header(Map::Request, name)?;
        host(|host| host.request.get_or_insert_default().push((name.to_vec(), value.to_vec())));
        Ok(())
    }

    pub fn remove_header(map: Map, name: &[u8]) -> Result<(), Status> {
        host(|host| {
            let headers = match map {
                Map::RequestTrailers => &mut host.trailers,
                _ => host.request.get_or_insert_default(),
            };
            headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        });
        Ok(())
    }

    pub fn property(path: &str) -> Result<Vec<u8>, Status> {
        host(|host| host.properties.get(path).cloned().ok_or(Status::NotFound))
    }

    pub fn set_filter_state(key: &str, value: &[u8]) -> Result<(), Status> {
        host(|host| host.state.insert(key.to_owned(), value.to_vec()));
        Ok(())
    }

    pub fn buffer(buffer: Buffer, limit: usize) -> Result<Vec<u8>, Status> {
        let mut bytes = host(|host| match buffer {
            Buffer::Response => host.body.clone(),
            Buffer::Configuration => host.configuration.clone(),
        });
        bytes.truncate(limit);
        Ok(bytes)
    }

    pub fn shared(key: &str) -> Result<(Vec<u8>, Cas), Status> {
        host(|host| {
            let (value, cas) = host.shared.get(key).ok_or(Status::NotFound)?;
            host.large_reads = host.large_reads.saturating_add(usize::from(value.len() >= 1000));
            Ok((value.clone(), Cas(*cas)))
        })
    }

    pub fn set_shared(key: &str, value: &[u8], cas: Cas) -> Result<(), Status> {
        host(|host| {
            if let Some((_, found)) = host.shared.get(key)
                && cas != Cas::ANY
                && cas.0 != *found
            {
                return Err(Status::CasMismatch);
            }
            host.writes = host.writes.saturating_add(1);
            host.shared.insert(key.to_owned(), (value.to_vec(), host.writes));
            Ok(())
        })
    }

    pub fn register_queue(name: &str) -> Result<u32, Status> {
        resolve_queue(name).or_else(|_| {
            host(|host| {
                host.queues.push(Queue { name: name.to_owned(), ..Queue::default() });
                Ok(id(host.queues.len()))
            })
        })
    }

    pub fn resolve_queue(name: &str) -> Result<u32, Status> {
        host(|host| {
            let place = host.queues.iter().position(|queue| queue.name == name).ok_or(Status::NotFound)?;
            Ok(id(place).saturating_add(1))
        })
    }

    pub fn enqueue(queue: u32, value: &[u8]) -> Result<(), Status> {
        host(|host| {
            host.queue_at(queue).ok_or(Status::NotFound)?.items.push_back(value.to_vec());
            Ok(())
        })
    }

    pub fn dequeue(queue: u32) -> Result<Vec<u8>, Status> {
        host(|host| host.queue_at(queue).ok_or(Status::NotFound)?.items.pop_front().ok_or(Status::Empty))
    }

    pub fn define_metric(_kind: Kind, name: &str) -> Result<u32, Status> {
        host(|host| {
            host.metrics.push((name.to_owned(), 0));
            Ok(id(host.metrics.len()).saturating_sub(1))
        })
    }

    pub fn increment(metric: u32) -> Result<(), Status> {
        change_metric(metric, |value| value.saturating_add(1))
    }

    pub fn record(metric: u32, value: u64) -> Result<(), Status> {
        change_metric(metric, |_| value)
    }

    fn change_metric(metric: u32, change: impl FnOnce(u64) -> u64) -> Result<(), Status> {
        host(|host| {
            let place = usize::try_from(metric).map_err(|_| Status::BadArgument)?;
            let (_, value) = host.metrics.get_mut(place).ok_or(Status::BadArgument)?;
            *value = change(*value);
            Ok(())
        })
    }

    pub fn set_tick(_period: Duration) -> Result<(), Status> {
        Ok(())
    }

    pub fn exists(context: u32, _caller: u32) -> bool {
        host(|host| !host.gone.contains(&context))
    }

    pub fn http_call(cluster: &str, headers: &[u8], body: &[u8], timeout: Duration) -> Result<u32, Status> {
        host(|host| {
            if let Some(status) = host.call_fails {
                return Err(status);
            }
            let headers = Pairs::new(headers).into_iter().flatten();
            let headers = headers.map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            host.calls.push(Call { cluster: cluster.to_owned(), headers, body: body.to_vec(), timeout });
            Ok(id(host.calls.len()))
        })
    }

    pub fn now() -> Duration {
        host(|host| host.now)
    }

    pub fn random() -> u64 {
        host(|host| {
            host.random = host.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            host.random
        })
    }
}
