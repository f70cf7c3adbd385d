//! The rule sets that an import writes: what they say, and how that stands in a file.

use std::{collections::BTreeSet, fmt::Write as _};

use graylane_rules::{Format, Source, compile};

use super::identity::Identity;

/// A rule set to be written.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Its name, which is the file's as well.
    pub name: String,
    /// What a reader has to know, line by line.
    pub comments: Vec<String>,
    /// Its scope.
    pub hosts: Vec<String>,
    /// Its scope.
    pub path_prefixes: Vec<String>,
    /// What buckets its requests.
    pub identity: Vec<Identity>,
    /// Where the variant goes.
    pub variant_header: String,
    /// The variants.
    pub variants: Vec<String>,
    /// Which of them where no rule matches.
    pub default: String,
    /// The splits.
    pub splits: Vec<Split>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// A weighted choice.
#[derive(Clone, Debug)]
pub struct Split {
    /// Its name.
    pub name: String,
    /// Variants and weights.
    pub weights: Vec<(String, u32)>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What a reader has to know.
    pub comment: Option<String>,
    /// None: always.
    pub when: Option<Match>,
    /// What it decides.
    pub then: Then,
    /// A header it sets besides.
    pub set: Option<(String, String)>,
}

/// What a rule decides.
#[derive(Clone, Debug)]
pub enum Then {
    /// A variant.
    Variant(String),
    /// A split.
    Split(String),
}

/// A predicate.
#[derive(Clone, Debug)]
pub enum Match {
    /// Every one of them.
    All(Vec<Match>),
    /// One of them at least.
    Any(Vec<Match>),
    /// Not so.
    Not(Box<Match>),
    /// What is asked about, its name where it has one, and what is asked.
    Test(&'static str, Option<String>, Operator),
    /// From so many percent of the slots of a salt to so many.
    Percent(u32, u32, String),
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Operator {
    /// Whether it is there.
    Present,
    /// A comparison by its name with a text.
    Text(&'static str, String),
    /// Whether it is one of these.
    In(Vec<String>),
}

impl Match {
    /// All of several; the one itself where there is one. All within all are all.
    pub fn all(matches: Vec<Match>) -> Match {
        let flat = matches.into_iter().flat_map(|one| match one {
            Match::All(inner) => inner,
            other => vec![other],
        });
        single(flat.collect()).unwrap_or_else(Match::All)
    }

    /// Any of several; the one itself where there is one.
    pub fn any(matches: Vec<Match>) -> Match {
        single(matches).unwrap_or_else(Match::Any)
    }
}

fn single(mut matches: Vec<Match>) -> Result<Match, Vec<Match>> {
    match matches.pop() {
        Some(only) if matches.is_empty() => Ok(only),
        Some(last) => {
            matches.push(last);
            Err(matches)
        }
        None => Err(matches),
    }
}

/// Whether the language takes this regular expression.
///
/// # Errors
/// Why it does not.
pub fn accepts(pattern: &str) -> Result<(), String> {
    let test = Match::Test("path", None, Operator::Text("regex", pattern.to_owned()));
    let rule = Rule { id: "r".into(), comment: None, when: Some(test), then: Then::Variant("a".into()), set: None };
    let variants = vec!["a".to_owned()];
    let probe =
        RuleSet { name: "probe".into(), variants, default: "a".into(), rules: vec![rule], ..RuleSet::default() };
    let text = RuleSet { variant_header: "x-probe".into(), ..probe }.to_string();
    match compile(&[Source { format: Format::Yaml, text: text.as_bytes() }]) {
        Ok(_) => Ok(()),
        Err(problems) => Err(problems.first().map(|problem| problem.found.clone()).unwrap_or_default()),
    }
}

/// `text` as an id: lower case, what an id cannot have as '-'; `otherwise` where nothing is left.
pub fn id(text: &str, otherwise: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(letter).collect();
    let text: String = text.trim_matches(['-', '_']).chars().take(50).collect();
    if text.is_empty() { otherwise.to_owned() } else { text }
}

/// `wanted`, or that with a number behind it, whichever is not in `taken`; it is afterwards.
pub fn unique(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u32..).map(|number| format!("{wanted}-{number}"));
    let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or_else(|| wanted.to_owned());
    taken.insert(free.clone());
    free
}

/// The document, in strict YAML.
impl std::fmt::Display for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text)?;
        f.write_str(&text)
    }
}

impl RuleSet {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        for comment in &self.comments {
            write_comment(out, "", comment)?;
        }
        writeln!(out, "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata:\n  name: {}\nspec:", scalar(&self.name))?;
        if !self.hosts.is_empty() || !self.path_prefixes.is_empty() {
            writeln!(out, "  scope:")?;
            for (key, items) in [("hosts", &self.hosts), ("pathPrefixes", &self.path_prefixes)] {
                if !items.is_empty() {
                    writeln!(out, "    {key}: {}", list(items))?;
                }
            }
        }
        if !self.identity.is_empty() {
            writeln!(out, "  identity:\n    from:")?;
            for source in &self.identity {
                match source {
                    Identity::Header(name) => writeln!(out, "      - header: {}", scalar(name))?,
                    Identity::Cookie(name) => writeln!(out, "      - cookie: {}", scalar(name))?,
                }
            }
        }
        writeln!(out, "  output:\n    variantHeader: {}", scalar(&self.variant_header))?;
        writeln!(out, "  variants: {}\n  default: {}", list(&self.variants), scalar(&self.default))?;
        self.write_splits(out)?;
        if !self.rules.is_empty() {
            writeln!(out, "  rules:")?;
        }
        self.rules.iter().try_for_each(|rule| rule.write(out))
    }

    fn write_splits(&self, out: &mut String) -> std::fmt::Result {
        if !self.splits.is_empty() {
            writeln!(out, "  splits:")?;
        }
        for Split { name, weights } in &self.splits {
            let weights: Vec<_> =
                weights.iter().map(|(variant, weight)| format!("{}: {weight}", scalar(variant))).collect();
            writeln!(out, "    {}:\n      weights: {{{}}}", scalar(name), weights.join(", "))?;
        }
        Ok(())
    }
}

