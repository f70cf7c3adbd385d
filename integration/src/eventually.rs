//! Waiting for what must come, without guessing how long it takes.

use std::time::{Duration, Instant};

/// How long anything may take before it counts as never: longer than a long poll and its timeout (30 s).
const PATIENCE: Duration = Duration::from_secs(45);
/// How often a question is asked again: often enough that a test's time is that of the thing it waits for.
const PAUSE: Duration = Duration::from_millis(3);

/// Asks `probe` until it answers, and gives that answer.
///
/// # Panics
/// After 45 seconds, with `what` was awaited and the last reason given why it is not so.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let begin = Instant::now();
    loop {
        match probe() {
            Ok(found) => return found,
            Err(why) if begin.elapsed() > PATIENCE => panic!("waited {PATIENCE:?} for {what}: {why}"),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
