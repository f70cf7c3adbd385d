//! `publisher URL NAME`: publishes to a store again and again, and says what was acknowledged; to be killed.

use std::process::ExitCode;

use graylane_integration::crash::publish_for_ever;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(name)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: publisher URL NAME");
        return ExitCode::from(2);
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime starts");
    runtime.block_on(publish_for_ever(&url, &name));
    ExitCode::SUCCESS
}
