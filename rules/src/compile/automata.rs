//! The tables of a namespace's regular expressions: brought along, or built here.

use crate::{
    automaton::{self, AUTOMATA_LIMIT, Automaton},
    document::{Match, Operator, Regex, RuleSet},
    report::Report,
    snapshot::write::{Known, size},
    tree::quote,
};

/// What the expressions were compiled to, in the order in which they were met.
#[derive(Default)]
pub(super) struct Automata {
    list: Vec<Automaton>,
    known: Known,
}

/// Why an expression has no table.
struct Lacking {
    code: &'static str,
    found: String,
    expected: &'static str,
}

impl Automata {
    /// Finds the table of every expression, rule set by rule set; those of `brought` are taken as they are, the others built.
    /// Problems go to the report, and after the first that is about all of them no other is looked at.
    pub(super) fn of(rule_sets: &[(usize, RuleSet)], brought: &[Automaton], report: &mut Report) -> Self {
        let mut builder = Builder { automata: Self::default(), brought, tools: Tools::default() };
        let mut bytes = 0usize;
        for (index, rule_set) in rule_sets {
            report.begin(*index);
            // Each section has its own.
            let mut own = Vec::new();
            for regex in rule_set.rules.iter().filter_map(|rule| rule.when.as_ref()).flat_map(Match::regexes) {
                match builder.place(regex) {
                    Ok(place) if !own.contains(&place) => {
                        own.push(place);
                        bytes = bytes.saturating_add(builder.automata.bytes(place).len());
                    }
                    Ok(_) => {}
                    Err(Lacking { code, found, expected }) => {
                        report.error_at(code, &regex.path, regex.span.clone(), found, expected);
                    }
                }
                if bytes > AUTOMATA_LIMIT {
                    let found = format!("regular expressions whose tables take {bytes} bytes up to here");
                    report.error_at(
                        "too-large",
                        &regex.path,
                        regex.span.clone(),
                        found,
                        "at most 512 KiB in a namespace",
                    );
                    return builder.automata;
                }
            }
        }
        builder.automata
    }

    /// The table of an expression.
    pub(super) fn table(&self, regex: &Regex) -> &[u8] {
        self.known.place(&regex.key()).map_or(&[], |(place, _)| self.bytes(place))
    }

    fn bytes(&self, place: u32) -> &[u8] {
        self.list.get(place as usize).map(|automaton| automaton.bytes.as_slice()).unwrap_or_default()
    }

    /// All of them, each once.
    pub(super) fn into_list(self) -> Vec<Automaton> {
        self.list
    }
}

struct Builder<'b> {
    automata: Automata,
    brought: &'b [Automaton],
    tools: Tools,
}

impl Builder<'_> {
    /// The place of an expression in the list, where it comes if it is not there yet.
    fn place(&mut self, regex: &Regex) -> Result<u32, Lacking> {
        let key = regex.key();
        if let Some((place, _)) = self.automata.known.place(&key) {
            return Ok(place);
        }
        let brought = self.brought.iter().find(|one| one.pattern == regex.pattern && one.ignore_case == regex.fold);
        let bytes = match brought {
            Some(brought) => sound(brought)?,
            None => self.tools.build(regex)?,
        };
        let place = size(self.automata.list.len()).get();
        self.automata.list.push(Automaton { pattern: regex.pattern.clone(), ignore_case: regex.fold, bytes });
        self.automata.known.insert(key, (place, 1));
        Ok(place)
    }
}

fn sound(brought: &Automaton) -> Result<Vec<u8>, Lacking> {
    let parts = automaton::parts(&brought.bytes);
    if parts.is_some_and(|(shape, transitions)| automaton::is_sound(shape, transitions)) {
        return Ok(brought.bytes.clone());
    }
    let found = format!("an automaton for {} that is damaged", quote(&brought.pattern));
    Err(Lacking { code: "bad-automaton", found, expected: "one as `graylane embed` writes it" })
}

/// What tables are built with.
#[cfg(feature = "regex")]
#[derive(Default)]
struct Tools(automaton::Effort);

#[cfg(feature = "regex")]
impl Tools {
    fn build(&mut self, regex: &Regex) -> Result<Vec<u8>, Lacking> {
        automaton::build(&regex.pattern, regex.fold, &mut self.0).map_err(|why| {
            let expected = match why {
                automaton::Refused::Large => "one that compiles to at most 512 KiB, without much more on the way: fewer repetitions of what overlaps",
                automaton::Refused::Late => "fewer or simpler ones: those before it took all the effort that is made for a namespace",
            };
            Lacking { code: "bad-regex", found: format!("the regular expression {}", quote(&regex.pattern)), expected }
        })
    }
}

/// Nothing is built where the tables have to be brought along.
#[cfg(not(feature = "regex"))]
#[derive(Default)]
struct Tools {}

#[cfg(not(feature = "regex"))]
impl Tools {
    fn build(&mut self, regex: &Regex) -> Result<Vec<u8>, Lacking> {
        let found = format!("the regular expression {} without its automaton", quote(&regex.pattern));
        let expected = "what `graylane embed` writes: the rule sets and the automata of their regular expressions";
        Err(Lacking { code: "no-automaton", found, expected })
    }
}

impl Regex {
    /// What tells it from others: the expression, and whether it compares letters without case.
    pub(super) fn key(&self) -> Vec<u8> {
        [&[u8::from(self.fold)], self.pattern.as_bytes()].concat()
    }
}

impl Match {
    /// The expressions it asks, in order.
    fn regexes(&self) -> Vec<&Regex> {
        match self {
            Match::All(inner) | Match::Any(inner) => inner.iter().flat_map(Match::regexes).collect(),
            Match::Not(inner) => inner.regexes(),
            Match::Test(_, Operator::Regex(regex)) => vec![regex],
            _ => Vec::new(),
        }
    }
}
