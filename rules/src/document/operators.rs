//! The operator of a match: what is asked about an attribute.

use super::{Fields, Operator, TextOperator, fields, names, regex};
use crate::{
    network,
    report::{Path, Report},
    semver,
    tree::{Node, Value, quote},
};

/// The one operator of a match.
pub(super) fn operator(fields: &mut Fields<'_>, report: &mut Report) -> Option<Operator> {
    const NAMES: [&str; 10] =
        ["present", "exact", "in", "prefix", "suffix", "contains", "regex", "range", "semver", "cidr"];
    let given: Vec<(&'static str, &Node)> =
        NAMES.into_iter().filter_map(|name| fields.optional(name).map(|node| (name, node))).collect();
    let fold_node = fields.optional("ignoreCase");
    let fold = fold_node.and_then(|node| boolean(node, &fields.path().field("ignoreCase"), report));
    let prereleases = fields.optional("includePrerelease");
    let [(name, node)] = given.as_slice() else {
        let (code, found) = match given.as_slice() {
            [] => ("no-operator", "no operator".to_owned()),
            _ => ("several-operators", format!("{} operators", given.len())),
        };
        let expected = format!("exactly one of {}", fields::one_of(&NAMES));
        report.error(code, fields.path(), fields.node().span.clone(), found, expected);
        return None;
    };
    let path = fields.path().field(name);
    if let Some(fold_node) = fold_node.filter(|_| matches!(*name, "present" | "range" | "semver" | "cidr")) {
        let expected = format!("no ignoreCase: {name} compares no letters");
        report.wrong("needless-ignore-case", &fields.path().field("ignoreCase"), fold_node, expected);
    }
    if let Some(node) = prereleases.filter(|_| *name != "semver") {
        let expected = format!("no includePrerelease: {name} compares no versions");
        report.wrong("needless-include-prerelease", &fields.path().field("includePrerelease"), node, expected);
    }
    let fold = fold.unwrap_or(false);
    match *name {
        "present" => present(node, &path, report),
        "in" => list(node, &path, report).map(|operands| Operator::In { operands, fold }),
        "range" => range(node, &path, report),
        "regex" => regex::operator(node, &path, fold, report),
        "semver" => {
            let include = prereleases.map(|node| boolean(node, &fields.path().field("includePrerelease"), report));
            versions(node, &path, include.unwrap_or(Some(false)), report)
        }
        "cidr" => cidr(node, &path, report),
        other => {
            let how = text_operator(other);
            // An empty value can be asked for; an empty part is in every value.
            let operand = match how {
                TextOperator::Exact => names::string(node, &path, report),
                _ => names::non_empty(node, &path, report),
            };
            let operand = operand?.to_owned();
            Some(Operator::Text { how, operand, fold })
        }
    }
}

/// True or false.
pub(super) fn boolean(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<bool> {
    match node.value {
        Value::Bool(value) => Some(value),
        _ => {
            report.wrong("wrong-type", path, node, "true or false");
            None
        }
    }
}

fn present(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Operator> {
    if matches!(node.value, Value::Bool(true)) {
        return Some(Operator::Present);
    }
    report.wrong("wrong-type", path, node, "true; to ask for absence, put `present: true` under `not`");
    None
}

fn list(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Vec<String>> {
    let items = fields::items(node, path, report)?;
    let mut operands = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        operands.push(names::string(item, &path.item(index), report).map(str::to_owned));
    }
    operands.into_iter().collect()
}

fn range(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Operator> {
    let mut fields = Fields::open_such(node, path, "{from: 1000, to: 1999}", report)?;
    let from = fields.optional("from").map(|node| integer(node, &path.field("from"), report));
    let to = fields.optional("to").map(|node| integer(node, &path.field("to"), report));
    fields.finish(report);
    if from.is_none() && to.is_none() {
        report.wrong("empty-range", path, node, "from, to or both");
        return None;
    }
    let (from, to) = (from.unwrap_or(Some(i64::MIN))?, to.unwrap_or(Some(i64::MAX))?);
    if from > to {
        let found = format!("from {from} to {to}");
        report.error("empty-range", path, node.span.clone(), found, "from at most to");
        return None;
    }
    Some(Operator::Range { from, to })
}

fn versions(node: &Node, path: &Path<'_>, prereleases: Option<bool>, report: &mut Report) -> Option<Operator> {
    let text = names::string(node, path, report)?;
    if text.len() > semver::RANGE_LIMIT {
        let found = format!("a range of {} bytes", text.len());
        report.error("bad-semver", path, node.span.clone(), found, format!("at most {}", semver::RANGE_LIMIT));
        return None;
    }
    let range = semver::parse(text, prereleases.unwrap_or(false));
    let comparisons = range.as_ref().map_or(0, |range| range.iter().map(Vec::len).sum());
    if comparisons > semver::COMPARISONS_LIMIT {
        let found = format!("a range of {comparisons} comparisons");
        report.error("bad-semver", path, node.span.clone(), found, format!("at most {}", semver::COMPARISONS_LIMIT));
        return None;
    }
    match range {
        Ok(range) => prereleases.map(|prereleases| Operator::Semver { range, prereleases }),
        Err(word) => {
            let found = format!("{} in a range of versions", quote(&word));
            let expected = "what npm reads, such as \">=2.1.0 <3.0.0\", \"^1.4 || ~2.0.3\", \"1.2 - 1.8\" or \"3.x\": blanks between what must hold together, || between alternatives, numbers up to 9007199254740991 without leading zeros";
            report.error("bad-semver", path, node.span.clone(), found, expected);
            None
        }
    }
}

/// The operator of a list of networks.
pub(super) fn cidr(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Operator> {
    networks(node, path, report).map(Operator::Cidr)
}

/// A list of networks.
pub(super) fn networks(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Vec<network::Range>> {
    let items = fields::items(node, path, report)?;
    let mut ranges = Some(Vec::with_capacity(items.len()));
    for (index, item) in items.iter().enumerate() {
        let path = path.item(index);
        let block = names::string(item, &path, report).and_then(|text| {
            let block = network::block(text);
            block.map_err(|expected| report.wrong("bad-network", &path, item, expected)).ok()
        });
        // Leaving out what could not be read would change who matches.
        ranges = ranges.zip(block).map(|(mut ranges, block)| {
            ranges.extend(block);
            ranges
        });
    }
    ranges
}

fn integer(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<i64> {
    let integer = match &node.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    };
    if integer.is_none() {
        report.wrong("wrong-type", path, node, "a whole number of 64 bits");
    }
    integer
}

fn text_operator(name: &str) -> TextOperator {
    match name {
        "prefix" => TextOperator::Prefix,
        "suffix" => TextOperator::Suffix,
        "contains" => TextOperator::Contains,
        _ => TextOperator::Exact,
    }
}
