//! The locks of a revision, made from those of the one it follows.

use std::{collections::BTreeSet, path::Path};

use graylane_rules::{Format, Outline};

use super::{Refusal, files::free};
use crate::{
    documents::Document,
    lock::plan::{Wishes, plans},
};

/// Adds a lock to each rule set of `documents` that needs one and has none: from what the one in `running` remembers, as
/// few slots move as the weights require. Gives the file names of those that were added.
///
/// A lock that came with the documents is taken as it is: whoever gives it says who is where.
///
/// # Errors
/// Where a split would have too many ranges.
pub fn complete(documents: &mut Vec<Document>, outline: &Outline, running: &Outline) -> Result<Vec<String>, Refusal> {
    let wishes = Wishes { running: Some(running.clone()), ..Wishes::default() };
    let plans = plans(outline, &wishes).map_err(Refusal::Unfit)?;
    let mut taken: BTreeSet<String> = documents.iter().map(|document| document.file.clone()).collect();
    let mut made = Vec::new();
    for plan in plans {
        let name = &plan.lock.rule_set;
        if plan.lock.splits.is_empty() || outline.lock(name).is_some() {
            continue;
        }
        let rule_set = outline.rule_set(name).and_then(|rule_set| documents.get(rule_set.source));
        let file = file_name(rule_set.map_or(name.as_str(), |document| document.file.as_str()), &taken);
        taken.insert(file.clone());
        documents.push(Document {
            file: file.clone(),
            format: Format::Yaml,
            text: plan.lock.text(Format::Yaml).into_bytes(),
        });
        made.push(file);
    }
    Ok(made)
}

/// `checkout.lock.yaml` for `checkout.yaml`; with a number where that is taken.
fn file_name(rule_set: &str, taken: &BTreeSet<String>) -> String {
    let stem = Path::new(rule_set).file_stem().unwrap_or_default().to_string_lossy();
    free(&format!("{stem}.lock.yaml"), taken)
}
