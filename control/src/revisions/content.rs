//! What a revision is to hold: a wish, applied to what stands.

use std::collections::BTreeSet;

use graylane_rules::{Revision, nearest};
use graylane_store::{Action, Digest, Freeze, Manifest, Overlay, SwitchedOff, manifest};
use jiff::Timestamp;

use super::{
    Base, Held, Proposal, Refusal, Revisions, Wish,
    base::{pieces, rule_sets},
    files, listed, words,
};
use crate::{
    documents::{Document, ParsedDocument},
    plural::counted,
};

/// What a revision is to hold.
#[derive(Debug)]
pub struct Content {
    /// What is done.
    pub action: Action,
    /// Its documents; locks may be missing.
    pub documents: Vec<Document>,
    /// What stands above them.
    pub overlay: Overlay,
    /// What whoever asked should know.
    pub notes: Vec<String>,
    /// The revision whose documents these are, unchanged: what it was compiled to may be used again.
    pub same_as: Option<Same>,
}

/// A revision, and which parser read which of its documents.
#[derive(Debug)]
pub struct Same {
    pub manifest: Box<Manifest>,
    pub parsed: Vec<ParsedDocument>,
    /// The pieces of its documents. They stay: its manifest was read on the ground that the next one is written on.
    pub pieces: BTreeSet<Digest>,
}

impl Same {
    fn of(manifest: &Manifest, held: &[Held]) -> Self {
        Self {
            manifest: Box::new(manifest.clone()),
            parsed: held.iter().map(Held::parsed).collect(),
            pieces: pieces(manifest, held),
        }
    }
}

impl Revisions {
    /// Applies the wish of `proposal` to `base`.
    ///
    /// # Errors
    /// Where it names what is not there, or changes nothing that it could change.
    pub async fn content(&self, proposal: &Proposal, base: &Base) -> Result<Content, Refusal> {
        match &proposal.wish {
            Wish::Publish { documents, rule_set, switches } => {
                let mut content = published(documents, rule_set.as_deref(), base)?;
                if let Some(switches) = switches {
                    content.overlay.switches.clone_from(switches);
                }
                Ok(content)
            }
            Wish::Rollback { to, rule_set } => self.rolled_back(*to, rule_set.as_deref(), base).await,
            Wish::Off(rule_set) => {
                let off = |overlay: &mut Overlay, name: Option<&String>| off(overlay, name, proposal, self.now());
                overlaid(base, rule_set.as_ref(), Action::Off { rule_set: rule_set.clone() }, off)
            }
            Wish::On(rule_set) => overlaid(base, rule_set.as_ref(), Action::On { rule_set: rule_set.clone() }, on),
            Wish::Freeze(rule_set) => {
                let freeze = |overlay: &mut Overlay, name: Option<&String>| freeze(overlay, name, proposal, self.now());
                overlaid(base, rule_set.as_ref(), Action::Freeze { rule_set: rule_set.clone() }, freeze)
            }
            Wish::Unfreeze(rule_set) => {
                overlaid(base, rule_set.as_ref(), Action::Unfreeze { rule_set: rule_set.clone() }, unfreeze)
            }
        }
    }

    async fn rolled_back(&self, to: Option<Revision>, rule_set: Option<&str>, base: &Base) -> Result<Content, Refusal> {
        let is_rollback = base.manifest.as_ref().is_some_and(|head| matches!(head.action, Action::Rollback { .. }));
        let undone = (to.is_none() && is_rollback)
            .then(|| "what stood was a rollback, which this undoes: --to N goes further back".to_owned());
        let target = match to {
            Some(to) => manifest(&*self.store, &self.namespace, to).await?.map_err(Refusal::NotKept)?,
            None => self.before(base).await?,
        };
        let to = target.revision;
        let back = format!("back to what {to} held: {} by {}: {}", words(&target.action), target.actor, target.reason);
        let held = self.held(&target, Some(base)).await?;
        let name = rule_set.map(str::to_owned);
        let action = Action::Rollback { to, rule_set: name };
        let mut overlay = base.overlay();
        let Some(name) = rule_set else {
            // What is switched off stays off: going back is no reason to begin again with what did harm.
            overlay.switches.clone_from(&target.overlay.switches);
            let documents = files::of_revision(&held).map_err(|why| unusable(to, &why))?;
            let mut notes = vec![back];
            notes.extend(off_again(&overlay, base, &rule_sets(&held)));
            notes.extend(undone);
            let same_as = Some(Same::of(&target, &held));
            return Ok(Content { action, documents, overlay, notes, same_as });
        };
        let was: Vec<_> = held.iter().filter(|held| is_of(held, name)).cloned().collect();
        if was.is_empty() {
            return Err(Refusal::Unfit(unknown(name, &format!("revision {to}"), rule_sets(&held).into_iter())));
        }
        let was = files::of_revision(&was).map_err(|why| unusable(to, &why))?;
        expect_all_of(name, &was).map_err(|why| unusable(to, &why))?;
        let others = base.documents.iter().filter(|held| !is_of(held, name)).map(Held::document);
        let documents = files::beside(others.collect(), was);
        let mut notes = vec![back];
        notes.extend(off_again(&overlay, base, &[name]));
        Ok(Content { action, documents, overlay, notes, same_as: None })
    }

