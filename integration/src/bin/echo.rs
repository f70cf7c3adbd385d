//! `echo --name NAME --listen ADDR`: an upstream that answers each request with what it saw, as JSON.
//!
//! The first line on standard output is `listening on http://ADDR` with the real address. `GET /healthz` answers 200.
//! SIGTERM and SIGINT end it with status 0; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::echo;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: echo --name NAME --listen ADDR";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some((name, address)) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match echo::bind(&address).await {
        Ok((listener, address)) => {
            println!("listening on http://{address}");
            until_told(echo::serve(name, listener)).await;
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("cannot listen on {address}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<(String, String)> {
    let (mut name, mut address) = (None, None);
    while let Some(option) = given.next() {
        match option.as_str() {
            "--name" => name = given.next(),
            "--listen" => address = given.next(),
            _ => return None,
        }
    }
    name.zip(address)
}

/// As process 1 of a container nothing ends us unless we listen for it.
async fn until_told(serving: impl Future<Output = ()>) {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened for");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened for");
    tokio::select! {
        () = serving => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
