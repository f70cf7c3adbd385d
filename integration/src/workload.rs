//! Workload W: rule sets of any size, alike in everything but their size, for whoever measures what rules cost.
//!
//! `testdata/workload/w.json` says what they consist of, `testdata/workload/w-10.json` is the smallest. Most rules ask one of three
//! headers for a value of its own, some for one of a list or for a beginning, a few join a value with a percentage; four
//! regexes are there at every size. The last rule is the target, which [`Workload::request`] matches, and no other.

mod parameters;

use serde_json::{Value, json};

use crate::{Request, bench::statistics::Random};
pub use parameters::Parameters;

/// The variant of every rule; what no rule matches gets [`DEFAULT`].
pub const VARIANT: &str = "canary";
/// The default variant.
pub const DEFAULT: &str = "stable";

/// A rule set.
#[derive(Clone, Debug)]
pub struct Workload {
    parameters: Parameters,
    /// In their order; the target is the last.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// The header it asks for.
    pub header: String,
    /// What it asks.
    pub ask: Ask,
}

/// What a rule asks of its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// This value.
    Exact(String),
    /// One of these.
    In(Vec<String>),
    /// A value that begins so.
    Prefix(String),
    /// This value, and an identity among so many percent.
    Percent(String, u32),
    /// A value that is wholly like this.
    Regex(String),
}

/// A header and a value that matches a rule, or just does not.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The place of the rule.
    pub rule: usize,
    /// The header's name and value.
    pub header: (String, String),
    /// The variant that everybody must give.
    pub variant: &'static str,
}

impl Workload {
    /// The workload of `size` rules, the same in every run.
    ///
    /// # Panics
    /// Where `size` leaves no room for the regexes and the target.
    pub fn of(size: usize) -> Self {
        let parameters = Parameters::read();
        let mut random = Random::new(parameters.seed ^ size as u64);
        let plain = size.checked_sub(parameters.regexes.len() + 1).expect("room for the regexes and the target");
        // The target is one of the exact matches.
        let mut kinds = parameters.kinds(plain + 1);
        let target = kinds.iter().position(|kind| *kind == Kind::Exact).expect("an exact match");
        kinds.swap_remove(target);
        random.shuffle(&mut kinds);
        let mut rules: Vec<_> =
            kinds.iter().enumerate().map(|(at, kind)| parameters.rule(at, *kind, &mut random)).collect();
        for (at, pattern) in parameters.regexes.iter().enumerate() {
            // Evenly among the others: their places say nothing about which of them are asked first.
            let place = (at + 1) * rules.len() / (parameters.regexes.len() + 1);
            let ask = Ask::Regex(pattern.clone());
            rules.insert(place, Rule { id: format!("regex-{at}"), header: parameters.regex_header.clone(), ask });
        }
        let (header, value) = parameters.target.iter().next().expect("a target");
        rules.push(Rule { id: "target".to_owned(), header: header.clone(), ask: Ask::Exact(value.clone()) });
        Self { parameters, rules }
    }

    /// The rule set as Graylane reads it.
    pub fn document(&self) -> Value {
        json!({
            "apiVersion": "graylane.dev/v1",
            "kind": "RuleSet",
            "metadata": {"name": "w"},
            "spec": {
                "identity": {"from": [{"header": "x-user-id"}]},
                "variants": [DEFAULT, VARIANT],
                "default": DEFAULT,
                "rules": self.rules.iter().map(Rule::document).collect::<Vec<_>>(),
            },
        })
    }

    /// The same as text, where the last rule tells the upstream a number: another revision for each.
    ///
    /// # Panics
    /// Where there is no rule.
    pub fn numbered(&self, number: usize) -> String {
        let mut document = self.document();
        let last = document["spec"]["rules"].as_array_mut().and_then(|rules| rules.last_mut()).expect("rules");
        last["set"] = json!({"x-feature-flags": format!("n={number}")});
        document.to_string()
    }

    /// `request` with every header that rules ask for, of which the target alone matches any.
    pub fn request(request: Request) -> Request {
        let Parameters { target, misses, .. } = Parameters::read();
        target.iter().chain(&misses).fold(request, |request, (name, value)| request.header(name, value))
    }

