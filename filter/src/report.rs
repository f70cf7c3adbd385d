//! When the table of VMs is reported, without a host. One report is under way at most.

use std::time::Duration;

use crate::{backoff::Backoff, host::Status};

/// How often a report goes out when nothing changes: a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// When the host gives up on a report.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is still to be reported, and when.
#[derive(Debug)]
pub struct Report {
    changed: bool,
    under_way: Option<(u32, Duration)>,
    not_before: Duration,
    keep_alive: Duration,
    backoff: Backoff,
    /// Whether the last one was not taken, which was said then.
    refused: bool,
}

impl Report {
    /// Nothing reported yet; `seed` is random.
    pub fn new(seed: u64) -> Self {
        let (not_before, keep_alive) = (Duration::ZERO, Duration::ZERO);
        Self {
            changed: false,
            under_way: None,
            not_before,
            keep_alive,
            backoff: Backoff::new(seed, LONGEST_PAUSE),
            refused: false,
        }
    }

    /// Notes that the table says something new.
    pub fn changed(&mut self) {
        self.changed = true;
    }

    /// Whether something new waits to be reported.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Whether to send a report now.
    pub fn is_due(&mut self, now: Duration) -> bool {
        if let Some((_, since)) = self.under_way {
            // The host always answers; were it not to, the reports must go on.
            if now.saturating_sub(since) <= TIMEOUT.saturating_mul(2) {
                return false;
            }
            self.fail(now);
        }
        now >= self.not_before && (self.changed || now >= self.keep_alive)
    }

    /// What became of sending a report.
    pub fn sent(&mut self, now: Duration, result: Result<u32, Status>) {
        match result {
            Ok(token) => {
                self.under_way = Some((token, now));
                self.changed = false;
                self.keep_alive = now.saturating_add(KEEP_ALIVE);
            }
            Err(_) => self.fail(now),
        }
    }

    /// Takes the answer to `token`, a status; false where that is no report of ours.
    pub fn answered(&mut self, now: Duration, token: u32, status: &[u8]) -> bool {
        if self.under_way.is_none_or(|(sent, _)| sent != token) {
            return false;
        }
        match status {
            [b'2', ..] => {
                self.under_way = None;
                self.backoff.reset();
                self.refused = false;
            }
            _ => {
                if !std::mem::replace(&mut self.refused, true) {
                    let found = if status.is_empty() { b"no answer" } else { status };
                    log::warn!("the control plane takes no reports: found {}, expected 204", found.escape_ascii());
                }
                self.fail(now);
            }
        }
        true
    }

    /// Forgets the report under way, whose answer will never come: it is sent again.
    pub fn restart(&mut self) {
        self.changed |= self.under_way.take().is_some();
    }

    fn fail(&mut self, now: Duration) {
        self.under_way = None;
        self.changed = true;
        self.not_before = now.saturating_add(self.backoff.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_change_goes_out_once_and_a_sign_of_life_follows() {
        let mut report = Report::new(1);
        assert!(report.is_due(ms(0)), "the first is due at once");
        report.sent(ms(0), Ok(7));
        report.changed();
        assert!(!report.is_due(ms(10)), "one is under way");
        assert!(!report.answered(ms(20), 8, b"204") && report.answered(ms(20), 7, b"204"));
        assert!(report.is_due(ms(20)));
        report.sent(ms(20), Ok(8));
        assert!(report.answered(ms(30), 8, b"204"));
        assert!(!report.is_due(ms(5019)) && report.is_due(ms(5020)));
    }

    #[test]
    fn a_failure_is_repeated_a_little_later() {
        let mut report = Report::new(1);
        report.sent(ms(0), Ok(7));
        assert!(report.answered(ms(0), 7, b"503"));
        assert!(!report.is_due(ms(49)) && report.is_due(ms(100)));
        report.sent(ms(100), Err(Status::BadArgument));
        assert!(!report.is_due(ms(150)) && report.is_due(ms(300)));
        report.sent(ms(300), Ok(9));
        assert!(!report.is_due(ms(10_300)));
        assert!(!report.is_due(ms(10_301)), "the lost one counts as failed");
        assert!(report.is_due(ms(10_801)));
    }
}
