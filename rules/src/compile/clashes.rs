//! What is wrong with documents that are each right by themselves.

use std::collections::BTreeMap;

use crate::{
    document::Name,
    report::{Path, Report},
    tree::quote,
};

/// Refuses each name that an earlier one of the documents has.
pub(crate) fn refuse_namesakes<'a>(names: impl Iterator<Item = (usize, &'a Name)>, report: &mut Report) {
    let mut seen = BTreeMap::new();
    for (index, name) in names {
        if let Some(first) = seen.insert(&name.text, index) {
            report.begin(index);
            let path = Path::DOCUMENT;
            let path = path.field("metadata");
            let found = format!("the name {}, which document {} has", quote(&name.text), first.saturating_add(1));
            report.error("duplicate-name", &path.field("name"), name.span.clone(), found, "a name of its own");
        }
    }
}