    /// The headers that rules ask for.
    pub fn headers(&self) -> Vec<String> {
        [&self.parameters.headers[..], std::slice::from_ref(&self.parameters.regex_header)].concat()
    }

    /// Values that match about `count` of the rules, spread over all of them, and values that only just do not.
    pub fn probes(&self, count: usize) -> Vec<Probe> {
        let step = (self.rules.len() / count).max(1);
        let regex = |rule: &Rule| matches!(rule.ask, Ask::Regex(_));
        let chosen =
            self.rules.iter().enumerate().filter(|(at, rule)| at % step == 0 || regex(rule) || rule.id == "target");
        chosen.flat_map(|(at, rule)| rule.probes(at)).collect()
    }
}

/// The operators that are chosen by their shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Exact,
    In,
    Prefix,
    Percent,
}

impl Rule {
    fn document(&self) -> Value {
        let header = |key: &str, operand: Value| json!({"header": {"name": self.header, key: operand}});
        let when = match &self.ask {
            Ask::Exact(value) => header("exact", json!(value)),
            Ask::In(values) => header("in", json!(values)),
            Ask::Prefix(prefix) => header("prefix", json!(prefix)),
            Ask::Percent(value, percent) => json!({"all": [header("exact", json!(value)), {"percent": percent}]}),
            Ask::Regex(pattern) => header("regex", json!(pattern)),
        };
        json!({"id": self.id, "when": when, "variant": VARIANT})
    }

    /// A value that matches and one that does not, where everybody agrees on both: not where identities are hashed.
    fn probes(&self, rule: usize) -> Vec<Probe> {
        let (hit, miss) = match &self.ask {
            Ask::Exact(value) => (value.clone(), format!("{value}x")),
            Ask::In(values) => (values[values.len() - 1].clone(), format!("{}x", values[0])),
            Ask::Prefix(prefix) => (format!("{prefix}7"), prefix[..prefix.len() - 1].to_owned()),
            Ask::Regex(pattern) => (matching(pattern), format!("{}!", matching(pattern))),
            Ask::Percent(..) => return Vec::new(),
        };
        let probe = |value, variant| Probe { rule, header: (self.header.clone(), value), variant };
        vec![probe(hit, VARIANT), probe(miss, DEFAULT)]
    }
}

/// A value that a pattern matches which consists of letters and classes with a `+`.
fn matching(pattern: &str) -> String {
    let mut value = String::new();
    let mut rest = pattern;
    while let Some((plain, class)) = rest.split_once('[') {
        let (class, behind) = class.split_once("]+").expect("a class with a plus");
        value.extend([plain, &class[..1], &class[..1]]);
        rest = behind;
    }
    value + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(workload: &Workload, wanted: fn(&Ask) -> bool) -> usize {
        workload.rules.iter().filter(|rule| wanted(&rule.ask)).count()
    }

    #[test]
    fn the_smallest_size_is_the_one_in_testdata() {
        let file = crate::artefact("testdata/workload/w-10.json");
        let text = std::fs::read_to_string(&file).expect("the smallest size");
        let kept: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(kept, Workload::of(10).document(), "write it anew: {}", Workload::of(10).document());
    }

    #[test]
    fn shares_hold_and_the_target_is_the_last() {
        let workload = Workload::of(1000);
        assert_eq!(workload.rules.len(), 1000);
        assert_eq!(workload.rules.last().map(|rule| rule.id.as_str()), Some("target"));
        assert_eq!(count(&workload, |ask| matches!(ask, Ask::Regex(_))), 4);
        assert_eq!(count(&workload, |ask| matches!(ask, Ask::Exact(_))), 697);
        assert_eq!(count(&workload, |ask| matches!(ask, Ask::In(_))), 149);
        assert_eq!(count(&workload, |ask| matches!(ask, Ask::Prefix(_))), 100);
        assert_eq!(count(&workload, |ask| matches!(ask, Ask::Percent(..))), 50);
        let mut asks: Vec<_> = workload.rules.iter().map(|rule| format!("{rule:?}")).collect();
        asks.dedup();
        assert_eq!(asks.len(), 1000);
    }

    #[test]
    fn a_pattern_is_matched_by_what_is_made_of_it() {
        assert_eq!(matching("rc-[0-9]+-[a-f]+"), "rc-00-aa");
        assert_eq!(matching("plain"), "plain");
    }
}