    /// The last revision before the head that holds something else: to go back to what was switched off or frozen since
    /// would change nothing.
    async fn before(&self, base: &Base) -> Result<Manifest, Refusal> {
        let nothing = || {
            let found = "found no revision before this one that holds something else, expected one to go back to";
            Refusal::Unfit(found.to_owned())
        };
        let head = base.manifest.as_ref().ok_or_else(nothing)?;
        let holds = |manifest: &Manifest| (manifest.documents.sha256, manifest.overlay.switches.clone());
        let mut link = head.previous;
        while let Some(earlier) = link {
            let Ok(found) = manifest(&*self.store, &self.namespace, earlier.revision).await? else { break };
            if holds(&found) != holds(head) {
                return Ok(found);
            }
            link = found.previous;
        }
        Err(nothing())
    }

    fn now(&self) -> Timestamp {
        self.clock.now().wall
    }
}

/// Whether a document is a rule set of this name, or its lock.
fn is_of(held: &Held, name: &str) -> bool {
    held.entry.name == name && (held.entry.kind == "RuleSet" || held.entry.kind == "AllocationLock")
}

fn published(documents: &[Document], rule_set: Option<&str>, base: &Base) -> Result<Content, Refusal> {
    let action = Action::Publish { rule_set: rule_set.map(str::to_owned) };
    files::expect_each_once(documents).map_err(|why| Refusal::Unfit(format!("documents: {why}")))?;
    let outline = listed::outline(documents)?;
    let Some(name) = rule_set else {
        let (documents, overlay) = (documents.to_vec(), base.overlay());
        let gone = rule_sets(&base.documents).into_iter().filter(|name| outline.rule_set(name).is_none()).count();
        let one = "--rule-set NAME publishes one alone";
        let mut notes = if gone == 0 {
            Vec::new()
        } else {
            let are = if gone == 1 { "is" } else { "are" };
            vec![format!("{} {are} removed, for documents take the place of all; {one}", counted(gone, "rule set"))]
        };
        let names: Vec<_> = outline.rule_sets.iter().map(|rule_set| rule_set.name.as_str()).collect();
        notes.extend(off_again(&overlay, base, &names));
        return Ok(Content { action, documents, overlay, notes, same_as: None });
    };
    if outline.rule_set(name).is_none() {
        let names = outline.rule_sets.iter().map(|rule_set| rule_set.name.as_str());
        return Err(Refusal::Unfit(unknown(name, "the documents", names)));
    }
    let mine = listed::of_rule_set(&outline, name);
    let left_out = documents.len().saturating_sub(mine.len());
    let mut notes = if left_out == 0 { Vec::new() } else { vec![format!("{left_out} other documents are left out")] };
    let others = base.documents.iter().filter(|held| !is_of(held, name)).map(Held::document);
    let new = mine.iter().filter_map(|place| documents.get(*place)).cloned();
    let documents = files::beside(others.collect(), new.collect());
    notes.extend(off_again(&base.overlay(), base, &[name]));
    Ok(Content { action, documents, overlay: base.overlay(), notes, same_as: None })
}

