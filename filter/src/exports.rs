//! What Envoy calls, by name. Only what is used is here: each further callback costs every request about 0.5 µs.

use std::cell::RefCell;

use crate::{host, logger, request::Action, vm::Vm};

thread_local! {
    static VM: RefCell<Vm> = RefCell::new(Vm::new(host::random()));
}

/// Runs `callback` on the VM. The host never calls in while it is being called, but for memory, so the VM is free.
fn with<R>(callback: impl FnOnce(&mut Vm) -> R) -> Option<R> {
    VM.with(|vm| vm.try_borrow_mut().ok().map(|mut vm| callback(&mut vm)))
}

/// Names the version of the interface.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Called first, once: the module is a reactor, not a command.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    host::initialize();
}

/// Gives memory for what the host is about to return.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    host::allocate(size)
}

/// Starts the VM.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: usize) -> u32 {
    logger::install();
    1
}

/// Configures a root, which the VM hears of for the first time.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, size: usize) -> u32 {
    with(|vm| vm.configure(root, size)).unwrap_or(false).into()
}

/// A request's trailers are there, for the few that have any. They go on.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(_stream: u32, _trailers: u32) -> u32 {
    with(|vm| vm.trailers());
    0
}

/// A root's timer.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    with(|vm| vm.tick(root));
}

/// A queue has something in it.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(root: u32, queue: u32) {
    with(|vm| vm.queue_ready(root, queue));
}

/// An HTTP call was answered.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(root: u32, token: u32, headers: u32, body_size: usize, _trailers: u32) {
    with(|vm| vm.answered(root, token, headers, body_size));
}

/// A request's headers are there. It goes on, unless it asked this filter itself and was answered.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(_stream: u32, _headers: u32, _end: u32) -> u32 {
    with(Vm::request).unwrap_or(Action::Continue) as u32
}
