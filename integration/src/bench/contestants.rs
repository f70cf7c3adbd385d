//! What is measured: the ways to decide, and what each must answer.

use crate::workload::{Ask, Parameters};

/// One way to decide a request.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// Its name in the table.
    pub name: &'static str,
    /// How many rules of workload W it has; None where it has the one rule, or none.
    pub rules: Option<usize>,
    /// How it decides.
    pub way: Way,
    /// What it answers.
    pub expects: Expects,
    /// What a reader of the table must know about it.
    pub note: &'static str,
}

/// How a request is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Not at all.
    Nothing,
    /// By a module without rules of its own.
    Wasm(&'static str),
    /// By a build of Graylane, with the one rule in its configuration.
    Embedded(&'static str),
    /// By Graylane, with rules that a control plane serves.
    Delivered,
    /// By Lua, with the one rule.
    Lua,
    /// By Lua, with a table of rules, one after the other.
    LuaTable,
    /// By Envoy's routes, one after the other.
    Routes,
    /// By Envoy's matcher tree.
    Tree,
}

/// What the measured requests are answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// `undecided`.
    Undecided,
    /// `stable` or `canary`, half of each. True where it hashes as Graylane does, and so must give each user the same variant.
    Halves(bool),
    /// `canary`, by the last rule.
    Target,
}

/// The Envoy everything is compared with.
pub const NO_FILTER: &str = "no filter";
/// The bare ABI by hand.
pub const FLOOR: &str = "floor";
/// Graylane.
pub const OURS: &str = "graylane";
/// What people reach for first.
pub const LUA: &str = "lua";
/// Envoy's linear header routes.
pub const ROUTES: &str = "routes";
/// Envoy's matcher tree.
const TREE: &str = "tree";

/// Those that have the one rule, or none.
const SMALL: [(&str, Way, Expects, &str); 5] = [
    (NO_FILTER, Way::Nothing, Expects::Undecided, "direct responses, three routes, no access log"),
    (
        "sdk empty",
        Way::Wasm("dist/bench_sdk_empty.wasm"),
        Expects::Undecided,
        "the Rust SDK's own dispatch: all callbacks at their defaults, no work done",
    ),
    (
        FLOOR,
        Way::Wasm("dist/bench_floor.wasm"),
        Expects::Halves(true),
        "bare ABI, one export a request: get, xxh3, replace, four entries of filter state, one counter; \
         no scopes, duplicates, twins, updates or errors",
    ),
    (
        OURS,
        Way::Embedded("dist/graylane.wasm"),
        Expects::Halves(true),
        "without a number: one rule, 50/50 by x-user-id, embedded in the plugin configuration. With one: so many rules of \
         workload W, by `graylane serve` and the bootstrap fetcher; the last one matches",
    ),
    (
        LUA,
        Way::Lua,
        Expects::Halves(false),
        "without a number: strip, get, set, four entries of dynamic metadata; an arithmetic hash over the bytes, as Lua has no \
         xxh3; no counter, as Lua cannot count. With one: W as a table that is walked, regexes as Lua's patterns",
    ),
];

/// Those that have workload W.
const LARGE: [(&str, Way, &str); 4] = [
    (OURS, Way::Delivered, ""),
    (
        ROUTES,
        Way::Routes,
        "W as Envoy's header routes, one a rule: exact, in as safe_regex, prefix, safe_regex, and percentages as \
         runtime_fraction, which is random and not by identity",
    ),
    (
        TREE,
        Way::Tree,
        "what Envoy's VirtualHost.matcher can say of W: exact and in, as an exact_match_map a header; no prefixes, percentages or \
         regexes",
    ),
    (LUA, Way::LuaTable, ""),
];

impl Contestant {
    /// Those with these names, each at every size, and always the Envoy without a filter, which comes first; all where none is
    /// named. A name may be followed by a number of rules: `graylane 1000`.
    ///
    /// # Panics
    /// Where a name is none of theirs.
    pub fn choose(names: &[String]) -> Vec<Self> {
        let all = Self::all();
        for name in names {
            let known = all.iter().any(|contestant| contestant.is_called(name));
            assert!(known, "found {name:?}, expected one of {:?}", all.iter().map(Self::label).collect::<Vec<_>>());
        }
        let wanted = |contestant: &Self| {
            names.is_empty() || contestant.name == NO_FILTER || names.iter().any(|name| contestant.is_called(name))
        };
        all.into_iter().filter(wanted).collect()
    }

    fn all() -> Vec<Self> {
        let small = SMALL.map(|(name, way, expects, note)| Self { name, rules: None, way, expects, note });
        let sizes = Parameters::read().sizes;
        let large = LARGE.iter().flat_map(|&(name, way, note)| {
            sizes.iter().map(move |&rules| Self { name, rules: Some(rules), way, expects: Expects::Target, note })
        });
        small.into_iter().chain(large).collect()
    }

    /// Another build of Graylane, called by its file.
    pub fn candidate(file: &str) -> Self {
        let file: &'static str = file.to_owned().leak();
        let name = file.rsplit('/').next().and_then(|name| name.strip_suffix(".wasm")).unwrap_or(file);
        let (way, expects) = (Way::Embedded(file), Expects::Halves(true));
        Self { name, rules: None, way, expects, note: "another build of Graylane, with the one rule" }
    }

    /// Its name and its size.
    pub fn label(&self) -> String {
        self.rules.map_or_else(|| self.name.to_owned(), |rules| format!("{} {rules}", self.name))
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.label() == name
    }

    /// Which contestants share an Envoy: where nothing but the listener differs, all sizes.
    pub fn envoy(&self) -> String {
        match self.way {
            Way::Routes | Way::Tree | Way::LuaTable => format!("{:?}", self.way),
            _ => self.label(),
        }
    }

    /// How many of `requests` it gets: those that walk rules one by one get fewer.
    pub fn share(&self, requests: usize) -> usize {
        let walks = matches!(self.way, Way::Routes | Way::LuaTable);
        let slower = if walks { 1 + self.rules.unwrap_or(0) / 600 } else { 1 };
        (requests / slower).max(100)
    }

    /// Whether it can say what a rule asks, to the letter.
    pub fn says(&self, ask: &Ask) -> bool {
        match self.way {
            Way::Delivered => true,
            Way::Tree => matches!(ask, Ask::Exact(_) | Ask::In(_)),
            _ => !matches!(ask, Ask::Percent(..)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_every_size_and_a_label_for_one() {
        let labels = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            Contestant::choose(&names).iter().map(Contestant::label).collect::<Vec<_>>()
        };
        assert_eq!(labels(&["floor", "tree 100"]), ["no filter", "floor", "tree 100"]);
        assert_eq!(labels(&["routes"]).len(), 5);
        assert_eq!(labels(&[]).len(), 21);
    }

    #[test]
    #[should_panic(expected = "found \"rust\"")]
    fn an_unknown_name_is_refused() {
        Contestant::choose(&["rust".to_owned()]);
    }
}
