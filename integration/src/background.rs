//! The one runtime on which the harness's own servers and loads run, beside the tests' threads.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Two threads: the load must not wait for the upstreams it measures.
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
});

/// The runtime; lives as long as the process.
pub(crate) fn runtime() -> &'static Runtime {
    &RUNTIME
}
