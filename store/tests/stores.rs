//! The suite over a store in a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]
#![allow(clippy::arithmetic_side_effects, reason = "the same")]

mod suite;

use std::sync::Arc;

use graylane_store::{Cached, Redb, Store};

/// A store in a file of `directory`.
async fn redb(directory: &tempfile::TempDir) -> Arc<dyn Store> {
    Arc::new(Redb::open(&directory.path().join("store.redb")).await.unwrap())
}

macro_rules! in_redb {
    ($($test:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                suite::$test(redb(&directory).await).await;
            }
        )*
    };
}

/// In front of the same a cache that forgets most of what it is given.
macro_rules! in_a_cache {
    ($($test:ident),*) => {
        mod in_a_cache {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let directory = tempfile::tempdir().unwrap();
                    suite::$test(Arc::new(Cached::new(redb(&directory).await, 64))).await;
                }
            )*
        }
    };
}

suite::every_test!(in_redb);
suite::every_test!(in_a_cache);
