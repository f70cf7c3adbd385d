//! A regular expression to a table, within bounds of time and space.

use std::collections::BTreeMap;

use regex_automata::{
    Anchored, MatchKind,
    dfa::{Automaton as _, StartKind, dense},
    nfa::thompson,
    util::{primitives::StateID, start},
};
use regex_syntax::{
    Error, ParserBuilder,
    hir::{Hir, Look},
};

use super::{
    AUTOMATA_LIMIT,
    minimal::{Rows, minimal},
};

/// The most bytes of the automaton before it is made deterministic. What is repeated stands there as often as it is repeated.
const NFA_LIMIT: usize = 256 << 10;
/// The most bytes of the deterministic automaton as it is built, in a wider form than it is kept.
const DFA_LIMIT: usize = 2 << 20;
/// The most bytes that are used on the way to it. They bound the time as well: each is looked at once for each class of bytes.
const WORK_LIMIT: usize = 1 << 20;

/// What is spent on the expressions of a namespace, at most: a few seconds on a slow machine.
const EFFORT_LIMIT: usize = 32 << 20;
/// What an expression costs that turned out to be too large.
const LARGE_EFFORT: usize = 2 << 20;

/// How much may still be spent on compiling expressions.
#[derive(Debug)]
pub(crate) struct Effort(usize);

impl Default for Effort {
    /// What there is for one namespace.
    fn default() -> Self {
        Self(EFFORT_LIMIT)
    }
}

impl Effort {
    fn spend(&mut self, effort: usize) {
        self.0 = self.0.saturating_sub(effort);
    }
}

/// Why an expression is not compiled.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its table, or what it takes to make it, would be too large.
    Large,
    /// Those before it took all the time there is.
    Late,
}

/// Reads an expression. It is about bytes; classes are those of ASCII.
///
/// # Errors
/// What is wrong with an expression that is none.
pub(crate) fn read(pattern: &str, ignore_case: bool) -> Result<Hir, String> {
    let mut parser = ParserBuilder::new();
    parser.unicode(false).utf8(false).case_insensitive(ignore_case);
    let read = parser.build().parse(pattern).map_err(|why| syntax(&why))?;
    if read.properties().look_set().contains_word_unicode() {
        // These ask what a value has before and behind, which a table of bytes does not know.
        return Err("a word boundary of Unicode is not supported".to_owned());
    }
    Ok(read)
}

/// Compiles an expression to the bytes of its table, which accepts whole values.
///
/// # Errors
/// An expression that is too large.
pub(crate) fn build(pattern: &str, ignore_case: bool, effort: &mut Effort) -> Result<Vec<u8>, Refused> {
    if effort.0 == 0 {
        return Err(Refused::Late);
    }
    let read = read(pattern, ignore_case).map_err(|_| Refused::Large)?;
    let table = table(&Hir::concat(vec![Hir::look(Look::Start), read, Hir::look(Look::End)]), effort);
    if table.is_none() {
        effort.spend(LARGE_EFFORT);
    }
    table.ok_or(Refused::Large)
}

fn table(expression: &Hir, effort: &mut Effort) -> Option<Vec<u8>> {
    let nfa = nondeterministic(expression)?;
    let rows = rows(&deterministic(&nfa)?)?;
    // Each state was looked at for each class of bytes, and is made of states of the other automaton.
    let for_each = rows.classes.saturating_mul(16).saturating_add(nfa.states().len());
    effort.spend(rows.accepting.len().saturating_mul(for_each));
    minimal(rows).bytes().filter(|bytes| bytes.len() <= AUTOMATA_LIMIT)
}

/// In one line; the crate itself would draw the expression and an arrow.
fn syntax(why: &Error) -> String {
    let (what, at) = match why {
        Error::Parse(why) => (why.kind().to_string(), why.span().start.offset),
        Error::Translate(why) => (why.kind().to_string(), why.span().start.offset),
        _ => return why.to_string(),
    };
    format!("{what}, at byte {at}")
}

fn nondeterministic(expression: &Hir) -> Option<thompson::NFA> {
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_LIMIT));
    let config = config.which_captures(thompson::WhichCaptures::None);
    thompson::Compiler::new().configure(config).build_from_hir(expression).ok()
}

fn deterministic(nfa: &thompson::NFA) -> Option<dense::DFA<Vec<u32>>> {
    // Whether a value matches is all that is asked, so no way through the expression is preferred.
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(DFA_LIMIT))
        .determinize_size_limit(Some(WORK_LIMIT));
    dense::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

