//! A proposal into a revision: applied, compiled, compared, written.

use std::sync::Arc;

use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot};
use graylane_store::{Action, fetch};

use super::{
    Base, Difference, Proposal, Refusal, Revisions, Running, Sample,
    base::rule_sets,
    composing::{Asked, Composed, compose},
    content::Content,
    writing::{Draft, Written},
};
use crate::{
    documents::{Compiled, ParsedDocument},
    finding::Finding,
    movement::Movement,
};

/// So often a proposal is tried again where the head moved meanwhile.
const ATTEMPTS: usize = 20;

/// What came of a proposal.
#[derive(Debug)]
pub enum Outcome {
    /// It is a revision, which is to run.
    Made(Box<Running>),
    /// It would be one; nothing was written.
    Planned,
    /// What it asks for is what stands; nothing was written.
    Unchanged,
}

/// What came of a proposal, and what it is about.
#[derive(Debug)]
pub struct Made {
    /// What came of it.
    pub outcome: Outcome,
    /// The revision it follows, or which stays.
    pub base: Option<Revision>,
    /// How it differs from that.
    pub difference: Difference,
    /// The files of the locks that were made.
    pub locks: Vec<String>,
    /// What whoever asked should know.
    pub notes: Vec<String>,
    /// What is odd about the documents.
    pub warnings: Vec<Finding>,
    /// Which of the identities move that were named.
    pub movement: Option<Movement>,
}

impl Revisions {
    /// Makes the revision that `proposal` asks for.
    ///
    /// # Errors
    /// Why there is none; nothing has changed then, but for [`Refusal::Unknown`].
    pub async fn make(&self, proposal: &Proposal) -> Result<Made, Refusal> {
        Self::check_words(&proposal.actor, &proposal.reason, &proposal.source)?;
        let mut first = None;
        for _ in 0..ATTEMPTS {
            let (ground, base) = self.base().await?;
            let expected = proposal.expect.or(*first.get_or_insert(base.revision()));
            let bound = proposal.expect.is_some() || !proposal.wish.is_independent();
            if bound && expected != base.revision() {
                return Err(self.moved(expected, &base));
            }
            let content = self.content(proposal, &base).await?;
            let (action, notes) = (content.action.clone(), content.notes.clone());
            let composed = self.composed(content, &base, proposal.sample.clone()).await?;
            refuse_frozen(&composed, &action, &base)?;
            if composed.is_as(&base) {
                return Ok(composed.into_made(&base, notes, |_, _| Outcome::Unchanged));
            }
            if proposal.dry_run {
                return Ok(composed.into_made(&base, notes, |_, _| Outcome::Planned));
            }
            let draft = Draft { proposal, action, base: &base, composed: &composed };
            if let Written::Done(head, manifest) = self.write(&ground, &draft).await? {
                let running = |snapshot, parsed| Box::new(Running { head, manifest, snapshot, documents: parsed });
                return Ok(
                    composed.into_made(&base, notes, |snapshot, parsed| Outcome::Made(running(snapshot, parsed)))
                );
            }
        }
        let (_, base) = self.base().await?;
        Err(self.moved(first.flatten(), &base))
    }

    async fn composed(&self, content: Content, base: &Arc<Base>, sample: Option<Sample>) -> Result<Composed, Refusal> {
        let compiled = self.compiled_before(&content, base).await?;
        let asked = match (sample, base.head) {
            (Some(sample), Some(head)) => Some(Asked { sample, running: self.load(&head).await?.snapshot }),
            _ => None,
        };
        let (base, owned) = (Arc::clone(base), self.owned.clone());
        let composed = tokio::task::spawn_blocking(move || compose(content, &base, compiled, &owned, asked));
        let ended = |why| Refusal::Unfit(format!("compiling ended unexpectedly ({why}), which is a fault of graylane"));
        composed.await.map_err(ended)?
    }

    /// What the content was compiled to before, where that was the same under the same overlay, and this build can use it.
    async fn compiled_before(&self, content: &Content, base: &Base) -> Result<Option<Compiled>, Refusal> {
        let Some(same) = &content.same_as else { return Ok(None) };
        // An epoch begins with a restore: what came with a backup was compiled by nobody knows whom.
        if base.revision().is_none_or(|head| head.epoch != same.manifest.revision.epoch) {
            return Ok(None);
        }
        let (was, is) = (&same.manifest.overlay, &content.overlay);
        let entry = &same.manifest.snapshot;
        if was.off_names() != is.off_names() || was.switches != is.switches || entry.format != SNAPSHOT_FORMAT {
            return Ok(None);
        }
        let snapshot = Snapshot::load(fetch(&*self.store, &entry.object).await?).ok();
        let parsed = same.parsed.clone();
        Ok(snapshot.map(|snapshot| Compiled { snapshot, warnings: Vec::new(), parsed, automata: Vec::new() }))
    }

    fn moved(&self, expected: Option<Revision>, base: &Base) -> Refusal {
        match &base.manifest {
            Some(head) => {
                let (head, difference) = (Box::new(head.clone()), Box::new(Difference::read(&head.difference)));
                Refusal::Moved { expected, head, difference }
            }
            None => Refusal::Unfit("found nothing published, expected a revision to follow".to_owned()),
        }
    }
}

impl Composed {
    /// What came of it, once that is known.
    fn into_made(
        self,
        base: &Base,
        notes: Vec<String>,
        outcome: impl FnOnce(Snapshot, Vec<ParsedDocument>) -> Outcome,
    ) -> Made {
        let Self { parsed, snapshot, difference, locks, warnings, movement, .. } = self;
        let (outcome, base) = (outcome(snapshot, parsed), base.revision());
        Made { outcome, base, difference, locks, notes, warnings, movement }
    }
}

/// Off is always possible: it is what ends harm.
fn refuse_frozen(composed: &Composed, action: &Action, base: &Base) -> Result<(), Refusal> {
    let difference = &composed.difference;
    let harmless = matches!(action, Action::Off { .. } | Action::Freeze { .. } | Action::Unfreeze { .. });
    if harmless || difference.is_empty() {
        return Ok(());
    }
    let touched = match action {
        Action::On { rule_set: Some(name) } => vec![name.clone()],
        // All that are off come on.
        Action::On { rule_set: None } => {
            let overlay = base.overlay();
            let off = overlay.off_names();
            let names = rule_sets(&base.documents).into_iter();
            names.filter(|name| overlay.is_all_off() || off.contains(&Some(*name))).map(str::to_owned).collect()
        }
        // An override changes the rule sets that have the switch, though their documents stay.
        _ => difference.names().into_iter().chain(composed.overridden.iter().cloned()).collect(),
    };
    let frozen = base
        .overlay()
        .frozen
        .into_iter()
        .find(|freeze| freeze.rule_set.as_ref().is_none_or(|name| touched.contains(name)));
    match frozen {
        Some(freeze) => {
            let rule_sets = if touched.is_empty() { difference.overlay.clone() } else { touched };
            Err(Refusal::Frozen { freeze, rule_sets })
        }
        None => Ok(()),
    }
}
