//! What workload W consists of: `testdata/workload/w.json`.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use super::{Ask, Kind, Rule};
use crate::{bench::statistics::Random, root};

/// The parameters of every size.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// What values and order are drawn by, together with the size.
    pub seed: u64,
    /// The sizes that are measured.
    pub sizes: Vec<usize>,
    /// The headers that rules ask for, each as often.
    pub headers: Vec<String>,
    shares: Shares,
    list: usize,
    percent: u32,
    pub(super) regex_header: String,
    pub(super) regexes: Vec<String>,
    pub(super) target: BTreeMap<String, String>,
    pub(super) misses: BTreeMap<String, String>,
}

/// Of a hundred rules, without the regexes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    exact: usize,
    r#in: usize,
    prefix: usize,
    percent: usize,
}

impl Parameters {
    /// Those that are in testdata.
    ///
    /// # Panics
    /// Where the file is missing or wrong.
    pub fn read() -> Self {
        let text = fs::read_to_string(root().join("testdata/workload/w.json")).expect("testdata/workload/w.json");
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("testdata/workload/w.json: {why}"))
    }

    /// The kinds of `count` rules by their shares: whole numbers by largest remainder, ties in their order.
    pub(super) fn kinds(&self, count: usize) -> Vec<Kind> {
        let Shares { exact, r#in, prefix, percent } = self.shares;
        let shares = [(Kind::Exact, exact), (Kind::In, r#in), (Kind::Prefix, prefix), (Kind::Percent, percent)];
        let total: usize = shares.iter().map(|(_, share)| share).sum();
        let mut counts: Vec<_> =
            shares.iter().map(|(kind, share)| (*kind, share * count / total, share * count % total)).collect();
        let missing = count - counts.iter().map(|(_, whole, _)| whole).sum::<usize>();
        counts.sort_by_key(|(.., remainder)| std::cmp::Reverse(*remainder));
        counts.iter_mut().take(missing).for_each(|(_, whole, _)| *whole += 1);
        counts.iter().flat_map(|(kind, whole, _)| vec![*kind; *whole]).collect()
    }

    /// The rule at `at`, whose values no other rule has.
    pub(super) fn rule(&self, at: usize, kind: Kind, random: &mut Random) -> Rule {
        let mut value = || format!("{:08x}-{at}", random.below(1 << 32));
        let ask = match kind {
            Kind::Exact => Ask::Exact(value()),
            Kind::In => Ask::In((0..self.list).map(|_| value()).collect()),
            Kind::Prefix => Ask::Prefix(value() + "-"),
            Kind::Percent => Ask::Percent(value(), self.percent),
        };
        Rule { id: format!("r{at}"), header: self.headers[at % self.headers.len()].clone(), ask }
    }
}