/// The same documents under another overlay, which `change` makes of the one that stands.
fn overlaid(
    base: &Base,
    rule_set: Option<&String>,
    action: Action,
    change: impl Fn(&mut Overlay, Option<&String>) -> Result<(), String>,
) -> Result<Content, Refusal> {
    let nothing = || Refusal::Unfit("found nothing published, expected rule sets".to_owned());
    let manifest = base.manifest.as_ref().ok_or_else(nothing)?;
    let names = rule_sets(&base.documents);
    let overlay = base.overlay();
    // What was switched off or frozen before it was removed still is, and can be ended; of what is not there nothing else can be
    // said.
    let ends = match action {
        Action::On { .. } | Action::Off { .. } => overlay.off_names(),
        Action::Unfreeze { .. } | Action::Freeze { .. } => overlay.frozen_names(),
        _ => Vec::new(),
    };
    let is_known = |name: &str| names.contains(&name) || ends.contains(&Some(name));
    if let Some(name) = rule_set.filter(|name| !is_known(name)) {
        return Err(Refusal::Unfit(unknown(name, "what is published", names.into_iter())));
    }
    let mut overlay = base.overlay();
    change(&mut overlay, rule_set).map_err(Refusal::Unfit)?;
    let documents = base.documents.iter().map(Held::document).collect();
    Ok(Content { action, documents, overlay, notes: Vec::new(), same_as: Some(Same::of(manifest, &base.documents)) })
}

fn off(overlay: &mut Overlay, name: Option<&String>, asked: &Proposal, at: Timestamp) -> Result<(), String> {
    // Who said so first is who did it.
    if overlay.is_all_off() || overlay.off.iter().any(|off| off.rule_set.as_ref() == name) {
        return Ok(());
    }
    if name.is_none() {
        overlay.off.clear();
    }
    let (actor, reason) = (asked.actor.clone(), asked.reason.clone());
    overlay.off.push(SwitchedOff { rule_set: name.cloned(), actor, at, reason });
    overlay.off.sort_by(|one, other| one.rule_set.cmp(&other.rule_set));
    Ok(())
}

fn on(overlay: &mut Overlay, rule_set: Option<&String>) -> Result<(), String> {
    let Some(name) = rule_set else {
        overlay.off.clear();
        return Ok(());
    };
    if overlay.is_all_off() {
        return Err(format!("found that all rule sets are off, expected {name} to be off by itself: `graylane on`"));
    }
    overlay.off.retain(|off| off.rule_set.as_ref() != Some(name));
    Ok(())
}

fn freeze(overlay: &mut Overlay, name: Option<&String>, asked: &Proposal, at: Timestamp) -> Result<(), String> {
    if overlay.frozen.iter().any(|frozen| frozen.rule_set.as_ref() == name) {
        return Ok(());
    }
    let (actor, reason) = (asked.actor.clone(), asked.reason.clone());
    overlay.frozen.push(Freeze { rule_set: name.cloned(), actor, at, reason });
    Ok(())
}

fn unfreeze(overlay: &mut Overlay, name: Option<&String>) -> Result<(), String> {
    overlay.frozen.retain(|frozen| frozen.rule_set.as_ref() != name);
    Ok(())
}

/// That rule sets come back which were switched off before they went, and stay off.
fn off_again(overlay: &Overlay, base: &Base, names: &[&str]) -> Option<String> {
    let before = rule_sets(&base.documents);
    let off = overlay.off_names().into_iter().flatten();
    let again: Vec<_> = off.filter(|name| names.contains(name) && !before.contains(name)).collect();
    (!again.is_empty()).then(|| format!("still off until `graylane on`: {}", again.join(", ")))
}

/// That these are the rule set of this name, and perhaps its lock, and nothing besides.
fn expect_all_of(name: &str, documents: &[Document]) -> Result<(), String> {
    let outline = listed::outline(documents).map_err(|why| why.to_string())?;
    if listed::of_rule_set(&outline, name).len() == documents.len() {
        return Ok(());
    }
    Err(format!("found documents of others under the name of the rule set {name}, expected its own"))
}

/// That a revision cannot be gone back to: what was found in it, and what would be right.
fn unusable(revision: Revision, why: &str) -> Refusal {
    Refusal::Unfit(format!("revision {revision}: {why}"))
}

fn unknown<'n>(name: &str, place: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    let meant = nearest(name, names.iter().copied()).map(|near| format!("; did you mean {near}?"));
    let few: Vec<_> = names.iter().take(8).copied().collect();
    let more = if names.len() > few.len() { ", …" } else { "" };
    let expected = if few.is_empty() { "one that has rule sets".to_owned() } else { few.join(", ") + more };
    format!("found no rule set {name} in {place}, expected one of {expected}{}", meant.unwrap_or_default())
}
