//! The proxy-wasm ABI 0.2.1 and the two WASI calls in use, without an SDK.
//!
//! Buffers that the host returns were allocated by [`allocate`] and are taken over as they are.

mod memory;
mod raw;

use std::{ptr, time::Duration};

use memory::returned;
pub use memory::{allocate, give_back};

use super::{Buffer, Cas, Kind, Map, Status};

unsafe extern "C" {
    /// Made by the linker. Without a call of it the linker would wrap every export into one.
    fn __wasm_call_ctors();
}

/// Runs what the linker wants run before anything else.
pub fn initialize() {
    // SAFETY: called once, by `_initialize`, before any other export.
    unsafe { __wasm_call_ctors() }
}

/// Writes a line to Envoy's log; levels count from 0, trace, to 5, critical.
pub fn log(level: u32, text: &str) {
    // SAFETY: pointer and length are of one live slice, which the host only reads during the call; so below.
    let _ = unsafe { raw::proxy_log(level, text.as_ptr(), text.len()) };
}

/// All headers of `map` in the form that [`Pairs`](crate::pairs::Pairs) reads.
pub fn header_pairs(map: Map) -> Result<Vec<u8>, Status> {
    returned(|out, len| unsafe { raw::proxy_get_header_map_pairs(map as u32, out, len) })
}

/// Makes `value` the only value of the request header `name`.
pub fn replace_header(name: &[u8], value: &[u8]) -> Result<(), Status> {
    Status::check(unsafe {
        raw::proxy_replace_header_map_value(Map::Request as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

/// Removes every value of `name`, whatever its case, from the request's headers or trailers.
pub fn remove_header(map: Map, name: &[u8]) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// A property by its path, the parts joined by NUL.
pub fn property(path: &str) -> Result<Vec<u8>, Status> {
    returned(|out, len| unsafe { raw::proxy_get_property(path.as_ptr(), path.len(), out, len) })
}

/// Sets the filter state `wasm.<key>` of the request.
pub fn set_filter_state(key: &str, value: &[u8]) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len()) })
}

/// Has the streams of the root being configured write the filter state `wasm.<key>` once at most; a further write is a
/// [`Status::BadArgument`].
pub fn declare_constant(key: &str) -> Result<(), Status> {
    const FUNCTION: &str = "declare_property";
    let arguments = constant(key.as_bytes());
    returned(|out, len| unsafe {
        raw::proxy_call_foreign_function(
            FUNCTION.as_ptr(),
            FUNCTION.len(),
            arguments.as_ptr(),
            arguments.len(),
            out,
            len,
        )
    })
    .map(drop)
}

/// Envoy's `DeclarePropertyArguments`, in protobuf: the name is field 1, `readonly` is field 2; the name is short.
fn constant(key: &[u8]) -> Vec<u8> {
    let name = [&[0x0a, u8::try_from(key.len()).unwrap_or_default()], key];
    [&name.concat(), &[0x10, 1][..]].concat()
}

/// The first `limit` bytes of `buffer`.
pub fn buffer(buffer: Buffer, limit: usize) -> Result<Vec<u8>, Status> {
    returned(|out, len| unsafe { raw::proxy_get_buffer_bytes(buffer as u32, 0, limit, out, len) })
}

/// The value of a shared key and its version.
pub fn shared(key: &str) -> Result<(Vec<u8>, Cas), Status> {
    let mut cas = 0;
    let value =
        returned(|out, len| unsafe { raw::proxy_get_shared_data(key.as_ptr(), key.len(), out, len, &mut cas) })?;
    Ok((value, Cas(cas)))
}

/// Writes a shared key if its version still is `cas`.
pub fn set_shared(key: &str, value: &[u8], cas: Cas) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas.0) })
}

/// Makes the calling root the receiver of the queue `name`, which is created where there is none, and gives its token.
pub fn register_queue(name: &str) -> Result<u32, Status> {
    let mut queue = 0;
    Status::check(unsafe { raw::proxy_register_shared_queue(name.as_ptr(), name.len(), &mut queue) })?;
    Ok(queue)
}

/// The token of the queue `name` of this vm_id.
pub fn resolve_queue(name: &str) -> Result<u32, Status> {
    let mut queue = 0;
    Status::check(unsafe { raw::proxy_resolve_shared_queue(ptr::null(), 0, name.as_ptr(), name.len(), &mut queue) })?;
    Ok(queue)
}

