//! One change, seen by the load.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    course::Course,
    traffic::{Answer, Record},
    ways::{Way, upstream},
};

/// The change from `number - 1` to `number`, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) way: Way,
    /// When each worker that answered changed.
    pub(super) turns: Vec<Turn>,
    /// From the change that control accepted to the last worker's report, as it measured.
    pub(super) reported: Option<Duration>,
    pub(super) counts: Counts,
    /// The time from each request to the next one of the same worker.
    pub(super) gaps: Vec<Duration>,
}

/// A worker's turn from the old value to the new one, in seconds from the rename; it lies between these two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Turn {
    /// When the last request was begun that was answered by the old value: below 0 where that was before the rename.
    pub(crate) last_old: f64,
    /// When the first one after that was begun.
    pub(crate) first_new: f64,
}

impl Turn {
    /// What to take for the moment itself: as often too early as too late, as requests know nothing of changes.
    pub(crate) fn middle(self) -> f64 {
        f64::midpoint(self.last_old, self.first_new)
    }
}

/// When the last request was begun, on any worker, that was answered by the old value; 0 where that was before the
/// rename.
pub(crate) fn last_old(turns: &[Turn]) -> Duration {
    latest(turns, |turn| turn.last_old)
}

/// When the last worker certainly had the new value: its first request was begun that was answered by it.
pub(crate) fn first_new(turns: &[Turn]) -> Duration {
    latest(turns, |turn| turn.first_new)
}

fn latest(turns: &[Turn], when: impl Fn(&Turn) -> f64) -> Duration {
    Duration::from_secs_f64(turns.iter().map(when).fold(0.0, f64::max))
}

/// How the requests of a change fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// Answered, but by neither value, by a value with the other's upstream, or by the old one after the new one on
    /// one connection.
    pub(crate) wrong: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.wrong += other.wrong;
    }
}

/// Makes the change of `way` to `number`, after a pause so long, and watches it.
pub(super) fn change(course: &Course, way: Way, number: u32, pause: Duration) -> Change {
    let folder = course.folder(way);
    let reports = (way == Way::Graylane).then(|| course.reports());
    folder.prepare(&way.document(number).to_string());
    std::thread::sleep(pause);
    let renamed = folder.swap();
    course.traffic.await_number(way.lane(), number);
    let reported = reports.map(|before| course.await_report(before));
    // What was still under way on the other lane when the load was aimed at this one can only fail.
    let (records, others): (Vec<_>, Vec<_>) =
        course.traffic.take().into_iter().partition(|record| record.lane == way.lane());
    let expected = |answer: &Answer| {
        let found = answer.number.filter(|found| *found == number || *found + 1 == number)?;
        (answer.upstream == upstream(found)).then_some(found)
    };
    let mut counts = judge(&records, expected);
    counts.add(Counts { requests: others.len(), failed: failures(&others), wrong: 0 });
    Change { way, turns: turns(&records, number, renamed), reported, counts, gaps: gaps(&records) }
}

/// The turns of the workers in `records` to `number`, which was put in place at `renamed`.
pub(crate) fn turns(records: &[Record], number: u32, renamed: Instant) -> Vec<Turn> {
    let mut workers: BTreeMap<usize, Vec<(f64, bool)>> = BTreeMap::new();
    for record in records {
        let Ok(Answer { number: Some(found), .. }) = record.outcome else { continue };
        workers.entry(record.worker).or_default().push((seconds(renamed, record.sent), found < number));
    }
    let turn = |mut sent: Vec<(f64, bool)>| {
        sent.sort_by(|one, other| one.0.total_cmp(&other.0));
        let last = sent.iter().rposition(|(_, old)| *old)?;
        Some(Turn { last_old: sent[last].0, first_new: sent.get(last + 1)?.0 })
    };
    workers.into_values().filter_map(turn).collect()
}

/// From `from` to `to`, below 0 where that came first.
fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() - from.saturating_duration_since(to).as_secs_f64()
}

