//! What tests of stores in etcd need.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{path::Path, sync::Arc};

use graylane_integration::EtcdTls;
use graylane_store::{Place, Store, StoreError};
use tokio::runtime::{Builder, Runtime};

use graylane_integration::certificates::Authority;

pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Opens the store at `url`.
pub async fn try_open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let place: Place = url.parse().unwrap();
    graylane_store::open(&place).await
}

/// The same where it must be there.
pub async fn open(url: &str) -> Arc<dyn Store> {
    try_open(url).await.unwrap_or_else(|why| panic!("{why}"))
}

/// Certificates for members, and of a client, in `directory`.
pub fn tls(directory: &Path) -> (EtcdTls, String) {
    let authority = Authority::new();
    let file = |name: &str| directory.join(name);
    std::fs::write(file("ca.pem"), authority.pem()).unwrap();
    for name in ["member", "client"] {
        authority.identity(&format!("spiffe://gray/{name}"), "localhost").write(directory, name);
    }
    let options = format!(
        "?ca={}&cert={}&key={}",
        file("ca.pem").display(),
        file("client.pem").display(),
        file("client-key.pem").display()
    );
    (EtcdTls { ca: file("ca.pem"), cert: file("member.pem"), key: file("member-key.pem") }, options)
}
