//! What is proposed, completed, compiled, and compared with what stands.

use std::collections::{BTreeMap, BTreeSet};

use graylane_rules::Snapshot;
use graylane_store::{Digest, Overlay};

use super::{
    Base, Difference, Refusal, Sample,
    content::{Content, Same},
    listed, locks, overridden,
};
use crate::{
    documents::{self, Compiled, Document, Gathered, ParsedDocument},
    finding::Finding,
    movement::{self, Movement},
};

/// What is to be written, compiled.
pub struct Composed {
    pub documents: Vec<Document>,
    pub parsed: Vec<ParsedDocument>,
    pub snapshot: Snapshot,
    pub overlay: Overlay,
    pub difference: Difference,
    /// The rule sets whose switches are overridden otherwise than before.
    pub overridden: BTreeSet<String>,
    /// Pieces that are there already, and stay.
    pub kept: BTreeSet<Digest>,
    pub locks: Vec<String>,
    pub warnings: Vec<Finding>,
    pub movement: Option<Movement>,
}

/// What a movement is told of: those who were named, and what decides them now.
pub struct Asked {
    pub sample: Sample,
    pub running: Snapshot,
}

impl Composed {
    /// Whether it is what stands.
    pub fn is_as(&self, base: &Base) -> bool {
        let held = base.documents.iter().map(|held| (held.entry.file.as_str(), &*held.text));
        let held: BTreeMap<_, _> = held.collect();
        let same = |document: &Document| held.get(document.file.as_str()).is_some_and(|text| **text == *document.text);
        base.manifest.is_some()
            && self.overlay == base.overlay()
            && self.documents.len() == base.documents.len()
            && self.documents.iter().all(same)
    }
}

/// Completes, compiles and compares. Takes milliseconds, and more where there are many documents.
pub fn compose(
    content: Content,
    base: &Base,
    before: Option<Compiled>,
    owned: &[String],
    asked: Option<Asked>,
) -> Result<Composed, Refusal> {
    let Content { mut documents, overlay, same_as, .. } = content;
    let is_base = |same: &Same| base.manifest.as_ref().is_some_and(|head| head.documents == same.manifest.documents);
    let running = listed::outline_of(base);
    let mut outline = match &same_as {
        Some(same) if is_base(same) => running.clone(),
        _ => listed::outline(&documents)?,
    };
    let locks = locks::complete(&mut documents, &outline, &running)?;
    if !locks.is_empty() {
        outline = listed::outline(&documents)?;
    }
    let gathered = Gathered::given(documents).under(overlay.clone());
    let compiled = match before.filter(|_| locks.is_empty()) {
        Some(compiled) => compiled,
        None => documents::compiled(&gathered, owned).map_err(Refusal::Broken)?,
    };
    let difference = Difference::between((&running, &base.overlay()), (&outline, &overlay));
    let overridden = overridden::rule_sets((&base.overlay().switches, &overlay.switches), &[&running, &outline]);
    let movement = asked.map(|Asked { sample, running: snapshot }| {
        let (old, new) = ((&snapshot, &running), (&compiled.snapshot, &outline));
        movement::between(old, new, &sample.identities, &sample.url).map_err(Refusal::Unfit)
    });
    Ok(Composed {
        documents: gathered.documents,
        parsed: compiled.parsed,
        snapshot: compiled.snapshot,
        overlay,
        difference,
        overridden,
        kept: same_as.map(|same| same.pieces).unwrap_or_default(),
        locks,
        warnings: compiled.warnings,
        movement: movement.transpose()?,
    })
}
