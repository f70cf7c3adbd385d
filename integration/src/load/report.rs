//! What a load brought.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use graylane_rules::Revision;
use hdrhistogram::Histogram;

/// One request.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which connection it went over; its number belongs to no other connection of this process.
    pub connection: u32,
    /// Which request of its connection it was, from 0.
    pub stream: u32,
    /// Which of the load's requests it was.
    pub request: usize,
    /// When it was due.
    pub due: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// When its answer was complete, or its failure known.
    pub finished: Instant,
    /// What became of it.
    pub outcome: Result<Outcome, Failure>,
}

/// An answer with status 200. By which revision it was decided is only known from a mesh that
/// [tells](crate::Mesh::tell_revision).
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The upstream that answered.
    pub upstream: String,
    /// What that upstream saw as `x-feature-flags`.
    pub flags: Option<String>,
    /// What it saw as `x-gray-variant`.
    pub seen_variant: Option<String>,
    /// What it saw as the revision.
    pub seen_revision: Option<String>,
    /// The revision that the headers of the response name: `1732450000.7`, or `embedded`.
    pub revision: Option<String>,
    /// The variant that they name.
    pub variant: Option<String>,
    /// The reason that they name.
    pub reason: Option<String>,
    /// Envoy's `x-request-id`, as the number that it is.
    pub id: Option<u128>,
}

impl Outcome {
    /// The revision, if it was published.
    pub fn published(&self) -> Option<Revision> {
        self.revision.as_deref()?.parse().ok()
    }
}

/// Everything that is not an answer with status 200.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// No connection was to be had.
    Connect,
    /// The connection ended before the answer.
    Reset,
    /// No answer within 10 seconds.
    Timeout,
    /// Another status, and the body that came with it.
    Status(u16, String),
    /// The body broke off, or is not an echo's.
    Body(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connect => f.write_str("no connection"),
            Failure::Reset => f.write_str("connection reset"),
            Failure::Timeout => f.write_str("no answer within 10 s"),
            Failure::Status(status, body) => write!(f, "status {status} {body:?}"),
            Failure::Body(why) => write!(f, "bad body: {why}"),
        }
    }
}

/// Everything that was sent, in the order in which it was due.
#[derive(Clone, Debug)]
pub struct Report {
    /// When the load began.
    pub begin: Instant,
    /// The requests.
    pub records: Vec<Record>,
}

impl Report {
    /// The answers, each with its request.
    pub fn answers(&self) -> impl Iterator<Item = (&Record, &Outcome)> {
        self.records.iter().filter_map(|record| Some((record, record.outcome.as_ref().ok()?)))
    }

    /// How often each failure happened.
    pub fn failures(&self) -> BTreeMap<&Failure, usize> {
        let mut failures = BTreeMap::new();
        for failure in self.records.iter().filter_map(|record| record.outcome.as_ref().err()) {
            *failures.entry(failure).or_default() += 1;
        }
        failures
    }

    /// Stops unless every one of at least `count` requests was answered with 200.
    ///
    /// # Panics
    /// Otherwise, with the failures.
    pub fn assert_none_failed(&self, count: usize) {
        let failures = self.failures();
        assert!(failures.is_empty(), "of {} requests failed: {failures:#?}", self.records.len());
        assert!(self.records.len() >= count, "found {} requests, expected {count}", self.records.len());
    }

    /// Stops unless every answer was decided by a revision of `published` and told the upstream the
    /// [number](crate::samples::numbered) of that, and no connection, which is one worker's, went back to an earlier one.
    ///
    /// # Panics
    /// Otherwise, with the first that was not.
    pub fn assert_decided_by(&self, published: &BTreeMap<Revision, u32>) {
        let mut answers: Vec<_> = self.answers().collect();
        answers.sort_by_key(|(record, _)| (record.connection, record.stream));
        let mut latest = BTreeMap::new();
        for (record, outcome) in answers {
            let revision = outcome.published().unwrap_or_else(|| panic!("found no revision: {outcome:?}"));
            let number = outcome.flags.as_deref().and_then(crate::samples::number);
            assert!(number.is_some() && number == published.get(&revision).copied(), "{outcome:?}");
            let before = latest.insert(record.connection, revision);
            assert!(before.is_none_or(|before| before <= revision), "{before:?} before {outcome:?}");
        }
    }

    /// How long the requests took from when they were due, failures included.
    pub fn latencies(&self) -> Latencies {
        self.records.iter().map(|record| record.finished.saturating_duration_since(record.due)).collect()
    }
}

/// A distribution of durations, to three digits, from 1 µs to 1 h.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("valid bounds");
        for duration in durations {
            histogram.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        }
        Self(histogram)
    }
}

impl Latencies {
    /// The duration that `percent` of them do not exceed.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(percent / 100.0))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    /// The median.
    pub fn median(&self) -> Duration {
        self.percentile(50.0)
    }
}

/// One row of a table: median, 99th percentile and maximum in milliseconds.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, high, most] = [50.0, 99.0, 100.0].map(|percent| milliseconds(self.percentile(percent)));
        write!(f, "p50 {median:7.1} ms   p99 {high:7.1} ms   max {most:7.1} ms")
    }
}

/// In milliseconds, for a table.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