/// The states that can be reached, in the order in which they are found; state 0 is the dead one.
fn rows(dfa: &dense::DFA<Vec<u32>>) -> Option<Rows> {
    let start = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
    let classes = dfa.byte_classes();
    let class_of: Vec<u8> = (0..=u8::MAX).map(|byte| classes.get(byte)).collect();
    let bytes: Vec<u8> = classes.representatives(0..=u8::MAX).filter_map(|unit| unit.as_u8()).collect();
    let mut numbers: BTreeMap<Option<StateID>, usize> = BTreeMap::from([(None, 0), (Some(start), 1)]);
    // The dead state stays where it is.
    let mut found = vec![None, Some(start)];
    let (mut next, mut accepting) = (Vec::new(), Vec::new());
    let mut place = 0;
    while let Some(&state) = found.get(place) {
        place = place.checked_add(1)?;
        accepting.push(state.is_some_and(|state| dfa.is_match_state(dfa.next_eoi_state(state))));
        for &byte in &bytes {
            let to = state.map(|state| dfa.next_state(state, byte)).filter(|&to| !dfa.is_dead_state(to));
            let number = *numbers.entry(to).or_insert_with(|| {
                found.push(to);
                found.len().saturating_sub(1)
            });
            next.push(number);
        }
    }
    Some(Rows { class_of, classes: bytes.len(), start: 1, next, accepting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::{accepts, is_sound, parts};

    /// Whether a compiled expression accepts a value; what it cost is told as well.
    fn built(pattern: &str, ignore_case: bool) -> (Result<Vec<u8>, Refused>, usize) {
        let mut effort = Effort::default();
        let built = build(pattern, ignore_case, &mut effort);
        (built, EFFORT_LIMIT.abs_diff(effort.0))
    }

    fn matches(pattern: &str, ignore_case: bool, value: &[u8]) -> bool {
        let bytes = built(pattern, ignore_case).0.unwrap_or_else(|why| panic!("{pattern}: {why:?}"));
        let (shape, transitions) = parts(&bytes).unwrap();
        assert!(is_sound(shape, transitions), "{pattern}");
        accepts(shape, transitions, value)
    }

    #[test]
    fn the_whole_value_matches_or_nothing_does() {
        for (pattern, right, wrong) in [
            ("ios|android", &["ios", "android"][..], &["iosandroid", "ios ", "xios", "", "IOS"][..]),
            ("", &[""], &["a"]),
            ("a*", &["", "aaaa"], &["b", "aab"]),
            ("^a$", &["a"], &["a\n", "\na", "ba"]),
            (r"v\d+\.\d+", &["v1.2", "v10.22"], &["v1", "v1.", "1.2", "v١.٢"]),
            (".{2}", &["ab", "é"], &["a", "éé", "a\n"]),
            ("é+", &["é", "éé"], &["e", ""]),
            ("(?u:[à-ü]{2})", &["éé"], &["é", "ab"]),
            (r"\bab\b.*", &["ab", "ab c"], &["abc"]),
            ("(?x) a # not this\n b", &["ab"], &["a b"]),
            ("(?m)^a$\n^b$", &["a\nb"], &["ab", "a\nb\n"]),
            (r"(?s).+x", &["\nx"], &["x"]),
            (r"[^\x00-\x7f]+", &["é"], &["e"]),
        ] {
            for value in right {
                assert!(matches(pattern, false, value.as_bytes()), "{pattern} {value:?}");
            }
            for value in wrong {
                assert!(!matches(pattern, false, value.as_bytes()), "{pattern} {value:?}");
            }
        }
        assert!(matches("Straße[a-z]", true, "sTRAßEq".as_bytes()));
        assert!(!matches("ß", true, "ẞ".as_bytes()), "letters of ASCII alone have no case");
        assert!(matches(r"[\x80-\xff]", false, b"\xff"), "bytes, whatever they are");
    }

    #[test]
    fn equal_languages_have_equal_tables() {
        for (one, other) in [("ab|ac", "a[bc]"), ("(a|b)*", "[ab]*"), ("a?a?a?", "a{0,3}"), (r"\d", "[0-9]")] {
            assert_eq!(built(one, false).0.unwrap(), built(other, false).0.unwrap(), "{one} {other}");
        }
        let (bytes, _) = built("ios|android", false);
        let bytes = bytes.unwrap();
        let (shape, transitions) = parts(&bytes).unwrap();
        assert_eq!((shape.states.get(), shape.classes.get(), transitions.len()), (11, 8, 88));
    }

    /// What takes minutes or gigabytes elsewhere.
    #[test]
    fn expressions_made_to_be_large_cost_no_more_than_others() {
        let words: Vec<String> = (0..500).map(|number| format!("{:x}", number * 7_919)).collect();
        let every_byte: String = (0..=u8::MAX).map(|byte| format!("\\x{byte:02x}")).collect();
        let large = [
            "(a|b)*a(a|b){18}".to_owned(),
            "a{1000}{1000}".to_owned(),
            "((a{100}){100}){100}".to_owned(),
            r"(?u:\w{1,100})".to_owned(),
            format!("({}){{50}}", words.join("|")),
            format!("(?:{every_byte}){{16}}"),
            "((.*)*)*a((.*)*)*b.{20}c".to_owned(),
            ".*a.{14}".to_owned(),
        ];
        for pattern in &large {
            let (refused, cost) = built(pattern, false);
            assert!(matches!(refused, Err(Refused::Large)), "{pattern}");
            assert!(cost <= LARGE_EFFORT * 4, "{pattern} costs {cost}");
        }
        for pattern in ["(a|b)*a(a|b){12}", "(.*a){100}", "(a?){500}a{500}", &"a".repeat(4_096), "([a-z]+[0-9]*){30}"] {
            let (bytes, cost) = built(pattern, false);
            assert!(bytes.unwrap().len() <= AUTOMATA_LIMIT, "{pattern}");
            assert!(cost < EFFORT_LIMIT, "{pattern} costs {cost}");
        }
    }

    #[test]
    fn after_much_effort_nothing_more_is_compiled() {
        let mut effort = Effort::default();
        let refusals = (0..).take_while(|_| matches!(build(".*a.{14}", false, &mut effort), Err(Refused::Large)));
        assert_eq!(refusals.count(), EFFORT_LIMIT / LARGE_EFFORT);
        assert!(matches!(build("a", false, &mut effort), Err(Refused::Late)));
    }
}
