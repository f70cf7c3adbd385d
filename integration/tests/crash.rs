//! What was acknowledged survives whoever is killed: the program `crash`, for a short while.

use std::path::PathBuf;

use graylane_integration::crash::{Options, run};

fn killed(store: &str) {
    let publisher = PathBuf::from(env!("CARGO_BIN_EXE_publisher"));
    let options = Options { kills: 25, only: Some(store.to_owned()), seed: 7, publisher };
    let outcome = run(&options).unwrap();
    println!("{}", outcome.report);
    assert!(outcome.passed, "{}", outcome.report);
}

#[test]
fn a_publisher_to_a_file_is_killed() {
    killed("redb");
}

#[test]
fn a_publisher_to_etcd_or_a_member_is_killed() {
    killed("etcd");
}
