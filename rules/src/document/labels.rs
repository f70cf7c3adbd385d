//! `labels`: what the Envoy node must be labelled with, all of it.

use super::{Attribute, Match, NAMES_LIMIT, Operator, TextOperator, fields, names};
use crate::{
    report::{Path, Report},
    tree::{Node, quote},
};

/// The longest name of a label, in bytes: Kubernetes allows 253 of a prefix, a slash and 63 behind it.
const NAME_LIMIT: usize = 317;

/// Whether a label can be asked for by this name. Proxies take the parts of a property's path to be joined by NUL.
pub(crate) fn is_name(name: &[u8]) -> bool {
    (1..=NAME_LIMIT).contains(&name.len()) && !name.iter().any(u8::is_ascii_control)
}

/// Decodes a map of labels and their values; one match if there is one, else all of them.
pub(super) fn decode(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Match> {
    let entries = fields::entries_such(node, path, "{region: us}", report)?;
    if !(1..=NAMES_LIMIT).contains(&entries.len()) {
        report.wrong("wrong-type", path, node, format!("1 to {NAMES_LIMIT} labels, such as {{region: us}}"));
        return None;
    }
    let mut tests = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = path.field(&entry.key);
        let named = is_name(entry.key.as_bytes());
        if !named {
            let expected = format!("the name of a label: 1 to {NAME_LIMIT} bytes, no control characters");
            report.error("bad-label", &path, entry.key_span.clone(), quote(&entry.key), expected);
        }
        let value = names::string(&entry.node, &path, report).filter(|_| named);
        tests.push(value.map(|value| {
            let exact = Operator::Text { how: TextOperator::Exact, operand: value.to_owned(), fold: false };
            Match::Test(Attribute::Label(entry.key.clone()), exact)
        }));
    }
    // Leaving out what could not be read would let in other nodes.
    let mut tests: Vec<Match> = tests.into_iter().collect::<Option<_>>()?;
    if tests.len() == 1 { tests.pop() } else { Some(Match::All(tests)) }
}
