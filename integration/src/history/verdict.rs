//! What a check found.

use std::{collections::BTreeMap, fmt};

/// How many violations of each promise are told in full.
const TOLD: usize = 10;

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// On one connection, and so in one worker, a revision only grows.
    GrowsOnConnections,
    /// What one VM says that it runs only grows.
    GrowsInAcks,
    /// A stream keeps the revision it began with: upstream, response and access log agree.
    OneRevision,
    /// What is served was published, and decided exactly as its rules decide.
    NotTorn,
    /// A request that begins longer than the bound after a publication is not decided by older rules.
    TakesEffect,
    /// Every request is answered with 200.
    NoneFails,
    /// What a VM says that it runs was published before.
    AckedWasPublished,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::GrowsOnConnections,
        Self::GrowsInAcks,
        Self::OneRevision,
        Self::NotTorn,
        Self::TakesEffect,
        Self::NoneFails,
        Self::AckedWasPublished,
    ];
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GrowsOnConnections => "a revision only grows on a connection",
            Self::GrowsInAcks => "a revision only grows in a VM",
            Self::OneRevision => "one stream, one revision",
            Self::NotTorn => "no snapshot is torn",
            Self::TakesEffect => "effect within the bound",
            Self::NoneFails => "no request fails",
            Self::AckedWasPublished => "what is acknowledged was published",
        })
    }
}

/// A promise that was broken once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// What is wrong.
    pub what: String,
    /// The records that prove it, in words.
    pub proof: Vec<String>,
}

/// How much was looked at. A verdict about little says little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Revisions that were published.
    pub published: usize,
    /// Acks that said something new.
    pub acks: usize,
    /// Connections.
    pub connections: usize,
    /// Requests.
    pub responses: usize,
    /// Requests that failed, exempt or not.
    pub failed: usize,
    /// Requests that failed where they were allowed to.
    pub exempt: usize,
    /// Answers that were decided by a published revision.
    pub numbered: usize,
    /// Answers about which the access log was compared.
    pub logged: usize,
    /// Streams during which a newer revision was published.
    pub spanning: usize,
    /// Answers that were not what the rules of their revision decide.
    pub wrong: usize,
}

/// Whether the promises were kept.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How much was looked at.
    pub counted: Counted,
    /// The first violations of each promise, at most ten.
    pub violations: Vec<Violation>,
    /// How often each promise was broken.
    pub broken: BTreeMap<Promise, usize>,
}

impl Verdict {
    /// Whether no promise was broken.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// How often `promise` was broken.
    pub fn broken(&self, promise: Promise) -> usize {
        self.broken.get(&promise).copied().unwrap_or(0)
    }

    /// Stops if a promise was broken.
    ///
    /// # Panics
    /// With every violation that is told.
    pub fn assert_kept(&self) {
        assert!(self.is_kept(), "{self}");
    }

    /// Counts a violation; only the first ones of a promise are worded.
    pub(super) fn broke(&mut self, promise: Promise, words: impl FnOnce() -> (String, Vec<String>)) {
        let count = self.broken.entry(promise).or_default();
        *count += 1;
        if *count <= TOLD {
            let (what, proof) = words();
            self.violations.push(Violation { promise, what, proof });
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted { published, acks, connections, responses, failed, exempt, numbered, logged, spanning, wrong } =
            self.counted;
        writeln!(f, "{} broken promises", self.broken.len())?;
        writeln!(
            f,
            "  {responses} requests over {connections} connections, {failed} failed ({exempt} exempt), {wrong} wrong"
        )?;
        writeln!(
            f,
            "  {numbered} by a revision, {logged} compared with the access log, {spanning} spanned a publication"
        )?;
        writeln!(f, "  {published} revisions, {acks} acks")?;
        for (promise, count) in &self.broken {
            writeln!(f, "broken {count} times: {promise}")?;
            for violation in self.violations.iter().filter(|violation| violation.promise == *promise) {
                writeln!(f, "  {}", violation.what)?;
                violation.proof.iter().try_for_each(|record| writeln!(f, "    {record}"))?;
            }
        }
        Ok(())
    }
}
