//! `semver` answers as npm's own node-semver does: 100,000 pairs of a range and a version, drawn from a seed, half of them with
//! `includePrerelease`, put to both. The reference is the copy that npm carries; without Node.js and npm the test is skipped, loudly.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

#[path = "common/sent.rs"]
mod sent;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use graylane_rules::{Format, Snapshot, Source, compile};
use sent::Sent;
use serde::{Deserialize, Serialize};

const RANGES: usize = 20_000;
const VERSIONS: usize = 5;

/// Answers each question with null for a range that npm refuses, or whether each version is within it.
const SCRIPT: &str = r"
const { Range } = require(process.argv[1])
const answer = ({ range, prereleases, versions }) => {
  try {
    const read = new Range(range, { includePrerelease: prereleases })
    return versions.map(version => read.test(version))
  } catch {
    return null
  }
}
const questions = JSON.parse(require('fs').readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(questions.map(answer)))
";

#[derive(Serialize)]
struct Question {
    range: String,
    prereleases: bool,
    versions: Vec<String>,
}

/// None: the range is refused.
type Answer = Option<Vec<bool>>;

#[test]
fn ranges_of_versions_are_those_of_npm() {
    let Some(semver) = node_semver() else {
        println!("\n**** SKIPPED: ranges_of_versions_are_those_of_npm: node or npm is missing ****\n");
        return;
    };
    let mut draw = Draw(20_240_229);
    let questions: Vec<_> = (0..RANGES).map(|_| draw.question()).collect();
    let expected = ask_npm(&semver, &questions);
    assert_eq!(expected.len(), questions.len());
    let (mut wrong, mut accepted, mut within) = (Vec::new(), 0, 0);
    for (question, expected) in questions.iter().zip(&expected) {
        let found = ask_graylane(question);
        accepted += usize::from(expected.is_some());
        within += expected.iter().flatten().filter(|&&within| within).count();
        if found != *expected {
            let question = serde_json::to_string(question).unwrap();
            wrong.push(format!("{question}\n  found {found:?}, npm answers {expected:?}"));
        }
    }
    let pairs = RANGES * VERSIONS;
    println!(
        "{pairs} pairs: {accepted} of {RANGES} ranges are read by npm, {within} pairs match, {} differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} of {RANGES}:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    // A generator of nothing but refusals, or of nothing that matches, would show nothing.
    assert!((RANGES / 3..RANGES - RANGES / 20).contains(&accepted), "{accepted}");
    assert!(within > pairs / 20, "{within}");
}

/// Where npm's copy stands.
fn node_semver() -> Option<String> {
    Command::new("node").arg("--version").output().ok().filter(|run| run.status.success())?;
    let root = Command::new("npm").args(["root", "-g"]).output().ok().filter(|run| run.status.success())?;
    let path = format!("{}/npm/node_modules/semver", String::from_utf8(root.stdout).ok()?.trim());
    std::path::Path::new(&path).exists().then_some(path)
}

fn ask_npm(semver: &str, questions: &[Question]) -> Vec<Answer> {
    let mut node = Command::new("node")
        .args(["-e", SCRIPT, semver])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node to start");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(questions).unwrap()).unwrap();
    drop(stdin);
    let run = node.wait_with_output().unwrap();
    assert!(run.status.success(), "node ended with {}", run.status);
    Vec::<Answer>::deserialize(&mut serde_json::Deserializer::from_slice(&run.stdout)).unwrap()
}

/// The whole way: a document, compiled, loaded, deciding requests.
fn ask_graylane(question: &Question) -> Answer {
    let document = serde_json::json!({
        "apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "npm"},
        "spec": {"variants": ["no", "yes"], "default": "no", "rules": [{"id": "r", "variant": "yes", "when": {"header":
            {"name": "x-version", "semver": question.range, "includePrerelease": question.prereleases}}}]},
    })
    .to_string();
    let compiled = compile(&[Source { format: Format::Json, text: document.as_bytes() }]);
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(problems) => {
            assert!(problems.iter().all(|problem| problem.code == "bad-semver"), "{problems:?}");
            return None;
        }
    };
    let snapshot = Snapshot::load(compiled.snapshot).unwrap();
    let answer = |version: &String| snapshot.decide(&Sent(version.as_bytes())).next().unwrap().variant() == b"yes";
    Some(question.versions.iter().map(answer).collect())
}

