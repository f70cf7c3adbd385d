//! The suite over a store in a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]
#![allow(clippy::arithmetic_side_effects, reason = "the same")]

mod suite;

use std::sync::Arc;

use graylane_store::Redb;

macro_rules! in_redb {
    ($($test:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let store = Redb::open(&directory.path().join("store.redb")).await.unwrap();
                suite::$test(Arc::new(store)).await;
            }
        )*
    };
}

suite::every_test!(in_redb);