/// Appends to a queue; its receiver is called back. Nothing tells whether there still is one.
pub fn enqueue(queue: u32, value: &[u8]) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_enqueue_shared_queue(queue, value.as_ptr(), value.len()) })
}

/// Takes the first value of a queue; [`Status::Empty`] where there is none.
pub fn dequeue(queue: u32) -> Result<Vec<u8>, Status> {
    returned(|out, len| unsafe { raw::proxy_dequeue_shared_queue(queue, out, len) })
}

/// Defines a metric and gives its id. Each call costs the VM a new id, also for a known name.
pub fn define_metric(kind: Kind, name: &str) -> Result<u32, Status> {
    let mut metric = 0;
    Status::check(unsafe { raw::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut metric) })?;
    Ok(metric)
}

/// Adds one to a counter.
pub fn increment(metric: u32) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_increment_metric(metric, 1) })
}

/// Sets a gauge, or adds a value to a histogram.
pub fn record(metric: u32, value: u64) -> Result<(), Status> {
    Status::check(unsafe { raw::proxy_record_metric(metric, value) })
}

/// Has the calling root ticked every `period`, which is in whole milliseconds.
pub fn set_tick(period: Duration) -> Result<(), Status> {
    let millis = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    Status::check(unsafe { raw::proxy_set_tick_period_milliseconds(millis) })
}

/// Whether the root `context` of this VM still exists; `caller` is the root being called.
///
/// Changing the effective context is the one call that fails for a context that is gone. The host forgets the change
/// when the callback returns; until then it is taken back at once.
pub fn exists(context: u32, caller: u32) -> bool {
    let status = unsafe { raw::proxy_set_effective_context(context) };
    if status == 0 {
        let _ = unsafe { raw::proxy_set_effective_context(caller) };
    }
    // Only a bad argument means gone: where the call itself is not allowed, every root counts as there.
    Status::check(status) != Err(Status::BadArgument)
}

/// Sends a request to `cluster`; `headers` as [`encode`](crate::pairs::encode) makes them. Gives the token of the answer.
pub fn http_call(cluster: &str, headers: &[u8], body: &[u8], timeout: Duration) -> Result<u32, Status> {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    let mut token = 0;
    Status::check(unsafe {
        raw::proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            ptr::null(),
            0,
            millis,
            &mut token,
        )
    })?;
    Ok(token)
}

/// Answers the request that the host is asking about; the callback must say then that the request stops. `details` is
/// what access logs show in `%RESPONSE_CODE_DETAILS%`.
pub fn send_local_response(status: u32, details: &str, body: &[u8]) -> Result<(), Status> {
    let no_grpc_status = -1;
    Status::check(unsafe {
        raw::proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            ptr::null(),
            0,
            no_grpc_status,
        )
    })
}

/// The monotonic time, which all VMs of the process share.
pub fn now() -> Duration {
    clock(1)
}

/// The wall clock: seconds since 1970.
pub fn unix_time() -> u64 {
    clock(0).as_secs()
}

/// The wall clock: milliseconds since 1970.
pub fn unix_millis() -> u128 {
    clock(0).as_millis()
}

/// A clock by its number in WASI.
fn clock(number: u32) -> Duration {
    let mut nanos = 0;
    let _ = unsafe { raw::clock_time_get(number, 0, &mut nanos) };
    Duration::from_nanos(nanos)
}

/// The variable `name` of the environment that Envoy's configuration gives the VM.
pub fn environment(name: &str) -> Option<Vec<u8>> {
    let (mut count, mut size) = (0, 0);
    if unsafe { raw::environ_sizes_get(&mut count, &mut size) } != 0 {
        return None;
    }
    let (mut places, mut bytes) = (vec![ptr::null_mut::<u8>(); count], vec![0_u8; size]);
    // The host writes so many places, and so many bytes, as it said before; nothing between the two calls changes them.
    if unsafe { raw::environ_get(places.as_mut_ptr(), bytes.as_mut_ptr()) } != 0 {
        return None;
    }
    let named = |variable: &[u8]| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    bytes.split(|&byte| byte == 0).find_map(named)
}

/// Eight random bytes.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = unsafe { raw::random_get(bytes.as_mut_ptr(), bytes.len()) };
    u64::from_le_bytes(bytes)
}
