//! `jwtClaim`: which header carries the token, and which claim of it is meant.

use super::{Attribute, Fields, fields, names};
use crate::{
    claims::DEPTH_LIMIT,
    report::{Path, Report},
    tree::{Node, Value},
};

/// The longest claim, in bytes, all its names together.
const CLAIM_LIMIT: usize = 1_024;

/// The header that carries a token where none is named.
const HEADER: &str = "authorization";

/// What parts the header and the names of a claim in the name of an attribute.
pub(crate) const SEPARATOR: char = '\0';

/// Takes `header` and `claim` out of `fields`.
pub(super) fn attribute(fields: &mut Fields<'_>, report: &mut Report) -> Option<Attribute> {
    let path = *fields.path();
    let header = fields.optional("header").map(|node| header(node, &path.field("header"), report));
    let claim = fields.required("claim", report).and_then(|node| claim(node, &path.field("claim"), report));
    let header = header.unwrap_or_else(|| Some(HEADER.to_owned()))?;
    Some(Attribute::JwtClaim(format!("{header}{SEPARATOR}{}", claim?)))
}

fn header(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = names::header_name(node, path, report)?;
    if name == "cookie" {
        report.wrong("bad-header-name", path, node, "a header that carries a token: cookies are several in one");
        return None;
    }
    Some(name)
}

/// One name, dots and all, or the names that lead to it.
fn claim(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let names = match &node.value {
        Value::List(_) => {
            let items = fields::items(node, path, report)?;
            let names: Vec<_> =
                items.iter().enumerate().map(|(index, item)| name(item, &path.item(index), report)).collect();
            names.into_iter().collect::<Option<Vec<_>>>()?
        }
        _ => vec![name(node, path, report)?],
    };
    let claim = names.join(&SEPARATOR.to_string());
    if names.len() > DEPTH_LIMIT || claim.len() > CLAIM_LIMIT {
        let expected = format!("at most {DEPTH_LIMIT} names of together {CLAIM_LIMIT} bytes");
        report.wrong("too-deep", path, node, expected);
        return None;
    }
    Some(claim)
}

fn name<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n str> {
    let name = names::non_empty(node, path, report)?;
    if name.contains(SEPARATOR) {
        report.wrong("bad-claim", path, node, "the name of a claim, without zero bytes");
        return None;
    }
    Some(name)
}