/// A seeded generator (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Whether something of a chance of one in `of` happens.
    fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn question(&mut self) -> Question {
        let harsh = self.once_in(4);
        let mut range = self.range(harsh);
        if self.once_in(12) {
            range = self.damaged(&range);
        }
        let mut near: Vec<_> =
            range.split(|letter: char| !letter.is_ascii_alphanumeric() && !".-".contains(letter)).collect();
        near.retain(|version| version.contains(|letter: char| letter.is_ascii_digit()));
        near.push("1.2.3");
        let versions = (0..VERSIONS).map(|_| if self.once_in(2) { self.asked() } else { self.near(&near) }).collect();
        Question { range, prereleases: self.once_in(2), versions }
    }

    fn range(&mut self, harsh: bool) -> String {
        let alternatives: Vec<_> = (0..1 + self.below(5) / 2).map(|_| self.all(harsh)).collect();
        alternatives.join(self.one(&["||", " || ", "|| "]))
    }

    fn all(&mut self, harsh: bool) -> String {
        if self.once_in(5) {
            let between = if harsh { self.one(&[" - ", " -  ", "- ", "-", " – "]) } else { " - " };
            return format!("{}{between}{}", self.partial(harsh), self.partial(harsh));
        }
        let words: Vec<_> = (0..self.below(8).div_ceil(3)).map(|_| self.comparator(harsh)).collect();
        words.join(if harsh { self.one(&[" ", "  ", "\t", ", ", ",", "\u{a0}"]) } else { " " })
    }

    fn comparator(&mut self, harsh: bool) -> String {
        const PLAIN: [&str; 10] = ["", "", ">", ">=", "<", "<=", "=", "~", "^", "~>"];
        const HARSH: [&str; 14] =
            ["==", "=>", "><", "!=", "^=", "~=", "~>=", "^>", "~ >", ">= =", "~ ^", "v", "= v", "^ ~"];
        let operator = if harsh && self.once_in(3) { self.one(&HARSH) } else { self.one(&PLAIN) };
        let blank = if self.once_in(6) { " " } else { "" };
        format!("{operator}{blank}{}", self.partial(harsh))
    }

    fn partial(&mut self, harsh: bool) -> String {
        let parts: Vec<_> = (0..self.below(8).clamp(1, 3)).map(|_| self.part(harsh)).collect();
        let whole = parts.len() == 3;
        let tail = if whole || (harsh && self.once_in(6)) { self.tail(harsh) } else { String::new() };
        let before = if self.once_in(12) { self.one(&["v", "=", "v=", " ", "V", "v "]) } else { "" };
        format!("{before}{}{tail}", parts.join("."))
    }

    fn part(&mut self, harsh: bool) -> String {
        match self.below(if harsh { 9 } else { 7 }) {
            0 => self.one(&["x", "X", "*"]).to_owned(),
            7 => self.one(&["01", "00", "", "y", "-1", "1*", "*2", "xx", "1.1", "٣"]).to_owned(),
            8 => self.one(&[GREATEST, "9007199254740992", "18446744073709551616", &"9".repeat(60)]).to_owned(),
            _ => self.below(4).to_string(),
        }
    }

    /// A prerelease and build metadata, mostly neither.
    fn tail(&mut self, harsh: bool) -> String {
        let prerelease = match self.below(3) {
            0 => format!("-{}", self.identifiers(harsh)),
            _ => String::new(),
        };
        let build =
            if self.once_in(10) { format!("+{}", self.one(&["b", "001", "a.b-c", "-"])) } else { String::new() };
        format!(
            "{prerelease}{build}{}",
            if harsh && self.once_in(8) { self.one(&["-", "+", "*", ".", "-01", "v"]) } else { "" }
        )
    }

    fn identifiers(&mut self, harsh: bool) -> String {
        const PLAIN: [&str; 10] = ["alpha", "beta", "rc", "0", "1", "2", "10", "a", "x", "-"];
        const HARSH: [&str; 10] =
            ["01", "", "1v", "v", "9007199254740991", "9007199254740992", "9007199254740993", "A", "alpha*", "a_b"];
        let words: Vec<_> = (0..1 + self.below(3))
            .map(|_| if harsh && self.once_in(3) { self.one(&HARSH) } else { self.one(&PLAIN) })
            .collect();
        words.join(".")
    }

    /// A version to ask about: whole for the most part.
    fn asked(&mut self) -> String {
        if self.once_in(20) {
            return self.partial(true);
        }
        let [major, minor, patch] = [(); 3].map(|()| self.below(4));
        let around = if self.once_in(15) { self.one(&["v", " ", "\t", "=", "\u{a0}", "\u{85}"]) } else { "" };
        let harsh = self.once_in(6);
        format!("{around}{major}.{minor}.{patch}{}", self.tail(harsh))
    }

    /// A version of the range, or a prerelease of it, or the next one.
    fn near(&mut self, versions: &[&str]) -> String {
        let version = self.one(versions);
        let (numbers, prerelease) = version.split_at(version.find('-').unwrap_or(version.len()));
        let mut numbers: Vec<u64> = numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect();
        numbers.resize(3, 0);
        if self.once_in(3) {
            let place = self.below(3);
            numbers[place] = numbers[place].saturating_add(1);
        }
        let tail =
            if self.once_in(2) { prerelease.to_owned() } else { self.one(&["", "-0", "-alpha", "-1.rc"]).to_owned() };
        format!("{}.{}.{}{tail}", numbers[0], numbers[1], numbers[2])
    }

    /// The text with one letter gone, doubled, or replaced.
    fn damaged(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.below(letters.len() + 1);
        let letter = self.one(&["<", ">", "=", "~", "^", " ", "-", "|", "*", "x", "v", ".", "0", "1", "+", "a"]);
        match self.below(3) {
            0 if at < letters.len() => drop(letters.remove(at)),
            1 if at < letters.len() => letters[at] = letter.chars().next().unwrap(),
            _ => letters.insert(at, letter.chars().next().unwrap()),
        }
        letters.into_iter().collect()
    }
}

const GREATEST: &str = "9007199254740991";
