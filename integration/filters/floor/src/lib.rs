//! The least a WebAssembly filter can spend on one rule: a 50/50 split by a user's id.
//!
//! The fewest host calls for the same outcome, made by hand: read the identity, hash it, put the variant header in the place of
//! whatever the client sent under its name, four entries of filter state, one counter. No SDK, no
//! state of a stream, no allocator, and no export that Envoy can do without: each would be called, and paid for.
//! It answers as Graylane answers for the rule set of `make bench`, request by request; the bench checks that.
//!
//! What it leaves out, and so what no real filter can leave out: rule sets other than this one and their updates,
//! scopes, default and `NO_IDENTITY` decisions, an identity that occurs twice or is overlong, the underscore twin
//! of the owned header, more owned headers than one, and every error of the host.

use std::ptr::{addr_of_mut, null_mut};
use std::slice;

use xxhash_rust::const_xxh3::xxh3_64;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const REQUEST_HEADERS: u32 = 0;
const COUNTER: u32 = 0;
const OK: u32 = 0;
const CONTINUE: u32 = 0;

/// The seed of the split `half` in the rule set `bench`: domain, zero byte, salt.
const SEED: u64 = xxh3_64(b"split\0bench/half");
/// The first hash that falls into slot 50,000 of 100,000, where the second variant begins.
const HALF: u64 = 1 << 63;

/// Where the host puts the one value it hands over for a request, before the next one overwrites it.
static mut VALUE: [u8; VALUE_LIMIT] = [0; VALUE_LIMIT];
const VALUE_LIMIT: usize = 4096;
static mut COUNTERS: [u32; 2] = [0; 2];

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
}

/// Tells Envoy which ABI this module speaks.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Gives the host room for a value: always the same, so a value lives until the next is asked for.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    if size <= VALUE_LIMIT { addr_of_mut!(VALUE).cast() } else { null_mut() }
}

/// Defines the two counters, once a VM.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(_root: u32, _size: usize) -> u32 {
    let names = [
        "rule=.=bench/half;.;variant=.=stable;.;graylane_requests_total",
        "rule=.=bench/half;.;variant=.=canary;.;graylane_requests_total",
    ];
    let first: *mut u32 = addr_of_mut!(COUNTERS).cast();
    for (at, name) in names.iter().enumerate() {
        // SAFETY: there are as many counters as names; the host reads the name and writes one id.
        let status = unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), first.wrapping_add(at)) };
        if status != OK {
            return 0;
        }
    }
    1
}

/// Decides one request, and lets it go on.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(_stream: u32, _headers: usize, _end_of_stream: u32) -> u32 {
    let header = "x-gray-variant";
    // SAFETY: the host reads within the given lengths, and the module has one thread.
    unsafe {
        let Some(user) = user() else {
            proxy_remove_header_map_value(REQUEST_HEADERS, header.as_ptr(), header.len());
            return CONTINUE;
        };
        let second = xxh3_64_with_seed(user, SEED) >= HALF;
        let variant = if second { "canary" } else { "stable" };
        proxy_replace_header_map_value(REQUEST_HEADERS, header.as_ptr(), header.len(), variant.as_ptr(), variant.len());
        state("graylane_variant", variant);
        state("graylane_rule", "bench/half");
        state("graylane_reason", "SPLIT");
        state("graylane_revision", "embedded");
        let counters: *const u32 = addr_of_mut!(COUNTERS).cast();
        proxy_increment_metric(*counters.wrapping_add(usize::from(second)), 1);
    }
    CONTINUE
}

/// The request's `x-user-id`, which lives until the next value is asked of the host.
unsafe fn user() -> Option<&'static [u8]> {
    let (mut value, mut size) = (null_mut(), 0);
    let name = "x-user-id";
    // SAFETY: the host writes where the value lies and how long it is, or says that it did not.
    unsafe {
        let status =
            proxy_get_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), &raw mut value, &raw mut size);
        (status == OK && size > 0 && !value.is_null()).then(|| slice::from_raw_parts(value, size))
    }
}

/// Sets one entry of the stream's filter state.
unsafe fn state(key: &str, value: &str) {
    // SAFETY: the host reads within the given lengths.
    unsafe { proxy_set_property(key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
}
