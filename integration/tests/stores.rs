//! A store in etcd does what one in a file does: the same suite, over one member and over three.

#[path = "../../store/tests/suite/mod.rs"]
mod suite;

use std::sync::Arc;

use graylane_integration::Etcd;
use graylane_store::{Place, Store};
use tokio::runtime::{Builder, Runtime};

/// Opens the store at `url`.
fn open(runtime: &Runtime, url: &str) -> Arc<dyn Store> {
    let place: Place = url.parse().unwrap();
    runtime.block_on(graylane_store::open(&place)).unwrap_or_else(|why| panic!("{why}"))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs the suite, each test under keys of its own.
fn run_suite(url: impl Fn(&str) -> String) {
    let runtime = runtime();
    macro_rules! one_by_one {
        ($($test:ident),*) => {
            $(
                println!("{}", stringify!($test));
                runtime.block_on(suite::$test(open(&runtime, &url(stringify!($test)))));
            )*
        };
    }
    suite::every_test!(one_by_one);
}

#[test]
fn in_one_member() {
    let etcd = Etcd::start(1);
    run_suite(|name| format!("{}/{name}", etcd.url()));
}

#[test]
fn in_three_members() {
    let etcd = Etcd::start(3);
    run_suite(|name| format!("{}/{name}", etcd.url()));
}
