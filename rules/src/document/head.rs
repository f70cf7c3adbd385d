//! What every kind of document begins with.

use super::{Fields, Name, fields, names};
use crate::{
    report::{Path, Report},
    tree::Node,
};

/// Takes what apiVersion and kind left over: the name, and what belongs to the kind.
pub(super) fn name_and_spec<'n>(mut document: Fields<'n>, report: &mut Report) -> (Option<Name>, Option<&'n Node>) {
    let name = document.required("metadata", report).and_then(|node| metadata(node, report));
    let spec = document.required("spec", report);
    document.finish(report);
    (name, spec)
}

/// The name of the document; labels are the operator's own.
fn metadata(node: &Node, report: &mut Report) -> Option<Name> {
    let path = Path::DOCUMENT;
    let path = path.field("metadata");
    let mut fields = Fields::open(node, &path, report)?;
    let name = fields.required("name", report);
    if let Some(labels) = fields.optional("labels") {
        let path = path.field("labels");
        for entry in fields::entries(labels, &path, report).unwrap_or_default() {
            names::string(&entry.node, &path.field(&entry.key), report);
        }
    }
    fields.finish(report);
    names::id(name?, &path.field("name"), report)
}
