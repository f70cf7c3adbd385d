//! A document of kind Audience: a list of identities, under a name that rules ask for.

use std::collections::BTreeSet;

use super::{Fields, Match, Name, head, names};
use crate::{
    audience::{Fingerprint, fingerprint},
    identity::IDENTITY_LIMIT,
    report::{Path, Report},
    tree::{Node, Value},
};

/// The most identities of an audience.
const MEMBERS_LIMIT: usize = 100_000;

/// A named list of identities.
#[derive(Debug)]
pub(crate) struct Audience {
    pub(crate) name: Name,
    pub(crate) members: BTreeSet<Fingerprint>,
}

/// A mention of an audience in a rule.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) name: Name,
    /// Where it stands, in words.
    pub(crate) path: String,
}

impl Match {
    /// The audiences it asks for, in the document's order.
    pub(crate) fn mentions(&self) -> Vec<&Mention> {
        match self {
            Match::All(inner) | Match::Any(inner) => inner.iter().flat_map(Match::mentions).collect(),
            Match::Not(inner) => inner.mentions(),
            Match::Audience(mention) => vec![mention],
            _ => Vec::new(),
        }
    }
}

/// Decodes what apiVersion and kind left over.
pub(super) fn decode(document: Fields<'_>, report: &mut Report) -> Option<Audience> {
    let (name, spec) = head::name_and_spec(document, report);
    let path = Path::SPEC;
    let mut spec = Fields::open(spec?, &path, report)?;
    let identities = spec.required("identities", report);
    spec.finish(report);
    let members = members(identities?, &path.field("identities"), report)?;
    Some(Audience { name: name?, members })
}

fn members(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<BTreeSet<Fingerprint>> {
    let Value::List(items) = &node.value else {
        report.wrong("wrong-type", path, node, "a list of identities");
        return None;
    };
    if items.len() > MEMBERS_LIMIT {
        report.wrong("too-many", path, node, format!("at most {MEMBERS_LIMIT} identities"));
        return None;
    }
    let mut members = Some(BTreeSet::new());
    for (index, item) in items.iter().enumerate() {
        let path = path.item(index);
        // Without one that could not be read it would be another audience.
        let Some(identity) = identity(item, &path, report) else {
            members = None;
            continue;
        };
        if members.as_mut().is_some_and(|members| !members.insert(fingerprint(identity.as_bytes()))) {
            let found = format!("the identity {} a second time", crate::tree::quote(identity));
            report.warning("duplicate-identity", &path, item.span.clone(), found, "each identity once");
        }
    }
    members
}

fn identity<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n str> {
    let identity = names::non_empty(node, path, report)?;
    if identity.len() > IDENTITY_LIMIT {
        report.wrong(
            "bad-identity",
            path,
            node,
            format!("at most {IDENTITY_LIMIT} bytes: what is longer is no identity"),
        );
        return None;
    }
    Some(identity)
}
