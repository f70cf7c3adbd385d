//! Every store, by one suite.

mod suite;

use std::sync::Arc;

use graylane_store::{Redb, Store};

/// The suite over what `$open` gives: an empty store each time.
macro_rules! suite_over {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;

            suite_over!(
                $open,
                a_head_moves_only_from_where_it_is,
                revisions_are_listed_from_the_newest,
                pieces_are_what_was_put,
                of_many_writers_each_has_its_own_number,
                a_change_wakes_whoever_waits,
                compaction_leaves_what_is_referred_to,
                a_writer_that_began_before_a_compaction_begins_again,
                a_piece_that_is_put_again_is_not_removed,
                namespaces_do_not_touch_each_other
            );
        }
    };
    ($open:expr, $($test:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let opened = $open.await;
                suite::$test(Arc::clone(&opened.store)).await;
            }
        )*
    };
}

/// A store, and what it needs to live.
struct Opened {
    store: Arc<dyn Store>,
    _lives: Box<dyn std::any::Any>,
}

async fn redb() -> Opened {
    let directory = tempfile::tempdir().unwrap();
    let store = Redb::open(&directory.path().join("store.redb")).await.unwrap();
    Opened { store: Arc::new(store), _lives: Box::new(directory) }
}

suite_over!(in_redb, redb());