/// How many of `records` failed.
pub(crate) fn failures(records: &[Record]) -> usize {
    records.iter().filter(|record| record.outcome.is_err()).count()
}

/// The time from each request to the next one of the same worker.
fn gaps(records: &[Record]) -> Vec<Duration> {
    let mut workers: BTreeMap<usize, Vec<Instant>> = BTreeMap::new();
    for record in records {
        workers.entry(record.worker).or_default().push(record.sent);
    }
    workers.values_mut().for_each(|sent| sent.sort_unstable());
    workers.values().flat_map(|sent| sent.windows(2).map(|pair| pair[1] - pair[0])).collect()
}

/// Counts what went wrong in `records`, of which `expected` tells the value that an answer was made by, if by any.
pub(crate) fn judge(records: &[Record], expected: impl Fn(&Answer) -> Option<u32>) -> Counts {
    let mut counts = Counts { requests: records.len(), ..Counts::default() };
    let mut newest = BTreeMap::new();
    // A connection carries one request at a time, so its answers are in the order of its requests.
    for record in records {
        let Ok(answer) = &record.outcome else {
            counts.failed += 1;
            continue;
        };
        let newest = newest.entry(record.connection).or_insert(0);
        match expected(answer) {
            Some(number) if number >= *newest => *newest = number,
            _ => counts.wrong += 1,
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests sent so many milliseconds after `begin`, each with its worker, which is its connection, and its number.
    fn records(begin: Instant, sent: &[(u64, usize, u32)]) -> Vec<Record> {
        let record = |&(ms, worker, number): &(u64, usize, u32)| {
            let sent = begin + Duration::from_millis(ms);
            let outcome = Ok(Answer { upstream: upstream(number).to_owned(), number: Some(number) });
            Record { lane: 0, worker, connection: worker, due: sent, sent, finished: sent, outcome }
        };
        sent.iter().map(record).collect()
    }

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn expected(answer: &Answer) -> Option<u32> {
        answer.number.filter(|number| answer.upstream == upstream(*number) && [4, 5].contains(number))
    }

    #[test]
    fn the_last_worker_counts() {
        let begin = Instant::now();
        let sent = [(0, 0, 4), (1, 1, 4), (12, 0, 4), (13, 1, 4), (14, 0, 5), (19, 1, 4), (22, 0, 5), (23, 1, 5)];
        let turns = turns(&records(begin, &sent), 5, begin + ms(10));
        assert_eq!((last_old(&turns), first_new(&turns)), (ms(9), ms(13)));
        assert_eq!(turns.len(), 2);
    }

    #[test]
    fn a_change_that_no_request_after_it_missed_took_no_longer_than_until_the_first() {
        let begin = Instant::now();
        let turns = turns(&records(begin, &[(0, 0, 4), (9, 0, 4), (12, 0, 5), (14, 0, 5)]), 5, begin + ms(10));
        assert_eq!((last_old(&turns), first_new(&turns)), (ms(0), ms(2)));
        assert!((turns[0].middle() - 0.0005).abs() < 1e-9, "{turns:?}");
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let begin = Instant::now();
        let good = records(begin, &[(0, 0, 4), (1, 1, 5), (2, 0, 5)]);
        assert_eq!(judge(&good, expected), Counts { requests: 3, failed: 0, wrong: 0 });
        let back = records(begin, &[(0, 0, 5), (1, 0, 4)]);
        assert_eq!(judge(&back, expected).wrong, 1);
        let neither = records(begin, &[(0, 0, 3), (1, 1, 6)]);
        assert_eq!(judge(&neither, expected).wrong, 2);
        let mut mixed = good.clone();
        mixed[0].outcome = Ok(Answer { upstream: "canary".to_owned(), number: Some(4) });
        mixed[1].outcome = Ok(Answer { upstream: "canary".to_owned(), number: None });
        mixed[2].outcome = Err("status 503".to_owned());
        assert_eq!(judge(&mixed, expected), Counts { requests: 3, failed: 1, wrong: 2 });
    }
}
