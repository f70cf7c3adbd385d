//! The same calls as in a VM.

use std::time::Duration;

use super::{Call, LocalAnswer, Queue, Status, host};
use crate::{
    host::{Buffer, Cas, Kind, Map},
    pairs::{Pairs, encode},
};

fn refused(call: &'static str) -> Result<(), Status> {
    host(|host| host.refusals.get(call).map_or(Ok(()), |&status| Err(status)))
}

fn id(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

pub fn log(_level: u32, text: &str) {
    host(|host| host.log.push(text.to_owned()));
}

pub fn header_pairs(map: Map) -> Result<Vec<u8>, Status> {
    refused("header_pairs")?;
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
    refused("property")?;
    host(|host| {
        host.properties_asked.push(path.to_owned());
        host.properties.get(path).cloned().ok_or(Status::NotFound)
    })
}

pub fn set_filter_state(key: &str, value: &[u8]) -> Result<(), Status> {
    refused("set_filter_state")?;
    host(|host| {
        match host.state.contains_key(key) {
            true if host.constant.contains(key) => return Err(Status::BadArgument),
            true => {}
            // Whoever writes it first decides what it is.
            false if host.declared.contains(&(host.root, key.to_owned())) => _ = host.constant.insert(key.to_owned()),
            false => _ = host.constant.remove(key),
        }
        host.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    })
}

pub fn declare_constant(key: &str) -> Result<(), Status> {
    refused("declare_constant")?;
    host(|host| match host.declared.insert((host.root, key.to_owned())) {
        true => Ok(()),
        false => Err(Status::BadArgument),
    })
}

pub fn give_back(_block: Vec<u8>) {}

pub fn buffer(buffer: Buffer, limit: usize) -> Result<Vec<u8>, Status> {
    refused("buffer")?;
    let mut bytes = host(|host| match buffer {
        Buffer::Response => host.body.clone(),
        Buffer::Configuration => host.configuration.clone(),
    });
    bytes.truncate(limit);
    Ok(bytes)
}

pub fn shared(key: &str) -> Result<(Vec<u8>, Cas), Status> {
    refused("shared")?;
    host(|host| {
        let (value, cas) = host.shared.get(key).ok_or(Status::NotFound)?;
        host.large_reads = host.large_reads.saturating_add(usize::from(value.len() >= 1000));
        Ok((value.clone(), Cas(*cas)))
    })
}

pub fn set_shared(key: &str, value: &[u8], cas: Cas) -> Result<(), Status> {
    refused("set_shared")?;
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
    refused("register_queue")?;
    resolve_queue(name).or_else(|_| {
        host(|host| {
            host.queues.push(Queue { name: name.to_owned(), ..Queue::default() });
            Ok(id(host.queues.len()))
        })
    })
}

pub fn resolve_queue(name: &str) -> Result<u32, Status> {
    refused("resolve_queue")?;
    host(|host| {
        let place = host.queues.iter().position(|queue| queue.name == name).ok_or(Status::NotFound)?;
        Ok(id(place).saturating_add(1))
    })
}

pub fn enqueue(queue: u32, value: &[u8]) -> Result<(), Status> {
    refused("enqueue")?;
    host(|host| {
        host.queue_at(queue).ok_or(Status::NotFound)?.items.push_back(value.to_vec());
        Ok(())
    })
}

pub fn dequeue(queue: u32) -> Result<Vec<u8>, Status> {
    refused("dequeue")?;
    host(|host| host.queue_at(queue).ok_or(Status::NotFound)?.items.pop_front().ok_or(Status::Empty))
}

pub fn define_metric(_kind: Kind, name: &str) -> Result<u32, Status> {
    refused("define_metric")?;
    host(|host| {
        host.metrics.push((name.to_owned(), 0));
        Ok(id(host.metrics.len()).saturating_sub(1))
    })
}

pub fn increment(metric: u32) -> Result<(), Status> {
    refused("increment")?;
    change_metric(metric, |value| value.saturating_add(1))
}

pub fn record(metric: u32, value: u64) -> Result<(), Status> {
    refused("record")?;
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
    refused("set_tick")?;
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

pub fn send_local_response(status: u32, details: &str, body: &[u8]) -> Result<(), Status> {
    host(|host| {
        if let Some(status) = host.answer_fails {
            return Err(status);
        }
        host.answers.push(LocalAnswer { status, details: details.to_owned(), body: body.to_vec() });
        Ok(())
    })
}

pub fn now() -> Duration {
    host(|host| {
        host.now = host.now.saturating_add(host.step);
        host.now
    })
}

pub fn unix_millis() -> u128 {
    host(|host| Duration::from_secs(host.unix_time).as_millis())
}

pub fn unix_time() -> u64 {
    host(|host| host.unix_time)
}

pub fn environment(name: &str) -> Option<Vec<u8>> {
    host(|host| host.environment.get(name).cloned())
}

pub fn random() -> u64 {
    host(|host| {
        host.random = host.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        host.random
    })
}