impl Rule {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        if let Some(comment) = &self.comment {
            write_comment(out, "    ", comment)?;
        }
        writeln!(out, "    - id: {}", scalar(&self.id))?;
        if let Some(when) = &self.when {
            writeln!(out, "      when:")?;
            when.write(out, 8)?;
        }
        match &self.then {
            Then::Variant(name) => writeln!(out, "      variant: {}", scalar(name))?,
            Then::Split(name) => writeln!(out, "      split: {}", scalar(name))?,
        }
        match &self.set {
            Some((name, value)) => writeln!(out, "      set: {{{}: {}}}", scalar(name), scalar(value)),
            None => Ok(()),
        }
    }
}

impl Match {
    /// Written from column `indent` on, without the indentation of the first line where it is an item of a list.
    fn write(&self, out: &mut String, indent: usize) -> std::fmt::Result {
        write!(out, "{:indent$}", "")?;
        self.write_here(out, indent)
    }

    fn write_here(&self, out: &mut String, indent: usize) -> std::fmt::Result {
        let inner = indent.saturating_add(2);
        match self {
            Match::All(matches) | Match::Any(matches) => {
                writeln!(out, "{}:", if matches!(self, Match::All(_)) { "all" } else { "any" })?;
                matches.iter().try_for_each(|one| {
                    write!(out, "{:inner$}- ", "")?;
                    one.write_here(out, inner.saturating_add(2))
                })
            }
            Match::Not(one) => {
                writeln!(out, "not:")?;
                one.write(out, inner)
            }
            Match::Test(kind, name, operator) => {
                let name = name.as_ref().map(|name| format!("name: {}, ", scalar(name))).unwrap_or_default();
                writeln!(out, "{kind}: {{{name}{}}}", operator.written())
            }
            Match::Percent(from, to, salt) => {
                writeln!(out, "percent: {{from: {from}, to: {to}, salt: {}}}", scalar(salt))
            }
        }
    }
}

impl Operator {
    fn written(&self) -> String {
        match self {
            Operator::Present => "present: true".to_owned(),
            Operator::Text(name, operand) => format!("{name}: {}", scalar(operand)),
            Operator::In(operands) => format!("in: {}", list(operands)),
        }
    }
}

fn write_comment(out: &mut String, indent: &str, comment: &str) -> std::fmt::Result {
    // What the source says could end the line and go on as a document.
    writeln!(out, "{indent}# {}", crate::finding::one_line(comment))
}

fn list(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A string as a scalar: plain where no reader takes it for anything else, and else in double quotes.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let letter_first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'/');
    let is_word =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if letter_first && text.bytes().all(plain) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            active if crate::finding::is_active(active) => {
                let code = u32::from(active);
                let escaped = if code > 0xffff { format!("\\U{code:08x}") } else { format!("\\u{code:04x}") };
                quoted.push_str(&escaped);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_it_is_read_back_as_it_was() {
        let nasty = [
            "no",
            "0x1f",
            "a: b",
            "# c",
            "\"\\",
            "",
            " x ",
            "é\u{202e}\t",
            "1.10",
            "~",
            "[a]",
            "- b",
            "*a",
            "&a",
            "!t",
        ];
        let operands = nasty.map(str::to_owned).to_vec();
        let tests = vec![
            Match::Not(Box::new(Match::any(vec![
                Match::Test("query", Some("a b\u{7}".into()), Operator::In(operands)),
                Match::Test("path", None, Operator::Text("prefix", "/\"x".into())),
            ]))),
            Match::Percent(0, 30, "a b".into()),
        ];
        let rule = Rule {
            id: "r".into(),
            comment: Some("a\nkind: x".into()),
            when: Some(Match::all(tests)),
            then: Then::Split("s".into()),
            set: Some(("x-b".into(), "\"a, b\"".into())),
        };
        let rule_set = RuleSet {
            name: "no".into(),
            comments: vec!["one\r\ntwo".into()],
            hosts: vec!["*.example.com".into()],
            path_prefixes: vec!["/".into()],
            identity: vec![Identity::Header("x-user".into()), Identity::Cookie("Uid".into())],
            variant_header: "x-gray-variant".into(),
            variants: vec!["1".into(), "on".into()],
            default: "1".into(),
            splits: vec![Split { name: "s".into(), weights: vec![("1".into(), 3), ("on".into(), 1)] }],
            rules: vec![rule],
        };
        let text = rule_set.to_string();
        let compiled = compile(&[Source { format: Format::Yaml, text: text.as_bytes() }]);
        compiled.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    }

    #[test]
    fn names_are_ids_and_each_is_there_once() {
        assert_eq!(id("Shop.Canary/v2", "x"), "shop-canary-v2");
        assert_eq!(id("…", "x"), "x");
        let mut taken = BTreeSet::new();
        assert_eq!([unique("a", &mut taken), unique("a", &mut taken), unique("a", &mut taken)], ["a", "a-2", "a-3"]);
    }
}
